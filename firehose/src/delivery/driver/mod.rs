//! The task of one delivery stream.
//!
//! It does what the [`Machine`] says: I/O that blocks runs on blocking threads, and every other wait ends at once when the
//! task is told to stop. Being stopped, aborted or killed between any two steps is the same to it: the catalog says where
//! to go on.

mod collect;
mod deliver;
mod intend;
mod send;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use shard_store::catalog::Change;
use shard_store::log::LogId;
use tokio::sync::watch;

use super::machine::{Action, Machine, Situation};
use super::recipe::Recipe;
use super::sizing::Sizing;
use super::{DeliveryStatus, Intent, Shared, Status};
use crate::definition::{Checkpoint, Definition};
use crate::endpoint::Endpoint;
use crate::error::DeliveryError;
use crate::metrics::StreamMetrics;
use crate::outbox::Outbox;
use crate::partitions::Landing;
use crate::schema::Schema;
use crate::sink::Sink;
use crate::source::SourceLog;
use crate::topic::TopicLogs;
use deliver::InFlight;

/// What a record counts in a buffer beside its bytes, so that a flood of empty ones fills it too.
const RECORD_OVERHEAD: u64 = 1;

/// The same where a reference to each record is in memory.
const REFERENCE_OVERHEAD: u64 = 256;

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
    pub(crate) shared: Arc<Shared>,
    /// The logs of the topic that it is fed from, if any.
    pub(crate) topic: Option<Arc<TopicLogs>>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) recipe: Recipe,
    pub(crate) metrics: StreamMetrics,
    pub(crate) status: Arc<Status>,
    pub(crate) control: watch::Receiver<Command>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) intent: Option<Intent>,
    pub(crate) schema: Schema,
    /// The ledger of its partitions, if there is one.
    pub(crate) landing: Option<Landing>,
    /// Tells what landed, if anybody wants to know.
    pub(crate) outbox: Option<Arc<Outbox>>,
}

/// The task of one delivery stream.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    /// The logs of the topic that it is fed from, if any.
    topic: Option<Arc<TopicLogs>>,
    definition: Arc<Definition>,
    recipe: Arc<Recipe>,
    record_overhead: u64,
    metrics: StreamMetrics,
    status: Arc<Status>,
    control: watch::Receiver<Command>,
    machine: Machine,
    schema: Schema,
    logs: Arc<HashMap<LogId, SourceLog>>,
    is_source_missing: bool,
    /// Logs that are sealed or gone, and read to their end: waiting for more of them returns at once.
    ended: HashSet<LogId>,
    /// The open buckets: one, mostly.
    sinks: HashMap<String, Arc<dyn Sink>>,
    endpoint: Option<Arc<dyn Endpoint>>,
    /// What was made for the open intent, and how far it got.
    in_flight: Option<InFlight>,
    landing: Option<Landing>,
    outbox: Option<Arc<Outbox>>,
    /// Learns how much to read at a time, if that is asked for.
    sizing: Option<Sizing>,
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
        let refers = parts.recipe.refers_to_records();
        let options = parts.shared.options.stream(&parts.definition.key.name);
        let memory_bytes = u64::from(parts.shared.memory_kib) * 1024;
        let hints = parts.definition.destination.buffer;
        let sizing =
            Sizing::new(&options, hints, parts.recipe.is_partitioned, memory_bytes).filter(|_| !parts.recipe.is_sent);
        let mut driver = Self {
            shared: parts.shared,
            topic: parts.topic,
            definition: parts.definition,
            recipe: Arc::new(parts.recipe),
            record_overhead: if refers { REFERENCE_OVERHEAD } else { RECORD_OVERHEAD },
            metrics: parts.metrics,
            status: parts.status,
            control: parts.control,
            machine,
            schema: parts.schema,
            logs: Arc::default(),
            is_source_missing: false,
            ended: HashSet::new(),
            sinks: HashMap::new(),
            endpoint: None,
            in_flight: None,
            landing: parts.landing,
            outbox: parts.outbox,
            sizing,
        };
        // Before anything is appended, so that what a power loss took back is not mistaken for what comes instead.
        driver.refresh_source();
        driver
    }

    fn name(&self) -> &str {
        &self.definition.key.name
    }

    fn now_ms(&self) -> u64 {
        self.shared.now_ms()
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
        let found = self.shared.logs_of(&self.definition.source, self.topic.as_deref());
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

    async fn pause(&mut self, until_ms: u64) -> Result<(), Interruption> {
        let pause = Duration::from_millis(until_ms.saturating_sub(self.now_ms()));
        self.unless_stopped(tokio::time::sleep(pause)).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), Interruption> {
        let store = self.shared.store.clone();
        Ok(blocking(move || store.catalog().commit(&changes)).await??)
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

/// Runs `work` on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Interruption> {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => Ok(value),
        Err(error) if error.is_panic() => Err(Interruption::Failed(DeliveryError::Build { reason: error.to_string() })),
        Err(_) => Err(Interruption::Stopped),
    }
}
