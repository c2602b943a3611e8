//! [`Ledger`]: the state of a queue together with what makes it durable.
//!
//! What happens to a queue is appended to a log of its own, in the order in which it happens to the state; nobody reads
//! that log but the next start. So that it stays short, whatever the queue carries, the state is stored in the catalog now
//! and then, a **checkpoint**, with the ordinal of the first record of the log that is not in it; what lies before is
//! trimmed. A start loads the checkpoint and replays the rest. The queue goes on meanwhile: a checkpoint is one commit, and
//! before it the older one holds, with all of the log that follows it. Trimming drops whole segments, so the log takes one or
//! two of them.
//!
//! | key | value |
//! |---|---|
//! | `queue-state/QUEUE` | [`Checkpoint`] |
//! | `queue-state/QUEUE/PART` | entries, at most 10,000 |
//!
//! After a power loss in a durability other than `fsync` the log may end before the checkpoint does. Its next ordinals
//! would then be taken for what the checkpoint holds, so the queue goes on with a new log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::OpenQueuesError;
use super::event::{self, Event};
use super::limits::{CHECKPOINT_BYTES_MIN, CHECKPOINT_GROWTH, CHECKPOINT_PART_ENTRIES};
use super::state::{Deliveries, Stored, StoredEntry};
use crate::catalog::{self, Change};
use crate::error::{AppendError, CatalogError};
use crate::log::{Appended, BoxFuture, Log, LogId, NewRecord, ReadLimit};
use crate::store::Store;
use crate::sync::{Mutex, MutexGuard};

/// What the keys of checkpoints begin with.
pub(crate) const PREFIX: &str = "queue-state/";

/// About what an entry takes in a checkpoint.
const ENTRY_BYTES: u64 = 64;

/// What a record of the log takes beside its events.
const RECORD_BYTES: u64 = 48;

/// How much of the log is read at a time.
const REPLAY_LIMIT: ReadLimit = ReadLimit { record_count: 10_000, byte_count: 4 * 1024 * 1024 };

/// The state of a queue as stored, beside its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Checkpoint {
    log: LogId,
    /// The first record of the log that is not in the state.
    from: u64,
    #[serde(flatten)]
    stored: Stored,
}

/// Tells when what was written is durable.
pub(crate) type Written = BoxFuture<'static, Result<Appended, AppendError>>;

/// The state of a queue, and its log.
pub(crate) struct Ledger {
    store: Store,
    /// The queue's part of the keys.
    path: String,
    log_id: LogId,
    log: Arc<dyn Log>,
    book: Mutex<Book>,
    /// Held for a checkpoint: how many parts the last one has; none once the queue is deleted.
    parts: Mutex<Option<usize>>,
}

/// What changes while the ledger is open.
pub(crate) struct Book {
    pub(crate) state: Deliveries,
    /// How many records the log has.
    next_ordinal: u64,
    /// What was written since the last checkpoint began.
    bytes: u64,
}

impl Book {
    /// Whether so much was written since the last checkpoint that there should be another one.
    pub(crate) fn is_long(&self) -> bool {
        let entries = (self.state.alive_count() + self.state.dead_count()) as u64;
        self.bytes > CHECKPOINT_BYTES_MIN.max(CHECKPOINT_GROWTH * ENTRY_BYTES * entries)
    }
}

impl Ledger {
    /// A ledger that begins with a state. It is there once the changes are committed. Blocks on the disk.
    ///
    /// # Errors
    /// If the catalog cannot be changed.
    pub(crate) fn create(store: &Store, path: &str, state: Deliveries) -> Result<(Self, Vec<Change>), CatalogError> {
        let log_id = allocate(store)?;
        let changes = store_state(path, log_id, 0, &state);
        let ledger = Self::new(store, path, log_id, Book { state, next_ordinal: 0, bytes: 0 });
        Ok((ledger, changes))
    }

    /// The ledger as it was left. Blocks on the disk.
    ///
    /// # Errors
    /// If the checkpoint or the log cannot be read.
    pub(crate) fn open(store: &Store, path: &str, receives_max: Option<u32>) -> Result<Self, OpenQueuesError> {
        let missing = || CatalogError::Malformed { key: key(path), reason: "it is not there".to_owned() };
        let checkpoint: Checkpoint = catalog::get(&**store.catalog(), &key(path))?.ok_or_else(missing)?;
        let mut entries: Vec<StoredEntry> = Vec::new();
        for (_, part) in catalog::scan::<Vec<StoredEntry>>(&**store.catalog(), &format!("{}/", key(path)))? {
            entries.extend(part);
        }
        let Checkpoint { log, from, stored } = checkpoint;
        let state = Deliveries::restore(stored, entries, receives_max);
        let mut book = Book { state, next_ordinal: from, bytes: 0 };
        let parts = part_count(&book.state);
        let ledger = if store.log(log).end() < from {
            Self::begin_again(store, path, log, book)?
        } else {
            replay(&*store.log(log), path, &mut book)?;
            Self::new(store, path, log, book)
        };
        *ledger.parts.lock() = Some(parts);
        Ok(ledger)
    }

    /// Goes on with a new log.
    fn begin_again(store: &Store, path: &str, old: LogId, book: Book) -> Result<Self, CatalogError> {
        let log_id = allocate(store)?;
        // The entries are those of the checkpoint, and so are its parts.
        let mut changes = store_state(path, log_id, 0, &book.state);
        changes.extend(store.drop_logs(&[old]));
        store.catalog().commit(&changes)?;
        if let Err(error) = store.remove_logs(&[old]) {
            tracing::warn!(queue = path, %error, "cannot remove all files of a queue's former log");
        }
        Ok(Self::new(store, path, log_id, Book { next_ordinal: 0, ..book }))
    }

    fn new(store: &Store, path: &str, log_id: LogId, book: Book) -> Self {
        Self {
            store: store.clone(),
            path: path.to_owned(),
            log_id,
            log: store.log(log_id),
            parts: Mutex::new(Some(part_count(&book.state))),
            book: Mutex::new(book),
        }
    }

    /// The state, to look at and to plan from until it is written to.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock()
    }

    /// Makes events happen, now in memory, and durably once the answer says so.
    ///
    /// # Errors
    /// As [`Log::append`]; nothing has happened then.
    pub(crate) fn write(&self, book: &mut Book, events: &[Event]) -> Result<Option<Written>, AppendError> {
        if events.is_empty() {
            return Ok(None);
        }
        let bytes = event::encode(events);
        let data = bytes.as_slice();
        let written = self.log.append(&[NewRecord { partition_key: "", explicit_hash_key: None, data: &data }])?;
        book.next_ordinal += 1;
        book.bytes += data.len() as u64 + RECORD_BYTES;
        events.iter().for_each(|event| book.state.apply(event));
        Ok(Some(written))
    }

    /// Stores the state in the catalog and trims the log. Blocks on the disk. One at a time does it.
    ///
    /// # Errors
    /// If the catalog cannot be changed; the older checkpoint holds then.
    pub(crate) fn checkpoint(&self) -> Result<(), CatalogError> {
        let mut parts = self.parts.lock();
        let Some(parts_before) = *parts else { return Ok(()) };
        // Encoding many entries takes a while, in which the queue shall go on.
        let (state, from, bytes) = {
            let book = self.book.lock();
            (book.state.clone(), book.next_ordinal, book.bytes)
        };
        let mut changes = store_state(&self.path, self.log_id, from, &state);
        changes.extend(drop_parts(&self.path, part_count(&state)..parts_before));
        self.store.catalog().commit(&changes)?;
        *parts = Some(part_count(&state));
        self.book.lock().bytes -= bytes;
        // All but the last record: a log of which nothing is left begins a new file that claims all before it to have been
        // durable, which with interval durability it may not be yet.
        if let Err(error) = self.log.trim_before(from.saturating_sub(1)) {
            tracing::warn!(queue = self.path, %error, "cannot trim the log of a queue; the next checkpoint tries again");
        }
        Ok(())
    }

    /// Where the log begins, where a start would begin to replay it, and where it ends.
    #[cfg(test)]
    pub(crate) fn log_extent(&self) -> [u64; 3] {
        let checkpoint: Checkpoint = catalog::get(&**self.store.catalog(), &key(&self.path)).unwrap().unwrap();
        [self.log.start(), checkpoint.from, self.log.end()]
    }

    /// Where the log is in the data directory.
    #[cfg(test)]
    pub(crate) fn log_dir(&self, dir: &std::path::Path) -> std::path::PathBuf {
        dir.join("logs").join(self.log_id.to_string())
    }

    /// Removes the ledger, if `commit` makes the changes that remove all mention of it. Nothing can be written any more
    /// then. Blocks on the disk.
    ///
    /// # Errors
    /// That of `commit`; nothing is removed then.
    pub(crate) fn remove<T, E>(&self, commit: impl FnOnce(Vec<Change>) -> Result<T, E>) -> Result<T, E> {
        let mut parts = self.parts.lock();
        let mut changes = vec![Change::delete(key(&self.path))];
        changes.extend(drop_parts(&self.path, 0..parts.unwrap_or_default()));
        changes.extend(self.store.drop_logs(&[self.log_id]));
        let committed = commit(changes)?;
        *parts = None;
        if let Err(error) = self.store.remove_logs(&[self.log_id]) {
            // The queue is gone for good; its files are removed when the store is opened again.
            tracing::warn!(queue = self.path, %error, "cannot remove all files of a deleted queue");
        }
        Ok(committed)
    }
}

fn key(path: &str) -> String {
    format!("{PREFIX}{path}")
}

fn part_key(path: &str, part: usize) -> String {
    format!("{PREFIX}{path}/{part:08}")
}

fn part_count(state: &Deliveries) -> usize {
    (state.alive_count() + state.dead_count()).div_ceil(CHECKPOINT_PART_ENTRIES)
}

/// The changes that store a state.
fn store_state(path: &str, log: LogId, from: u64, state: &Deliveries) -> Vec<Change> {
    let mut changes = vec![Change::put(key(path), &Checkpoint { log, from, stored: state.store() })];
    let entries: Vec<_> = state.store_entries().collect();
    let parts = entries.chunks(CHECKPOINT_PART_ENTRIES).enumerate();
    changes.extend(parts.map(|(part, entries)| Change::put(part_key(path, part), &entries)));
    changes
}

/// The changes that delete the parts of an older checkpoint.
fn drop_parts(path: &str, parts: std::ops::Range<usize>) -> impl Iterator<Item = Change> {
    parts.map(move |part| Change::delete(part_key(path, part)))
}

fn allocate(store: &Store) -> Result<LogId, CatalogError> {
    // One was asked for, so there is one.
    Ok(store.allocate_logs(1)?.first().copied().unwrap_or(LogId(0)))
}

/// Makes everything that the log holds happen again.
fn replay(log: &dyn Log, path: &str, book: &mut Book) -> Result<(), OpenQueuesError> {
    while book.next_ordinal < log.end() {
        let batch = log.read(book.next_ordinal, REPLAY_LIMIT)?;
        for record in batch.records() {
            let events = event::decode(record.data)
                .map_err(|_| OpenQueuesError::Event { queue: path.to_owned(), ordinal: record.ordinal })?;
            events.iter().for_each(|event| book.state.apply(event));
            book.bytes += record.data.len() as u64 + RECORD_BYTES;
        }
        book.next_ordinal = batch.next_ordinal();
    }
    Ok(())
}
