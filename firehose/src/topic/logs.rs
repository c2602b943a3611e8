//! The logs of a topic's partitions.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use shard_store::Store;
use shard_store::catalog::{self, Change};
use shard_store::error::{AppendError, CatalogError, ReadError};
use shard_store::log::{Log, LogId, ReadLimit};
use tokio::sync::Notify;

use crate::definition::Checkpoint;
use crate::source::SourceLog;

/// Bytes of undelivered records that are counted as one, which bounds the count's memory.
const MARK_BYTES: u64 = 1024 * 1024;

/// One read while what was not delivered is counted after a start.
const COUNT_LIMIT: ReadLimit = ReadLimit { record_count: 100_000, byte_count: 8 * 1024 * 1024 };

/// A partition as stored; its number is its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredPartition {
    pub(super) log: LogId,
    /// Records from this time on are read, in milliseconds since the Unix epoch.
    pub(super) read_from_ms: u64,
}

/// Consecutive records that are not delivered, or not all.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end_ordinal: u64,
    byte_count: u64,
}

/// A partition in use.
pub(super) struct Partition {
    stored: StoredPartition,
    pub(super) log: Arc<dyn Log>,
    /// The first ordinal that is not delivered.
    delivered: u64,
    marks: VecDeque<Mark>,
}

struct State {
    partitions: Vec<Partition>,
    /// Bytes in the log and not delivered.
    backlog_bytes: u64,
    is_closed: bool,
}

/// The logs of one topic's partitions, shared by its reader and its delivery.
pub(crate) struct TopicLogs {
    store: Store,
    catalog_key: String,
    state: Mutex<State>,
    /// Why nothing is read, as a sentence.
    trouble: Mutex<Option<String>>,
    grown: Notify,
}

impl TopicLogs {
    /// The logs as the catalog has them under `catalog_key`, delivered as far as `checkpoint` says.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub(crate) fn open(store: Store, catalog_key: String, checkpoint: &Checkpoint) -> Result<Self, CatalogError> {
        let stored: Vec<StoredPartition> = catalog::get(&**store.catalog(), &catalog_key)?.unwrap_or_default();
        let partitions = stored.into_iter().map(|stored| Partition::new(&store, stored)).collect();
        let mut state = State { partitions, backlog_bytes: 0, is_closed: false };
        state.set_delivered(checkpoint);
        Ok(Self { store, catalog_key, state: Mutex::new(state), trouble: Mutex::default(), grown: Notify::new() })
    }

    /// The logs to deliver from.
    pub(crate) fn source_logs(&self) -> Vec<SourceLog> {
        let state = self.state.lock();
        state
            .partitions
            .iter()
            .map(|partition| SourceLog::direct(partition.stored.log, Arc::clone(&partition.log)))
            .collect()
    }

    /// Resolves when there are more logs than there were.
    pub(crate) async fn grown(&self) {
        self.grown.notified().await;
    }

    /// Gives the space of what is delivered back, except each log's last record, which tells where to read on. It blocks on
    /// the disk.
    ///
    /// # Errors
    /// The first of them, if files could not be removed; the next call tries again.
    pub(crate) fn on_delivered(&self, checkpoint: &Checkpoint) -> Result<(), AppendError> {
        let logs: Vec<(Arc<dyn Log>, u64)> = {
            let mut state = self.state.lock();
            state.set_delivered(checkpoint);
            state.partitions.iter().map(|partition| (Arc::clone(&partition.log), partition.delivered)).collect()
        };
        let trims = logs.into_iter().map(|(log, delivered)| match delivered.min(log.end().saturating_sub(1)) {
            0 => Ok(()),
            ordinal => log.trim_before(ordinal).map(drop),
        });
        // All of them, whatever becomes of one.
        trims.fold(Ok(()), Result::and)
    }

    /// Takes no further partitions. Returns the logs, and the change that removes them from the catalog.
    pub(crate) fn close(&self) -> (Vec<LogId>, Change) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let logs = state.partitions.iter().map(|partition| partition.stored.log).collect();
        (logs, Change::delete(&self.catalog_key))
    }

    /// Sees to it that there are logs for `count` partitions; the new ones are read from `read_from_ms` on. It blocks on the
    /// disk.
    pub(super) fn grow(&self, count: usize, read_from_ms: u64) -> Result<(), CatalogError> {
        // Whoever deletes the delivery stream waits for the lock: no partition may come after that.
        let mut state = self.state.lock();
        let missing = count.saturating_sub(state.partitions.len());
        if missing == 0 || state.is_closed {
            return Ok(());
        }
        // Those that are there already are read as they were, so the topic has grown, and what is new in it is new as a whole.
        let read_from_ms = if state.partitions.is_empty() { read_from_ms } else { 0 };
        let ids = self.store.allocate_logs(u32::try_from(missing).unwrap_or(u32::MAX))?;
        let added = ids.into_iter().map(|log| StoredPartition { log, read_from_ms });
        let stored: Vec<_> = state.partitions.iter().map(|partition| partition.stored).chain(added).collect();
        self.store.catalog().commit(&[Change::put(&self.catalog_key, &stored)])?;
        let old_count = state.partitions.len();
        let new = stored.into_iter().skip(old_count).map(|stored| Partition::new(&self.store, stored));
        state.partitions.extend(new);
        drop(state);
        self.grown.notify_one();
        Ok(())
    }

    pub(super) fn partition_count(&self) -> usize {
        self.state.lock().partitions.len()
    }

    /// The log of a partition, and from when on that is read.
    pub(super) fn partition(&self, number: usize) -> Option<(Arc<dyn Log>, u64)> {
        let state = self.state.lock();
        state.partitions.get(number).map(|partition| (Arc::clone(&partition.log), partition.stored.read_from_ms))
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Counts records that were appended to a partition, up to `end_ordinal`.
    pub(super) fn on_appended(&self, number: usize, end_ordinal: u64, byte_count: u64) {
        self.state.lock().add(number, Mark { end_ordinal, byte_count });
    }

    pub(super) fn backlog_bytes(&self) -> u64 {
        self.state.lock().backlog_bytes
    }

    /// Counts what was read before the start and not delivered. It reads all of it.
    pub(super) fn count_backlog(&self, is_stopped: impl Fn() -> bool) -> Result<(), ReadError> {
        for number in 0..self.partition_count() {
            let Some((log, mut ordinal, end)) = self.count_backlog_of(number) else { continue };
            while ordinal < end && !is_stopped() {
                let batch = log.read(ordinal, COUNT_LIMIT)?;
                ordinal = batch.next_ordinal();
                self.on_appended(number, ordinal, batch.byte_count() as u64);
            }
        }
        Ok(())
    }

    fn count_backlog_of(&self, number: usize) -> Option<(Arc<dyn Log>, u64, u64)> {
        let state = self.state.lock();
        let partition = state.partitions.get(number)?;
        Some((Arc::clone(&partition.log), partition.delivered, partition.log.end()))
    }

    /// Tells why nothing is read; `None` if nothing hinders it. Returns what was told before.
    pub(super) fn set_trouble(&self, trouble: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.trouble.lock(), trouble)
    }

    /// Why nothing is read, if something hinders it.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }
}

impl Partition {
    fn new(store: &Store, stored: StoredPartition) -> Self {
        Self { stored, log: store.log(stored.log), delivered: 0, marks: VecDeque::new() }
    }
}

impl State {
    fn set_delivered(&mut self, checkpoint: &Checkpoint) {
        for position in &checkpoint.positions {
            let Some(partition) = self.partitions.iter_mut().find(|partition| partition.stored.log == position.log)
            else {
                continue;
            };
            partition.delivered = position.next_ordinal;
            while let Some(mark) = partition.marks.front().filter(|mark| mark.end_ordinal <= position.next_ordinal) {
                self.backlog_bytes -= mark.byte_count;
                partition.marks.pop_front();
            }
        }
    }

    fn add(&mut self, number: usize, mark: Mark) {
        let Some(partition) = self.partitions.get_mut(number) else { return };
        if mark.end_ordinal <= partition.delivered {
            return;
        }
        self.backlog_bytes += mark.byte_count;
        match partition.marks.back_mut() {
            Some(last) if last.byte_count + mark.byte_count <= MARK_BYTES => {
                last.end_ordinal = mark.end_ordinal;
                last.byte_count += mark.byte_count;
            }
            _ => partition.marks.push_back(mark),
        }
    }
}
