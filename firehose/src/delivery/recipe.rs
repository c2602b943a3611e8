//! How a delivery stream makes its objects: its definition, ready for use.

use super::Shared;
use crate::config::Options;
use crate::convert::{Conversion, ParquetOptions};
use crate::definition::{Backup, Definition, Destination, ObjectCompression};
use crate::endpoint::{self, EndpointContext};
use crate::error::RecipeError;
use crate::error_output::CatalogTable;
use crate::notify::{Notifier, Owner};
use crate::object;
use crate::prefix::{Partition, Prefixes};
use crate::process::Pipeline;
use crate::record::ErrorOutputType;

/// How a delivery stream makes its objects.
pub(crate) struct Recipe {
    name: String,
    version: u32,
    prefixes: Prefixes,
    extension: String,
    pub(super) compression: ObjectCompression,
    pub(super) conversion: Option<Conversion>,
    pub(super) table: Option<CatalogTable>,
    pub(super) pipeline: Pipeline,
    pub(super) is_partitioned: bool,
    /// Good records are sent rather than stored.
    pub(super) is_sent: bool,
    pub(super) backup: Option<BackupRecipe>,
    notifier: Option<Notifier>,
}

/// How the objects of source records are made.
pub(super) struct BackupRecipe {
    prefixes: Prefixes,
    pub(super) compression: ObjectCompression,
}

/// The names of the objects of one intent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) unique: &'a uuid::Uuid,
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipe").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Recipe {
    /// Reads a definition.
    ///
    /// # Errors
    /// What is wrong with it, for the person who wrote it.
    pub(crate) fn new(definition: &Definition, shared: &Shared) -> Result<Self, RecipeError> {
        let options = &shared.options;
        let destination = &definition.destination;
        let prefixes = Prefixes::new(destination, &options.stream(&definition.key.name))?;
        if let Some(settings) = &destination.endpoint {
            let context = EndpointContext::new(definition, options, &shared.sinks, &shared.spool);
            endpoint::open(settings, &context).map_err(|error| RecipeError::Endpoint { reason: error.to_string() })?;
        }
        Ok(Self {
            notifier: notifier(definition, options)?,
            name: definition.key.name.clone(),
            version: definition.version,
            is_partitioned: prefixes.is_partitioned(),
            prefixes,
            extension: extension(destination),
            compression: destination.compression,
            conversion: destination
                .conversion
                .as_ref()
                .map(|settings| Conversion::new(settings, &definition.key.name, options))
                .transpose()?,
            table: destination.conversion.as_ref().and_then(|conversion| conversion.table.clone()),
            pipeline: Pipeline::new(definition, options)?,
            is_sent: destination.endpoint.is_some(),
            backup: destination
                .backup
                .as_ref()
                .map(|backup| BackupRecipe::new(backup, &destination.time_zone))
                .transpose()?,
        })
    }
}

impl BackupRecipe {
    fn new(backup: &Backup, time_zone: &str) -> Result<Self, RecipeError> {
        let prefixes = Prefixes::parse(&backup.prefix, &backup.error_prefix, time_zone)?;
        Ok(Self { prefixes, compression: backup.compression })
    }
}

impl Names<'_> {
    /// Eleven characters, as AWS's; a name's end is the whole id, so nothing hangs on these.
    fn random(&self) -> String {
        let mut random = self.unique.simple().to_string();
        random.truncate(11);
        random
    }

    fn suffix(&self, prefixes: &Prefixes, oldest_ms: u64) -> String {
        prefixes.suffix(&self.recipe.name, self.recipe.version, oldest_ms, &self.unique.to_string())
    }

    /// The prefix of an object of good records, the oldest of which arrived at `oldest_ms`.
    pub(super) fn data_prefix(&self, partition: &Partition, oldest_ms: u64) -> String {
        self.recipe.prefixes.data_prefix(partition, oldest_ms, &self.random())
    }

    /// The key of an object of good records below its prefix.
    pub(super) fn data_key(&self, prefix: &str, oldest_ms: u64) -> String {
        format!("{prefix}{}{}", self.suffix(&self.recipe.prefixes, oldest_ms), self.recipe.extension)
    }

    /// The key of an object of records that failed in the same way.
    pub(super) fn error_key(&self, output_type: ErrorOutputType, oldest_ms: u64) -> String {
        let prefixes = &self.recipe.prefixes;
        format!("{}{}", prefixes.error_prefix(oldest_ms, &self.random(), output_type), self.suffix(prefixes, oldest_ms))
    }

    /// The key of an object of source records.
    pub(super) fn backup_key(&self, backup: &BackupRecipe, oldest_ms: u64) -> String {
        let prefix = backup.prefixes.data_prefix(&Partition::default(), oldest_ms, &self.random());
        let suffix = self.suffix(&backup.prefixes, oldest_ms);
        format!("{prefix}{suffix}{}", object::extension(backup.compression))
    }
}

impl Recipe {
    /// What tells what landed, if anybody wants to know; once.
    pub(crate) fn take_notifier(&mut self) -> Option<Notifier> {
        self.notifier.take()
    }

    /// How Parquet files are written.
    pub(crate) fn parquet_options(&self) -> ParquetOptions {
        self.conversion.as_ref().map(|conversion| conversion.parquet.clone()).unwrap_or_default()
    }

    /// Whether all records are processed before their objects are made.
    pub(super) fn is_staged(&self) -> bool {
        !self.pipeline.is_empty()
    }

    /// Whether each record takes memory beside its bytes while it is delivered.
    pub(super) fn refers_to_records(&self) -> bool {
        self.is_sent || self.is_partitioned
    }

    /// The partition of a record.
    ///
    /// # Errors
    /// Why it belongs to none.
    pub(super) fn partition(
        &self,
        keys: &crate::record::PartitionKeys,
        arrival_ms: u64,
    ) -> Result<Partition, crate::record::Reason> {
        self.prefixes.partition(keys, arrival_ms)
    }

    /// When the time ends that the prefix of a partition shows.
    pub(super) fn period_end(&self, partition: &Partition, arrival_ms: u64) -> Option<u64> {
        self.prefixes.period_end(partition, arrival_ms)
    }
}

fn extension(destination: &Destination) -> String {
    match destination {
        Destination { file_extension, .. } if !file_extension.is_empty() => file_extension.clone(),
        Destination { conversion: Some(_), .. } => ".parquet".to_owned(),
        Destination { compression, .. } => object::extension(*compression).to_owned(),
    }
}

fn notifier(definition: &Definition, options: &Options) -> Result<Option<Notifier>, RecipeError> {
    let targets = options.stream(&definition.key.name).notify;
    if targets.is_empty() {
        return Ok(None);
    }
    let owner = Owner { account: definition.key.account.clone(), region: definition.key.region.clone() };
    let notifier = Notifier::open(&targets, &options.endpoints, owner);
    notifier.map(Some).map_err(|error| RecipeError::Endpoint { reason: error.to_string() })
}
