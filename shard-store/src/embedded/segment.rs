//! One segment of a log, as readers and the background threads see it.

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};

use aws_lc_rs::aead::LessSafeKey;
use bytes::Bytes;

use super::decode::Decoder;
use super::scan;
use super::spare::Spares;
use crate::durable_fs::DurableFs;
use crate::error::{Damage, KeyError, ReadError, StorageError};
use crate::format::HEADER_BLOCK_BYTES;
use crate::format::frame::{self, Coding, VerifiedFrame};
use crate::format::index::{Index, IndexEntry};
use crate::format::segment::{Header, Mark};
use crate::keyring::{KeyId, Keyring};
use crate::log::{AddedRecords, ReadBatch, ReadLimit};
use crate::mmap::{self, Mapping};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, RwLock};

/// A frame is indexed when it begins at least this far behind the last indexed one.
pub(crate) const INDEX_SPACING_BYTES: u64 = 64 << 10;

/// One segment of a log.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: Header,
    dir: Arc<Path>,
    /// Whether the file has its final name: it was synced at least once.
    is_settled: AtomicBool,
    /// Whether it may take more frames.
    is_growing: AtomicBool,
    mapping: OnceLock<Arc<Mapping>>,
    /// The index of a segment that grows; empty for one opened as sealed.
    live_index: RwLock<Vec<IndexEntry>>,
    /// The whole index, once the segment takes no more frames.
    complete: OnceLock<Index>,
    mark_serial: AtomicU64,
    /// Whether compaction has been over it, with or without success.
    is_compacted: AtomicBool,
    /// Held while the files are created, opened by name, renamed or removed, never for a sync; whether the names are this
    /// segment's no more: the files were removed, or others took their place.
    is_gone: Mutex<bool>,
    /// Frames on their way to the journal.
    submitted: AtomicU64,
    /// The newest journal file that holds frames of this segment; 0 for none.
    journal_file: AtomicU64,
    /// The segment's own keys, by the version they come from: one, but for rotations in the middle.
    keys: Mutex<Vec<(KeyId, Arc<LessSafeKey>)>>,
}

impl Segment {
    /// Creates the segment's file, `.new`, from a spare one if there is one, and maps it. It becomes durable with the first [`Segment::settle`].
    ///
    /// # Errors
    /// `StorageError` if there is no room or the system refuses; nothing is left behind.
    pub(crate) fn create(
        fs: &dyn DurableFs,
        spares: &Spares,
        dir: &Arc<Path>,
        header: Header,
    ) -> Result<(Arc<Self>, mmap::Writer), StorageError> {
        let path = path(dir, header.first_ordinal, "new");
        let map = |file: File| {
            let mapped = Mapping::open(&file, header.capacity as usize, HEADER_BLOCK_BYTES);
            // The next attempt wants the name.
            mapped.inspect_err(|_| drop(fs.remove(&path)))
        };
        let writer = create_new(fs, spares, &path, &header)
            .and_then(map)
            .map_err(|error| StorageError::new("create the segment", &path, error))?;
        Ok(Self::growing(header, dir, false, writer))
    }

    /// Creates the segment's file in the place of an empty one that only keeps the log's ordinals, so that there is one at
    /// every moment. The new one is durable when this returns. It blocks on the disk.
    ///
    /// # Errors
    /// As [`Segment::create`].
    pub(crate) fn create_durable(
        fs: &dyn DurableFs,
        dir: &Arc<Path>,
        header: Header,
    ) -> Result<(Arc<Self>, mmap::Writer), StorageError> {
        let temporary = path(dir, header.first_ordinal, "tmp");
        let settled = path(dir, header.first_ordinal, "log");
        let create = || {
            let _ = fs::remove_file(&temporary);
            let file = create_file(fs, &temporary, &header)?;
            fs.sync(&file, &temporary)?;
            fs.rename(&temporary, &settled)?;
            fs.sync_dir(dir)?;
            Mapping::open(&file, header.capacity as usize, HEADER_BLOCK_BYTES)
        };
        let writer = create().map_err(|error| StorageError::new("create the segment", &settled, error))?;
        Ok(Self::growing(header, dir, true, writer))
    }

    fn growing(header: Header, dir: &Arc<Path>, is_settled: bool, writer: mmap::Writer) -> (Arc<Self>, mmap::Writer) {
        let segment = Self::with(header, dir, is_settled);
        segment.is_growing.store(true, Ordering::Release);
        let _ = segment.mapping.set(Arc::clone(writer.mapping()));
        (Arc::new(segment), writer)
    }

    /// A segment found on disk, of which everything is known.
    pub(crate) fn found(header: Header, dir: &Arc<Path>, is_settled: bool, index: Option<Index>) -> Self {
        let segment = Self::with(header, dir, is_settled);
        if let Some(index) = index {
            segment.is_compacted.store(index.is_compacted, Ordering::Release);
            let _ = segment.complete.set(index);
        }
        segment
    }

    fn with(header: Header, dir: &Arc<Path>, is_settled: bool) -> Self {
        Self {
            header,
            dir: Arc::clone(dir),
            is_settled: AtomicBool::new(is_settled),
            is_growing: AtomicBool::new(false),
            mapping: OnceLock::new(),
            live_index: RwLock::new(Vec::new()),
            complete: OnceLock::new(),
            mark_serial: AtomicU64::new(0),
            is_compacted: AtomicBool::new(false),
            is_gone: Mutex::new(false),
            submitted: AtomicU64::new(0),
            journal_file: AtomicU64::new(0),
            keys: Mutex::new(Vec::new()),
        }
    }

    /// The directory of the log.
    pub(crate) fn dir(&self) -> &Arc<Path> {
        &self.dir
    }

    /// Where the file is now.
    pub(crate) fn path(&self) -> PathBuf {
        let extension = if self.is_settled.load(Ordering::Acquire) { "log" } else { "new" };
        path(&self.dir, self.header.first_ordinal, extension)
    }

    fn index_path(&self) -> PathBuf {
        path(&self.dir, self.header.first_ordinal, "idx")
    }

    /// Notes that a frame of this segment is on its way to the journal.
    pub(crate) fn note_submitted(&self) {
        // Relaxed: before the segment is complete, which is what those who ask wait for.
        self.submitted.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that journal file `number` holds a frame that was on its way.
    pub(crate) fn note_journalled(&self, number: u64) {
        self.note_journal_file(number);
        // Release: whoever sees that nothing is on its way sees the file's number too.
        self.submitted.fetch_sub(1, Ordering::Release);
    }

    /// Notes that journal file `number` holds frames of this segment.
    pub(crate) fn note_journal_file(&self, number: u64) {
        self.journal_file.fetch_max(number, Ordering::AcqRel);
    }

    /// Whether recovery would read no frame of this segment from the journal, whose oldest file is `oldest_file`. Once a
    /// segment that takes no more frames is out of the journal, it stays so.
    pub(crate) fn is_out_of_journal(&self, oldest_file: u64) -> bool {
        self.submitted.load(Ordering::Acquire) == 0 && self.journal_file.load(Ordering::Acquire) < oldest_file
    }

    /// Continues the marks' serials after `serial`.
    pub(crate) fn continue_marks(&self, serial: u64) {
        self.mark_serial.fetch_max(serial, Ordering::AcqRel);
    }

    /// Adds a frame to the index of a growing segment, if it is far enough behind the last one.
    pub(crate) fn note_frame(&self, entry: IndexEntry, last_indexed: &mut Option<u64>) {
        if last_indexed.is_none_or(|offset| entry.offset >= offset + INDEX_SPACING_BYTES) {
            *last_indexed = Some(entry.offset);
            self.live_index.write().push(entry);
        }
    }

    /// Says that the segment takes no more frames: `end_offset` is where the last one ends.
    pub(crate) fn complete(&self, end_offset: u64, end_ordinal: u64, last_arrival_ms: u64) {
        let entries = self.live_index.read().clone();
        let index = Index {
            log_id: self.header.log_id,
            first_ordinal: self.header.first_ordinal,
            nonce: self.header.nonce,
            end_offset,
            end_ordinal,
            first_arrival_ms: entries.first().map_or(last_arrival_ms, |entry| entry.arrival_ms),
            last_arrival_ms,
            is_compacted: false,
            entries,
        };
        let _ = self.complete.set(index);
        // Only now: a reader finds its place in one of the two.
        self.is_growing.store(false, Ordering::Release);
        self.live_index.write().clear();
    }

    /// The whole index of a segment that takes no more frames, read from its file at first use.
    ///
    /// # Errors
    /// `Storage` or `Corrupt` if the index has to be made again and the segment cannot be read.
    pub(crate) fn index(&self) -> Result<&Index, ReadError> {
        if let Some(index) = self.complete.get() {
            return Ok(index);
        }
        let index = match scan::read_index(&self.index_path(), &self.header) {
            Some(index) => index,
            None => scan::index_of(&self.path(), &self.header, self.mapping()?.frozen())?,
        };
        Ok(self.complete.get_or_init(|| index))
    }

    /// Opens the file by its name, for a caller who holds the lock.
    fn open_file(&self, is_gone: bool) -> io::Result<File> {
        if is_gone {
            return Err(io::ErrorKind::NotFound.into());
        }
        File::options().read(true).write(true).open(self.path())
    }

    /// The mapping of the file, made at first use.
    ///
    /// # Errors
    /// `StorageError` if the file cannot be mapped.
    fn mapping(&self) -> Result<&Arc<Mapping>, StorageError> {
        if let Some(mapping) = self.mapping.get() {
            return Ok(mapping);
        }
        let is_gone = self.is_gone.lock();
        let mapping = self.map_locked(*is_gone)?;
        Ok(self.mapping.get_or_init(|| mapping))
    }

    /// A mapping of the file that ends with its user, if there is none yet.
    ///
    /// # Errors
    /// As [`Segment::mapping`].
    pub(crate) fn map(&self) -> Result<Arc<Mapping>, StorageError> {
        let is_gone = self.is_gone.lock();
        self.map_locked(*is_gone)
    }

    /// As [`Segment::map`], while the caller holds the lock: whoever takes the file away, or puts another in its place, either
    /// left a mapping before, or finds the one that is made now.
    fn map_locked(&self, is_gone: bool) -> Result<Arc<Mapping>, StorageError> {
        if let Some(mapping) = self.mapping.get() {
            return Ok(Arc::clone(mapping));
        }
        let capacity = self.header.capacity as usize;
        self.open_file(is_gone)
            .and_then(|file| Mapping::open(&file, capacity, capacity))
            .map(|writer| Arc::clone(writer.mapping()))
            .map_err(|error| StorageError::new("map the segment", self.path(), error))
    }

    /// The arrival time of the first frame, if there is one.
    ///
    /// # Errors
    /// As [`Segment::index`].
    pub(crate) fn first_arrival_ms(&self) -> Result<Option<u64>, ReadError> {
        if let Some(entry) = self.live_index.read().first() {
            return Ok(Some(entry.arrival_ms));
        }
        Ok(self.index_if_complete()?.and_then(|index| index.entries.first().map(|entry| entry.arrival_ms)))
    }

    fn index_if_complete(&self) -> Result<Option<&Index>, ReadError> {
        if self.is_growing.load(Ordering::Acquire) { Ok(None) } else { self.index().map(Some) }
    }

    /// The last indexed frame for which `is_before` holds, or the first frame.
    fn seek(&self, is_before: impl Fn(&IndexEntry) -> bool) -> Result<usize, ReadError> {
        let find = |entries: &[IndexEntry]| {
            let after = entries.partition_point(|entry| is_before(entry));
            entries.get(after.saturating_sub(1)).map_or(HEADER_BLOCK_BYTES, |entry| entry.offset as usize)
        };
        {
            let live = self.live_index.read();
            if !live.is_empty() {
                return Ok(find(&live));
            }
        }
        Ok(self.index_if_complete()?.map_or(HEADER_BLOCK_BYTES, |index| find(&index.entries)))
    }

    /// Adds records from `batch.next_ordinal()` on to `batch`, up to `limit` and not past `end_ordinal`. Returns whether the
    /// limit is reached.
    ///
    /// # Errors
    /// `Corrupt` if a frame fails its checksum, `Storage` if the file cannot be mapped.
    pub(crate) fn read_into(
        &self,
        batch: &mut ReadBatch,
        end_ordinal: u64,
        limit: ReadLimit,
        decoder: &Decoder,
    ) -> Result<bool, ReadError> {
        let bytes = self.mapping()?.to_bytes();
        let from = batch.next_ordinal();
        let mut offset = self.seek(|entry| entry.ordinal <= from)?;
        while batch.next_ordinal() < end_ordinal {
            let raw =
                frame::parse(bytes.get(offset..).unwrap_or_default()).map_err(|reason| self.damage(offset, reason))?;
            if raw.end_ordinal() > batch.next_ordinal() {
                let frame = raw.verify(self.header.nonce).map_err(|reason| self.damage(offset, reason))?;
                if frame.first_ordinal > batch.next_ordinal() {
                    return Err(self.damage(offset, "records before this frame are missing").into());
                }
                let records = match (frame.key_version(), frame.coding) {
                    (Some(version), _) => {
                        let key = self.key(version, &decoder.keyring)?;
                        frame.decrypt(&key).map_err(|reason| self.damage(offset, reason))?.into()
                    }
                    (None, Coding::Zstd) => {
                        let place = (self.header.nonce, offset);
                        decoder.decompress(place, frame).map_err(|reason| self.damage(offset, reason))?
                    }
                    (None, _) => bytes.slice(offset + frame.records_at()..offset + frame.frame_bytes()),
                };
                if take(records, frame, batch, limit) {
                    return Ok(true);
                }
            }
            offset += raw.frame_bytes();
        }
        Ok(false)
    }

    /// The first ordinal before `end_ordinal` whose frame arrived at `arrival_ms` or later.
    ///
    /// # Errors
    /// As [`Segment::read_into`].
    pub(crate) fn position_at(&self, arrival_ms: u64, end_ordinal: u64) -> Result<Option<u64>, ReadError> {
        let mapping = self.mapping()?;
        let bytes = mapping.frozen();
        let mut offset = self.seek(|entry| entry.arrival_ms < arrival_ms)?;
        loop {
            let Ok(raw) = frame::parse(bytes.get(offset..).unwrap_or_default()) else { return Ok(None) };
            if raw.first_ordinal >= end_ordinal || raw.record_count == 0 {
                return Ok(None);
            }
            if raw.arrival_ms >= arrival_ms {
                raw.verify(self.header.nonce).map_err(|reason| self.damage(offset, reason))?;
                return Ok(Some(raw.first_ordinal));
            }
            offset += raw.frame_bytes();
        }
    }

    /// The segment's own key from this version of a key.
    ///
    /// # Errors
    /// As [`Keyring::segment_key`].
    pub(crate) fn key(&self, version: KeyId, keyring: &Keyring) -> Result<Arc<LessSafeKey>, KeyError> {
        let mut keys = self.keys.lock();
        if let Some((_, key)) = keys.iter().find(|(known, _)| *known == version) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(keyring.segment_key(version, self.header.log_id, self.header.nonce)?);
        keys.push((version, Arc::clone(&key)));
        Ok(key)
    }

    /// What is wrong at `offset` of the file.
    pub(crate) fn damage(&self, offset: usize, reason: &str) -> Damage {
        Damage { path: self.path(), offset: offset as u64, reason: reason.to_owned() }
    }

    /// Makes everything frozen so far durable, marks how far that is, and gives the file and, once complete, its index
    /// their final names. It blocks on the disk. A segment that was removed meanwhile needs nothing.
    ///
    /// # Errors
    /// `StorageError`; after one from a sync, nothing is known of what is durable.
    pub(crate) fn settle(&self, fs: &dyn DurableFs) -> Result<(), StorageError> {
        match self.sync_and_name(fs) {
            Err(_) if self.is_gone() => Ok(()),
            other => other,
        }
    }

    /// Whether the files were removed, or others took their place.
    pub(crate) fn is_gone(&self) -> bool {
        *self.is_gone.lock()
    }

    /// Notes that another segment took the name.
    pub(crate) fn note_replaced(&self) {
        *self.is_gone.lock() = true;
    }

    /// Whether the segment holds records, takes no more, and is durable.
    pub(crate) fn is_sealed(&self) -> bool {
        self.complete.get().is_some_and(|index| !index.entries.is_empty()) && self.is_settled.load(Ordering::Acquire)
    }

    /// Notes that compaction has been over the segment and left it as it is.
    pub(crate) fn note_compacted(&self) {
        self.is_compacted.store(true, Ordering::Release);
    }

    /// Whether compaction has been over the segment, with or without success.
    pub(crate) fn is_compacted(&self) -> bool {
        self.is_compacted.load(Ordering::Acquire)
    }

    fn sync_and_name(&self, fs: &dyn DurableFs) -> Result<(), StorageError> {
        let failed = |action| move |error: io::Error| StorageError::new(action, self.path(), error);
        let synced_end = match self.mapping.get() {
            Some(mapping) if self.is_growing.load(Ordering::Acquire) => mapping.frozen().len() as u64,
            _ => self.complete.get().map_or(HEADER_BLOCK_BYTES as u64, |index| index.end_offset),
        };
        let opened = {
            let is_gone = self.is_gone.lock();
            self.open_file(*is_gone)
        };
        let file = opened.map_err(failed("open the segment"))?;
        fs.sync(&file, &self.path()).map_err(failed("sync the segment"))?;
        let mark = Mark { serial: self.mark_serial.fetch_add(1, Ordering::AcqRel) + 1, synced_end };
        let encoded = mark.encode(self.header.nonce);
        fs.write_at(&file, &self.path(), &mut [IoSlice::new(&encoded)], mark.offset())
            .map_err(failed("mark the segment"))?;
        fs.sync(&file, &self.path()).map_err(failed("sync the segment"))?;
        let was_settled = self.name_settled(fs).map_err(failed("name the segment"))?;
        self.write_index(fs)?;
        let sync_dir =
            |dir: &Path| fs.sync_dir(dir).map_err(|error| StorageError::new("sync the directory", dir, error));
        sync_dir(&self.dir)?;
        // The directory's own name may be as new as the segment's.
        if was_settled { Ok(()) } else { self.dir.parent().map_or(Ok(()), sync_dir) }
    }

    /// Gives the file its final name; whether it had it before.
    fn name_settled(&self, fs: &dyn DurableFs) -> io::Result<bool> {
        let is_gone = self.is_gone.lock();
        if *is_gone {
            return Err(io::ErrorKind::NotFound.into());
        }
        let was_settled = self.is_settled.load(Ordering::Acquire);
        if !was_settled {
            fs.rename(&self.path(), &self::path(&self.dir, self.header.first_ordinal, "log"))?;
            self.is_settled.store(true, Ordering::Release);
        }
        Ok(was_settled)
    }

    /// Writes the index file of a complete segment, if it is not there yet. Without room for it the segment is just
    /// scanned again at the next start.
    fn write_index(&self, fs: &dyn DurableFs) -> Result<(), StorageError> {
        let path = self.index_path();
        let Some(index) = self.complete.get() else { return Ok(()) };
        // An empty segment only keeps the log's ordinals, until another takes its name.
        if index.entries.is_empty() || path.exists() {
            return Ok(());
        }
        let temporary = self::path(&self.dir, self.header.first_ordinal, "tmp");
        let bytes = index.encode();
        let written = self.create_beside(fs, &temporary, bytes.len() as u64).and_then(|file| {
            fs.write_at(&file, &temporary, &mut [IoSlice::new(&bytes)], 0)?;
            fs.sync(&file, &temporary)?;
            let is_gone = self.is_gone.lock();
            if *is_gone { fs.remove(&temporary) } else { fs.rename(&temporary, &path) }
        });
        match written.map_err(|error| StorageError::new("write the index", path, error)) {
            Err(error) if error.is_full() => Ok(()),
            other => other,
        }
    }

    /// Removes an index file that does not fit the segment, so that the next [`Segment::settle`] writes another.
    ///
    /// # Errors
    /// `StorageError` as the system says.
    pub(crate) fn remove_index(&self, fs: &dyn DurableFs) -> Result<(), StorageError> {
        let path = self.index_path();
        if !path.exists() {
            return Ok(());
        }
        fs.remove(&path).map_err(|error| StorageError::new("remove", path, error))
    }

    /// Creates a file that is to take the place of one of this segment's.
    ///
    /// # Errors
    /// `NotFound` if the segment is gone, for its directory may go then too; and as the system says.
    pub(crate) fn create_beside(&self, fs: &dyn DurableFs, path: &Path, byte_count: u64) -> io::Result<File> {
        let is_gone = self.is_gone.lock();
        if *is_gone {
            return Err(io::ErrorKind::NotFound.into());
        }
        let _ = fs::remove_file(path);
        fs.create(path, byte_count)
    }

    /// Puts the synced files `log` and `index`, which hold the same records, in the place of this segment's. From `publish`
    /// on, which says whether it was still there to be replaced, readers use the other segment; those who are at this one
    /// keep `mapping`. Returns whether the names were still this segment's.
    ///
    /// # Errors
    /// As the system says. What is there is valid at every moment: an index that is missing is made again.
    pub(crate) fn replace(
        &self,
        fs: &dyn DurableFs,
        mapping: Arc<Mapping>,
        [log, index]: [&Path; 2],
        publish: impl FnOnce() -> bool,
    ) -> io::Result<bool> {
        // A reader may have mapped it meanwhile.
        let _ = self.mapping.set(mapping);
        let mut is_gone = self.is_gone.lock();
        if *is_gone {
            return Ok(false);
        }
        let index_path = self.index_path();
        if index_path.exists() {
            fs.remove(&index_path)?;
        }
        fs.rename(log, &self.path())?;
        let indexed = fs.rename(index, &index_path);
        // Else the log dropped it a moment ago, and whoever did that removes the files next.
        *is_gone = publish();
        indexed.map(|()| true)
    }

    /// Puts the synced file `index` in the place of this segment's index. Returns whether the name was still this segment's.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn replace_index(&self, fs: &dyn DurableFs, index: &Path) -> io::Result<bool> {
        let is_gone = self.is_gone.lock();
        if *is_gone {
            return Ok(false);
        }
        fs.rename(index, &self.index_path()).map(|()| true)
    }

    /// Gives the segment's file a name elsewhere, where it belongs to nobody, and removes its index. Readers that hold the
    /// mapping keep it, so until they are done the bytes must not change.
    ///
    /// # Errors
    /// As the system says; the file is then where it was.
    pub(crate) fn move_to(&self, fs: &dyn DurableFs, path: &Path) -> io::Result<()> {
        let mut is_gone = self.is_gone.lock();
        let index_path = self.index_path();
        if index_path.exists() {
            fs.remove(&index_path)?;
        }
        fs.rename(&self.path(), path)?;
        *is_gone = true;
        Ok(())
    }

    /// The mapping, for somebody who only wants to know when it ends.
    pub(crate) fn downgrade_mapping(&self) -> Weak<Mapping> {
        self.mapping.get().map_or_else(Weak::new, Arc::downgrade)
    }

    /// Removes the segment's files. Readers that hold its mapping keep it until they are done.
    ///
    /// # Errors
    /// `StorageError` as the system says.
    pub(crate) fn remove(&self, fs: &dyn DurableFs) -> Result<(), StorageError> {
        let mut is_gone = self.is_gone.lock();
        *is_gone = true;
        for path in [self.index_path(), self.path()] {
            match fs.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StorageError::new("remove the segment", path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Takes some of the encoded `records` of one frame into `batch`; returns whether the limit is reached.
fn take(records: Bytes, frame: VerifiedFrame<'_>, batch: &mut ReadBatch, limit: ReadLimit) -> bool {
    let skipped = (batch.next_ordinal() - frame.first_ordinal) as usize;
    let is_encrypted = frame.coding == Coding::Encrypted;
    let mut walk = frame::records(&records, frame.first_ordinal, frame.arrival_ms, is_encrypted);
    if skipped > 0 {
        walk.nth(skipped - 1);
    }
    let first_at = records.len() - walk.rest().len();
    let (mut record_count, mut byte_count, mut is_full) = (0, 0, false);
    for record in walk.take(frame.record_count as usize - skipped) {
        let is_first = batch.is_empty() && record_count == 0;
        is_full = batch.record_count() + record_count >= limit.record_count
            || batch.byte_count() + byte_count + record.byte_count() > limit.byte_count && !is_first;
        if is_full {
            break;
        }
        record_count += 1;
        byte_count += record.byte_count();
    }
    if record_count > 0 {
        let (records, arrival_ms) = (records.slice(first_at..), frame.arrival_ms);
        batch.push(AddedRecords { records, arrival_ms, record_count, byte_count, is_encrypted });
    }
    is_full
}

/// The path of a segment's file.
pub(crate) fn path(dir: &Path, first_ordinal: u64, extension: &str) -> PathBuf {
    dir.join(format!("{first_ordinal:020}.{extension}"))
}

/// Creates a segment file with its header, or makes a spare one such a file. Before the disk is called full, spares go.
fn create_new(fs: &dyn DurableFs, spares: &Spares, path: &Path, header: &Header) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    if let Some(file) = spares.create(path, header) {
        return Ok(file);
    }
    match create_file(fs, path, header) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull && spares.clear() => create_file(fs, path, header),
        other => other,
    }
}

/// Creates a segment file with its header.
pub(crate) fn create_file(fs: &dyn DurableFs, path: &Path, header: &Header) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let file = fs.create(path, header.capacity)?;
    fs.write_at(&file, path, &mut [IoSlice::new(&header.encode())], 0)?;
    Ok(file)
}
