//! The task of one delivery stream.
//!
//! It does what the [`Machine`] says: I/O that blocks runs on blocking threads, and every other wait ends at once when the
//! task is told to stop. Being stopped, aborted or killed between any two steps is the same to it: the catalog says where
//! to go on.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use shard_store::Store;
use shard_store::catalog::Change;
use shard_store::error::AppendError;
use shard_store::log::{LogId, ReadLimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::build::{Built, Order, Recipe};
use super::machine::{Action, Machine, Situation};
use super::{DeliveryStatus, Intent, Range, Status};
use crate::definition::{Checkpoint, Definition, Source};
use crate::error::DeliveryError;
use crate::limits::{CHUNK_BYTES_MAX, READ_RECORDS_MAX};
use crate::metrics::StreamMetrics;
use crate::schema::Schema;
use crate::sink::{Sink, Sinks};
use crate::source::{SourceLog, SourceStreams};
use crate::topic::TopicLogs;

/// After records arrive, others are waited for this long: they come in many small batches, and none is in a hurry.
const COALESCE: Duration = Duration::from_millis(20);

/// How often an idle task looks whether its source changed, and tells its lag.
const REFRESH: Duration = Duration::from_secs(10);

/// Bytes of one read while collecting: fairness between shards, not a limit of memory.
const READ_BYTES_MAX: u64 = 1024 * 1024;

/// Failures after which a built object is given up, to be built again: it must not hold memory that others wait for.
const FAILURES_HELD_MAX: u32 = 3;

/// What a task is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Go on.
    Run,
    /// Deliver what is there without waiting for size or age, then stop.
    Drain,
    /// Stop at once.
    Stop,
}

/// What a task works with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) sources: Arc<dyn SourceStreams>,
    pub(crate) topic: Option<Arc<TopicLogs>>,
    pub(crate) sinks: Arc<dyn Sinks>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) recipe: Recipe,
    pub(crate) metrics: StreamMetrics,
    pub(crate) status: Arc<Status>,
    pub(crate) control: watch::Receiver<Command>,
    /// KiB of memory for objects in the making, of all delivery streams.
    pub(crate) memory: Arc<Semaphore>,
    pub(crate) memory_kib: u32,
    /// Objects that are built at a time.
    pub(crate) builders: Arc<Semaphore>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) intent: Option<Intent>,
    pub(crate) schema: Schema,
}

/// The task of one delivery stream.
pub(crate) struct Driver {
    store: Store,
    sources: Arc<dyn SourceStreams>,
    /// The logs of the topic that it is fed from, if any.
    topic: Option<Arc<TopicLogs>>,
    sinks: Arc<dyn Sinks>,
    definition: Arc<Definition>,
    recipe: Arc<Recipe>,
    metrics: StreamMetrics,
    status: Arc<Status>,
    control: watch::Receiver<Command>,
    memory: Arc<Semaphore>,
    memory_kib: u32,
    builders: Arc<Semaphore>,
    machine: Machine,
    schema: Schema,
    logs: Arc<HashMap<LogId, SourceLog>>,
    is_source_missing: bool,
    /// Logs that are sealed or gone, and read to their end: waiting for more of them returns at once.
    ended: HashSet<LogId>,
    sink: Option<Arc<dyn Sink>>,
    built: Option<Built>,
}

/// Why a step was not done.
enum Interruption {
    /// The task was told to stop.
    Stopped,
    Failed(DeliveryError),
}

impl<E: Into<DeliveryError>> From<E> for Interruption {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Driver {
    /// A task that goes on from what the catalog says.
    pub(crate) fn new(parts: Parts) -> Self {
        let machine = Machine::new(parts.definition.destination.buffer, &parts.checkpoint, parts.intent);
        let mut driver = Self {
            store: parts.store,
            sources: parts.sources,
            topic: parts.topic,
            sinks: parts.sinks,
            definition: parts.definition,
            recipe: Arc::new(parts.recipe),
            metrics: parts.metrics,
            status: parts.status,
            control: parts.control,
            memory: parts.memory,
            memory_kib: parts.memory_kib,
            builders: parts.builders,
            machine,
            schema: parts.schema,
            logs: Arc::default(),
            is_source_missing: false,
            ended: HashSet::new(),
            sink: None,
            built: None,
        };
        // Before anything is appended, so that what a power loss took back is not mistaken for what comes instead.
        driver.refresh_source();
        driver
    }

    fn name(&self) -> &str {
        &self.definition.key.name
    }

    fn now_ms(&self) -> u64 {
        self.store.clock().unix_millis()
    }

    /// Delivers until it is told to stop, or to drain and everything is delivered.
    pub(crate) async fn run(mut self) {
        loop {
            let command = *self.control.borrow_and_update();
            if command == Command::Stop {
                break;
            }
            self.refresh_source();
            let has_unread = self.logs.iter().any(|(id, log)| log.log.end() > self.machine.read_position(*id));
            let is_draining = command == Command::Drain;
            let action = self.machine.next(Situation { now_ms: self.now_ms(), has_unread, is_draining });
            self.report_lag();
            let outcome = match action {
                Action::Stop => break,
                Action::Read { byte_count_max } => self.read(byte_count_max).await,
                Action::Wait { until_ms } => self.wait(until_ms).await,
                Action::Pause { until_ms } => self.pause(until_ms).await,
                Action::Intend { ranges, oldest_ms } => self.intend(ranges, oldest_ms).await,
                Action::Deliver(intent) => self.deliver(*intent).await,
            };
            match outcome {
                Ok(()) => {}
                Err(Interruption::Stopped) => break,
                Err(Interruption::Failed(error)) => self.fail(&error),
            }
        }
        self.status.set(DeliveryStatus::Stopped);
    }

    fn report_lag(&self) {
        let lag_ms = self.machine.oldest_ms().map_or(0, |oldest_ms| self.now_ms().saturating_sub(oldest_ms));
        self.metrics.lag_seconds.set(lag_ms as f64 / 1_000.0);
        self.metrics.buffered_bytes.set(i64::try_from(self.machine.buffered_bytes()).unwrap_or(i64::MAX));
    }

    /// Finds the logs to read: they change with the shards of the source.
    fn refresh_source(&mut self) {
        let found = match &self.definition.source {
            Source::DirectPut { log } => Some(vec![SourceLog::direct(*log, self.store.log(*log))]),
            Source::Topic { .. } => self.topic.as_ref().map(|topic| topic.source_logs()),
            Source::Stream { key, id, .. } => {
                self.sources.find(key).filter(|stream| stream.id == *id).map(|stream| stream.logs)
            }
        };
        let is_missing = found.is_none();
        let logs = found.unwrap_or_default();
        if logs.len() != self.logs.len() || logs.iter().any(|log| !self.logs.contains_key(&log.id)) {
            self.logs = Arc::new(logs.into_iter().map(|log| (log.id, log)).collect());
            self.ended.clear();
            self.skip_what_was_lost();
        }
        if is_missing != self.is_source_missing {
            self.is_source_missing = is_missing;
            if is_missing {
                tracing::warn!(
                    delivery_stream = self.name(),
                    "the source stream was deleted; nothing more is delivered"
                );
                self.status.set(DeliveryStatus::SourceMissing);
            }
        }
    }

    /// Without `fsync` durability a power loss may take records back that were delivered already; their ordinals are
    /// then given to other records.
    fn skip_what_was_lost(&mut self) {
        for (id, log) in self.logs.iter() {
            let (claimed, end) = (self.machine.claimed_end(*id), log.log.end());
            if claimed > end {
                tracing::warn!(
                    delivery_stream = %self.definition.key.name, log = %id, claimed, end,
                    "the log ends before what was delivered of it: records were lost with the power; going on from its end"
                );
                self.machine.on_lost(*id, end);
            }
        }
    }

    /// Waits for `future`, unless the task is told to stop first.
    async fn unless_stopped<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Interruption> {
        tokio::select! {
            biased;
            _ = self.control.wait_for(|command| *command == Command::Stop) => Err(Interruption::Stopped),
            value = future => Ok(value),
        }
    }

    /// Counts what is new in each log, without keeping it.
    async fn read(&mut self, byte_count_max: u64) -> Result<(), Interruption> {
        let logs = Arc::clone(&self.logs);
        let positions: Vec<(LogId, u64)> = logs.keys().map(|id| (*id, self.machine.read_position(*id))).collect();
        let read = blocking(move || read_sizes(&logs, positions, byte_count_max)).await?;
        for Size { log, next_ordinal, byte_count, oldest_ms } in read? {
            self.machine.on_read(log, next_ordinal, byte_count, oldest_ms);
        }
        Ok(())
    }

    /// Waits for records, the time, or another command.
    async fn wait(&mut self, until_ms: Option<u64>) -> Result<(), Interruption> {
        let left_ms = until_ms.map(|until_ms| until_ms.saturating_sub(self.now_ms()));
        let timeout = left_ms.map_or(REFRESH, |left_ms| REFRESH.min(Duration::from_millis(left_ms)));
        let logs = Arc::clone(&self.logs);
        let arrivals = logs.iter().filter(|(id, _)| !self.ended.contains(id)).map(|(id, log)| {
            let position = self.machine.read_position(*id);
            async move {
                log.log.wait_past(position).await;
                (*id, log.log.end() > position)
            }
        });
        let mut arrivals: FuturesUnordered<_> = arrivals.collect();
        let arrived = tokio::select! {
            arrived = arrivals.next(), if !arrivals.is_empty() => arrived,
            () = tokio::time::sleep(timeout) => None,
            () = grown(self.topic.as_deref()) => None,
            _ = self.control.changed() => None,
        };
        match arrived {
            Some((id, false)) => {
                self.ended.insert(id);
            }
            Some((_, true)) if self.definition.destination.buffer.interval_seconds > 0 => {
                tokio::time::sleep(COALESCE.min(timeout)).await;
            }
            _ => {}
        }
        Ok(())
    }

    async fn pause(&mut self, until_ms: u64) -> Result<(), Interruption> {
        let pause = Duration::from_millis(until_ms.saturating_sub(self.now_ms()));
        self.unless_stopped(tokio::time::sleep(pause)).await
    }

    /// Builds the objects of the ranges and commits what is about to be done.
    async fn intend(&mut self, ranges: Vec<Range>, oldest_ms: u64) -> Result<(), Interruption> {
        let (data_key, error_key) = self.recipe.keys(oldest_ms, &uuid::Uuid::new_v4());
        let created_ms = self.now_ms();
        let order = Order { ranges, data_key, error_key, created_ms, schema: self.schema.clone() };
        let (order, built) = self.build(order).await?;
        let Order { ranges, data_key, error_key, created_ms, schema } = order;
        let objects = built.objects.clone();
        let intent = Intent { ranges, data_key, error_key, oldest_ms, created_ms, schema, objects };
        let mut changes = vec![Change::put(self.definition.intent_key(), &intent)];
        if built.schema != self.schema {
            changes.push(Change::put(self.definition.schema_key(), &built.schema));
        }
        self.commit(changes).await?;
        self.schema.clone_from(&built.schema);
        self.built = Some(built);
        self.machine.on_intended(intent);
        Ok(())
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), Interruption> {
        let store = self.store.clone();
        Ok(blocking(move || store.catalog().commit(&changes)).await??)
    }

    /// Builds on a blocking thread, within the memory that all delivery streams share.
    async fn build(&mut self, order: Order) -> Result<(Order, Built), Interruption> {
        let memory = self.build_reserve().await?;
        let builders = Arc::clone(&self.builders);
        let builder = self.unless_stopped(builders.acquire_owned()).await?;
        let (recipe, logs) = (Arc::clone(&self.recipe), Arc::clone(&self.logs));
        let (order, built) = blocking(move || {
            let built = recipe.build(&order, &logs, memory);
            drop(builder);
            (order, built)
        })
        .await?;
        let built = built?;
        self.metrics.build_seconds.observe(built.seconds);
        Ok((order, built))
    }

    async fn build_reserve(&mut self) -> Result<OwnedSemaphorePermit, Interruption> {
        // The records as columns and encoded, or as lines of the error object, and one chunk.
        let size_bytes = self.definition.destination.buffer.size_mib * 1024 * 1024;
        let needed_kib = (2 * size_bytes + CHUNK_BYTES_MAX as u64) / 1024;
        let needed_kib = u32::try_from(needed_kib).unwrap_or(u32::MAX).min(self.memory_kib);
        let memory = Arc::clone(&self.memory);
        let permit = self.unless_stopped(memory.acquire_many_owned(needed_kib)).await?;
        permit.map_err(|_| Interruption::Stopped)
    }

    /// Puts the objects of an intent in place, and moves the checkpoint.
    async fn deliver(&mut self, intent: Intent) -> Result<(), Interruption> {
        let sink = self.deliver_open_sink().await?;
        let built = match self.built.take() {
            Some(built) => built,
            None => self.deliver_rebuild(&intent, &*sink).await?,
        };
        for (object, body) in built.objects.iter().zip(&built.bodies) {
            if let Err(error) = self.deliver_object(&*sink, &object.key, body.clone()).await {
                if self.machine.failure_count() < FAILURES_HELD_MAX {
                    self.built = Some(built);
                }
                return Err(error);
            }
        }
        let checkpoint =
            self.machine.checkpoint_after(&intent, |log| !self.is_source_missing && !self.logs.contains_key(&log));
        let changes = vec![
            Change::put(self.definition.checkpoint_key(), &checkpoint),
            Change::delete(self.definition.intent_key()),
        ];
        if let Err(error) = self.commit(changes).await {
            self.built = Some(built);
            return Err(error);
        }
        self.machine.on_delivered(&checkpoint);
        self.deliver_report(&built);
        self.trim(&checkpoint).await;
        Ok(())
    }

    async fn deliver_open_sink(&mut self) -> Result<Arc<dyn Sink>, Interruption> {
        if let Some(sink) = &self.sink {
            return Ok(Arc::clone(sink));
        }
        let (sinks, bucket) = (Arc::clone(&self.sinks), self.definition.destination.bucket.clone());
        let sink = blocking(move || sinks.open(&bucket)).await??;
        self.sink = Some(Arc::clone(&sink));
        Ok(sink)
    }

    async fn deliver_object(&mut self, sink: &dyn Sink, key: &str, body: bytes::Bytes) -> Result<(), Interruption> {
        let started = Instant::now();
        self.unless_stopped(sink.put(key, body)).await??;
        self.metrics.upload_seconds.observe(started.elapsed().as_secs_f64());
        Ok(())
    }

    /// Builds an open intent again: after a restart, or after its objects were given up.
    async fn deliver_rebuild(&mut self, intent: &Intent, sink: &dyn Sink) -> Result<Built, Interruption> {
        // A bucket that still refuses is not worth the work.
        self.unless_stopped(sink.size_of(&intent.data_key)).await??;
        let Intent { ranges, data_key, error_key, created_ms, schema, .. } = intent.clone();
        let order = Order { ranges, data_key, error_key, created_ms, schema };
        let (_, mut built) = self.build(order).await?;
        if built.objects == intent.objects {
            return Ok(built);
        }
        // Records have expired since, or another version of this program encodes otherwise. Objects that are in place
        // already are whole, and hold what may be gone.
        let mut is_in_place = true;
        for object in &intent.objects {
            let size = self.unless_stopped(sink.size_of(&object.key)).await??;
            is_in_place &= size == Some(object.byte_count);
        }
        tracing::warn!(
            delivery_stream = self.name(),
            key = intent.data_key,
            missing = built.missing_count,
            is_in_place,
            "the objects of an open intent could not be built again as they were"
        );
        if is_in_place {
            built.objects.clear();
            built.bodies.clear();
        }
        Ok(built)
    }

    fn deliver_report(&mut self, built: &Built) {
        let metrics = &self.metrics;
        metrics.delivered_records.inc_by(built.record_count);
        metrics.delivered_bytes.inc_by(built.byte_count);
        metrics.delivered_objects.inc_by(built.objects.len() as u64);
        metrics.stored_bytes.inc_by(built.objects.iter().map(|object| object.byte_count).sum());
        metrics.failed_records.inc_by(built.failed_count);
        metrics.missing_records.inc_by(built.missing_count);
        if built.missing_count > 0 {
            tracing::warn!(
                delivery_stream = self.name(),
                records = built.missing_count,
                "records expired or their stream was deleted before they were delivered"
            );
        }
        let before = self.status.get();
        if let DeliveryStatus::Retrying { .. } = before {
            metrics.is_retrying.set(0);
            tracing::info!(delivery_stream = self.name(), "delivery goes on");
            self.status.set(if self.is_source_missing {
                DeliveryStatus::SourceMissing
            } else {
                DeliveryStatus::Running
            });
        }
        tracing::debug!(
            delivery_stream = self.name(),
            records = built.record_count,
            failed = built.failed_count,
            objects = built.objects.len(),
            "delivered"
        );
    }

    /// Gives the space of delivered records back; those of a stream belong to the stream.
    async fn trim(&mut self, checkpoint: &Checkpoint) {
        if let Some(topic) = self.topic.clone() {
            let checkpoint = checkpoint.clone();
            let trimmed = blocking(move || topic.on_delivered(&checkpoint)).await;
            return self.trim_report(trimmed);
        }
        let Source::DirectPut { log } = &self.definition.source else { return };
        let Some(position) = checkpoint.positions.iter().find(|position| position.log == *log) else { return };
        let (log, next_ordinal) = (self.store.log(*log), position.next_ordinal);
        let trimmed = blocking(move || log.trim_before(next_ordinal).map(drop)).await;
        self.trim_report(trimmed);
    }

    fn trim_report(&self, trimmed: Result<Result<(), AppendError>, Interruption>) {
        if let Ok(Err(error)) = trimmed {
            // The next delivery tries again.
            tracing::warn!(delivery_stream = self.name(), %error, "delivered records could not be removed");
        }
    }

    fn fail(&mut self, error: &DeliveryError) {
        self.metrics.retries.inc();
        self.metrics.is_retrying.set(1);
        let pause_ms = self.machine.on_failed(self.now_ms());
        let before = self.status.set(DeliveryStatus::Retrying { reason: error.to_string() });
        if matches!(before, DeliveryStatus::Retrying { .. }) {
            tracing::debug!(delivery_stream = self.name(), %error, pause_ms, "delivery still fails");
        } else {
            tracing::error!(delivery_stream = self.name(), %error, "delivery fails and is retried");
        }
    }
}

/// What one read added.
struct Size {
    log: LogId,
    next_ordinal: u64,
    byte_count: u64,
    oldest_ms: Option<u64>,
}

/// Reads each log in turn until there is nothing new or the room is used up.
fn read_sizes(
    logs: &HashMap<LogId, SourceLog>,
    mut positions: Vec<(LogId, u64)>,
    mut room: u64,
) -> Result<Vec<Size>, DeliveryError> {
    let mut sizes = Vec::new();
    // In the order of ids, so that which records make an object does not depend on a hash.
    positions.sort_unstable_by_key(|(id, _)| id.0);
    while room > 0 {
        let room_before = room;
        for (id, position) in &mut positions {
            let Some(log) = logs.get(id).filter(|log| log.log.end() > *position) else { continue };
            if room == 0 {
                break;
            }
            let byte_count = usize::try_from(room.min(READ_BYTES_MAX)).unwrap_or(usize::MAX);
            let limit = ReadLimit { record_count: READ_RECORDS_MAX, byte_count };
            let batch =
                log.log.read(*position, limit).map_err(|error| DeliveryError::Read { reason: error.to_string() })?;
            *position = batch.next_ordinal();
            let byte_count = batch.byte_count() as u64;
            // A record without data takes room too, or a flood of them would never fill a buffer.
            room = room.saturating_sub(byte_count + batch.record_count() as u64);
            let oldest_ms = batch.records().next().map(|record| record.arrival_ms);
            sizes.push(Size { log: *id, next_ordinal: *position, byte_count, oldest_ms });
        }
        if room == room_before {
            break;
        }
    }
    Ok(sizes)
}

/// Resolves when the topic has more logs; never, if there is none.
async fn grown(topic: Option<&TopicLogs>) {
    match topic {
        Some(topic) => topic.grown().await,
        None => std::future::pending().await,
    }
}

/// Runs `work` on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Interruption> {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => Ok(value),
        Err(error) if error.is_panic() => Err(Interruption::Failed(DeliveryError::Build { reason: error.to_string() })),
        Err(_) => Err(Interruption::Stopped),
    }
}
