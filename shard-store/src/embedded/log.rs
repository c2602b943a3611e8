//! One log: segments, the writer at its tail, and the position up to which readers see it.

use std::future::ready;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::engine::{Engine, Fence, nonce};
use super::journal::{BACKLOG_BYTES_MAX, Commit, Journal};
use super::prefault;
use super::segment::Segment;
use super::settle::Dirty;
use crate::config::Durability;
use crate::error::{AppendError, KeyError, ReadError, StorageError};
use crate::format::frame::FrameCipher;
use crate::format::index::IndexEntry;
use crate::format::segment::Header;
use crate::format::{HEADER_BLOCK_BYTES, frame};
use crate::keyring::{KeyId, Keyring};
use crate::log::{Appended, BoxFuture, Log, LogId, NewRecord, ReadBatch, ReadLimit};
use crate::mmap;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{ArcSwap, Mutex, MutexGuard, Notify};

/// The size of a log's first segment: ten thousand idle logs must cost little.
const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// What the committer and the readers share of a log.
#[derive(Debug, Default)]
pub(crate) struct LogCore {
    /// The ordinal after the last visible record.
    published: AtomicU64,
    is_sealed: AtomicBool,
    grown: Notify,
    pub(crate) fence: Fence,
    /// Ascending. The tail's owner adds and drops some, the compactor exchanges them, so all changes go through `rcu`.
    segments: ArcSwap<Vec<Arc<Segment>>>,
}

impl LogCore {
    /// Makes everything before `end_ordinal` visible.
    pub(crate) fn publish(&self, end_ordinal: u64) {
        // Release: pairs with the Acquire in `end`, after which a reader looks for the frames. Never back: with `interval`
        // durability an append publishes at once, and the committer publishes an earlier one again once that is synced.
        self.published.fetch_max(end_ordinal, Ordering::Release);
        self.grown.notify_waiters();
    }

    /// Wakes whoever waits, to find out why nothing more will come.
    pub(crate) fn wake(&self) {
        self.grown.notify_waiters();
    }

    fn end(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Puts `new`, which holds the same records, in the place of `old`. Returns whether that was there.
    pub(crate) fn replace(&self, old: &Arc<Segment>, new: &Arc<Segment>) -> bool {
        let exchanged = |segment: &Arc<Segment>| Arc::clone(if Arc::ptr_eq(segment, old) { new } else { segment });
        let before = self.segments.rcu(|segments| segments.iter().map(exchanged).collect::<Vec<_>>());
        before.iter().any(|segment| Arc::ptr_eq(segment, old))
    }
}

/// The end of the log where batches are encoded.
struct Tail {
    active: Option<Active>,
    next_ordinal: u64,
    last_arrival_ms: u64,
    /// The bytes used of the last segment, from which the size of the next one follows.
    last_used_bytes: u64,
    /// The key that appends are encrypted with.
    encryption: Option<KeyId>,
}

/// The segment that grows.
struct Active {
    segment: Arc<Segment>,
    writer: mmap::Writer,
    last_indexed: Option<u64>,
    /// How far pages were asked for.
    populated: usize,
    /// What the tail's key comes to in this segment, once a frame was encrypted with it.
    cipher: Option<(KeyId, FrameCipher)>,
}

/// What recovery found of a log.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Ascending; none of them takes more frames.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) next_ordinal: u64,
    pub(crate) last_arrival_ms: u64,
    pub(crate) last_used_bytes: u64,
}

/// One log of the embedded engine.
pub(crate) struct EmbeddedLog {
    id: LogId,
    dir: Arc<Path>,
    engine: Arc<Engine>,
    core: Arc<LogCore>,
    tail: Mutex<Tail>,
}

impl EmbeddedLog {
    /// The log in `dir`, as recovery found it.
    pub(crate) fn new(engine: Arc<Engine>, id: LogId, dir: Arc<Path>, core: Arc<LogCore>, found: Found) -> Self {
        core.segments.store(Arc::new(found.segments));
        core.publish(found.next_ordinal);
        Self {
            id,
            dir,
            engine,
            core,
            tail: Mutex::new(Tail {
                active: None,
                next_ordinal: found.next_ordinal,
                last_arrival_ms: found.last_arrival_ms,
                last_used_bytes: found.last_used_bytes,
                encryption: None,
            }),
        }
    }

    /// Where the segments of a growing log are handed over when the store closes without a journal.
    pub(crate) fn settle_active(&self) {
        if let Some(active) = &self.tail.lock().active {
            self.engine.settler.settle(self.dirty(&active.segment));
        }
    }

    /// Refuses appends, wakes whoever waits, and removes all files.
    ///
    /// # Errors
    /// `StorageError` if a file cannot be removed; the next start tries again.
    pub(crate) fn remove(&self) -> Result<(), StorageError> {
        let mut tail = self.tail.lock();
        self.core.is_sealed.store(true, Ordering::Release);
        self.core.wake();
        tail.active = None;
        let segments = self.core.segments.swap(Arc::default());
        self.engine.spares.take_over(&self.dir, &segments)?;
        match std::fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StorageError::new("remove the log", &*self.dir, error))
            }
            _ => Ok(()),
        }
    }

    fn dirty(&self, segment: &Arc<Segment>) -> Dirty {
        Dirty { segment: Arc::clone(segment), core: Arc::clone(&self.core) }
    }

    fn new_header(&self, first_ordinal: u64, capacity: u64) -> Result<Header, StorageError> {
        let nonce = nonce().map_err(|error| StorageError::new("name a segment in", &*self.dir, error))?;
        Ok(Header { log_id: self.id.0, first_ordinal, nonce, capacity, begins_log: false })
    }

    /// Goes on to a new segment that holds a frame of `frame_bytes`.
    fn roll(&self, tail: &mut Tail, frame_bytes: usize) -> Result<(), StorageError> {
        let grown = (2 * tail.last_used_bytes).next_power_of_two();
        let sized = grown.clamp(SEGMENT_BYTES_MIN, self.engine.options.segment_size.as_u64().max(SEGMENT_BYTES_MIN));
        let needed = (HEADER_BLOCK_BYTES + frame_bytes) as u64;
        self.roll_to(tail, sized.max(needed.next_multiple_of(4096)), false)
    }

    /// Goes on to a new segment of `capacity` bytes. One that begins the log, because everything before it is to be dropped, is
    /// there after power loss even while it is empty.
    fn roll_to(&self, tail: &mut Tail, capacity: u64, begins_log: bool) -> Result<(), StorageError> {
        let segments = self.core.segments.load();
        let replaced = segments.last().filter(|last| last.header.first_ordinal == tail.next_ordinal);
        let replaces_empty = replaced.is_some();
        let begins_log = begins_log || replaced.is_some_and(|replaced| replaced.header.begins_log);
        let header = Header { begins_log, ..self.new_header(tail.next_ordinal, capacity)? };
        let (segment, writer) = if replaces_empty || begins_log {
            Segment::create_durable(&*self.engine.fs, &self.dir, header)?
        } else {
            Segment::create(&*self.engine.fs, &self.engine.spares, &self.dir, header)?
        };
        if let Some(replaced) = replaced {
            replaced.note_replaced();
        }
        if let Some(old) = tail.active.take() {
            old.segment.complete(old.writer.position() as u64, tail.next_ordinal, tail.last_arrival_ms);
            if !replaces_empty {
                self.engine.settler.settle(self.dirty(&old.segment));
            }
        }
        self.core.segments.rcu(|segments| {
            let mut segments = Vec::clone(segments);
            segments.truncate(segments.len() - usize::from(replaces_empty));
            segments.push(Arc::clone(&segment));
            segments
        });
        tail.active = Some(Active { segment, writer, last_indexed: None, populated: HEADER_BLOCK_BYTES, cipher: None });
        Ok(())
    }

    /// Encodes a frame at the tail, after which it is in memory but not yet visible.
    fn write(&self, tail: &mut Tail, frame_bytes: usize, records: &[NewRecord<'_>]) -> Result<Commit, AppendError> {
        if tail.active.as_ref().is_none_or(|active| active.writer.remaining() < frame_bytes) {
            self.roll(tail, frame_bytes)?;
        }
        let Tail { active: Some(active), next_ordinal, last_arrival_ms, last_used_bytes, encryption } = tail else {
            unreachable!("a roll leaves an active segment")
        };
        active.choose_cipher(*encryption, &self.engine.decoder.keyring)?;
        active.populate_ahead(&self.engine);
        let arrival_ms = self.engine.clock.unix_millis().max(*last_arrival_ms);
        let offset = active.writer.position();
        let window = active.writer.window(frame_bytes).expect("the segment was chosen for its room");
        let cipher = active.cipher.as_ref().map(|(_, cipher)| cipher);
        frame::encode_into(window, active.segment.header.nonce, *next_ordinal, arrival_ms, records, cipher)?;
        active.writer.freeze(frame_bytes);
        let entry = IndexEntry { ordinal: *next_ordinal, arrival_ms, offset: offset as u64 };
        active.segment.note_frame(entry, &mut active.last_indexed);
        *next_ordinal += records.len() as u64;
        *last_arrival_ms = arrival_ms;
        *last_used_bytes = (offset + frame_bytes) as u64;
        Ok(Commit {
            core: Arc::clone(&self.core),
            segment: Arc::clone(&active.segment),
            mapping: Arc::clone(active.writer.mapping()),
            offset,
            frame_bytes,
            end_ordinal: *next_ordinal,
            done: None,
        })
    }

    /// Hands a written frame to the journal. Returns what tells when it may be acknowledged; `None` if it may be at once.
    fn submit(&self, mut commit: Commit, journal: &Journal) -> Option<oneshot::Receiver<Result<(), AppendError>>> {
        let is_interval = self.engine.options.durability == Durability::Interval;
        if is_interval {
            self.core.publish(commit.end_ordinal);
        }
        // An interval append waits only when the disk is so far behind that memory would grow.
        let receiver = (!is_interval || journal.backlog_bytes() > BACKLOG_BYTES_MAX).then(|| {
            let (sender, receiver) = oneshot::channel();
            commit.done = Some(sender);
            receiver
        });
        journal.submit(commit);
        receiver
    }

    /// Looks at the segments; once more if that failed and they are others by now: one that was never mapped may have been
    /// trimmed in between.
    fn with_segments<T>(&self, look: impl Fn(&[Arc<Segment>]) -> Result<T, ReadError>) -> Result<T, ReadError> {
        loop {
            let segments = self.core.segments.load();
            match look(&segments) {
                Err(ReadError::Storage(_)) if !Arc::ptr_eq(&segments, &self.core.segments.load()) => {}
                outcome => return outcome,
            }
        }
    }

    /// The first segment that may hold `arrival_ms` or later, less one: the frames looked for may begin inside it.
    fn segment_at_time(segments: &[Arc<Segment>], arrival_ms: u64) -> Result<usize, ReadError> {
        let (mut low, mut high) = (0, segments.len());
        while low < high {
            let middle = low.midpoint(high);
            if segments[middle].first_arrival_ms()?.is_some_and(|first| first < arrival_ms) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.saturating_sub(1))
    }

    /// Starts an empty segment, so that the one before it, all of whose records are expired, can go.
    fn roll_if_wholly_before(&self, tail: &mut MutexGuard<'_, Tail>, ordinal: u64) -> Result<(), StorageError> {
        let has_records =
            self.core.segments.load().last().is_some_and(|last| last.header.first_ordinal < tail.next_ordinal);
        if has_records && ordinal >= tail.next_ordinal && self.core.end() == tail.next_ordinal {
            self.roll_to(tail, SEGMENT_BYTES_MIN, true)?;
        }
        Ok(())
    }

    /// Whether recovery would no longer read frames of this segment from the journal.
    fn is_out_of_journal(&self, segment: &Segment) -> bool {
        let is_out = segment.is_out_of_journal(self.engine.settler.oldest_file());
        if let (false, Some(journal)) = (is_out, &self.engine.journal) {
            journal.rotate();
        }
        is_out
    }
}

impl Active {
    /// Sees to it that the cipher is that of `encryption`. A rotation of the key takes effect with the next segment.
    fn choose_cipher(&mut self, encryption: Option<KeyId>, keyring: &Keyring) -> Result<(), KeyError> {
        if self.cipher.as_ref().map(|(key, _)| *key) == encryption {
            return Ok(());
        }
        self.cipher = match encryption {
            None => None,
            Some(key) => {
                let version = keyring.newest_version(key)?;
                Some((key, FrameCipher { version, key: self.segment.key(version, keyring)? }))
            }
        };
        Ok(())
    }

    /// Keeps the pages ahead of the writer in memory, in segments large enough for it to pay.
    fn populate_ahead(&mut self, engine: &Engine) {
        let capacity = self.segment.header.capacity as usize;
        let is_large = capacity > prefault::WINDOW_BYTES / 8;
        if is_large && self.populated < capacity && self.writer.position() + prefault::WINDOW_BYTES / 2 > self.populated
        {
            engine.prefaulter.request(self.writer.mapping(), self.populated);
            self.populated += prefault::WINDOW_BYTES;
        }
    }
}

impl Log for EmbeddedLog {
    fn append(
        &self,
        records: &[NewRecord<'_>],
    ) -> Result<BoxFuture<'static, Result<Appended, AppendError>>, AppendError> {
        self.engine.fence.check()?;
        self.core.fence.check()?;
        let plain_bytes = frame::encoded_bytes(records);
        if let Some(journal) = &self.engine.journal {
            journal.check_room()?;
        }
        let mut tail = self.tail.lock();
        if self.core.is_sealed.load(Ordering::Acquire) {
            return Err(AppendError::Sealed);
        }
        let cipher_bytes = if tail.encryption.is_some() { frame::CIPHER_HEADER_BYTES } else { 0 };
        let (frame_bytes, frame_bytes_max) = (plain_bytes + cipher_bytes, self.engine.frame_bytes_max());
        if frame_bytes > frame_bytes_max {
            return Err(AppendError::TooLarge { byte_count: frame_bytes, byte_count_max: frame_bytes_max });
        }
        let first_ordinal = tail.next_ordinal;
        if records.is_empty() {
            return Ok(Box::pin(ready(Ok(Appended { first_ordinal, arrival_ms: tail.last_arrival_ms }))));
        }
        let commit = self.write(&mut tail, frame_bytes, records)?;
        let appended = Appended { first_ordinal, arrival_ms: tail.last_arrival_ms };
        // Under the lock: frames of one log are published and journalled in order.
        let receiver = match &self.engine.journal {
            Some(journal) => self.submit(commit, journal),
            None => {
                self.core.publish(commit.end_ordinal);
                None
            }
        };
        drop(tail);
        self.engine.metrics.observe_append(records.len(), frame_bytes);
        Ok(match receiver {
            None => Box::pin(ready(Ok(appended))),
            Some(receiver) => Box::pin(async move {
                let closed = || Err(AppendError::Fenced { reason: "the journal stopped".into() });
                receiver.await.unwrap_or_else(|_| closed()).map(|()| appended)
            }),
        })
    }

    fn read(&self, from: u64, limit: ReadLimit) -> Result<ReadBatch, ReadError> {
        let end = self.core.end();
        if from > end {
            return Err(ReadError::BeyondEnd { from, end });
        }
        // Loaded after the end, so the segments hold everything before it.
        self.with_segments(|segments| {
            let start = segments.first().map_or(end, |first| first.header.first_ordinal);
            let mut batch = ReadBatch::empty(from.max(start));
            let mut at = segments.partition_point(|segment| segment.header.first_ordinal <= batch.next_ordinal());
            while batch.next_ordinal() < end && at > 0 {
                let next_first = segments.get(at).map_or(end, |next| next.header.first_ordinal);
                if segments[at - 1].read_into(&mut batch, next_first.min(end), limit, &self.engine.decoder)? {
                    break;
                }
                at += 1;
            }
            Ok(batch)
        })
    }

    fn start(&self) -> u64 {
        let end = self.core.end();
        self.core.segments.load().first().map_or(end, |first| first.header.first_ordinal.min(end))
    }

    fn end(&self) -> u64 {
        self.core.end()
    }

    fn wait_past(&self, ordinal: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                // Registered before the look, so that no growth in between is missed.
                let grown = self.core.grown.notified();
                tokio::pin!(grown);
                grown.as_mut().enable();
                if self.core.end() > ordinal || self.core.is_sealed.load(Ordering::Acquire) {
                    return;
                }
                grown.await;
            }
        })
    }

    fn position_at(&self, arrival_ms: u64) -> Result<u64, ReadError> {
        let end = self.core.end();
        self.with_segments(|segments| {
            let first = Self::segment_at_time(segments, arrival_ms)?;
            for segment in &segments[first..] {
                if let Some(ordinal) = segment.position_at(arrival_ms, end)? {
                    return Ok(ordinal);
                }
            }
            Ok(end)
        })
    }

    fn trim_before_time(&self, arrival_ms: u64) -> Result<u64, AppendError> {
        let ordinal = self.position_at(arrival_ms).map_err(|error| match error {
            ReadError::Storage(error) => error,
            other => StorageError::new("read", &*self.dir, std::io::Error::other(other.to_string())),
        })?;
        self.trim_before(ordinal)
    }

    fn trim_before(&self, ordinal: u64) -> Result<u64, AppendError> {
        let mut tail = self.tail.lock();
        if self.core.is_sealed.load(Ordering::Acquire) && self.core.segments.load().is_empty() {
            return Ok(self.core.end());
        }
        self.roll_if_wholly_before(&mut tail, ordinal)?;
        let segments = self.core.segments.load_full();
        let keep_from = segments.partition_point(|segment| segment.header.first_ordinal <= ordinal).saturating_sub(1);
        let count = segments[..keep_from].iter().take_while(|segment| self.is_out_of_journal(segment)).count();
        // Those that are dropped now: the compactor may have exchanged some of them meanwhile.
        let segments = if count > 0 { self.core.segments.rcu(|now| now[count..].to_vec()) } else { segments };
        drop(tail);
        self.engine.spares.take_over(&self.dir, &segments[..count])?;
        Ok(self.start())
    }

    fn encrypt(&self, key: Option<KeyId>) {
        self.tail.lock().encryption = key;
    }

    fn seal(&self) -> BoxFuture<'_, u64> {
        let end = {
            let tail = self.tail.lock();
            self.core.is_sealed.store(true, Ordering::Release);
            tail.next_ordinal
        };
        Box::pin(async move {
            loop {
                let grown = self.core.grown.notified();
                tokio::pin!(grown);
                grown.as_mut().enable();
                if self.core.end() >= end || self.core.fence.check().is_err() || self.engine.fence.check().is_err() {
                    self.core.wake();
                    return self.core.end();
                }
                grown.await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_have_seen_is_never_taken_back() {
        let core = LogCore::default();
        core.publish(11);
        core.publish(9);
        assert_eq!(core.end(), 11);
    }
}
