//! Events: what a function is called with.
//!
//! Source: Firehose Developer Guide, "Transform source data"; Lambda Developer Guide, "Process Amazon Data Firehose records with
//! Lambda" (an event of a Kinesis source has `sourceKinesisStreamArn` and each record `kinesisRecordMetadata`; records of MSK
//! have `kafkaRecordValue` and `mskRecordMetadata`, here without `partitionId`, which logs do not tell).

use std::collections::HashMap;

use serde::Serialize;
use shard_store::log::{LogId, ReadLimit};
use shard_store::stream::StreamKey;

use crate::definition::{Definition, Source};
use crate::record::Record;
use crate::source::SourceLog;

/// Bytes that a record takes in an event beside its data and its partition key.
const RECORD_FRAME_BYTES: usize = 512;

/// Bytes of a partition key in JSON, at most: 256 characters, each escaped.
const PARTITION_KEY_BYTES: usize = 256 * 12;

/// Where the records of events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origins {
    Direct,
    Stream { arn: String },
    Topic { arn: String },
}

/// What all events of a delivery stream have in common.
#[derive(Clone, Debug)]
pub(super) struct Event {
    delivery_stream_arn: String,
    region: String,
    origins: Origins,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventJson<'a> {
    invocation_id: &'a str,
    delivery_stream_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_kinesis_stream_arn: Option<&'a str>,
    #[serde(rename = "sourceMSKArn", skip_serializing_if = "Option::is_none")]
    source_msk_arn: Option<&'a str>,
    region: &'a str,
    records: Vec<RecordJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
    record_id: String,
    approximate_arrival_timestamp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_record_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinesis_record_metadata: Option<StreamMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msk_record_metadata: Option<TopicMetadata>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StreamMetadata {
    sequence_number: String,
    subsequence_number: u32,
    partition_key: String,
    shard_id: String,
    approximate_arrival_timestamp: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TopicMetadata {
    offset: String,
    approximate_arrival_timestamp: u64,
}

/// Tells a record from all others of its delivery stream.
pub(super) fn record_id(record: &Record) -> String {
    let origin = &record.origin;
    format!("{}{:020}{:06}", origin.log.0, origin.ordinal, origin.sub.unwrap_or(0))
}

/// The partition key that a record has in its log; none if it is no longer there.
fn partition_key(record: &Record, log: &SourceLog) -> Option<String> {
    let ordinal = record.origin.ordinal;
    let batch = log.log.read(ordinal, ReadLimit { record_count: 1, byte_count: 1 }).ok()?;
    let found = batch.records().next().filter(|found| found.ordinal == ordinal)?;
    Some(found.partition_key.to_owned())
}

impl Event {
    pub(super) fn new(definition: &Definition) -> Self {
        let StreamKey { account, region, name } = &definition.key;
        let origins = match &definition.source {
            Source::DirectPut { .. } => Origins::Direct,
            Source::Stream { key, .. } => {
                Origins::Stream { arn: format!("arn:aws:kinesis:{}:{}:stream/{}", key.region, key.account, key.name) }
            }
            Source::Topic { topic, .. } => {
                Origins::Topic { arn: format!("arn:aws:kafka:{region}:{account}:cluster/{}", topic.cluster) }
            }
        };
        let delivery_stream_arn = format!("arn:aws:firehose:{region}:{account}:deliverystream/{name}");
        Self { delivery_stream_arn, region: region.clone(), origins }
    }

    /// Bytes of an event without records, at most.
    pub(super) fn frame_bytes(&self) -> usize {
        let (Origins::Stream { arn } | Origins::Topic { arn }) = &self.origins else { return 1_024 };
        1_024 + arn.len() * 6
    }

    /// Bytes of a record in an event, at most.
    pub(super) fn record_bytes(&self, record: &Record) -> usize {
        let key_bytes = if self.origins == Origins::Direct { 0 } else { PARTITION_KEY_BYTES };
        record.data.len().div_ceil(3) * 4 + RECORD_FRAME_BYTES + key_bytes
    }

    /// The event of some records, as JSON.
    pub(super) fn encode(&self, invocation_id: &str, batch: &[Record], logs: &HashMap<LogId, SourceLog>) -> Vec<u8> {
        let (stream, topic) = match &self.origins {
            Origins::Direct => (None, None),
            Origins::Stream { arn } => (Some(arn.as_str()), None),
            Origins::Topic { arn } => (None, Some(arn.as_str())),
        };
        let event = EventJson {
            invocation_id,
            delivery_stream_arn: &self.delivery_stream_arn,
            source_kinesis_stream_arn: stream,
            source_msk_arn: topic,
            region: &self.region,
            records: batch.iter().map(|record| self.record(record, logs.get(&record.origin.log))).collect(),
        };
        serde_json::to_vec(&event).expect("an event has string keys only and is written to memory")
    }

    fn record(&self, record: &Record, log: Option<&SourceLog>) -> RecordJson {
        let data = base64_simd::STANDARD.encode_to_string(&record.data);
        let approximate_arrival_timestamp = record.origin.arrival_ms;
        let key = || log.and_then(|log| partition_key(record, log)).unwrap_or_default();
        let mut json = RecordJson {
            record_id: record_id(record),
            approximate_arrival_timestamp,
            data: None,
            kafka_record_value: None,
            kinesis_record_metadata: None,
            msk_record_metadata: None,
        };
        match self.origins {
            Origins::Direct => json.data = Some(data),
            Origins::Stream { .. } => {
                json.data = Some(data);
                json.kinesis_record_metadata = Some(StreamMetadata {
                    sequence_number: log.map(|log| log.record_name(record.origin.ordinal)).unwrap_or_default(),
                    subsequence_number: record.origin.sub.unwrap_or(0),
                    partition_key: key(),
                    shard_id: log.and_then(SourceLog::shard_id).unwrap_or_default(),
                    approximate_arrival_timestamp,
                });
            }
            Origins::Topic { .. } => {
                json.kafka_record_value = Some(data);
                // The log's partition keys are the offsets; see `crate::topic`.
                json.msk_record_metadata = Some(TopicMetadata { offset: key(), approximate_arrival_timestamp });
            }
        }
        json
    }
}
