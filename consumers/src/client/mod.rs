//! Calling a Kinesis endpoint.
//!
//! [`Kinesis`] is the little that the producer and the reader need; [`HttpClient`] is the real one. What this module does not
//! do: retry. The producer and the reader know what a retry means for their records, so they decide.

mod endpoint;
mod http;

use std::future::Future;

pub use endpoint::{Credentials, Endpoint};
pub use http::{HttpClient, Service};

use crate::error::CallError;
use crate::model::{GetRecordsOutput, ListShardsOutput, Position, PutRecordsOutput};
use crate::request::PutRecordsRequest;

/// The calls that the producer and the reader make. None of them is retried by the implementation.
pub trait Kinesis: Send + Sync + 'static {
    /// Sends one request; the answer has one result an entry, in the same order.
    fn put_records(
        &self,
        request: &PutRecordsRequest,
    ) -> impl Future<Output = Result<PutRecordsOutput, CallError>> + Send;

    /// Lists one page of the shards of `stream`: the first, or the one that `next_token` asks for.
    fn list_shards(
        &self,
        stream: &str,
        next_token: Option<&str>,
    ) -> impl Future<Output = Result<ListShardsOutput, CallError>> + Send;

    /// An iterator at `position` of a shard.
    fn shard_iterator(
        &self,
        stream: &str,
        shard_id: &str,
        position: &Position,
    ) -> impl Future<Output = Result<String, CallError>> + Send;

    /// Reads up to `record_count_max` records from an iterator on.
    fn get_records(
        &self,
        iterator: &str,
        record_count_max: u32,
    ) -> impl Future<Output = Result<GetRecordsOutput, CallError>> + Send;
}
