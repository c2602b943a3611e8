//! The commands, one module each: its arguments come from [`crate::cli`], its result goes to [`crate::main`].

pub(crate) mod ask;
pub(crate) mod delivery;
pub(crate) mod key;
pub(crate) mod put;
pub(crate) mod quickstart;
pub(crate) mod serve;
pub(crate) mod stream;
pub(crate) mod tail;
pub(crate) mod verify;

use std::sync::Arc;

use consumers::model::ListShardsOutput;
use consumers::{CallError, Endpoint, HttpClient, Kinesis};

use crate::failure::Failure;

/// A client of `endpoint`, once it has answered that `stream` exists: a mistake is told at once rather than after retries.
pub(crate) async fn connect(endpoint: &str, stream: &str) -> Result<Arc<HttpClient>, Failure> {
    let client = HttpClient::new(Endpoint::from_environment(endpoint)?)?;
    let _: ListShardsOutput =
        client.list_shards(stream, None).await.map_err(|error| about_stream(error, stream, endpoint))?;
    Ok(Arc::new(client))
}

/// The failure of a call about a stream.
pub(crate) fn about_stream(error: CallError, stream: &str, endpoint: &str) -> Failure {
    match error.code() {
        Some("ResourceNotFoundException") => {
            Failure::NoStream { stream: stream.to_owned(), endpoint: endpoint.to_owned() }
        }
        _ => error.into(),
    }
}
