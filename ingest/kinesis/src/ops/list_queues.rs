//! `ListQueues`: the queues of the request's account and region by name, a page at a time.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use shard_store::queue::Definition;

use super::describe_stream::page_size;
use crate::door::Kinesis;
use crate::limits::{PAGE_SIZE_REQUESTED_MAX, QUEUES_PER_PAGE_MAX, STREAM_ARN_CHARS_MAX, STREAM_CONFIGURATIONS_MAX};
use crate::model::{stream_arn, timestamp, unix_millis};
use crate::page::{Page, QueuePage};
use crate::queue::QueueFacts;
use crate::validate::{self, STREAM_ARN};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    max_results: Option<i64>,
    next_token: Option<String>,
    stream_filter: Option<Vec<StreamFilterInput>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamFilterInput {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_creation_timestamp: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    queue_summaries: Vec<QueueSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueSummary {
    #[serde(flatten)]
    facts: QueueFacts,
    streams: [StreamIdentifier; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamIdentifier {
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_creation_timestamp: Timestamp,
}

/// Source: Kinesis Data Streams API Reference, "ListQueues".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let count = validate(&input)?;
    let (signer, now_ms) = (door.streams.signer(), door.now_ms());
    let page = input.next_token.as_deref().map(|token| QueuePage::open(signer, token, now_ms)).transpose()?;
    let after = page.as_ref().map(|page| page.after.as_str());
    let is_wanted = |definition: &Definition| {
        let filters = input.stream_filter.as_deref();
        filters.is_none_or(|filters| filters.iter().any(|filter| filter.names_stream_of(&door, definition)))
    };
    let mut definitions = door.queues.list(&context.account, &context.region, after, count + 1, is_wanted);
    let has_more = definitions.len() > count;
    definitions.truncate(count);
    let last = definitions.last().filter(|_| has_more);
    let next_token = last.map(|definition| QueuePage { after: definition.name.clone() }.seal(signer, now_ms));
    Ok(Output {
        queue_summaries: definitions.iter().map(|definition| QueueSummary::of(&door, definition)).collect(),
        next_token: next_token.transpose()?,
    })
}

/// Puts the model's constraints upon the input. Returns the size of a page.
fn validate(input: &Input) -> Result<usize, Fault> {
    let mut validator = Validator::new();
    let count = validator.member("maxResults", input.max_results).range(1, PAGE_SIZE_REQUESTED_MAX).value();
    validate::next_token(&mut validator, input.next_token.as_deref());
    let filters = input.stream_filter.as_deref();
    validator.member("streamFilter", filters).length(1, STREAM_CONFIGURATIONS_MAX);
    for (number, filter) in (1..).zip(filters.unwrap_or_default()) {
        let path = format_args!("streamFilter.{number}.member.streamARN");
        let arn = validator.member(path, filter.stream_arn.as_deref());
        arn.required().pattern(STREAM_ARN).length(1, STREAM_ARN_CHARS_MAX);
    }
    validator.finish()?;
    Ok(page_size(count, QUEUES_PER_PAGE_MAX))
}

/// When the stream of a queue was created.
fn stream_created_ms(door: &Kinesis, definition: &Definition) -> u64 {
    let key = &definition.stream;
    door.streams.get(&key.account, &key.region, &key.name).map_or(definition.created_ms, |stream| stream.created_ms())
}

impl StreamFilterInput {
    fn names_stream_of(&self, door: &Kinesis, definition: &Definition) -> bool {
        // Clients round times to seconds, some down and some to the nearest.
        let is_created =
            |created: Timestamp| unix_millis(created).abs_diff(stream_created_ms(door, definition)) < 1_000;
        self.stream_arn.as_deref() == Some(stream_arn(&definition.stream).as_str())
            && self.stream_creation_timestamp.is_none_or(is_created)
    }
}

impl QueueSummary {
    fn of(door: &Kinesis, definition: &Definition) -> Self {
        let stream = StreamIdentifier {
            stream_arn: stream_arn(&definition.stream),
            stream_creation_timestamp: timestamp(stream_created_ms(door, definition)),
        };
        Self { facts: QueueFacts::of(definition), streams: [stream] }
    }
}
