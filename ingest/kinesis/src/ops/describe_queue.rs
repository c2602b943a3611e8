//! `DescribeQueue`.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::door::Kinesis;
use crate::queue::{self, DescriptionOutput};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "QueueARN")]
    queue_arn: Option<String>,
}

/// Source: Kinesis Data Streams API Reference, "DescribeQueue".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<DescriptionOutput, Fault> {
    let mut validator = Validator::new();
    queue::validate_arn(&mut validator, input.queue_arn.as_deref());
    validator.finish()?;
    let queue = queue::find(&door, &context, input.queue_arn.as_deref())?;
    Ok(DescriptionOutput::of(&queue.definition()))
}
