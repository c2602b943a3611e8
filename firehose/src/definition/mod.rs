//! What is stored about a delivery stream: catalog records, as JSON.
//!
//! | key | value | changes |
//! |---|---|---|
//! | `delivery/stream/ACCOUNT/REGION/NAME` | [`Definition`] | on creation and deletion |
//! | `delivery/checkpoint/ID` | [`Checkpoint`] | when a delivery is done |
//! | `delivery/intent/ID` | [`crate::delivery::Intent`] | put before an upload, deleted with the checkpoint's change |
//! | `delivery/settings/ID` | [`Settings`] | when tags or encryption are changed |
//! | `delivery/partitions/ID` | the logs of a topic's partitions, see [`crate::topic`] | when the topic has more partitions |
//! | `delivery/landed/ID/BUCKET/KEY` | an object of a partition that is not closed, see [`crate::partitions`] | with the checkpoint |
//! | `delivery/partition-work/ID` | what is being done to a partition, likewise | before and after it is done |
//! | `delivery/notice/ID/NUMBER` | an object that is to be told, see [`crate::outbox`] | with the checkpoint, and once it is told |
//! | `delivery/schema/ID` | [`Schema`](crate::schema::Schema) | with the intent that evolves it |
//!
//! `ID` is never used twice, so a delivery stream that is created again inherits nothing. A newer version may add members;
//! an older one ignores what it does not know.

mod endpoint;
mod processing;
mod settings;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shard_store::log::LogId;
use shard_store::stream::{StreamId, StreamKey};

use crate::convert::{Compression, WriterVersion};
use crate::error_output::CatalogTable;
use crate::topic::Topic;

pub use endpoint::{
    Endpoint, HttpEndpoint, IcebergEndpoint, IcebergTable, IndexRotation, OpenSearchEndpoint, RedshiftEndpoint, Secret,
    SplunkEndpoint,
};
pub use processing::{Processor, SubRecords, Transform};
pub use settings::Settings;

/// What the keys of intents begin with.
pub(crate) const INTENT_PREFIX: &str = "delivery/intent/";

/// What the keys of definitions begin with.
pub(crate) const PREFIX: &str = "delivery/stream/";

/// Where the records come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// They are put to the delivery stream, into a log of its own.
    DirectPut {
        /// The log.
        log: LogId,
    },
    /// They are read from a stream.
    Stream {
        /// The stream.
        key: StreamKey,
        /// Tells it from a later stream of the same name.
        id: StreamId,
        /// From when on its records are delivered, in milliseconds since the Unix epoch.
        started_ms: u64,
    },
    /// They are copied from a topic of another system, each partition into a log of its own.
    Topic {
        /// The topic.
        topic: Topic,
        /// From when on its records are delivered, in milliseconds since the Unix epoch.
        started_ms: u64,
    },
}

/// The compression of objects that are not converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ObjectCompression {
    /// None.
    #[default]
    Uncompressed,
    /// GZIP.
    Gzip,
    /// ZIP, with one file in it.
    Zip,
    /// Snappy, framed.
    Snappy,
    /// Snappy as Hadoop frames it.
    HadoopSnappy,
    /// Zstandard, beyond AWS.
    Zstd,
}

/// When a buffer becomes an object, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufferHints {
    /// MiB of data.
    pub size_mib: u64,
    /// Seconds since the oldest record arrived.
    pub interval_seconds: u64,
}

/// Where the objects go, and what they are like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The bucket.
    pub bucket: String,
    /// The prefix of objects, with expressions; empty for the default.
    pub prefix: String,
    /// The prefix of error objects, likewise.
    pub error_prefix: String,
    /// The time zone of prefixes and names; empty for UTC.
    pub time_zone: String,
    /// Replaces the extension that the format gives; empty for none.
    pub file_extension: String,
    /// When a buffer becomes an object.
    pub buffer: BufferHints,
    /// The compression of objects that are not converted.
    pub compression: ObjectCompression,
    /// Conversion to Parquet, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionSettings>,
    /// What is done to records first, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<Processor>,
    /// Objects are divided by the partition keys of their records.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_partitioned: bool,
    /// Where the records go as they came, beside everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// Where the records go, if they are not meant for the bucket: it then holds what fails there, or what is loaded there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

/// Where source records are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The bucket.
    pub bucket: String,
    /// The prefix of objects, with expressions; empty for the default.
    pub prefix: String,
    /// The prefix of error objects, likewise; nothing here can fail, but the prefix's rules ask for it.
    pub error_prefix: String,
    /// The compression of objects.
    pub compression: ObjectCompression,
}

/// Conversion to Parquet, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionSettings {
    /// The table whose columns are used; without one they are inferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<CatalogTable>,
    /// Scalars are converted to the type of their column where that loses nothing.
    pub is_lenient: bool,
    /// How the texts of timestamps are read, as Joda writes patterns, beside `yyyy-MM-dd HH:mm:ss`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timestamp_formats: Vec<String>,
    /// Keys are converted to lower case.
    pub is_case_insensitive: bool,
    /// Dots in keys become underscores.
    pub converts_dots: bool,
    /// The keys of columns that are not named like their key.
    pub keys_by_column: BTreeMap<String, String>,
    /// The compression of the pages.
    pub compression: Compression,
    /// The version of the pages.
    pub version: WriterVersion,
    /// Whether columns are dictionary-encoded.
    pub is_dictionary_enabled: bool,
    /// Bytes of a row group.
    pub block_bytes: u64,
    /// Bytes of a page.
    pub page_bytes: u64,
}

/// A delivery stream as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name, account and region.
    pub key: StreamKey,
    /// Tells it from every other that has or had its name.
    pub id: String,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// When its destination was last changed, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_ms: Option<u64>,
    /// Counts the changes of its destination, from 1.
    pub version: u32,
    /// Where the records come from.
    pub source: Source,
    /// Where they go.
    pub destination: Destination,
    /// What a front door keeps with it to describe it; nothing here reads it.
    pub attributes: serde_json::Value,
}

impl Definition {
    pub(crate) fn catalog_key(key: &StreamKey) -> String {
        format!("{PREFIX}{}/{}/{}", key.account, key.region, key.name)
    }

    pub(crate) fn checkpoint_key(&self) -> String {
        format!("delivery/checkpoint/{}", self.id)
    }

    pub(crate) fn intent_key(&self) -> String {
        format!("{INTENT_PREFIX}{}", self.id)
    }

    pub(crate) fn settings_key(&self) -> String {
        format!("delivery/settings/{}", self.id)
    }

    pub(crate) fn partitions_key(&self) -> String {
        format!("delivery/partitions/{}", self.id)
    }

    pub(crate) fn schema_key(&self) -> String {
        format!("delivery/schema/{}", self.id)
    }
}

/// How far a log was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The log.
    pub log: LogId,
    /// The first ordinal not yet delivered.
    pub next_ordinal: u64,
}

/// How far a delivery stream has come. Logs that are not in it are delivered from their start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// By log.
    pub positions: Vec<Position>,
}
