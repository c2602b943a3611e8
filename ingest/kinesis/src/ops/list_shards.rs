//! `ListShards`: the shards of a stream that a filter shows, a page at a time.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Code, Context, Fault, Validator};
use ingest_wire::Timestamp;
use shard_store::stream::{ShardFilter, ShardNumber, Stream, StreamKey};

use super::describe_stream::page_size;
use crate::door::Kinesis;
use crate::limits::{PAGE_SIZE_REQUESTED_MAX, SHARDS_PER_LIST_PAGE_MAX};
use crate::model::{ListShardsInput, ListShardsOutput, ShardFilterInput, ShardOutput, unix_millis};
use crate::page::{Page, ShardPage};
use crate::reference::StreamReference;
use crate::validate;

const FILTERS: [&str; 6] =
    ["AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP"];

/// Source: Kinesis Data Streams API Reference, "ListShards".
pub(crate) async fn run(
    door: Arc<Kinesis>,
    context: Context,
    input: ListShardsInput,
) -> Result<ListShardsOutput, Fault> {
    let count = validate(&input)?;
    let now_ms = door.now_ms();
    let (stream, after, filter) = match &input.next_token {
        Some(token) => go_on(&door, &context, &input, token, now_ms)?,
        None => begin(&door, &context, &input)?,
    };
    let mut shards =
        stream.shards_shown(filter, now_ms).filter(|shard| after.is_none_or(|after| shard.number() > after));
    let page: Vec<_> = shards.by_ref().take(count).collect();
    let last = page.last().filter(|_| shards.next().is_some());
    let next_token = last.map(|last| {
        let page =
            ShardPage { stream_name: stream.key().name.clone(), stream_id: stream.id(), after: last.number(), filter };
        page.seal(door.streams.signer(), now_ms)
    });
    Ok(ListShardsOutput {
        shards: page.iter().map(|shard| ShardOutput::of(shard)).collect(),
        next_token: next_token.transpose()?,
    })
}

/// Puts the model's constraints upon the input. Returns the size of a page.
fn validate(input: &ListShardsInput) -> Result<usize, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validate::next_token(&mut validator, input.next_token.as_deref());
    validate::shard_id(&mut validator, "exclusiveStartShardId", input.exclusive_start_shard_id.as_deref(), false);
    let count = validator.member("maxResults", input.max_results).range(1, PAGE_SIZE_REQUESTED_MAX).value();
    if let Some(filter) = &input.shard_filter {
        validator.member("shardFilter.type", filter.kind.as_deref()).required().one_of(&FILTERS);
        validate::shard_id(&mut validator, "shardFilter.shardId", filter.shard_id.as_deref(), false);
    }
    validator.finish()?;
    Ok(page_size(count, SHARDS_PER_LIST_PAGE_MAX))
}

type Listing = (Arc<Stream>, Option<ShardNumber>, ShardFilter);

/// The list of a request without a token.
fn begin(door: &Kinesis, context: &Context, input: &ListShardsInput) -> Result<Listing, Fault> {
    if input.stream_name.is_none() && input.stream_arn.is_none() {
        let message = "Either NextToken, StreamName or StreamARN should be provided.";
        return Err(Fault::new(Code::InvalidArgument, message));
    }
    let stream = input.stream().resolve(&door.streams, context)?;
    let StreamKey { account, name, .. } = stream.key();
    check_created(&stream, input.stream_creation_timestamp)?;
    let number = |text: &str| text.parse().map_err(|_| kinesis::not_a_shard(account, name, text));
    let after = input.exclusive_start_shard_id.as_deref().map(number).transpose()?;
    let filter = match &input.shard_filter {
        None => ShardFilter::FromTrimHorizon,
        Some(filter) if after.is_some() && filter.kind.as_deref() == Some("AFTER_SHARD_ID") => {
            let message = "ExclusiveStartShardId and a ShardFilter of type AFTER_SHARD_ID cannot be provided together.";
            return Err(Fault::new(Code::InvalidArgument, message));
        }
        Some(filter) => begin_filter(filter, number)?,
    };
    Ok((stream, after, filter))
}

/// Checks that a stream was created at this time, if one is given: there may have been another of its name.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(super) fn check_created(stream: &Stream, created: Option<Timestamp>) -> Result<(), Fault> {
    // Clients round times to seconds, some down and some to the nearest.
    if created.is_some_and(|created| unix_millis(created).abs_diff(stream.created_ms()) >= 1_000) {
        return Err(kinesis::stream_not_found(&stream.key().account, &stream.key().name));
    }
    Ok(())
}

fn begin_filter(
    input: &ShardFilterInput,
    number: impl Fn(&str) -> Result<ShardNumber, Fault>,
) -> Result<ShardFilter, Fault> {
    let kind = input.kind.as_deref().unwrap_or_default();
    let takes_shard = kind == "AFTER_SHARD_ID";
    let takes_time = matches!(kind, "AT_TIMESTAMP" | "FROM_TIMESTAMP");
    let misfit = |member: &str, is_there: bool| {
        let rule = if is_there { "cannot" } else { "must" };
        let message = format!("ShardFilter: {member} {rule} be provided if the type is {kind}.");
        Fault::new(Code::InvalidArgument, message)
    };
    if input.shard_id.is_some() != takes_shard {
        return Err(misfit("ShardId", input.shard_id.is_some()));
    }
    if input.timestamp.is_some() != takes_time {
        return Err(misfit("Timestamp", input.timestamp.is_some()));
    }
    let time_ms = input.timestamp.map_or(0, unix_millis);
    Ok(match kind {
        "AFTER_SHARD_ID" => ShardFilter::AfterShard(number(input.shard_id.as_deref().unwrap_or_default())?),
        "AT_TRIM_HORIZON" => ShardFilter::AtTrimHorizon,
        "AT_LATEST" => ShardFilter::AtLatest,
        "AT_TIMESTAMP" => ShardFilter::AtTimestamp(time_ms),
        "FROM_TIMESTAMP" => ShardFilter::FromTimestamp(time_ms),
        // The validator lets only one other through.
        _ => ShardFilter::FromTrimHorizon,
    })
}

/// The list that a token goes on with.
fn go_on(
    door: &Kinesis,
    context: &Context,
    input: &ListShardsInput,
    token: &str,
    now_ms: u64,
) -> Result<Listing, Fault> {
    let repeated = [
        (input.stream_name.is_some(), "StreamName"),
        (input.stream_creation_timestamp.is_some(), "StreamCreationTimestamp"),
        (input.exclusive_start_shard_id.is_some(), "ExclusiveStartShardId"),
    ];
    if let Some((_, member)) = repeated.iter().find(|(is_there, _)| *is_there) {
        let message = format!("NextToken and {member} cannot be provided together.");
        return Err(Fault::new(Code::InvalidArgument, message));
    }
    let page = ShardPage::open(door.streams.signer(), token, now_ms)?;
    // The token names the stream; only the ARN tells that it is another account's.
    let reference = StreamReference { name: Some(&page.stream_name), ..input.stream() };
    let stream = reference.resolve(&door.streams, context)?;
    if stream.id() != page.stream_id {
        return Err(kinesis::stream_not_found(&stream.key().account, &page.stream_name));
    }
    Ok((stream, Some(page.after), page.filter))
}
