//! `CreateStream`: the stream is ready for use when the call is answered.

use std::num::NonZeroU32;
use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Pattern, Validator};
use shard_store::stream::limits::RECORD_BYTES_MAX_DEFAULT;
use shard_store::stream::{NewStream, StreamKey, StreamMode, warm_shards};

use super::update_stream_record_distribution_strategy::distribution_of;
use super::update_stream_warm_throughput::mibps_of;
use crate::access;
use crate::door::Kinesis;
use crate::limits::{RECORD_SIZE_KIB, STREAM_NAME_CHARS_MAX, TAGS_MAX};
use crate::model::{AUTO, CreateStreamInput, Nothing, ON_DEMAND, PROVISIONED, USER_PARTITION_KEY};
use crate::validate;

/// Source: Kinesis Data Streams API Reference, "CreateStream".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: CreateStreamInput) -> Result<Nothing, Fault> {
    validate(&input)?;
    access::count_account_call(&door.streams, &context, input.stream_name.as_deref())?;
    let new = plan(&context, input)?;
    let stream = door.blocking(move |streams| streams.create(new)).await?;
    tracing::info!(stream = %stream.key(), shard_count = stream.open_shard_count(), "stream created");
    Ok(Nothing {})
}

fn mode(input: &CreateStreamInput) -> Option<&str> {
    input.stream_mode_details.as_ref().map(|details| details.stream_mode.as_deref().unwrap_or_default())
}

fn validate(input: &CreateStreamInput) -> Result<(), Fault> {
    let mut validator = Validator::new();
    let name = input.stream_name.as_deref();
    validator.member("streamName", name).required().pattern(Pattern::NAME).length(1, STREAM_NAME_CHARS_MAX);
    let shard_count = validator.member("shardCount", input.shard_count);
    let shard_count =
        if mode(input).is_none_or(|mode| mode == PROVISIONED) { shard_count.required() } else { shard_count };
    shard_count.range(1, i64::MAX);
    if let Some(details) = &input.stream_mode_details {
        let mode = validator.member("streamModeDetails.streamMode", details.stream_mode.as_deref());
        mode.required().one_of(&[PROVISIONED, ON_DEMAND]);
    }
    validate::tags(&mut validator, input.tags.as_ref(), false);
    validator.member("warmThroughputMiBps", input.warm_throughput_mibps).range(0, i64::MAX);
    let (record_size_min, record_size_max) = RECORD_SIZE_KIB;
    validator.member("maxRecordSizeInKiB", input.max_record_size_in_kib).range(record_size_min, record_size_max);
    let strategy = validator.member("recordDistributionStrategy", input.record_distribution_strategy.as_deref());
    strategy.one_of(&[AUTO, USER_PARTITION_KEY]);
    validator.finish()
}

/// The stream that a valid input asks for.
fn plan(context: &Context, input: CreateStreamInput) -> Result<NewStream, Fault> {
    let invalid = |message: &'static str| Fault::new(Code::InvalidArgument, message);
    let is_on_demand = mode(&input) == Some(ON_DEMAND);
    if is_on_demand && input.shard_count.is_some() {
        return Err(invalid("ShardCount cannot be given for a stream in ON_DEMAND mode."));
    }
    if !is_on_demand && input.warm_throughput_mibps.is_some() {
        return Err(invalid("WarmThroughputMiBps can be given for a stream in ON_DEMAND mode only."));
    }
    let warm_mibps = input.warm_throughput_mibps.map_or(0, mibps_of);
    let distribution = distribution_of(input.record_distribution_strategy.as_deref());
    if !is_on_demand && input.record_distribution_strategy.is_some() {
        return Err(invalid("RecordDistributionStrategy can be given for a stream in ON_DEMAND mode only."));
    }
    let tags = input.tags.unwrap_or_default();
    validate::check_tags(&tags)?;
    if tags.len() > TAGS_MAX {
        return Err(invalid("A stream cannot have more than 50 tags."));
    }
    let (mode, shard_count) = if is_on_demand {
        (StreamMode::OnDemand, i64::from(warm_shards(warm_mibps)))
    } else {
        (StreamMode::Provisioned, input.shard_count.unwrap_or_default())
    };
    // More than a number of shards can be is more than any account may have, and the registry says so.
    let shard_count = NonZeroU32::new(u32::try_from(shard_count).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
    let record_kib = input.max_record_size_in_kib.and_then(|kib| u64::try_from(kib).ok());
    Ok(NewStream {
        key: StreamKey::new(&*context.account, &*context.region, input.stream_name.unwrap_or_default()),
        shard_count,
        mode,
        warm_mibps,
        distribution,
        record_bytes_max: record_kib.map_or(RECORD_BYTES_MAX_DEFAULT, |kib| kib * 1_024),
        tags,
    })
}
