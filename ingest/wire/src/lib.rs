//! The AWS wire protocols, without I/O.
//!
//! Everything here turns bytes into values and values into bytes; nothing here opens a socket, reads a clock or knows
//! what a stream is. That makes it easy to test, to fuzz, and to share between the server and the client.
//!
//! - [`Protocol`] names a protocol and dispatches to [`json_1_1`] or [`cbor_1_1`]. One serde struct serves both:
//!   [`Blob`] and [`Timestamp`] stand for the two types that the protocols write differently.
//! - [`ErrorBody`] is the shape of an AWS error; [`header`] names the headers that travel with every answer.
//! - [`event_stream`] frames the events of an answer that goes on for a while.
//! - [`RequestId`] is what `x-amzn-RequestId` carries.
//! - [`sigv4`] signs requests, and verifies signatures.
//!
//! ```
//! use ingest_wire::{Blob, Protocol};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct PutRecordInput<'a> {
//!     stream_name: Option<&'a str>,
//!     #[serde(borrow)]
//!     data: Option<Blob<'a>>,
//! }
//!
//! let body = br#"{"StreamName":"clicks","Data":"aGVsbG8="}"#;
//! let input: PutRecordInput<'_> = Protocol::Json11.decode(body)?;
//! assert_eq!(input.stream_name, Some("clicks"));
//! assert_eq!(&*input.data.expect("the member is there").decode()?, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It does not decide what an operation does, which status an error has (`ingest-core` does), or how bytes get here.

mod blob;
pub mod cbor_1_1;
mod error;
mod error_body;
pub mod event_stream;
pub mod header;
pub mod json_1_1;
mod map_only;
mod protocol;
mod request_id;
pub mod sigv4;
mod timestamp;

pub use blob::{Blob, InvalidBase64};
pub use error::{DecodeError, EncodeError};
pub use error_body::{ErrorBody, ReceivedError};
pub use protocol::Protocol;
pub use request_id::RequestId;
pub use timestamp::Timestamp;
