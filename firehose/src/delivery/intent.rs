//! What is about to be delivered, as it stands in the catalog.

use serde::{Deserialize, Deserializer, Serialize};
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

/// What an object holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    /// Good records.
    #[default]
    Data,
    /// Records that failed on the way, with the reason.
    Error,
    /// Records as they came, in the bucket of the backup.
    Backup,
}

/// One object of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentObject {
    /// Its key in the bucket.
    pub key: String,
    /// What it holds.
    #[serde(default)]
    pub kind: ObjectKind,
    /// Its size.
    pub byte_count: u64,
    /// The CRC-32 of its bytes, which shows that it was built again as it was.
    pub crc32: u32,
    /// The records in it.
    pub record_count: u64,
    /// Its prefix, and when the time that its prefix shows ends, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
}

/// The folder of an object of data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The prefix.
    pub prefix: String,
    /// When the time that it shows ends, in milliseconds since the Unix epoch.
    pub end_ms: u64,
}

/// Processed records that were made durable, since making them again could give others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Its name in the spool.
    pub name: String,
    /// The CRC-32 of its bytes.
    pub crc32: u32,
}

/// Everything that building the objects depends on, and what it gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The records, in the order in which they are read.
    pub ranges: Vec<Range>,
    /// A UUID, which tells its objects from all others. Earlier versions kept the key of the error object, which ends in it.
    #[serde(alias = "error_key", deserialize_with = "last_uuid")]
    pub unique: String,
    /// When the oldest of the records arrived, in milliseconds since the Unix epoch.
    pub oldest_ms: u64,
    /// When it was made, in milliseconds since the Unix epoch; the failed records carry it.
    pub created_ms: u64,
    /// The schema that conversion starts from; what it learns is in the catalog's schema.
    pub schema: Schema,
    /// The processed records, if processing may not give the same twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<StagedFile>,
    /// The objects.
    pub objects: Vec<IntentObject>,
}

impl Intent {
    /// [`Self::unique`] as what it is.
    pub(super) fn uuid(&self) -> uuid::Uuid {
        self.unique.parse().unwrap_or_default()
    }
}

fn last_uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let from = text.len().saturating_sub(uuid::fmt::Hyphenated::LENGTH);
    let uuid = text.get(from..).filter(|uuid| uuid.parse::<uuid::Uuid>().is_ok());
    uuid.map(str::to_owned).ok_or_else(|| serde::de::Error::custom(format!("{text} does not end in a UUID")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_of_the_first_version_is_read() {
        let text = r#"{"ranges":[{"log":7,"from":3,"to":8}],"data_key":"raw/2026/raw-1-x-5f0c8f4e-3c5e-4a58-9f43-7c6a3b2f1d00.gz",
            "error_key":"raw/failed/raw-1-x-5f0c8f4e-3c5e-4a58-9f43-7c6a3b2f1d00","oldest_ms":1,"created_ms":2,
            "schema":{"version":0,"fields":[]},"objects":[{"key":"k","byte_count":1,"crc32":2,"record_count":3}]}"#;
        let intent: Intent = serde_json::from_str(text).unwrap();
        assert_eq!(intent.unique, "5f0c8f4e-3c5e-4a58-9f43-7c6a3b2f1d00");
        assert_eq!(intent.uuid().to_string(), intent.unique);
        assert_eq!(intent.objects[0].kind, ObjectKind::Data);
        let again: Intent = serde_json::from_str(&serde_json::to_string(&intent).unwrap()).unwrap();
        assert_eq!(again, intent);
    }
}
