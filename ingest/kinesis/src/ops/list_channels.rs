//! `ListChannels`: the channels of the request's account and region by name, a page at a time.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use shard_store::stream::Channel;

use super::describe_stream::page_size;
use crate::channel::Summary;
use crate::door::Kinesis;
use crate::limits::{CHANNEL_LIST_MAX, CHANNELS_PER_PAGE_MAX, PAGE_SIZE_REQUESTED_MAX, STREAM_ARN_CHARS_MAX};
use crate::model::{stream_arn, unix_millis};
use crate::page::{ChannelPage, Page};
use crate::validate::{self, STREAM_ARN};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_filter: Option<Vec<StreamFilter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamFilter {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_creation_timestamp: Option<Timestamp>,
}

impl StreamFilter {
    fn shows(&self, channel: &Channel) -> bool {
        // Clients know the time of creation to the second.
        let created = |timestamp| unix_millis(timestamp) / 1_000 == channel.stream_created_ms / 1_000;
        self.stream_arn.as_deref() == Some(stream_arn(&channel.stream).as_str())
            && self.stream_creation_timestamp.is_none_or(created)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    channel_summaries: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Source: Kinesis Data Streams API Reference, "ListChannels".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let filters = input.stream_filter.as_deref();
    let mut validator = Validator::new();
    validator.member("streamFilter", filters).length(1, CHANNEL_LIST_MAX);
    for (number, filter) in (1..).zip(filters.unwrap_or_default()) {
        let arn = validator.member(format!("streamFilter.{number}.member.streamARN"), filter.stream_arn.as_deref());
        arn.required().pattern(STREAM_ARN).length(1, STREAM_ARN_CHARS_MAX);
    }
    let count = validator.member("maxResults", input.max_results).range(1, PAGE_SIZE_REQUESTED_MAX).value();
    validate::next_token(&mut validator, input.next_token.as_deref());
    validator.finish()?;

    let (signer, now_ms) = (door.streams.signer(), door.now_ms());
    let page = input.next_token.as_deref().map(|token| ChannelPage::open(signer, token, now_ms)).transpose()?;
    let after = page.as_ref().map(|page| page.after.as_str());
    let count = page_size(count, CHANNELS_PER_PAGE_MAX);
    let is_shown = |channel: &Channel| filters.is_none_or(|filters| filters.iter().any(|filter| filter.shows(channel)));
    let mut channels = door.streams.list_channels(&context.account, &context.region, after, count + 1, is_shown);
    let has_more = channels.len() > count;
    channels.truncate(count);
    let last = channels.last().filter(|_| has_more);
    let next_token = last.map(|channel| ChannelPage { after: channel.key.name.clone() }.seal(signer, now_ms));
    Ok(Output {
        channel_summaries: channels.iter().map(|channel| Summary::of(channel)).collect(),
        next_token: next_token.transpose()?,
    })
}
