//! Tables of an Apache Iceberg catalog that speaks the REST catalog API.
//!
//! The records of a batch become Parquet files at the table's location, a manifest that lists them, and a snapshot that the
//! catalog commits if the table is still what it was.
//!
//! **Exactly once**: the summary of the snapshot names the batch. A batch that a snapshot of the branch names is not
//! appended again; and since a commit holds only for the snapshot that it follows, of two commits of one batch at most one is
//! taken, however late the other arrives. Names of files derive from the batch, so an append that is done again leaves no
//! second set. This ends where the table forgets its snapshots: they should be kept longer than any outage lasts.
//!
//! What this does not do: several tables, updates and deletes by unique keys, making tables and adding columns, partitions
//! other than by identity, tables of other format versions than 2, bounds of columns in manifests, and removing the files of
//! an append that was given up.

mod catalog;
mod data;
mod failure;
mod layout;
mod manifest;
mod metadata;
mod options;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use shard_store::log::BoxFuture;
use tokio::time::timeout;

pub use options::CatalogOptions;

use self::catalog::Catalog;
use self::data::{DataFile, PartitionValue, Written};
use self::failure::Failure;
use self::layout::Layout;
use self::manifest::Manifest;
use self::metadata::{Added, BATCH_ID, Metadata, bucket_and_key};
use super::{Batch, Endpoint, EndpointContext, EndpointError, Storage, Verdict};
use crate::definition::{IcebergEndpoint, IcebergTable};
use crate::record::Reason;

/// How long one append may take in all.
const APPEND_TIMEOUT: Duration = Duration::from_secs(3_600);

/// How often a commit is tried while others change the table.
const COMMITS_MAX: usize = 8;

/// Bytes of a manifest list, at most.
const MANIFEST_LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A table.
pub(super) struct Iceberg {
    catalog: Catalog,
    table: IcebergTable,
    delivery_stream: String,
    storage: Storage,
}

impl Iceberg {
    /// Reads the settings; no connection is made yet.
    pub(super) fn open(settings: &IcebergEndpoint, context: &EndpointContext) -> Result<Self, EndpointError> {
        let refuse = |setting, reason: &str| Err(EndpointError::Setting { setting, reason: reason.to_owned() });
        let [table] = settings.tables.as_slice() else {
            let reason = "records are delivered to one table; give one DestinationTableConfiguration";
            return refuse("DestinationTableConfigurationList", reason);
        };
        if settings.creates_tables {
            return refuse("TableCreationConfiguration", "tables are not made; make the table and leave this out");
        }
        if settings.evolves_schemas {
            return refuse("SchemaEvolutionConfiguration", "columns are not added; add them and leave this out");
        }
        // These hold for tables that are made, and for several of them.
        if !table.partition_columns.is_empty() {
            return refuse("PartitionSpec", "tables are not made; give the table its partitions and leave this out");
        }
        if !table.error_prefix.is_empty() {
            return refuse("S3ErrorOutputPrefix", "there is one table; give S3Configuration.ErrorOutputPrefix instead");
        }
        let Some(options) = context.catalogs.get(&settings.catalog_arn) else {
            let reason = format!("{} is not configured under firehose.iceberg", settings.catalog_arn);
            return refuse("CatalogConfiguration", &reason);
        };
        Ok(Self {
            catalog: Catalog::new(options.clone(), &context.options)?,
            table: table.clone(),
            delivery_stream: context.delivery_stream_arn(),
            storage: context.storage.clone(),
        })
    }

    async fn append(&self, batch: &Batch<'_>) -> Result<Vec<Verdict>, Failure> {
        let metadata = self.load_table().await?;
        if let Some(done) = metadata.snapshot_of(&batch.id.to_string())? {
            let layout = Layout::new(&metadata, done.schema_id.unwrap_or(metadata.current_schema_id))?;
            let (written, _) = self.write(batch, layout).await?;
            return Ok(verdicts(batch, &written.refused));
        }
        let layout = Layout::new(&metadata, metadata.current_schema_id)?;
        let (Written { files, refused }, layout) = self.write(batch, layout).await?;
        if !files.is_empty() {
            let manifest = self.put_files(batch, files, &layout, &metadata).await?;
            self.commit(batch, metadata, &layout, &manifest).await?;
        }
        Ok(verdicts(batch, &refused))
    }

    async fn load_table(&self) -> Result<Metadata, Failure> {
        self.catalog.load_table(&self.table.database, &self.table.name).await
    }

    /// Makes the data files on a blocking thread.
    async fn write(&self, batch: &Batch<'_>, layout: Layout) -> Result<(Written, Layout), Failure> {
        let records: Vec<Bytes> = batch.records.iter().map(|record| record.data.clone()).collect();
        let spool = self.storage.spool.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = data::write(&records, &layout, &spool)?;
            Ok((written, layout))
        });
        written.await.unwrap_or_else(|error| Err(Failure::Encode(error.to_string())))
    }

    /// Stores the data files and the manifest that lists them.
    async fn put_files(
        &self,
        batch: &Batch<'_>,
        files: Vec<DataFile>,
        layout: &Layout,
        metadata: &Metadata,
    ) -> Result<Manifest, Failure> {
        // A file that another schema or other partitions would make otherwise has another name.
        let stem = format!("{}-{}-{}", batch.id, layout.schema_id, layout.spec_id);
        let mut named = Vec::new();
        let mut added = Added { files: 0, records: 0, bytes: 0 };
        for (number, file) in files.into_iter().enumerate() {
            let folder = folder(layout, &file.partition);
            let location = format!("{}/{folder}{stem}-{number:05}.parquet", metadata.data_location());
            self.put(&location, file.body.clone()).await?;
            added.files += 1;
            added.records += file.row_count;
            added.bytes += file.body.len() as u64;
            named.push((location, file));
        }
        let body = manifest::manifest(&named, layout, metadata, batch.id)?;
        let location = format!("{}/{stem}-m0.avro", metadata.metadata_location());
        let byte_count = body.len();
        self.put(&location, body.into()).await?;
        Ok(Manifest { location, byte_count, added })
    }

    /// Commits a snapshot with the manifest, on top of whatever others commit meanwhile.
    async fn commit(
        &self,
        batch: &Batch<'_>,
        mut metadata: Metadata,
        layout: &Layout,
        manifest: &Manifest,
    ) -> Result<(), Failure> {
        let mut commits_left = COMMITS_MAX;
        loop {
            commits_left -= 1;
            let error = match self.commit_once(batch, &metadata, layout, manifest).await {
                Ok(()) => return Ok(()),
                Err(error @ (Failure::Conflict(_) | Failure::Unknown(_))) => error,
                Err(error) => return Err(error),
            };
            let uuid = metadata.table_uuid.clone();
            metadata = self.load_table().await.map_err(|_| error.clone())?;
            if metadata.snapshot_of(&batch.id.to_string())?.is_some() {
                return Ok(());
            }
            let is_same_table = metadata.table_uuid == uuid
                && metadata.current_schema_id == layout.schema_id
                && metadata.default_spec_id == layout.spec_id;
            if commits_left == 0 || !is_same_table {
                return Err(error);
            }
        }
    }

    async fn commit_once(
        &self,
        batch: &Batch<'_>,
        metadata: &Metadata,
        layout: &Layout,
        manifest: &Manifest,
    ) -> Result<(), Failure> {
        let parent = metadata.parent()?;
        let timestamp_ms = i64::try_from(batch.now_ms).unwrap_or(i64::MAX);
        let mut snapshot = metadata.next_snapshot(parent, snapshot_id(batch), timestamp_ms, manifest.added);
        snapshot.summary.insert(BATCH_ID.to_owned(), batch.id.to_string());
        snapshot.summary.insert("headwater.delivery-stream".to_owned(), self.delivery_stream.clone());
        let before = match parent {
            Some(parent) => Some(self.get(&parent.manifest_list).await?),
            None => None,
        };
        let list = manifest::manifest_list(before.as_deref(), manifest, &snapshot, layout.spec_id, batch.id)?;
        // A list is that of its parent, so each parent has another.
        let parent_id = parent.map_or(0, |parent| parent.snapshot_id);
        let id = snapshot.snapshot_id;
        snapshot.manifest_list = format!("{}/snap-{id}-{parent_id}-{}.avro", metadata.metadata_location(), batch.id);
        self.put(&snapshot.manifest_list, list.into()).await?;
        self.catalog.commit(&self.table.database, &self.table.name, metadata, &snapshot).await
    }

    async fn put(&self, location: &str, body: Bytes) -> Result<(), Failure> {
        let (bucket, key) = bucket_and_key(location)?;
        Ok(self.storage.open(bucket).await?.put(key, body).await?)
    }

    async fn get(&self, location: &str) -> Result<Bytes, Failure> {
        let (bucket, key) = bucket_and_key(location)?;
        let found = self.storage.open(bucket).await?.get(key, MANIFEST_LIST_BYTES_MAX).await?;
        found.ok_or_else(|| Failure::Table(format!("The manifest list {location} is not there.")))
    }
}

impl Endpoint for Iceberg {
    fn send<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Vec<Verdict>> {
        Box::pin(async move {
            if batch.records.is_empty() {
                return Vec::new();
            }
            let late = || Failure::Catalog("the append took too long".to_owned());
            match timeout(APPEND_TIMEOUT, self.append(batch)).await.unwrap_or_else(|_| Err(late())) {
                Ok(verdicts) => verdicts,
                Err(failure) => vec![Verdict::Again(Arc::new(failure.reason())); batch.records.len()],
            }
        })
    }
}

fn verdicts(batch: &Batch<'_>, refused: &BTreeMap<usize, Arc<Reason>>) -> Vec<Verdict> {
    let verdict = |at| match refused.get(&at) {
        Some(reason) => Verdict::Refused(Arc::clone(reason)),
        None => Verdict::Delivered,
    };
    (0..batch.records.len()).map(verdict).collect()
}

/// The id of the snapshot of a batch: the same whenever it is made, and never 0.
fn snapshot_id(batch: &Batch<'_>) -> i64 {
    let (high, low) = batch.id.as_u64_pair();
    i64::try_from((high ^ low) & i64::MAX.cast_unsigned()).unwrap_or(1).max(1)
}

/// The folders of a partition, each with a slash behind it.
fn folder(layout: &Layout, values: &[PartitionValue]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let plain = |text: &str| text.chars().map(|c| if is_plain(c) { c } else { '_' }).collect::<String>();
    let mut folder = String::new();
    for (partition, value) in layout.partitions.iter().zip(values) {
        let text = match value {
            PartitionValue::Null => "null".to_owned(),
            PartitionValue::Boolean(value) => value.to_string(),
            PartitionValue::Int(value) => value.to_string(),
            PartitionValue::Long(value) => value.to_string(),
            PartitionValue::Date(days) => chrono::NaiveDate::default()
                .checked_add_signed(chrono::TimeDelta::days(i64::from(*days)))
                .map_or_else(|| days.to_string(), |date| date.to_string()),
            // A key has a bound, a value has none; nobody reads values from keys.
            PartitionValue::Text(text) => text.chars().take(64).collect(),
        };
        folder.push_str(&format!("{}={}/", plain(&partition.name), plain(&text)));
    }
    folder
}
