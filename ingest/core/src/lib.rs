//! What every front door shares.
//!
//! A **door** is an AWS service: a table of operations over one state. This crate gives it everything else: the HTTP
//! listener, authentication, the protocols, request ids, faults, validation messages, metrics. A door holds no protocol
//! code.
//!
//! ```text
//! socket ─> http (limits, timeouts, drain) ─> Router ─> Auth ─> Operation of a Door ─> Output or Fault ─> answer
//! ```
//!
//! # How a door is written
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use ingest_core::{Code, Context, Door, Fault, Operations, Pattern, Validator};
//! use ingest_wire::Blob;
//! use serde::{Deserialize, Serialize};
//!
//! /// The door: its state, shared by every request.
//! struct Echo {
//!     words: Vec<String>,
//! }
//!
//! impl Door for Echo {
//!     const SERVICE: &'static str = "echo"; // in a signature's scope
//!     const TARGET_PREFIX: &'static str = "Echo_20261123"; // in X-Amz-Target
//!
//!     /// Every operation of the service's model: the plain ones, the hot ones, and those that are not there.
//!     fn operations() -> Operations<Self> {
//!         Operations::new().typed("GetWord", get_word).raw("PutWord", put_word).absent(&["DeleteWord"])
//!     }
//! }
//!
//! /// Shapes serve JSON and CBOR alike. Members are optional even where AWS requires them, so that a missing one is
//! /// reported by the validator in AWS's words.
//! #[derive(Deserialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct GetWordInput {
//!     index: Option<i64>,
//! }
//!
//! #[derive(Serialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct GetWordOutput {
//!     word: String,
//! }
//!
//! /// A plain operation: runs to its end even if the client goes away, so it may change several things in turn.
//! async fn get_word(door: Arc<Echo>, _: Context, input: GetWordInput) -> Result<GetWordOutput, Fault> {
//!     let mut validator = Validator::new();
//!     let index = validator.member("index", input.index).required().range(0, 99).value();
//!     validator.finish()?;
//!     let word = index.and_then(|index| door.words.get(usize::try_from(index).ok()?));
//!     let word = word.cloned().ok_or_else(|| Fault::new(Code::ResourceNotFound, "there is no such word"))?;
//!     Ok(GetWordOutput { word })
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct PutWordInput<'a> {
//!     #[serde(borrow)]
//!     data: Option<Blob<'a>>,
//!     name: Option<&'a str>,
//! }
//!
//! /// A hot operation: gets the body itself and borrows from it. It is dropped at an `.await` if the client goes away.
//! async fn put_word(_: Arc<Echo>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
//!     let input: PutWordInput<'_> = context.decode(&body)?;
//!     let mut validator = Validator::new();
//!     validator.member("data", input.data.as_ref()).required().length(0, 1_048_576);
//!     validator.member("name", input.name).required().length(1, 128).pattern(Pattern::NAME);
//!     validator.finish()?;
//!     context.encode(&GetWordOutput { word: input.name.unwrap_or_default().to_owned() })
//! }
//! ```
//!
//! The server mounts it: `Router::new(auth, &mut registry).door(Arc::new(echo))`, and [`http::serve`] does the rest.
//!
//! Errors of the domain below become faults in [`fault`]: one file for each domain, an exhaustive `From<…> for Fault`.
//!
//! This crate knows no service and keeps nothing on disk.

mod arn;
mod auth;
mod call_rate;
pub mod config;
mod context;
mod door;
mod event_stream;
pub mod fault;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod limits;
mod metrics;
mod operation;
pub mod policy;
pub mod records;
mod router;
mod validation;

pub use arn::{Arn, InvalidArn};
pub use auth::{Auth, InvalidCredentials};
pub use call_rate::{CallRate, CallRates, Scope};
pub use context::Context;
pub use door::Door;
pub use event_stream::{EventSink, EventStream, Place, Unread};
pub use fault::{Code, Fault};
pub use operation::{Operations, Support};
pub use router::{Page, Router};
pub use validation::{Member, Pattern, Validator, Value};
