//! `DeleteStream`: the stream and its records are gone when the call is answered.
//!
//! `EnforceConsumerDeletion` is accepted and has no effect: there are no registered consumers.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};

use crate::door::Kinesis;
use crate::model::{DeleteStreamInput, Nothing};

/// Source: Kinesis Data Streams API Reference, "DeleteStream".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: DeleteStreamInput) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validator.finish()?;
    let name = input.stream().name(&context)?.to_owned();
    tracing::info!(stream = name, account = &*context.account, region = &*context.region, "stream is being deleted");
    door.blocking(move |streams| streams.delete(&context.account, &context.region, &name)).await?;
    Ok(Nothing {})
}
