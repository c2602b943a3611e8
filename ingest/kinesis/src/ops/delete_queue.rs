//! `DeleteQueue`: the queue is gone when the call is answered, and so are its receipt handles.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::door::Kinesis;
use crate::model::Nothing;
use crate::queue;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "QueueARN")]
    queue_arn: Option<String>,
}

/// Source: Kinesis Data Streams API Reference, "DeleteQueue".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    queue::validate_arn(&mut validator, input.queue_arn.as_deref());
    validator.finish()?;
    let arn = input.queue_arn.unwrap_or_default();
    queue::change(&door, &context, &arn, |queues, key, id| queues.delete(&key.account, &key.region, id)).await?;
    tracing::info!(queue = arn, "queue deleted");
    Ok(Nothing {})
}
