//! `ListStreamConsumers`: the consumers of a stream by name, a page at a time.

use std::ops::Bound;
use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};
use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use shard_store::stream::error::TokenError;

use super::describe_stream::page_size;
use super::list_shards::check_created;
use crate::door::Kinesis;
use crate::limits::{CONSUMERS_PER_PAGE_MAX, PAGE_SIZE_REQUESTED_MAX};
use crate::model::ConsumerOutput;
use crate::page::{ConsumerPage, Page};
use crate::reference::StreamReference;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
    stream_creation_timestamp: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    consumers: Vec<ConsumerOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Source: Kinesis Data Streams API Reference, "ListStreamConsumers".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let reference = StreamReference { name: None, arn: input.stream_arn.as_deref(), id: input.stream_id.as_deref() };
    let mut validator = Validator::new();
    validator.member("streamARN", reference.arn).required();
    reference.validate(&mut validator);
    validate::next_token(&mut validator, input.next_token.as_deref());
    let count = validator.member("maxResults", input.max_results).range(1, PAGE_SIZE_REQUESTED_MAX).value();
    validator.finish()?;

    let stream = reference.resolve(&door.streams, &context)?;
    check_created(&stream, input.stream_creation_timestamp)?;
    let (signer, now_ms) = (door.streams.signer(), door.now_ms());
    let page = input.next_token.map(|token| ConsumerPage::open(signer, &token, now_ms)).transpose()?;
    if page.as_ref().is_some_and(|page| page.stream_id != stream.id()) {
        return Err(kinesis::next_token(TokenError::Malformed));
    }
    let from = page.as_ref().map_or(Bound::Unbounded, |page| Bound::Excluded(page.after.as_str()));
    let mut consumers = stream.consumers().range::<str, _>((from, Bound::Unbounded));
    let listed: Vec<_> = consumers.by_ref().take(page_size(count, CONSUMERS_PER_PAGE_MAX)).collect();
    let last = listed.last().filter(|_| consumers.next().is_some());
    let next_token =
        last.map(|(name, _)| ConsumerPage { stream_id: stream.id(), after: (*name).clone() }.seal(signer, now_ms));
    Ok(Output {
        consumers: listed.iter().map(|(name, consumer)| ConsumerOutput::of(stream.key(), name, consumer)).collect(),
        next_token: next_token.transpose()?,
    })
}
