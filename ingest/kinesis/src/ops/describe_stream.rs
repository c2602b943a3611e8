//! `DescribeStream`: a stream with its shards, a page at a time.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};
use shard_store::stream::{ShardFilter, ShardNumber, StreamKey};

use crate::door::Kinesis;
use crate::limits::{PAGE_SIZE_REQUESTED_MAX, SHARDS_PER_DESCRIPTION_MAX};
use crate::model::{DescribeStreamInput, DescribeStreamOutput, ShardOutput, StreamDescription, StreamFacts};
use crate::validate;

/// Source: Kinesis Data Streams API Reference, "DescribeStream".
pub(crate) async fn run(
    door: Arc<Kinesis>,
    context: Context,
    input: DescribeStreamInput,
) -> Result<DescribeStreamOutput, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    let limit = validator.member("limit", input.limit).range(1, PAGE_SIZE_REQUESTED_MAX).value();
    let after = input.exclusive_start_shard_id.as_deref();
    validate::shard_id(&mut validator, "exclusiveStartShardId", after, false);
    validator.finish()?;

    let stream = input.stream().resolve(&door.streams, &context)?;
    let StreamKey { account, name, .. } = stream.key();
    let parse = |text: &str| text.parse::<ShardNumber>().map_err(|_| kinesis::not_a_shard(account, name, text));
    let after = after.map(parse).transpose()?;
    let mut shards = stream
        .shards_shown(ShardFilter::FromTrimHorizon, door.now_ms())
        .filter(|shard| after.is_none_or(|after| shard.number() > after));
    let page = shards.by_ref().take(page_size(limit, SHARDS_PER_DESCRIPTION_MAX));
    let stream_description = StreamDescription {
        facts: StreamFacts::of(&stream),
        shards: page.map(|shard| ShardOutput::of(shard)).collect(),
        has_more_shards: shards.next().is_some(),
    };
    Ok(DescribeStreamOutput { stream_description })
}

/// The size of a page: what is asked for, but no more than `max`, which is also the default.
pub(super) fn page_size(requested: Option<i64>, max: usize) -> usize {
    requested.and_then(|requested| usize::try_from(requested).ok()).map_or(max, |requested| requested.min(max))
}
