//! What the operations of queues share: how a request names a queue, its attributes, and its description.

use std::fmt::Display;
use std::sync::Arc;

use ingest_core::fault::queues;
use ingest_core::{Arn, Code, Context, Fault, Member, Validator};
use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use shard_store::queue::error::QueueError;
use shard_store::queue::{Attributes, AttributesChange, Definition, Queue, QueueStart, Queues};
use shard_store::stream::StreamKey;

use crate::access;
use crate::door::Kinesis;
use crate::limits::{MAX_RECEIVE_COUNT, STREAM_ARN_CHARS_MAX, VISIBILITY_TIMEOUT_SECONDS};
use crate::model::{stream_arn, timestamp};
use crate::validate::QUEUE_ARN;

/// The status of every queue there is: creating, updating and deleting are over before they are answered.
const ACTIVE: &str = "ACTIVE";

/// What becomes of records that are received too often.
const BUILT_IN: &str = "BUILT_IN";
const NONE: &str = "NONE";

/// The starting positions.
pub(crate) const TRIM_HORIZON: &str = "TRIM_HORIZON";
pub(crate) const LATEST: &str = "LATEST";
pub(crate) const AT_TIMESTAMP: &str = "AT_TIMESTAMP";

/// Puts the constraints of a `QueueARN` upon a member.
pub(crate) fn validate_arn(validator: &mut Validator, value: Option<&str>) {
    validator.member("queueARN", value).required().pattern(QUEUE_ARN).length(1, STREAM_ARN_CHARS_MAX);
}

/// The account and the id in the ARN of a queue; none if it is the ARN of something else.
///
/// # Errors
/// `ResourceNotFoundException` if the queue is of another region.
pub(crate) fn named<'a>(context: &Context, arn: &'a str) -> Result<Option<(&'a str, &'a str)>, Fault> {
    let Some((arn, id)) = Arn::parse(arn).ok().and_then(|arn| Some((arn, arn.resource_name("queue")?))) else {
        return Ok(None);
    };
    if arn.region != &*context.region {
        return Err(queues::not_found(id));
    }
    Ok(Some((arn.account, id)))
}

/// The queue of an ARN whose pattern was checked, once the caller may do the request's operation with it.
///
/// # Errors
/// `ResourceNotFoundException` or `AccessDeniedException`.
pub(crate) fn find(door: &Kinesis, context: &Context, arn: Option<&str>) -> Result<Arc<Queue>, Fault> {
    let arn = arn.unwrap_or_default();
    let (account, id) = named(context, arn)?.ok_or_else(|| queues::not_found(arn))?;
    let queue = door.queues.get(account, &context.region, id).ok();
    let definition = queue.as_ref().map(|queue| queue.definition());
    let policy = definition.as_ref().and_then(|definition| definition.policy.as_ref());
    access::check_queue(&door.streams, context, account, policy, arn)?;
    queue.ok_or_else(|| queues::not_found(id))
}

/// Changes the queue of an ARN whose pattern was checked, off the event loop.
///
/// # Errors
/// `ResourceNotFoundException`, and that of `change`.
pub(crate) async fn change<T: Send + 'static>(
    door: &Kinesis,
    context: &Context,
    arn: &str,
    change: impl FnOnce(&Queues, &StreamKey, &str) -> Result<T, QueueError> + Send + 'static,
) -> Result<T, Fault> {
    let definition = find(door, context, Some(arn))?.definition();
    let changing = Arc::clone(&definition);
    let changed = door.queueing(move |queues| change(queues, &changing.stream, changing.id.as_str())).await?;
    changed.map_err(|error| queues::change(&definition.stream, error))
}

/// The ARN of a queue.
pub(crate) fn arn_of(definition: &Definition) -> String {
    let StreamKey { account, region, .. } = &definition.stream;
    format!("arn:aws:kinesis:{region}:{account}:queue/{}", definition.id)
}

/// What can be changed about a queue, in a request or an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributesShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility_timeout_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_configuration: Option<DeadLetterShape>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterShape {
    target_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_receive_count: Option<i64>,
}

impl AttributesShape {
    fn of(attributes: Attributes) -> Self {
        let Attributes { visibility_timeout_s, receives_max } = attributes;
        let target_type = if receives_max.is_some() { BUILT_IN } else { NONE };
        Self {
            visibility_timeout_seconds: Some(i64::from(visibility_timeout_s)),
            dead_letter_configuration: Some(DeadLetterShape {
                target_type: Some(target_type.to_owned()),
                max_receive_count: receives_max.map(i64::from),
            }),
        }
    }

    /// Puts the model's constraints upon the members.
    pub(crate) fn validate(&self, validator: &mut Validator) {
        visibility_timeout(validator, "queueAttributes.visibilityTimeoutSeconds", self.visibility_timeout_seconds);
        if let Some(dead_letters) = &self.dead_letter_configuration {
            let path = "queueAttributes.deadLetterConfiguration.targetType";
            validator.member(path, dead_letters.target_type.as_deref()).required().one_of(&[BUILT_IN, NONE]);
            let path = "queueAttributes.deadLetterConfiguration.maxReceiveCount";
            let (min, max) = MAX_RECEIVE_COUNT;
            validator.member(path, dead_letters.max_receive_count).range(min, max);
        }
    }

    /// The change that a valid input asks for.
    ///
    /// # Errors
    /// `ValidationException` if dead letters are asked for without saying after how many receives.
    pub(crate) fn change(&self) -> Result<AttributesChange, Fault> {
        let receives_max = match &self.dead_letter_configuration {
            None => None,
            Some(dead_letters) if dead_letters.target_type.as_deref() != Some(BUILT_IN) => Some(None),
            Some(dead_letters) => {
                let missing = || {
                    let message = "MaxReceiveCount must be provided if the TargetType is BUILT_IN.";
                    Fault::new(Code::Validation, message)
                };
                Some(Some(to_u32(dead_letters.max_receive_count.ok_or_else(missing)?)))
            }
        };
        Ok(AttributesChange { visibility_timeout_s: self.visibility_timeout_seconds.map(to_u32), receives_max })
    }

    /// The attributes of a queue that is created with these.
    ///
    /// # Errors
    /// As [`AttributesShape::change`].
    pub(crate) fn create(input: Option<&Self>) -> Result<Attributes, Fault> {
        let change = input.map_or(Ok(AttributesChange::default()), Self::change)?;
        Ok(change.of(Attributes::default()))
    }
}

/// Puts the constraints of a visibility timeout upon a member.
pub(crate) fn visibility_timeout<P: Display>(
    validator: &mut Validator,
    path: P,
    value: Option<i64>,
) -> Member<'_, P, i64> {
    let (min, max) = VISIBILITY_TIMEOUT_SECONDS;
    validator.member(path, value).range(min, max)
}

/// A number of a valid input.
pub(crate) fn to_u32(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A queue in an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescriptionOutput {
    pub(crate) queue_description: QueueDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct QueueDescription {
    #[serde(flatten)]
    facts: QueueFacts,
    stream_configuration_list: [StreamConfiguration; 1],
    queue_attributes: AttributesShape,
}

/// What descriptions and summaries of a queue tell.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct QueueFacts {
    queue_name: String,
    #[serde(rename = "QueueARN")]
    queue_arn: String,
    queue_status: &'static str,
    queue_creation_timestamp: Timestamp,
}

impl QueueFacts {
    pub(crate) fn of(definition: &Definition) -> Self {
        Self {
            queue_name: definition.name.clone(),
            queue_arn: arn_of(definition),
            queue_status: ACTIVE,
            queue_creation_timestamp: timestamp(definition.created_ms),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamConfiguration {
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    starting_position: StartingPosition,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartingPosition {
    #[serde(rename = "Type")]
    kind: &'static str,
    timestamp: Timestamp,
}

impl DescriptionOutput {
    pub(crate) fn of(definition: &Definition) -> Self {
        let kind = match definition.start {
            QueueStart::TrimHorizon => TRIM_HORIZON,
            QueueStart::Latest => LATEST,
            QueueStart::AtTimestamp(_) => AT_TIMESTAMP,
        };
        let configuration = StreamConfiguration {
            stream_arn: stream_arn(&definition.stream),
            starting_position: StartingPosition { kind, timestamp: timestamp(definition.start_ms) },
        };
        Self {
            queue_description: QueueDescription {
                facts: QueueFacts::of(definition),
                stream_configuration_list: [configuration],
                queue_attributes: AttributesShape::of(definition.attributes),
            },
        }
    }
}
