//! `CreateQueue`: the queue is ready for use when the call is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest_core::fault::queues;
use ingest_core::{Code, Context, Fault, Pattern, Validator};
use ingest_wire::Timestamp;
use serde::Deserialize;
use shard_store::queue::{NewQueue, QueueStart};

use crate::door::Kinesis;
use crate::limits::{QUEUE_NAME_CHARS_MAX, STREAM_ARN_CHARS_MAX, STREAM_CONFIGURATIONS_MAX};
use crate::model::unix_millis;
use crate::queue::{AT_TIMESTAMP, AttributesShape, DescriptionOutput, LATEST, TRIM_HORIZON};
use crate::reference::StreamReference;
use crate::validate::{self, STREAM_ARN};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    queue_name: Option<String>,
    stream_configuration_list: Option<Vec<StreamConfigurationInput>>,
    queue_attributes: Option<AttributesShape>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamConfigurationInput {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    starting_position: Option<StartingPositionInput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartingPositionInput {
    #[serde(rename = "Type")]
    kind: Option<String>,
    timestamp: Option<Timestamp>,
}

/// Source: Kinesis Data Streams API Reference, "CreateQueue".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<DescriptionOutput, Fault> {
    validate(&input)?;
    let new = plan(&door, &context, input)?;
    let key = new.stream.clone();
    let queue = door.queueing(move |queues| queues.create(new)).await?;
    let queue = queue.map_err(|error| queues::change(&key, error))?;
    let definition = queue.definition();
    tracing::info!(stream = %key, queue = definition.name, id = %definition.id, "queue created");
    Ok(DescriptionOutput::of(&definition))
}

/// Puts the model's constraints upon the input.
fn validate(input: &Input) -> Result<(), Fault> {
    let mut validator = Validator::new();
    let name = validator.member("queueName", input.queue_name.as_deref());
    name.required().pattern(Pattern::NAME).length(1, QUEUE_NAME_CHARS_MAX);
    let configurations = input.stream_configuration_list.as_deref();
    let list = validator.member("streamConfigurationList", configurations);
    list.required().length(1, STREAM_CONFIGURATIONS_MAX);
    for (number, configuration) in (1..).zip(configurations.unwrap_or_default()) {
        let path = format_args!("streamConfigurationList.{number}.member.streamARN");
        let arn = validator.member(path, configuration.stream_arn.as_deref());
        arn.required().pattern(STREAM_ARN).length(1, STREAM_ARN_CHARS_MAX);
        if let Some(position) = &configuration.starting_position {
            let path = format_args!("streamConfigurationList.{number}.member.startingPosition.type");
            let kind = validator.member(path, position.kind.as_deref());
            kind.required().one_of(&[TRIM_HORIZON, LATEST, AT_TIMESTAMP]);
        }
    }
    if let Some(attributes) = &input.queue_attributes {
        attributes.validate(&mut validator);
    }
    validate::tags(&mut validator, input.tags.as_ref(), false);
    validator.finish()
}

/// The queue that a valid input asks for.
fn plan(door: &Kinesis, context: &Context, input: Input) -> Result<NewQueue, Fault> {
    let invalid = |message: &'static str| Fault::new(Code::Validation, message);
    let [configuration] = input.stream_configuration_list.as_deref().unwrap_or_default() else {
        return Err(invalid("StreamConfigurationList must contain exactly one entry."));
    };
    let attributes = AttributesShape::create(input.queue_attributes.as_ref())?;
    let start = match &configuration.starting_position {
        None => QueueStart::Latest,
        Some(StartingPositionInput { kind, timestamp }) => match (kind.as_deref(), timestamp) {
            (Some(AT_TIMESTAMP), Some(timestamp)) => QueueStart::AtTimestamp(unix_millis(*timestamp)),
            (Some(AT_TIMESTAMP), None) => {
                return Err(invalid("Timestamp must be provided if the starting position is AT_TIMESTAMP."));
            }
            (_, Some(_)) => {
                return Err(invalid("Timestamp can only be provided if the starting position is AT_TIMESTAMP."));
            }
            (Some(TRIM_HORIZON), None) => QueueStart::TrimHorizon,
            (_, None) => QueueStart::Latest,
        },
    };
    let tags = input.tags.unwrap_or_default();
    validate::check_tags(&tags)?;
    let reference = StreamReference { name: None, arn: configuration.stream_arn.as_deref(), id: None };
    let stream = reference.resolve(&door.streams, context)?.key().clone();
    Ok(NewQueue { stream, name: input.queue_name.unwrap_or_default(), start, attributes, tags })
}
