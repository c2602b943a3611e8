//! `DeleteChannel`: the channel is gone when the call is answered.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::describe_channel::Input;
use crate::door::Kinesis;
use crate::model::Nothing;

/// Source: Kinesis Data Streams API Reference, "DeleteChannel".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let key = input.channel(&context)?;
    tracing::info!(channel = %key, "channel is being deleted");
    door.blocking(move |streams| streams.delete_channel(&key)).await?;
    Ok(Nothing {})
}
