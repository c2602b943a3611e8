//! `RegisterStreamConsumer`: the consumer is ready for use when the call is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest_core::{Context, Fault, Pattern, Validator};
use serde::{Deserialize, Serialize};

use crate::door::Kinesis;
use crate::limits::CONSUMER_NAME_CHARS_MAX;
use crate::model::ConsumerOutput;
use crate::reference::StreamReference;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    consumer_name: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    consumer: ConsumerOutput,
}

/// Source: Kinesis Data Streams API Reference, "RegisterStreamConsumer".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let reference = StreamReference { name: None, arn: input.stream_arn.as_deref(), id: input.stream_id.as_deref() };
    let mut validator = Validator::new();
    validator.member("streamARN", reference.arn).required();
    reference.validate(&mut validator);
    let name = validator.member("consumerName", input.consumer_name.as_deref());
    name.required().pattern(Pattern::NAME).length(1, CONSUMER_NAME_CHARS_MAX);
    validate::tags(&mut validator, input.tags.as_ref(), false);
    validator.finish()?;
    let key = reference.resolve(&door.streams, &context)?.key().clone();
    let (name, tags) = (input.consumer_name.unwrap_or_default(), input.tags.unwrap_or_default());
    validate::check_tags(&tags)?;
    let register_as = name.clone();
    let stream = door.blocking(move |streams| streams.register_consumer(&key, &register_as, tags)).await?;
    let consumer = stream.consumers().get(&name).ok_or_else(|| Fault::internal("a consumer got lost"))?;
    tracing::info!(stream = %stream.key(), consumer = name, "consumer registered");
    Ok(Output { consumer: ConsumerOutput::of(stream.key(), &name, consumer) })
}
