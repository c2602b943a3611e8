//! Intending: records are processed, their objects are built, and what is about to be done is committed.

use std::collections::HashMap;
use std::sync::Arc;

use shard_store::catalog::Change;
use shard_store::log::LogId;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::deliver::InFlight;
use super::{Command, Driver, Interruption, blocking};
use crate::delivery::build::{Built, Order, Records, build};
use crate::delivery::recipe::Recipe;
use crate::delivery::source_records::SourceRecords;
use crate::delivery::staged::{StagedRecords, StagedWriter};
use crate::delivery::{Intent, Range, StagedFile};
use crate::error::DeliveryError;
use crate::limits::CHUNK_BYTES_MAX;
use crate::process::Processed;
use crate::record::Record;
use crate::schema::{Schema, TableSource};
use crate::source::SourceLog;
use crate::spool::Spool;

impl Driver {
    /// Builds the objects of the ranges and commits what is about to be done.
    pub(super) async fn intend(&mut self, ranges: Vec<Range>, oldest_ms: u64) -> Result<(), Interruption> {
        let unique = uuid::Uuid::new_v4();
        let schema = self.current_schema().await?;
        let order = Order { unique, oldest_ms, created_ms: self.now_ms(), schema };
        let (staged, kept) = self.stage(&ranges, &unique).await?;
        let built = self.build(&ranges, order.clone(), staged.clone()).await?;
        let intent = Intent {
            ranges,
            unique: unique.to_string(),
            oldest_ms,
            created_ms: order.created_ms,
            schema: order.schema,
            staged: kept,
            objects: built.objects.clone(),
        };
        let mut changes = vec![Change::put(self.definition.intent_key(), &intent)];
        if built.schema != self.schema {
            changes.push(Change::put(self.definition.schema_key(), &built.schema));
        }
        self.commit(changes).await?;
        self.schema.clone_from(&built.schema);
        self.in_flight = Some(InFlight::new(built, staged));
        self.machine.on_intended(intent);
        Ok(())
    }

    /// The columns of the table as they are now, or those that were learnt.
    async fn current_schema(&self) -> Result<Schema, Interruption> {
        let last = self.schema.clone();
        match TableSource::new(&self.shared.tables, &self.definition) {
            Some(table) => blocking(move || table.current(&last)).await,
            None => Ok(last),
        }
    }

    /// Processes the records of the ranges, if there is anything to do to them. What may come out otherwise the next time is
    /// made durable.
    pub(super) async fn stage(
        &mut self,
        ranges: &[Range],
        unique: &uuid::Uuid,
    ) -> Result<(Option<StagedRecords>, Option<StagedFile>), Interruption> {
        let is_external = self.recipe.pipeline.is_external();
        // A function that does not answer must not hold what others compute with.
        let builder = match is_external {
            true => None,
            false => Some(self.builder().await?),
        };
        let (ranges, logs) = (ranges.to_vec(), Arc::clone(&self.logs));
        let staging = Staging {
            recipe: Arc::clone(&self.recipe),
            spool: self.shared.spool.clone(),
            kept_name: is_external.then(|| format!("{}-{unique}", self.definition.id)),
            logs: Arc::clone(&logs),
            handle: Handle::current(),
            control: self.control.clone(),
        };
        blocking(move || {
            let _builder = builder;
            staging.run(&SourceRecords::read(&ranges, &logs)?)
        })
        .await?
    }

    /// Builds on a blocking thread, within the memory that all delivery streams share.
    pub(super) async fn build(
        &mut self,
        ranges: &[Range],
        order: Order,
        staged: Option<StagedRecords>,
    ) -> Result<Built, Interruption> {
        let memory = self.build_reserve().await?;
        let builder = self.builder().await?;
        let (recipe, logs, spool) = (Arc::clone(&self.recipe), Arc::clone(&self.logs), self.shared.spool.clone());
        let ranges = ranges.to_vec();
        let built = blocking(move || {
            let _held = (memory, builder);
            let records = Records { source: SourceRecords::read(&ranges, &logs)?, staged };
            build(&recipe, &order, &records, &logs, &spool)
        })
        .await??;
        self.metrics.build_seconds.observe(built.seconds);
        Ok(built)
    }

    /// The right to compute on one of the cores.
    async fn builder(&mut self) -> Result<OwnedSemaphorePermit, Interruption> {
        let builders = Arc::clone(&self.shared.builders);
        self.unless_stopped(builders.acquire_owned()).await?.map_err(|_| Interruption::Stopped)
    }

    async fn build_reserve(&mut self) -> Result<OwnedSemaphorePermit, Interruption> {
        // A row group of all records, what was decrypted of them, and one chunk.
        let hint_bytes = self.definition.destination.buffer.size_mib * 1024 * 1024;
        // How much an intent from before the start read is not known.
        let size_bytes = match self.machine.buffered_bytes() {
            0 => self.sizing.map_or(hint_bytes, |sizing| sizing.bytes_max()),
            buffered_bytes => buffered_bytes.max(hint_bytes),
        };
        let needed_kib = (2 * size_bytes + CHUNK_BYTES_MAX as u64) / 1024;
        let needed_kib = u32::try_from(needed_kib).unwrap_or(u32::MAX).min(self.shared.memory_kib);
        let memory = Arc::clone(&self.shared.memory);
        let permit = self.unless_stopped(memory.acquire_many_owned(needed_kib)).await?;
        permit.map_err(|_| Interruption::Stopped)
    }
}

/// The processing of the records of one intent.
struct Staging {
    recipe: Arc<Recipe>,
    spool: Spool,
    logs: Arc<HashMap<LogId, SourceLog>>,
    /// The name of the file, if it must outlive a crash.
    kept_name: Option<String>,
    handle: Handle,
    control: watch::Receiver<Command>,
}

type Staged = (Option<StagedRecords>, Option<StagedFile>);

impl Staging {
    /// Processes all records, a few at a time.
    fn run(mut self, source: &SourceRecords) -> Result<Staged, Interruption> {
        if !self.recipe.is_staged() && !source.iter().any(|input| self.recipe.pipeline.is_aggregated(input.data)) {
            return Ok((None, None));
        }
        let file = match &self.kept_name {
            Some(name) => self.spool.create_kept(name),
            None => self.spool.scratch(),
        };
        let mut writer = StagedWriter::new(file?);
        let mut records = source.iter_owned();
        while let Some(processed) = self.process(&mut records)? {
            writer.push(&processed)?;
        }
        self.finish(writer)
    }

    fn process(
        &mut self,
        records: &mut (dyn Iterator<Item = Record> + Send),
    ) -> Result<Option<Processed>, Interruption> {
        self.handle.block_on(async {
            tokio::select! {
                biased;
                _ = self.control.wait_for(|command| *command == Command::Stop) => Err(Interruption::Stopped),
                processed = self.recipe.pipeline.process(records, &self.logs) => Ok(processed),
            }
        })
    }

    fn finish(self, writer: StagedWriter) -> Result<Staged, Interruption> {
        let (file, crc32) = writer.finish()?;
        let kept = match self.kept_name {
            Some(name) => {
                self.spool.sync_kept(&file)?;
                Some(StagedFile { name, crc32 })
            }
            None => None,
        };
        Ok((Some(StagedRecords::new(shard_store::map_file(&file)?)), kept))
    }
}

impl Driver {
    /// The processed records of an open intent: those that were kept, or made again.
    pub(super) async fn restage(&mut self, intent: &Intent) -> Result<Option<StagedRecords>, Interruption> {
        let Some(file) = intent.staged.clone() else {
            return Ok(self.stage(&intent.ranges, &intent.uuid()).await?.0);
        };
        let spool = self.shared.spool.clone();
        let records = blocking(move || {
            let bytes = spool.read_kept(&file.name).map_err(DeliveryError::from)?;
            StagedRecords::new(bytes).check(&file)
        });
        Ok(Some(records.await??))
    }
}
