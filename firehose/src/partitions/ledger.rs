//! The ledger: what landed in the partitions that are not closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shard_store::catalog::{self, Change};
use shard_store::error::CatalogError;
use shard_store::log::ReadLimit;
use tokio::sync::Notify;

use crate::definition::{Checkpoint, Definition, Destination, ObjectCompression};
use crate::delivery::{IntentObject, ObjectKind, Shared};
use crate::error::DeliveryError;
use crate::topic::TopicLogs;

/// How the rows of an object are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// Parquet.
    Parquet,
    /// The records as they are, one after the other.
    Plain(ObjectCompression),
}

/// A data object in a partition that is not closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LandedObject {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// When the time ends that its prefix shows, in milliseconds since the Unix epoch.
    pub(crate) end_ms: u64,
    pub(crate) byte_count: u64,
    pub(crate) record_count: u64,
    pub(crate) format: Format,
    /// It was found that it cannot be merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_final: bool,
}

impl LandedObject {
    /// Its key up to the last `/`; empty at the top of the bucket.
    pub(super) fn folder(&self) -> &str {
        let end = self.key.rfind('/').map_or(0, |slash| slash + 1);
        self.key.get(..end).unwrap_or_default()
    }
}

/// What the keys of the rows of a delivery stream begin with.
pub(super) fn rows_prefix(id: &str) -> String {
    format!("delivery/landed/{id}/")
}

fn row_key(id: &str, object: &LandedObject) -> String {
    format!("{}{}/{}", rows_prefix(id), object.bucket, object.key)
}

/// The change that remembers an object.
pub(super) fn remember(id: &str, object: &LandedObject) -> Change {
    Change::put(row_key(id, object), object)
}

/// The change that forgets an object.
pub(super) fn forget(id: &str, object: &LandedObject) -> Change {
    Change::delete(row_key(id, object))
}

/// Tells the ledger what lands.
#[derive(Debug)]
pub(crate) struct Landing {
    id: String,
    bucket: String,
    format: Format,
    has_landed: Arc<Notify>,
}

impl Landing {
    pub(super) fn new(id: &str, destination: &Destination, has_landed: Arc<Notify>) -> Self {
        let format = match destination.conversion {
            Some(_) => Format::Parquet,
            None => Format::Plain(destination.compression),
        };
        Self { id: id.to_owned(), bucket: destination.bucket.clone(), format, has_landed }
    }

    /// The rows of the objects of a delivery.
    pub(crate) fn changes<'a>(&self, objects: impl Iterator<Item = &'a IntentObject>) -> Vec<Change> {
        let data = objects.filter(|object| object.kind == ObjectKind::Data);
        let rows = data.filter_map(|object| {
            let period = object.period.as_ref()?;
            Some(LandedObject {
                bucket: self.bucket.clone(),
                key: object.key.clone(),
                end_ms: period.end_ms,
                byte_count: object.byte_count,
                record_count: object.record_count,
                format: self.format,
                is_final: false,
            })
        });
        rows.map(|row| remember(&self.id, &row)).collect()
    }

    /// The rows are in the catalog.
    pub(crate) fn wake(&self) {
        self.has_landed.notify_one();
    }
}

/// The objects of one folder.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) end_ms: u64,
    pub(super) objects: Vec<LandedObject>,
}

/// The ledger at one moment.
#[derive(Debug)]
pub(super) struct Ledger {
    /// No record that is still to come arrived before this, in milliseconds since the Unix epoch.
    pub(super) watermark_ms: u64,
    pub(super) partitions: Vec<Partition>,
}

impl Ledger {
    /// Reads the ledger of a delivery stream. Blocks on the disk.
    ///
    /// # Errors
    /// The catalog or the source cannot be read.
    pub(super) fn read(
        shared: &Shared,
        definition: &Definition,
        topic: Option<&TopicLogs>,
    ) -> Result<Self, DeliveryError> {
        // Before the rows, so that those of all that it counts as delivered are among them.
        let watermark_ms = watermark(shared, definition, topic)?;
        let rows = catalog::scan::<LandedObject>(&**shared.store.catalog(), &rows_prefix(&definition.id))?;
        let mut partitions: BTreeMap<(String, String), Partition> = BTreeMap::new();
        for (_, object) in rows {
            let folder = (object.bucket.clone(), object.folder().to_owned());
            let partition = partitions.entry(folder).or_insert_with(|| Partition { end_ms: 0, objects: Vec::new() });
            partition.end_ms = partition.end_ms.max(object.end_ms);
            partition.objects.push(object);
        }
        Ok(Self { watermark_ms, partitions: partitions.into_values().collect() })
    }
}

/// The arrival of the oldest record that is not delivered; the time, if there is none.
fn watermark(shared: &Shared, definition: &Definition, topic: Option<&TopicLogs>) -> Result<u64, DeliveryError> {
    // The clock first: what arrives from now on arrived after it.
    let now_ms = shared.now_ms();
    let checkpoint = catalog::get::<Checkpoint>(&**shared.store.catalog(), &definition.checkpoint_key())?;
    let positions = checkpoint.unwrap_or_default().positions;
    let mut watermark_ms = now_ms;
    for log in shared.logs_of(&definition.source, topic).unwrap_or_default() {
        let known = positions.iter().find(|position| position.log == log.id);
        let next_ordinal = known.map_or(0, |position| position.next_ordinal);
        if log.log.end() <= next_ordinal {
            continue;
        }
        let limit = ReadLimit { record_count: 1, byte_count: 1 };
        let batch =
            log.log.read(next_ordinal, limit).map_err(|error| DeliveryError::Read { reason: error.to_string() })?;
        let oldest_ms = batch.records().next().map(|record| record.arrival_ms);
        watermark_ms = watermark_ms.min(oldest_ms.unwrap_or(now_ms));
    }
    Ok(watermark_ms)
}

/// The keys of all rows of a delivery stream.
pub(super) fn row_keys(catalog: &dyn catalog::Catalog, id: &str) -> Result<Vec<String>, CatalogError> {
    Ok(catalog.scan(&rows_prefix(id))?.into_iter().map(|(key, _)| key).collect())
}
