//! The shapes of the plain operations. Members are optional even where AWS requires them, so that a missing one is
//! reported by the validator; what is absent is left out of an answer.
//!
//! Source: botocore 1.43, `kinesis/2013-12-02/service-2.json`. A shape that only one file of `ops` needs stands in it.

use std::collections::{BTreeMap, BTreeSet};

use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use shard_store::stream::{Consumer, HashRange, Shard, ShardMetric, Stream, StreamKey, StreamMode};

use crate::text::{SequenceText, ShardText};

/// How a stream's capacity is decided, in a request or an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamModeDetails {
    pub(crate) stream_mode: Option<String>,
}

impl StreamModeDetails {
    /// The mode, of a valid input.
    pub(crate) fn mode(&self) -> StreamMode {
        if self.stream_mode.as_deref() == Some(ON_DEMAND) { StreamMode::OnDemand } else { StreamMode::Provisioned }
    }

    fn of(mode: StreamMode) -> Self {
        let mode = match mode {
            StreamMode::Provisioned => PROVISIONED,
            StreamMode::OnDemand => ON_DEMAND,
        };
        Self { stream_mode: Some(mode.to_owned()) }
    }
}

/// The texts of the modes.
pub(crate) const PROVISIONED: &str = "PROVISIONED";
pub(crate) const ON_DEMAND: &str = "ON_DEMAND";

/// The texts of the record distribution strategies.
pub(crate) const AUTO: &str = "AUTO";
pub(crate) const USER_PARTITION_KEY: &str = "USER_PARTITION_KEY";

/// The status of every stream and consumer there is: creating and deleting are over before they are answered.
const ACTIVE: &str = "ACTIVE";

/// The encryption types.
///
/// Source: Kinesis Data Streams API Reference, "StreamDescription".
pub(crate) const NO_ENCRYPTION: &str = "NONE";
pub(crate) const ENCRYPTED: &str = "KMS";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateStreamInput {
    pub(crate) stream_name: Option<String>,
    pub(crate) shard_count: Option<i64>,
    pub(crate) stream_mode_details: Option<StreamModeDetails>,
    pub(crate) tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "WarmThroughputMiBps")]
    pub(crate) warm_throughput_mibps: Option<i64>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    pub(crate) max_record_size_in_kib: Option<i64>,
    pub(crate) record_distribution_strategy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteStreamInput {
    pub(crate) enforce_consumer_deletion: Option<bool>,
    pub(crate) stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(crate) stream_arn: Option<String>,
    pub(crate) stream_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamInput {
    pub(crate) stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(crate) stream_arn: Option<String>,
    pub(crate) stream_id: Option<String>,
    pub(crate) limit: Option<i64>,
    pub(crate) exclusive_start_shard_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamSummaryInput {
    pub(crate) stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(crate) stream_arn: Option<String>,
    pub(crate) stream_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetShardIteratorInput {
    pub(crate) stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(crate) stream_arn: Option<String>,
    pub(crate) stream_id: Option<String>,
    pub(crate) shard_id: Option<String>,
    pub(crate) shard_iterator_type: Option<String>,
    pub(crate) starting_sequence_number: Option<String>,
    pub(crate) timestamp: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListShardsInput {
    pub(crate) stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(crate) stream_arn: Option<String>,
    pub(crate) stream_id: Option<String>,
    pub(crate) next_token: Option<String>,
    pub(crate) exclusive_start_shard_id: Option<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) stream_creation_timestamp: Option<Timestamp>,
    pub(crate) shard_filter: Option<ShardFilterInput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShardFilterInput {
    #[serde(rename = "Type")]
    pub(crate) kind: Option<String>,
    pub(crate) shard_id: Option<String>,
    pub(crate) timestamp: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListStreamsInput {
    pub(crate) limit: Option<i64>,
    pub(crate) exclusive_start_stream_name: Option<String>,
    pub(crate) next_token: Option<String>,
}

/// Gives the reference to a stream that an input holds.
macro_rules! refer_to_stream {
    ($($input:ty),+) => {$(
        impl $input {
            /// How the request names its stream.
            pub(crate) fn stream(&self) -> $crate::reference::StreamReference<'_> {
                $crate::reference::StreamReference {
                    name: self.stream_name.as_deref(),
                    arn: self.stream_arn.as_deref(),
                    id: self.stream_id.as_deref(),
                }
            }
        }
    )+};
}

pub(crate) use refer_to_stream;

refer_to_stream!(
    DeleteStreamInput,
    DescribeStreamInput,
    DescribeStreamSummaryInput,
    GetShardIteratorInput,
    ListShardsInput
);

/// A tag in an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    key: String,
    value: String,
}

impl Tag {
    pub(crate) fn of((key, value): (&String, &String)) -> Self {
        Self { key: key.clone(), value: value.clone() }
    }
}

/// The answer of an operation that has nothing to say.
#[derive(Debug, Serialize)]
pub(crate) struct Nothing {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamOutput {
    pub(crate) stream_description: StreamDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamDescription {
    #[serde(flatten)]
    pub(crate) facts: StreamFacts,
    pub(crate) shards: Vec<ShardOutput>,
    pub(crate) has_more_shards: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamSummaryOutput {
    pub(crate) stream_description_summary: StreamDescriptionSummary,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamDescriptionSummary {
    #[serde(flatten)]
    pub(crate) facts: StreamFacts,
    pub(crate) open_shard_count: usize,
    pub(crate) consumer_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warm_throughput: Option<WarmThroughput>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    pub(crate) max_record_size_in_kib: u64,
    pub(crate) channel_count: usize,
    /// Told of on-demand streams only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) record_distribution_strategy: Option<&'static str>,
}

/// The write throughput that a stream is kept ready for, and the one it has: a shard takes one MiB a second. They differ where
/// it has shards for its load.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WarmThroughput {
    #[serde(rename = "TargetMiBps")]
    target_mibps: u32,
    #[serde(rename = "CurrentMiBps")]
    current_mibps: usize,
}

impl WarmThroughput {
    pub(crate) fn of(stream: &Stream) -> Self {
        Self { target_mibps: stream.warm_mibps(), current_mibps: stream.open_shard_count() }
    }
}

/// What both descriptions of a stream tell.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamFacts {
    #[serde(flatten)]
    summary: StreamSummary,
    retention_period_hours: u32,
    enhanced_monitoring: [EnhancedMetrics; 1],
    encryption_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
}

impl StreamFacts {
    pub(crate) fn of(stream: &Stream) -> Self {
        Self {
            summary: StreamSummary::of(stream),
            retention_period_hours: stream.retention_hours(),
            enhanced_monitoring: [EnhancedMetrics { shard_level_metrics: stream.shard_metrics().clone() }],
            encryption_type: if stream.encryption().is_some() { ENCRYPTED } else { NO_ENCRYPTION },
            key_id: stream.encryption().map(|encryption| encryption.name.clone()),
        }
    }
}

/// Which metrics of its shards are shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EnhancedMetrics {
    shard_level_metrics: BTreeSet<ShardMetric>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamSummary {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_status: &'static str,
    stream_mode_details: StreamModeDetails,
    stream_creation_timestamp: Timestamp,
}

impl StreamSummary {
    pub(crate) fn of(stream: &Stream) -> Self {
        let key = stream.key();
        Self {
            stream_name: key.name.clone(),
            stream_arn: stream_arn(key),
            stream_status: ACTIVE,
            stream_mode_details: StreamModeDetails::of(stream.mode()),
            stream_creation_timestamp: timestamp(stream.created_ms()),
        }
    }
}

/// A registered consumer in an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConsumerOutput {
    consumer_name: String,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: String,
    consumer_status: &'static str,
    consumer_creation_timestamp: Timestamp,
}

impl ConsumerOutput {
    pub(crate) fn of(stream: &StreamKey, name: &str, consumer: &Consumer) -> Self {
        Self {
            consumer_name: name.to_owned(),
            consumer_arn: consumer_arn(stream, name, consumer),
            consumer_status: ACTIVE,
            consumer_creation_timestamp: timestamp(consumer.created_ms),
        }
    }
}

/// The ARN of a stream.
pub(crate) fn stream_arn(key: &StreamKey) -> String {
    format!("arn:aws:kinesis:{}:{}:stream/{}", key.region, key.account, key.name)
}

/// The ARN of a consumer.
pub(crate) fn consumer_arn(stream: &StreamKey, name: &str, consumer: &Consumer) -> String {
    format!("{}/consumer/{name}:{}", stream_arn(stream), consumer.created_ms / 1_000)
}

/// A time of the engine as the protocols write it.
pub(crate) fn timestamp(unix_millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(unix_millis).unwrap_or(i64::MAX))
}

/// A time of a request in the engine's terms: nothing happened before 1970.
pub(crate) fn unix_millis(timestamp: Timestamp) -> u64 {
    u64::try_from(timestamp.unix_millis()).unwrap_or(0)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListStreamsOutput {
    pub(crate) stream_names: Vec<String>,
    pub(crate) has_more_streams: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    pub(crate) stream_summaries: Vec<StreamSummary>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListShardsOutput {
    pub(crate) shards: Vec<ShardOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetShardIteratorOutput {
    pub(crate) shard_iterator: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShardOutput {
    shard_id: ShardText,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_shard_id: Option<ShardText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adjacent_parent_shard_id: Option<ShardText>,
    hash_key_range: HashKeyRange,
    sequence_number_range: SequenceNumberRange,
}

impl ShardOutput {
    pub(crate) fn of(shard: &Shard) -> Self {
        Self {
            shard_id: ShardText(shard.number()),
            parent_shard_id: shard.parent().map(ShardText),
            adjacent_parent_shard_id: shard.adjacent_parent().map(ShardText),
            hash_key_range: HashKeyRange::of(shard.range()),
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: SequenceText(shard.starting_sequence_number()),
                ending_sequence_number: shard.ending_sequence_number().map(SequenceText),
            },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HashKeyRange {
    starting_hash_key: String,
    ending_hash_key: String,
}

impl HashKeyRange {
    fn of(range: HashRange) -> Self {
        Self { starting_hash_key: range.start.to_string(), ending_hash_key: range.end.to_string() }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    starting_sequence_number: SequenceText,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending_sequence_number: Option<SequenceText>,
}

/// A shard that came from one that was read to its end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChildShard {
    shard_id: ShardText,
    parent_shards: Vec<ShardText>,
    hash_key_range: HashKeyRange,
}

impl ChildShard {
    pub(crate) fn of(shard: &Shard) -> Self {
        let parents = [shard.parent(), shard.adjacent_parent()];
        Self {
            shard_id: ShardText(shard.number()),
            parent_shards: parents.into_iter().flatten().map(ShardText).collect(),
            hash_key_range: HashKeyRange::of(shard.range()),
        }
    }
}
