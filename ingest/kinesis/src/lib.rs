//! The Kinesis Data Streams front door: AWS's operations over [`shard_store::stream`].
//!
//! [`Kinesis`] is mounted into an [`ingest_core::Router`]. `operations.rs` is the table of all operations of the
//! model; each that is there has a file in `ops`. Plain operations are serde shapes in and out; those that several share are in `model.rs`. The hot ones,
//! `PutRecord`, `PutRecords` and `GetRecords`, borrow from the body: data is checked to be base64 for the whole request,
//! and then decoded straight into the log; answers are written straight into one buffer.
//!
//! A request is handled in this order, so that nothing is written unless all of it is good: decode, base64, constraints
//! of the model (all failures at once), the stream, what depends on the stream.
//!
//! What shards, positions, throttles and retention are is decided in [`shard_store::stream`]; texts of its errors in
//! [`ingest_core::fault::kinesis`].

mod access;
mod channel;
mod door;
mod json;
mod limits;
mod metrics;
mod model;
mod operations;
mod ops;
mod page;
mod queue;
mod reference;
mod resource;
mod shard_metrics;
mod subscriptions;
mod text;
mod validate;

pub use door::Kinesis;
pub use shard_store::stream::Options;
