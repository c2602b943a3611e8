//! `DeregisterStreamConsumer`: its subscriptions end with it.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::describe_stream_consumer::Input;
use crate::door::Kinesis;
use crate::model::Nothing;

/// Source: Kinesis Data Streams API Reference, "DeregisterStreamConsumer".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let key = input.consumer(&door.streams, &context)?;
    tracing::info!(stream = %key.stream, consumer = key.name, "consumer is being deregistered");
    door.blocking(move |streams| streams.deregister_consumer(&key)).await?;
    Ok(Nothing {})
}
