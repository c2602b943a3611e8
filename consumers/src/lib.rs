//! The client side of the Kinesis API, for AWS and Headwater alike.
//!
//! ```text
//! your program ──> Producer ──┐                        ┌──> one task per shard ──> Reader ──> your program
//!                 (batches,   ├──> Kinesis (trait) ────┤    (iterators, polling)
//!                  retries)   │    HttpClient: JSON 1.1 over HTTP, SigV4
//! ```
//!
//! - [`client`]: the four calls that the rest needs, as a small trait ([`Kinesis`]), and [`HttpClient`], which makes them
//!   (and any other JSON 1.1 call) over HTTP/1.1 or HTTP/2 with Signature Version 4.
//! - [`Producer`]: gathers records into requests of at most 500 records and 5 MiB, keeps several in flight, and sends
//!   again only the entries that failed. Delivery is at least once: a request whose answer was lost is sent again.
//! - [`Reader`]: follows every shard of a stream, parents before their children.
//! - [`Streams`]: creates, describes, reshards and deletes streams.
//! - [`Deliveries`]: lists, describes, replays and deletes delivery streams.
//!
//! Memory is bounded by the options of either side. What this crate does not do: leases and checkpoints (every reader reads
//! all shards), enhanced fan-out, aggregation.

mod backoff;
pub mod client;
pub mod deliveries;
mod error;
pub mod limits;
pub mod model;
pub mod producer;
pub mod reader;
mod request;
pub mod streams;

pub use client::{Credentials, Endpoint, HttpClient, Kinesis, Service};
pub use deliveries::Deliveries;
pub use error::{CallError, EndpointError, ProduceError, ReadError};
pub use producer::Producer;
pub use reader::Reader;
pub use request::PutRecordsRequest;
pub use streams::Streams;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
