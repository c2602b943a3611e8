//! `ListStreams`: the streams of the request's account and region by name, a page at a time.

use std::sync::Arc;

use ingest_core::{Context, Fault, Pattern, Validator};

use super::describe_stream::page_size;
use crate::access;
use crate::door::Kinesis;
use crate::limits::{PAGE_SIZE_REQUESTED_MAX, STREAM_NAME_CHARS_MAX, STREAMS_PER_PAGE_MAX};
use crate::model::{ListStreamsInput, ListStreamsOutput, StreamSummary};
use crate::page::{Page, StreamPage};
use crate::validate;

/// Source: Kinesis Data Streams API Reference, "ListStreams".
pub(crate) async fn run(
    door: Arc<Kinesis>,
    context: Context,
    input: ListStreamsInput,
) -> Result<ListStreamsOutput, Fault> {
    let mut validator = Validator::new();
    let limit = validator.member("limit", input.limit).range(1, PAGE_SIZE_REQUESTED_MAX).value();
    let start = input.exclusive_start_stream_name.as_deref();
    validator.member("exclusiveStartStreamName", start).pattern(Pattern::NAME).length(1, STREAM_NAME_CHARS_MAX);
    validate::next_token(&mut validator, input.next_token.as_deref());
    validator.finish()?;
    access::count_account_call(&door.streams, &context, None)?;

    let (signer, now_ms) = (door.streams.signer(), door.now_ms());
    // Paginators repeat the first request's members beside the token: the token is further on.
    let after = match &input.next_token {
        Some(token) => Some(StreamPage::open(signer, token, now_ms)?.after),
        None => input.exclusive_start_stream_name,
    };
    let count = page_size(limit, STREAMS_PER_PAGE_MAX);
    let mut streams = door.streams.list(&context.account, &context.region, after.as_deref(), count + 1);
    let has_more_streams = streams.len() > count;
    streams.truncate(count);
    let last = streams.last().filter(|_| has_more_streams);
    let next_token = last.map(|stream| StreamPage { after: stream.key().name.clone() }.seal(signer, now_ms));
    Ok(ListStreamsOutput {
        stream_names: streams.iter().map(|stream| stream.key().name.clone()).collect(),
        has_more_streams,
        next_token: next_token.transpose()?,
        stream_summaries: streams.iter().map(|stream| StreamSummary::of(stream)).collect(),
    })
}
