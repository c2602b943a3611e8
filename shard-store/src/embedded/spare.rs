//! Spare segment files: those of dropped segments, kept to become the next segments.
//!
//! The kernel zeroes every page of a fresh file at its first touch, and frees it when the file goes; a page that is still in
//! memory from an earlier life costs neither. What the old bytes say does not matter: frames are checked from the nonce of
//! the file's new life, and the header block is written anew before the file gets its new name.
//!
//! A file is written to again only when
//! - nobody has a mapping of it any more, or a segment that could still map it: readers never see bytes change;
//! - its old name is durably gone: a power loss would else put the new bytes under it.
//!
//! Only files of the size that segments grow to are kept, so that any of them fits any log. A start removes those that are left.

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use rustix::io::{Errno, ReadWriteFlags};

use super::scan;
use super::segment::Segment;
use crate::durable_fs::DurableFs;
use crate::error::StorageError;
use crate::format::HEADER_BLOCK_BYTES;
use crate::format::segment::Header;
use crate::metrics::Metrics;
use crate::mmap::Mapping;
use crate::sync::Mutex;
use crate::sync::atomic::{Ordering, fence};

/// At how many places of a file it is tested whether its pages are in memory.
const SAMPLES: u64 = 32;

/// See the module.
pub(crate) struct Spares {
    fs: Arc<dyn DurableFs>,
    dir: PathBuf,
    /// The size of the files.
    file_bytes: u64,
    file_count_max: usize,
    metrics: Metrics,
    files: Mutex<Files>,
}

#[derive(Default)]
struct Files {
    spares: Vec<Spare>,
    /// Files on their way here.
    arriving: usize,
    next_number: u64,
}

/// A file, with those who may still read it.
struct Spare {
    path: PathBuf,
    segment: Weak<Segment>,
    mapping: Weak<Mapping>,
}

impl Spare {
    fn is_idle(&self) -> bool {
        // In this order: a segment that is gone lends its mapping to nobody new.
        let is_idle = self.segment.strong_count() == 0 && self.mapping.strong_count() == 0;
        // Acquire: pairs with the Release of the last owner's drop, so its reads happened before our writes.
        fence(Ordering::Acquire);
        is_idle
    }
}

impl Spares {
    /// Begins with an empty directory `dir`, in which at most `byte_count_max` bytes are kept in files of `file_bytes`.
    ///
    /// # Errors
    /// `StorageError` if files that an earlier process left cannot be removed.
    pub(crate) fn open(
        fs: Arc<dyn DurableFs>,
        dir: PathBuf,
        file_bytes: u64,
        byte_count_max: u64,
        metrics: Metrics,
    ) -> Result<Self, StorageError> {
        for path in scan::entries(&dir)? {
            fs.remove(&path).map_err(|error| StorageError::new("remove", &path, error))?;
        }
        let file_count_max = (byte_count_max / file_bytes.max(1)) as usize;
        Ok(Self { fs, dir, file_bytes, file_count_max, metrics, files: Mutex::default() })
    }

    /// Removes the files of segments that a log, whose directory is `log_dir`, dropped, or keeps them for later use. It
    /// blocks on the disk.
    ///
    /// # Errors
    /// `StorageError` if a file cannot be removed; the others are.
    pub(crate) fn take_over(&self, log_dir: &Path, segments: &[Arc<Segment>]) -> Result<(), StorageError> {
        let mut kept = Vec::new();
        let mut result = Ok(());
        for segment in segments {
            match self.reserve(segment) {
                Some(path) if self.keep(segment, &path) => kept.push((segment, path)),
                _ => result = result.and(segment.remove(&*self.fs)),
            }
        }
        if kept.is_empty() {
            return result;
        }
        let synced = self.fs.sync_dir(log_dir);
        let mut files = self.files.lock();
        files.arriving -= kept.len();
        for (segment, path) in kept {
            if synced.is_ok() {
                let (segment, mapping) = (Arc::downgrade(segment), segment.downgrade_mapping());
                files.spares.push(Spare { path, segment, mapping });
            } else {
                // What it holds is not needed under either name.
                let _ = self.fs.remove(&path);
            }
        }
        self.metrics.set_spare_segments(files.spares.len());
        result.and(synced.map_err(|error| StorageError::new("sync the directory", log_dir, error)))
    }

    /// A name for the segment's file here, if there is room for it.
    fn reserve(&self, segment: &Segment) -> Option<PathBuf> {
        let mut files = self.files.lock();
        let has_room = files.spares.len() + files.arriving < self.file_count_max;
        if !has_room || segment.header.capacity != self.file_bytes {
            return None;
        }
        files.arriving += 1;
        files.next_number += 1;
        Some(self.dir.join(format!("{}.spare", files.next_number)))
    }

    fn keep(&self, segment: &Segment, path: &Path) -> bool {
        let moved = fs::create_dir_all(&self.dir).and_then(|()| segment.move_to(&*self.fs, path));
        if moved.is_err() {
            self.files.lock().arriving -= 1;
        }
        moved.is_ok()
    }

    /// Makes the file `path` of a segment with this header out of a spare one; `None` if there is none that fits and pays.
    pub(crate) fn create(&self, path: &Path, header: &Header) -> Option<File> {
        if header.capacity != self.file_bytes {
            return None;
        }
        while let Some(spare) = self.take_idle() {
            match self.reuse(&spare, path, header) {
                Ok(file) => {
                    self.metrics.observe_recycled();
                    return Some(file);
                }
                // What became of it does not matter: it is nobody's.
                Err(_) => drop(self.fs.remove(&spare)),
            }
        }
        None
    }

    fn take_idle(&self) -> Option<PathBuf> {
        let mut files = self.files.lock();
        let at = files.spares.iter().position(Spare::is_idle)?;
        let spare = files.spares.swap_remove(at);
        self.metrics.set_spare_segments(files.spares.len());
        Some(spare.path)
    }

    fn reuse(&self, spare: &Path, path: &Path, header: &Header) -> io::Result<File> {
        let file = File::options().read(true).write(true).open(spare)?;
        if file.metadata()?.len() != header.capacity || !is_in_memory(&file, header.capacity) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // The whole block: the marks of the old life go too.
        let mut block = vec![0; HEADER_BLOCK_BYTES];
        let encoded = header.encode();
        block[..encoded.len()].copy_from_slice(&encoded);
        self.fs.write_at(&file, spare, &mut [IoSlice::new(&block)], 0)?;
        self.fs.rename(spare, path)?;
        Ok(file)
    }

    /// Removes all files that nobody reads; whether there were any.
    pub(crate) fn clear(&self) -> bool {
        let mut is_cleared = false;
        while let Some(path) = self.take_idle() {
            is_cleared |= self.fs.remove(&path).is_ok();
        }
        is_cleared
    }
}

/// Whether touching the file's pages is cheap: pages that have to be read from the disk first cost more than fresh ones.
fn is_in_memory(file: &File, byte_count: u64) -> bool {
    (0..SAMPLES).all(|sample| {
        let offset = byte_count / SAMPLES * sample;
        let mut byte = [0];
        let mut slices = [io::IoSliceMut::new(&mut byte)];
        // A file system that cannot tell gives another error: then it is worth a try.
        rustix::io::preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT) != Err(Errno::AGAIN)
    })
}
