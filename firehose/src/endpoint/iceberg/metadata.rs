//! What a table says of itself: the parts of its metadata that an append needs.
//!
//! Source: Apache Iceberg, "Table Spec", version 2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;

/// The branch that records are appended to.
pub(super) const MAIN: &str = "main";

/// The member of a snapshot's summary that names the batch in it.
pub(super) const BATCH_ID: &str = "headwater.batch-id";

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Metadata {
    pub(super) format_version: u32,
    pub(super) table_uuid: String,
    pub(super) location: String,
    #[serde(default)]
    pub(super) last_sequence_number: i64,
    #[serde(default)]
    pub(super) last_updated_ms: i64,
    pub(super) current_schema_id: i32,
    /// As they stand, since manifests repeat them.
    pub(super) schemas: Vec<Value>,
    pub(super) default_spec_id: i32,
    pub(super) partition_specs: Vec<Spec>,
    #[serde(default)]
    pub(super) current_snapshot_id: Option<i64>,
    #[serde(default)]
    pub(super) snapshots: Vec<Snapshot>,
    #[serde(default)]
    pub(super) refs: BTreeMap<String, Reference>,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Spec {
    pub(super) spec_id: i32,
    pub(super) fields: Vec<SpecField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SpecField {
    pub(super) source_id: i32,
    pub(super) field_id: i32,
    pub(super) name: String,
    pub(super) transform: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Reference {
    pub(super) snapshot_id: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Snapshot {
    pub(super) snapshot_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent_snapshot_id: Option<i64>,
    #[serde(default)]
    pub(super) sequence_number: i64,
    pub(super) timestamp_ms: i64,
    /// Absent from snapshots of version 1 that list their manifests themselves.
    #[serde(default)]
    pub(super) manifest_list: String,
    #[serde(default)]
    pub(super) summary: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) schema_id: Option<i32>,
}

impl Metadata {
    /// The snapshot that the branch is at.
    pub(super) fn parent(&self) -> Result<Option<&Snapshot>, Failure> {
        let id = match self.refs.get(MAIN) {
            Some(main) => main.snapshot_id,
            None => match self.current_snapshot_id.filter(|id| *id >= 0) {
                Some(id) => id,
                None => return Ok(None),
            },
        };
        match self.snapshots.iter().find(|snapshot| snapshot.snapshot_id == id) {
            Some(snapshot) => Ok(Some(snapshot)),
            None => Err(Failure::Table(format!("The table does not tell of its snapshot {id}."))),
        }
    }

    /// The snapshot that a batch was committed with, among those that the branch has come through and still knows.
    pub(super) fn snapshot_of(&self, batch: &str) -> Result<Option<&Snapshot>, Failure> {
        let by_id: BTreeMap<i64, &Snapshot> =
            self.snapshots.iter().map(|snapshot| (snapshot.snapshot_id, snapshot)).collect();
        let mut current = self.parent()?;
        // A chain of parents is no longer than there are snapshots, whatever the catalog says.
        for _ in 0..=self.snapshots.len() {
            let Some(snapshot) = current else { break };
            if snapshot.summary.get(BATCH_ID).is_some_and(|id| id == batch) {
                return Ok(Some(snapshot));
            }
            current = snapshot.parent_snapshot_id.and_then(|id| by_id.get(&id).copied());
        }
        Ok(None)
    }

    /// The schema of an id, as it stands.
    pub(super) fn schema(&self, id: i32) -> Result<&Value, Failure> {
        let has_id = |schema: &&Value| schema.get("schema-id").and_then(Value::as_i64) == Some(i64::from(id));
        let found = self.schemas.iter().find(has_id);
        found.ok_or_else(|| Failure::Table(format!("The table does not tell of its schema {id}.")))
    }

    /// The partitions that new files are divided by.
    pub(super) fn spec(&self) -> Result<&Spec, Failure> {
        let found = self.partition_specs.iter().find(|spec| spec.spec_id == self.default_spec_id);
        found.ok_or_else(|| Failure::Table("The table does not tell of its partitions.".to_owned()))
    }

    /// Where data files go.
    pub(super) fn data_location(&self) -> String {
        self.folder("write.data.path", "data")
    }

    /// Where manifests go.
    pub(super) fn metadata_location(&self) -> String {
        self.folder("write.metadata.path", "metadata")
    }

    fn folder(&self, property: &str, name: &str) -> String {
        match self.properties.get(property) {
            Some(path) => path.trim_end_matches('/').to_owned(),
            None => format!("{}/{name}", self.location.trim_end_matches('/')),
        }
    }

    /// The snapshot that follows `parent` and adds what `added` counts.
    pub(super) fn next_snapshot(
        &self,
        parent: Option<&Snapshot>,
        snapshot_id: i64,
        timestamp_ms: i64,
        added: Added,
    ) -> Snapshot {
        let mut summary = BTreeMap::from([("operation".to_owned(), "append".to_owned())]);
        let counts = [("data-files", added.files), ("records", added.records), ("files-size", added.bytes)];
        for (name, count) in counts {
            summary.insert(format!("added-{name}"), count.to_string());
            let before = match parent {
                Some(parent) => parent.summary.get(&format!("total-{name}")).and_then(|count| count.parse().ok()),
                None => Some(0_u64),
            };
            if let Some(total) = before.and_then(|before| before.checked_add(count)) {
                summary.insert(format!("total-{name}"), total.to_string());
            }
        }
        for name in ["total-delete-files", "total-position-deletes", "total-equality-deletes"] {
            let before = parent.map_or(Some("0"), |parent| parent.summary.get(name).map(String::as_str));
            summary.extend(before.map(|count| (name.to_owned(), count.to_owned())));
        }
        Snapshot {
            snapshot_id,
            parent_snapshot_id: parent.map(|parent| parent.snapshot_id),
            sequence_number: self.last_sequence_number.saturating_add(1),
            // Snapshots of a table are in the order of their times.
            timestamp_ms: parent
                .map_or(timestamp_ms, |parent| timestamp_ms.max(parent.timestamp_ms.saturating_add(1)))
                .max(self.last_updated_ms),
            manifest_list: String::new(),
            summary,
            schema_id: Some(self.current_schema_id),
        }
    }
}

/// What a snapshot adds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added {
    pub(super) files: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// The bucket and the key of a location like `s3://bucket/key`.
pub(super) fn bucket_and_key(location: &str) -> Result<(&str, &str), Failure> {
    let refuse = || Failure::Table(format!("The location {location:?} is not s3://BUCKET/PREFIX."));
    let (scheme, rest) = location.split_once("://").ok_or_else(refuse)?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if !matches!(scheme, "s3" | "s3a" | "s3n") || bucket.is_empty() {
        return Err(refuse());
    }
    Ok((bucket, key.trim_start_matches('/')))
}
