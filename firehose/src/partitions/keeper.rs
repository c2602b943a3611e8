//! The task that closes the partitions of one delivery stream, beside its delivery.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use shard_store::catalog::{self, Change};
use shard_store::map_file;
use tokio::sync::{Notify, watch};

use super::ledger::{self, LandedObject, Landing, Ledger, Partition};
use super::manifest::{self, MANIFEST_BYTES_MAX, Manifest};
use super::merge::merge;
use super::options::PartitionOptions;
use super::work::{Closing, Merge, MergeRule, Work, work_key};
use crate::convert::ParquetOptions;
use crate::definition::Definition;
use crate::delivery::{Body, Command, Shared, Trouble};
use crate::error::DeliveryError;
use crate::limits::CHUNK_BYTES_MAX;
use crate::metrics::StreamMetrics;
use crate::outbox::Outbox;
use crate::sink::Sink;
use crate::topic::TopicLogs;

/// Small objects of a partition that are merged before it is closed.
const SMALL_OBJECTS_MAX: usize = 100;

/// Between two looks at the ledger, however much lands.
const GAP: Duration = Duration::from_millis(500);

/// The longest between two looks while a partition is open: the clock may be set, and a source may go.
const REFRESH: Duration = Duration::from_secs(10);

/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The name of the object that says that a partition is closed. Source: Hadoop, `FileOutputCommitter`.
const MARKER: &str = "_SUCCESS";

/// The task.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    definition: Arc<Definition>,
    /// `None` if its partitions are not closed (any more): only what was begun is brought to its end.
    options: Option<PartitionOptions>,
    parquet: ParquetOptions,
    topic: Option<Arc<TopicLogs>>,
    control: watch::Receiver<Command>,
    metrics: StreamMetrics,
    outbox: Option<Arc<Outbox>>,
    trouble: Arc<Trouble>,
    has_landed: Arc<Notify>,
    /// The open buckets: one, mostly.
    sinks: HashMap<String, Arc<dyn Sink>>,
}

impl Keeper {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        definition: &Arc<Definition>,
        parquet: ParquetOptions,
        topic: Option<Arc<TopicLogs>>,
        control: watch::Receiver<Command>,
        metrics: StreamMetrics,
        outbox: Option<Arc<Outbox>>,
    ) -> Self {
        // What is loaded into a database or stored beside an endpoint is no partition of a table.
        let is_stored = definition.destination.endpoint.is_none();
        Self {
            options: shared.options.stream(&definition.key.name).partitions.filter(|_| is_stored),
            shared: Arc::clone(shared),
            definition: Arc::clone(definition),
            parquet,
            topic,
            control,
            metrics,
            outbox,
            trouble: Arc::default(),
            has_landed: Arc::default(),
            sinks: HashMap::new(),
        }
    }

    /// Tells the ledger what lands; `None` if it is not asked for.
    pub(crate) fn landing(&self) -> Option<Landing> {
        let definition = &self.definition;
        let landing = || Landing::new(&definition.id, &definition.destination, Arc::clone(&self.has_landed));
        self.options.as_ref().map(|_| landing())
    }

    /// What it cannot do at the moment.
    pub(crate) fn trouble(&self) -> Arc<Trouble> {
        Arc::clone(&self.trouble)
    }

    /// Closes partitions until the delivery stream is told to end. It may be ended anywhere.
    pub(crate) async fn run(mut self) {
        let mut control = self.control.clone();
        tokio::select! {
            biased;
            _ = control.wait_for(|command| *command != Command::Run) => {}
            () = self.keep() => {}
        }
    }

    async fn keep(&mut self) {
        let mut pause = GAP;
        loop {
            match self.round().await {
                Ok(None) => {
                    self.trouble.clear(&self.definition.key.name);
                    break;
                }
                Ok(Some(wait)) => {
                    self.trouble.clear(&self.definition.key.name);
                    pause = GAP;
                    tokio::time::sleep(GAP).await;
                    let landed = Arc::clone(&self.has_landed);
                    // Nothing but what lands makes a first partition.
                    drop(tokio::time::timeout(wait.min(REFRESH), landed.notified()).await);
                }
                Err(error) => {
                    let trouble = format!("a partition cannot be closed: {error}");
                    self.trouble.tell(&self.definition.key.name, trouble);
                    tokio::time::sleep(pause).await;
                    pause = PAUSE_MAX.min(pause * 2);
                }
            }
        }
    }

    /// Does what there is to do. Returns how long to wait, or `None` if nothing ever will be.
    async fn round(&mut self) -> Result<Option<Duration>, DeliveryError> {
        let key = work_key(&self.definition.id);
        let shared = Arc::clone(&self.shared);
        let open = blocking(move || catalog::get::<Work>(&**shared.store.catalog(), &key)).await??;
        if let Some(work) = open {
            self.perform(work).await?;
        }
        let Some(options) = self.options.clone() else { return Ok(None) };
        let (shared, definition, topic) = (Arc::clone(&self.shared), Arc::clone(&self.definition), self.topic.clone());
        let ledger = blocking(move || Ledger::read(&shared, &definition, topic.as_deref())).await??;
        self.metrics.open_partitions.set(i64::try_from(ledger.partitions.len()).unwrap_or(i64::MAX));
        let delay_ms = options.close_delay_ms();
        let mut wait = REFRESH;
        for partition in ledger.partitions {
            let due_ms = partition.end_ms.saturating_add(delay_ms);
            if due_ms <= ledger.watermark_ms {
                self.close(&options, partition).await?;
                continue;
            }
            let left_ms = due_ms.saturating_sub(self.shared.now_ms());
            // If it is over, records are still to be delivered, and that wakes it.
            if left_ms > 0 {
                wait = wait.min(Duration::from_millis(left_ms));
            }
            self.merge_many(&options, partition).await?;
        }
        Ok(Some(wait))
    }

    async fn close(&mut self, options: &PartitionOptions, mut partition: Partition) -> Result<(), DeliveryError> {
        while let Some(merge) = rule(options).and_then(|rule| rule.plan(&partition.objects)) {
            self.merge(merge, &mut partition).await?;
        }
        let manifest_number = match options.manifest {
            true => self.manifest_number(&partition).await?,
            false => 1,
        };
        let closing = Work::Close(Closing { objects: partition.objects, manifest_number });
        self.begin(closing).await
    }

    /// Merges the small objects of a partition that is still open, if there are many.
    async fn merge_many(&mut self, options: &PartitionOptions, mut partition: Partition) -> Result<(), DeliveryError> {
        let Some(rule) = rule(options) else { return Ok(()) };
        let is_small = |object: &&LandedObject| rule.applies_to(object);
        while partition.objects.iter().filter(is_small).count() >= SMALL_OBJECTS_MAX {
            let Some(merge) = rule.plan(&partition.objects) else { break };
            self.merge(merge, &mut partition).await?;
        }
        Ok(())
    }

    async fn merge(&mut self, merge: Merge, partition: &mut Partition) -> Result<(), DeliveryError> {
        let keys: Vec<String> = merge.inputs.iter().map(|input| input.key.clone()).collect();
        self.commit(vec![Change::put(work_key(&self.definition.id), &Work::Merge(merge.clone()))]).await?;
        let rows = self.perform_merge(merge).await?;
        partition.objects.retain(|object| !keys.contains(&object.key));
        partition.objects.extend(rows);
        Ok(())
    }

    async fn begin(&mut self, work: Work) -> Result<(), DeliveryError> {
        self.commit(vec![Change::put(work_key(&self.definition.id), &work)]).await?;
        self.perform(work).await
    }

    async fn perform(&mut self, work: Work) -> Result<(), DeliveryError> {
        match work {
            Work::Merge(merge) => self.perform_merge(merge).await.map(drop),
            Work::Close(closing) => self.perform_closing(closing).await,
        }
    }

    /// Merges objects; returns the rows that take the place of theirs.
    async fn perform_merge(&mut self, mut merge: Merge) -> Result<Vec<LandedObject>, DeliveryError> {
        let Some(first) = merge.inputs.first().cloned() else { return Ok(Vec::new()) };
        let sink = self.sink(&first.bucket).await?;
        let output = LandedObject {
            key: merge.output_key.clone(),
            end_ms: merge.inputs.iter().map(|input| input.end_ms).max().unwrap_or(first.end_ms),
            record_count: merge.inputs.iter().map(|input| input.record_count).sum(),
            ..first.clone()
        };
        let mut rows = vec![output];
        if !merge.is_stored {
            let (present, missing) = self.fetch(&*sink, &merge).await?;
            let body = match missing.is_empty() {
                true => self.build(present, &first).await?,
                false => None,
            };
            let Some(body) = body else { return self.leave(&*sink, merge, &missing).await };
            rows.iter_mut().for_each(|row| row.byte_count = body.bytes.len() as u64);
            // Of a partition that was closed before: for as long as rows are there twice, it does not say that it is whole.
            sink.delete(&format!("{}{MARKER}", first.folder())).await?;
            sink.put(&merge.output_key, body.bytes).await?;
            merge.is_stored = true;
            self.commit_merged(&merge, &rows).await?;
            self.metrics.merged_objects.inc_by(merge.inputs.len() as u64);
        }
        for input in &merge.inputs {
            sink.delete(&input.key).await?;
        }
        self.commit(vec![Change::delete(work_key(&self.definition.id))]).await?;
        Ok(rows)
    }

    /// The ledger has the large object in place of the small ones, which are then removed.
    async fn commit_merged(&self, merge: &Merge, rows: &[LandedObject]) -> Result<(), DeliveryError> {
        let id = &self.definition.id;
        let mut changes: Vec<Change> = merge.inputs.iter().map(|input| ledger::forget(id, input)).collect();
        changes.extend(rows.iter().map(|row| ledger::remember(id, row)));
        changes.push(Change::put(work_key(id), &Work::Merge(merge.clone())));
        self.commit(changes).await
    }

    /// Leaves objects alone that cannot be merged: they do not go together, or some were removed by somebody else.
    async fn leave(
        &self,
        sink: &dyn Sink,
        merge: Merge,
        missing: &[String],
    ) -> Result<Vec<LandedObject>, DeliveryError> {
        tracing::warn!(
            delivery_stream = self.definition.key.name,
            objects = merge.inputs.len(),
            missing = missing.len(),
            folder = merge.inputs.first().map(LandedObject::folder),
            "small objects are not merged: some are missing, or their columns differ in type"
        );
        // It may be there from before they went missing.
        sink.delete(&merge.output_key).await?;
        let id = &self.definition.id;
        let (gone, mut left): (Vec<_>, Vec<_>) =
            merge.inputs.into_iter().partition(|input| missing.contains(&input.key));
        left.iter_mut().for_each(|object| object.is_final = missing.is_empty());
        let mut changes: Vec<Change> = gone.iter().map(|object| ledger::forget(id, object)).collect();
        changes.extend(left.iter().map(|object| ledger::remember(id, object)));
        changes.push(Change::delete(work_key(id)));
        self.commit(changes).await?;
        Ok(left)
    }

    /// The inputs, mapped; and the keys of those that are gone. One at a time is in memory.
    async fn fetch(&self, sink: &dyn Sink, merge: &Merge) -> Result<(Vec<Bytes>, Vec<String>), DeliveryError> {
        let largest = merge.inputs.iter().map(|input| input.byte_count).max().unwrap_or(0);
        let _memory = self.shared.reserve(largest).await;
        let (mut present, mut missing) = (Vec::new(), Vec::new());
        for input in &merge.inputs {
            let Some(object) = sink.get(&input.key, input.byte_count).await? else {
                missing.push(input.key.clone());
                continue;
            };
            let spool = self.shared.spool.clone();
            let mapped = blocking(move || {
                let mut file = spool.scratch()?;
                file.write_all(&object)?;
                map_file(&file)
            });
            present.push(mapped.await??);
        }
        Ok((present, missing))
    }

    async fn build(&self, inputs: Vec<Bytes>, first: &LandedObject) -> Result<Option<Body>, DeliveryError> {
        let (format, options, spool) = (first.format, self.parquet.clone(), self.shared.spool.clone());
        // A row group, as it is encoded and as it is written; the rows that are read, and those that are written together.
        let byte_count = inputs.iter().map(Bytes::len).sum::<usize>().min(options.block_bytes);
        let memory = self.shared.reserve(2 * (byte_count + CHUNK_BYTES_MAX) as u64).await;
        let builder = Arc::clone(&self.shared.builders).acquire_owned().await;
        blocking(move || {
            let _held = (memory, builder);
            merge(&inputs, format, &options, &spool)
        })
        .await?
    }

    /// The number of the manifest that a partition's objects are added to.
    async fn manifest_number(&mut self, partition: &Partition) -> Result<u32, DeliveryError> {
        let Some(first) = partition.objects.first() else { return Ok(1) };
        let sink = self.sink(&first.bucket).await?;
        let mut number = 1;
        while sink.size_of(&manifest::key(first.folder(), number)).await? > Some(MANIFEST_BYTES_MAX / 2) {
            number += 1;
        }
        Ok(number)
    }

    async fn perform_closing(&mut self, closing: Closing) -> Result<(), DeliveryError> {
        let id = self.definition.id.clone();
        let mut changes: Vec<Change> = closing.objects.iter().map(|object| ledger::forget(&id, object)).collect();
        changes.push(Change::delete(work_key(&id)));
        if let (Some(first), Some(options)) = (closing.objects.first(), self.options.clone()) {
            let sink = self.sink(&first.bucket).await?;
            let mut put = Vec::new();
            if options.manifest {
                put.push(self.put_manifest(&*sink, &closing, first).await?);
            }
            if options.success_marker {
                let key = format!("{}{MARKER}", first.folder());
                sink.put(&key, Bytes::new()).await?;
                put.push((key, 0));
            }
            let now_ms = self.shared.now_ms();
            let notice = |(key, byte_count): (String, u64)| {
                self.outbox.as_ref()?.change(&first.bucket, &key, byte_count, now_ms)
            };
            changes.extend(put.into_iter().filter_map(notice));
            tracing::debug!(
                delivery_stream = self.definition.key.name,
                folder = first.folder(),
                objects = closing.objects.len(),
                "a partition is closed"
            );
        }
        self.commit(changes).await?;
        if let Some(outbox) = &self.outbox {
            outbox.wake();
        }
        self.metrics.closed_partitions.inc();
        Ok(())
    }

    /// Puts the manifest with all that it had and what landed since; returns its key and its size.
    async fn put_manifest(
        &self,
        sink: &dyn Sink,
        closing: &Closing,
        first: &LandedObject,
    ) -> Result<(String, u64), DeliveryError> {
        let key = manifest::key(first.folder(), closing.manifest_number);
        let before = sink.get(&key, MANIFEST_BYTES_MAX).await?;
        let mut manifest = match before.map(|text| serde_json::from_slice::<Manifest>(&text)) {
            None => Manifest::default(),
            Some(Ok(manifest)) => manifest,
            Some(Err(error)) => {
                tracing::warn!(key, %error, "a manifest was changed by somebody else, and is written anew");
                Manifest::default()
            }
        };
        let url = |object: &LandedObject| self.shared.sinks.url(&object.bucket, &object.key);
        manifest.extend(closing.objects.iter().map(|object| (url(object), object.byte_count)));
        let text = serde_json::to_vec(&manifest).map_err(|e| DeliveryError::Build { reason: e.to_string() })?;
        let byte_count = text.len() as u64;
        sink.put(&key, text.into()).await?;
        Ok((key, byte_count))
    }

    async fn sink(&mut self, bucket: &str) -> Result<Arc<dyn Sink>, DeliveryError> {
        if let Some(sink) = self.sinks.get(bucket) {
            return Ok(Arc::clone(sink));
        }
        let (sinks, name) = (Arc::clone(&self.shared.sinks), bucket.to_owned());
        let sink = blocking(move || sinks.open(&name)).await??;
        self.sinks.insert(bucket.to_owned(), Arc::clone(&sink));
        Ok(sink)
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), DeliveryError> {
        let store = self.shared.store.clone();
        Ok(blocking(move || store.catalog().commit(&changes)).await??)
    }
}

fn rule(options: &PartitionOptions) -> Option<MergeRule> {
    let below = options.compact_below?;
    Some(MergeRule { below_bytes: below.as_u64(), to_bytes: options.compact_to.as_u64() })
}

/// Runs `work` on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DeliveryError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| DeliveryError::Build { reason: error.to_string() })
}
