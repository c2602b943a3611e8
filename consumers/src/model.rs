//! The shapes of the API that the producer and the reader use, as a client sees them.
//!
//! Source: Kinesis Data Streams API Reference, "PutRecords", "ListShards", "GetShardIterator", "GetRecords".

use std::borrow::Cow;

use bytes::Bytes;
use ingest_wire::{Blob, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

/// The answer to PutRecords.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutRecordsOutput {
    /// One result an entry, in the order of the request.
    pub records: Vec<PutResult>,
}

/// What became of one entry of PutRecords.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutResult {
    /// Where the record stands, if it was accepted.
    pub sequence_number: Option<String>,
    /// The shard it went to, if it was accepted.
    pub shard_id: Option<String>,
    /// Why it was not accepted, as an AWS error code.
    pub error_code: Option<String>,
    /// Why it was not accepted, in words.
    pub error_message: Option<String>,
}

/// One page of ListShards.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListShardsOutput {
    /// The shards, in the order of their ids.
    #[serde(default)]
    pub shards: Vec<Shard>,
    /// Asks for the next page; absent on the last.
    pub next_token: Option<String>,
}

/// A shard as ListShards describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Shard {
    /// Its id, such as `shardId-000000000000`.
    pub shard_id: String,
    /// The shard it was split from, or one of the two that were merged into it.
    pub parent_shard_id: Option<String>,
    /// The other of two merged shards.
    pub adjacent_parent_shard_id: Option<String>,
    /// The hash keys it takes.
    #[serde(default)]
    pub hash_key_range: HashKeyRange,
    /// Where the shard begins and, once closed, ends.
    pub sequence_number_range: SequenceNumberRange,
}

impl Shard {
    /// Whether it takes records.
    pub fn is_open(&self) -> bool {
        self.sequence_number_range.ending_sequence_number.is_none()
    }
}

/// The hash keys of a shard, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HashKeyRange {
    /// The lowest.
    #[serde(deserialize_with = "hash_key_from_text")]
    pub starting_hash_key: u128,
    /// The highest.
    #[serde(deserialize_with = "hash_key_from_text")]
    pub ending_hash_key: u128,
}

fn hash_key_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// The sequence numbers of a shard.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SequenceNumberRange {
    /// The first.
    pub starting_sequence_number: String,
    /// The last; absent while the shard is open.
    pub ending_sequence_number: Option<String>,
}

/// Where in a shard to begin.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "ShardIteratorType")]
pub enum Position {
    /// At the oldest record that is kept.
    #[serde(rename = "TRIM_HORIZON")]
    TrimHorizon,
    /// After the newest record.
    #[serde(rename = "LATEST")]
    Latest,
    /// At the first record that arrived at this time or later.
    #[serde(rename = "AT_TIMESTAMP")]
    AtTimestamp {
        /// The time.
        #[serde(rename = "Timestamp")]
        time: Timestamp,
    },
    /// After the record with this sequence number.
    #[serde(rename = "AFTER_SEQUENCE_NUMBER")]
    AfterSequenceNumber {
        /// The sequence number.
        #[serde(rename = "StartingSequenceNumber")]
        sequence_number: String,
    },
}

/// The answer to GetShardIterator.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetShardIteratorOutput {
    /// The iterator, an opaque token that expires after five minutes.
    pub shard_iterator: String,
}

/// The answer to GetRecords.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRecordsOutput {
    /// The records, in their order.
    pub records: Vec<Record>,
    /// Reads on; absent once a closed shard is read to its end.
    pub next_shard_iterator: Option<String>,
    /// How far behind the end of the shard the answer is, in milliseconds.
    pub millis_behind_latest: Option<u64>,
}

/// One record of a shard.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Record {
    /// Where it stands in its shard.
    pub sequence_number: String,
    /// When it arrived.
    pub approximate_arrival_timestamp: Option<Timestamp>,
    /// Its partition key; empty if it was put without one.
    #[serde(default)]
    pub partition_key: String,
    /// Its bytes.
    #[serde(deserialize_with = "bytes_from_base64")]
    pub data: Bytes,
}

fn bytes_from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let blob = Blob::deserialize(deserializer)?;
    let data = blob.decode().map_err(serde::de::Error::custom)?;
    Ok(Bytes::from(data.into_owned()))
}
