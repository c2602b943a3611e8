//! `UpdateQueue`: what is in flight keeps the visibility timeout it was received with, and what is a dead letter stays one.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::door::Kinesis;
use crate::queue::{self, AttributesShape, DescriptionOutput};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "QueueARN")]
    queue_arn: Option<String>,
    queue_attributes: Option<AttributesShape>,
}

/// Source: Kinesis Data Streams API Reference, "UpdateQueue".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<DescriptionOutput, Fault> {
    let mut validator = Validator::new();
    queue::validate_arn(&mut validator, input.queue_arn.as_deref());
    match &input.queue_attributes {
        None => drop(validator.member("queueAttributes", None::<&str>).required()),
        Some(attributes) => attributes.validate(&mut validator),
    }
    validator.finish()?;
    let arn = input.queue_arn.unwrap_or_default();
    let change = input.queue_attributes.as_ref().map_or(Ok(Default::default()), AttributesShape::change)?;
    let updated = queue::change(&door, &context, &arn, move |queues, key, id| {
        queues.update(&key.account, &key.region, id, change)
    });
    let updated = updated.await?;
    Ok(DescriptionOutput::of(&updated))
}
