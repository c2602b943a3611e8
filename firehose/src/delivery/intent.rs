//! What is about to be delivered, as it stands in the catalog.

use serde::{Deserialize, Serialize};
use shard_store::log::LogId;

use crate::schema::Schema;

/// Consecutive records of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The log.
    pub log: LogId,
    /// The first ordinal.
    pub from: u64,
    /// The ordinal behind the last.
    pub to: u64,
}

/// One object of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentObject {
    /// Its key in the bucket.
    pub key: String,
    /// Its size.
    pub byte_count: u64,
    /// The CRC-32 of its bytes, which shows that it was built again as it was.
    pub crc32: u32,
    /// The records in it.
    pub record_count: u64,
}

/// Everything that building the objects depends on, and what it gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The records, in the order in which they are read.
    pub ranges: Vec<Range>,
    /// The key of the object of good records.
    pub data_key: String,
    /// The key of the object of records that do not convert.
    pub error_key: String,
    /// When the oldest of the records arrived, in milliseconds since the Unix epoch.
    pub oldest_ms: u64,
    /// When it was made, in milliseconds since the Unix epoch; the failed records carry it.
    pub created_ms: u64,
    /// The schema that conversion starts from; what it learns is in the catalog's schema.
    pub schema: Schema,
    /// The objects: none, one or both of the keys.
    pub objects: Vec<IntentObject>,
}
