//! The compactor: rewrites sealed segments with zstd behind everything else.
//!
//! A segment comes here once it is synced, takes no more frames and is out of the journal, which names segments by their
//! nonce. Its frames are verified and written, each compressed by itself, to a new file with a nonce of its own; that file
//! and its index are synced before they take the names of the old ones. Readers that hold the old mapping go on with it.
//!
//! What it leaves as it is: batches that do not shrink, segments with encrypted batches (ciphertext does not shrink, and a
//! segment's key is bound to its nonce), and segments whose file would not become smaller by an eighth. The last two are
//! noted in the index, so that no later start looks at them again.

use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zstd::bulk::Compressor;

use super::engine::{Fence, nonce};
use super::scan::{self, IndexBuilder};
use super::segment::Segment;
use super::settle::Dirty;
use crate::durable_fs::DurableFs;
use crate::error::{ReadError, StorageError};
use crate::format::HEADER_BLOCK_BYTES;
use crate::format::frame::{self, Coding};
use crate::format::index::Index;
use crate::format::segment::{Header, MARK_BYTES, Mark};
use crate::metrics::Metrics;
use crate::mmap::Mapping;
use crate::sync::Mutex;
use crate::sync::mpsc::{Receiver, Sender, channel};
use crate::sync::thread::{self, JoinHandle};

/// Written at a time.
const BUFFER_BYTES: usize = 1 << 20;

enum Job {
    Segment(Dirty),
    /// Answered when all segments before it are done.
    Flush(Sender<()>),
}

/// The background thread that compacts segments.
pub(crate) struct Compactor {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread works with.
pub(crate) struct Surroundings {
    pub(crate) fs: Arc<dyn DurableFs>,
    pub(crate) fence: Arc<Fence>,
    pub(crate) metrics: Metrics,
    pub(crate) level: i32,
}

impl Compactor {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system refuses a thread, or zstd the level.
    pub(crate) fn start(surroundings: Surroundings) -> io::Result<Self> {
        let (sender, receiver) = channel();
        let compressor = Compressor::new(surroundings.level)?;
        let mut worker = Worker { surroundings, compressor };
        let thread = thread::Builder::new().name("hw-compact".into()).spawn(move || worker.run(&receiver))?;
        Ok(Self { jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Hands over a segment that is durable, complete and out of the journal.
    pub(crate) fn compact(&self, segment: Dirty) {
        self.send(Job::Segment(segment));
    }

    /// Has `done` told when all segments handed over so far are compacted.
    pub(crate) fn flush(&self, done: Sender<()>) {
        self.send(Job::Flush(done));
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &*self.jobs.lock() {
            // The receiver lives until the sender is taken.
            let _ = jobs.send(job);
        }
    }

    /// Ends the thread, which the raised fence keeps from beginning, or going on with, a segment.
    pub(crate) fn stop(&self) {
        self.jobs.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    surroundings: Surroundings,
    compressor: Compressor<'static>,
}

/// Why a segment stays as it is.
enum Kept {
    /// Another look at it would be of no use.
    ForGood,
    /// It was dropped meanwhile, or the store is closing.
    ForNow,
}

/// The files that are to take the place of a segment's.
struct Files {
    log: PathBuf,
    index: PathBuf,
}

/// What they hold.
struct Rewritten {
    header: Header,
    index: Index,
}

/// Where frames are written to.
struct Destination<'a> {
    header: &'a Header,
    file: &'a File,
    path: &'a Path,
}

impl Files {
    fn remove(&self, fs: &dyn DurableFs) {
        for path in [&self.log, &self.index].into_iter().filter(|path| path.exists()) {
            // What cannot be removed now, the next start removes.
            let _ = fs.remove(path);
        }
    }
}

impl Worker {
    fn run(&mut self, jobs: &Receiver<Job>) {
        for job in jobs {
            match job {
                Job::Segment(dirty) => self.compact(&dirty),
                // Whoever waited may have gone away.
                Job::Flush(done) => drop(done.send(())),
            }
        }
    }

    fn is_stopped(&self, segment: &Segment) -> bool {
        self.surroundings.fence.check().is_err() || segment.is_gone()
    }

    fn compact(&mut self, dirty: &Dirty) {
        let segment = &dirty.segment;
        if self.is_stopped(segment) || segment.is_compacted() {
            return;
        }
        let path = segment.path();
        let files = Files { log: path.with_extension("log.tmp"), index: path.with_extension("idx.tmp") };
        let outcome = self.compact_into(dirty, &files);
        files.remove(&*self.surroundings.fs);
        match outcome {
            Err(error) if !segment.is_gone() => tracing::warn!(%error, "a segment is not compacted"),
            _ => {}
        }
    }

    fn compact_into(&mut self, dirty: &Dirty, files: &Files) -> Result<(), ReadError> {
        let mapping = dirty.segment.map()?;
        match self.rewrite(&dirty.segment, mapping.frozen(), files)? {
            Ok(rewritten) => self.exchange(dirty, mapping, rewritten, files),
            Err(Kept::ForGood) => self.note(&dirty.segment, files),
            Err(Kept::ForNow) => Ok(()),
        }
    }

    /// Writes the segment's frames to a new file and its index beside it, both synced.
    fn rewrite(
        &mut self,
        segment: &Segment,
        bytes: &[u8],
        files: &Files,
    ) -> Result<Result<Rewritten, Kept>, ReadError> {
        let failed = |error| StorageError::new("compact into", &files.log, error);
        let mut header = Header { nonce: nonce().map_err(failed)?, ..segment.header };
        let file = self.create(segment, &files.log, HEADER_BLOCK_BYTES as u64).map_err(failed)?;
        let destination = Destination { header: &header, file: &file, path: &files.log };
        let index = match self.write_frames(segment, bytes, &destination)? {
            Ok(index) => index,
            Err(kept) => return Ok(Err(kept)),
        };
        if index.end_offset > segment.header.capacity / 8 * 7 {
            return Ok(Err(Kept::ForGood));
        }
        header.capacity = index.end_offset;
        self.write_header(&header, &file, &files.log).map_err(failed)?;
        self.write_index(segment, &index, &files.index)?;
        Ok(Ok(Rewritten { header, index }))
    }

    /// Creates a file in the segment's directory.
    fn create(&self, segment: &Segment, path: &Path, byte_count: u64) -> io::Result<File> {
        segment.create_beside(&*self.surroundings.fs, path, byte_count)
    }

    fn write_frames(
        &mut self,
        segment: &Segment,
        bytes: &[u8],
        destination: &Destination<'_>,
    ) -> Result<Result<Index, Kept>, ReadError> {
        let Destination { header, file, path } = *destination;
        let failed = |error| StorageError::new("compact into", path, error);
        let old = segment.index()?;
        let mut builder = IndexBuilder::new(header);
        let (mut offset, mut written, mut buffer) = (HEADER_BLOCK_BYTES, HEADER_BLOCK_BYTES as u64, Vec::new());
        while offset < old.end_offset as usize {
            let frame = frame::parse(&bytes[offset..])
                .and_then(|raw| raw.verify(segment.header.nonce))
                .map_err(|reason| segment.damage(offset, reason))?;
            if self.is_stopped(segment) {
                return Ok(Err(Kept::ForNow));
            }
            if frame.coding == Coding::Encrypted {
                return Ok(Err(Kept::ForGood));
            }
            let start = buffer.len();
            frame.compress_into(&mut buffer, header.nonce, &mut self.compressor).map_err(failed)?;
            builder.add(&frame, buffer.len() - start);
            offset += frame.frame_bytes();
            if buffer.len() >= BUFFER_BYTES || offset >= old.end_offset as usize {
                let fs = &self.surroundings.fs;
                fs.write_at(file, path, &mut [IoSlice::new(&buffer)], written).map_err(failed)?;
                written += buffer.len() as u64;
                buffer.clear();
            }
        }
        let index = Index { is_compacted: true, ..builder.build() };
        if index.end_ordinal != old.end_ordinal {
            return Err(segment.damage(offset, "the index names another end of the records").into());
        }
        Ok(Ok(index))
    }

    /// The whole file is synced at once, so the mark may say so before it is.
    fn write_header(&self, header: &Header, file: &File, path: &Path) -> io::Result<()> {
        let mark = Mark { serial: 1, synced_end: header.capacity };
        let mut block = vec![0; mark.offset() as usize + MARK_BYTES];
        block[..header.encode().len()].copy_from_slice(&header.encode());
        block[mark.offset() as usize..].copy_from_slice(&mark.encode(header.nonce));
        self.surroundings.fs.write_at(file, path, &mut [IoSlice::new(&block)], 0)?;
        self.surroundings.fs.sync(file, path)
    }

    fn write_index(&self, segment: &Segment, index: &Index, path: &Path) -> Result<(), StorageError> {
        let bytes = index.encode();
        let fs = &self.surroundings.fs;
        self.create(segment, path, bytes.len() as u64)
            .and_then(|file| {
                fs.write_at(&file, path, &mut [IoSlice::new(&bytes)], 0)?;
                fs.sync(&file, path)
            })
            .map_err(|error| StorageError::new("write the index", path, error))
    }

    /// Lets the rewritten segment take the place of the old one, in the directory and in the log.
    fn exchange(
        &self,
        dirty: &Dirty,
        mapping: Arc<Mapping>,
        rewritten: Rewritten,
        files: &Files,
    ) -> Result<(), ReadError> {
        let (Dirty { segment: old, core }, Rewritten { header, index }) = (dirty, rewritten);
        let (before, after) = (old.header.capacity, header.capacity);
        let new = Arc::new(Segment::found(header, old.dir(), true, Some(index)));
        // The mark written with the header has the serial 1.
        new.continue_marks(1);
        let fs = &*self.surroundings.fs;
        let publish = || core.replace(old, &new);
        let path = old.path();
        let failed = |error| StorageError::new("put the compacted segment in the place of", &path, error);
        if old.replace(fs, mapping, [&files.log, &files.index], publish).map_err(failed)? {
            self.surroundings.metrics.observe_compacted(before, after);
            fs.sync_dir(old.dir()).map_err(failed)?;
        }
        Ok(())
    }

    /// Notes in the segment's index that it stays as it is.
    fn note(&self, segment: &Segment, files: &Files) -> Result<(), ReadError> {
        segment.note_compacted();
        let index = Index { is_compacted: true, ..segment.index()?.clone() };
        self.write_index(segment, &index, &files.index)?;
        let fs = &*self.surroundings.fs;
        let noted = segment.replace_index(fs, &files.index).and_then(|_| fs.sync_dir(segment.dir()));
        Ok(noted.map_err(|error| StorageError::new("write the index", &files.index, error))?)
    }
}

/// Removes what a compaction, or the writing of an index, that was broken off left in a log's directory.
///
/// # Errors
/// `StorageError` if a file cannot be removed.
pub(crate) fn remove_unfinished(fs: &dyn DurableFs, dir: &Path) -> Result<(), StorageError> {
    for path in scan::entries(dir)? {
        if path.extension().is_some_and(|extension| extension == "tmp") {
            fs.remove(&path).map_err(|error| StorageError::new("remove", &path, error))?;
        }
    }
    Ok(())
}
