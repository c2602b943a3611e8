//! The Data Firehose front door: AWS's operations over the library [`firehose`].
//!
//! [`Firehose`] is mounted into an [`ingest_core::Router`]. [`operations`](Firehose) is the table of all operations of the
//! model; each that is there has a file in `ops`. A configuration is acted on as a whole or refused: a member that would
//! be stored without effect is an `InvalidArgumentException` that names it. The data of `PutRecord` and `PutRecordBatch`
//! is decoded straight from the body into the log.
//!
//! What buffering, conversion, prefixes and exactly-once delivery are is decided in [`firehose`]; texts of its errors in
//! [`ingest_core::fault::firehose`].

mod attributes;
mod door;
mod limits;
mod metrics;
mod model;
mod operations;
mod ops;
mod validate;

pub use ::firehose::Options;
pub use door::Firehose;
