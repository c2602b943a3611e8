//! `DeleteStream`: the stream, its records and its consumers are gone when the call is answered.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};

use crate::door::Kinesis;
use crate::model::{DeleteStreamInput, Nothing};

/// Source: Kinesis Data Streams API Reference, "DeleteStream".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: DeleteStreamInput) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validator.finish()?;
    let stream = input.stream().resolve(&door.streams, &context)?;
    if !stream.consumers().is_empty() && !input.enforce_consumer_deletion.unwrap_or_default() {
        return Err(kinesis::has_consumers(stream.key()));
    }
    let key = stream.key().clone();
    tracing::info!(stream = %key, "stream is being deleted");
    door.blocking(move |streams| streams.delete(&key.account, &key.region, &key.name)).await?;
    Ok(Nothing {})
}
