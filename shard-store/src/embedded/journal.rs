//! The shared journal: one file at a time, appended to and synced by one thread, the committer.
//!
//! Whatever arrives while a group is being written and synced forms the next group, so the cost of a commit does not depend
//! on the number of logs. After a sync the committer leaves a note behind the group that says how far things are durable; the
//! next group overwrites it. Group commits are strictly serial: a group is written only after the one before it is durable.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::engine::{Fence, nonce};
use super::log::LogCore;
use super::segment::Segment;
use super::settle::{Dirty, RetiredFile, Settler};
use crate::durable_fs::DurableFs;
use crate::error::{AppendError, StorageError};
use crate::format::HEADER_BLOCK_BYTES;
use crate::format::journal::{ENTRY_BYTES, Entry, GROUP_HEADER_BYTES, Group, Header};
use crate::metrics::Metrics;
use crate::mmap::Mapping;
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Condvar, Mutex};

/// A group takes batches up to about this many bytes, so that the first of them does not wait for too much.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// With `interval` durability, appends begin to wait for the disk beyond this much that is not synced.
pub(crate) const BACKLOG_BYTES_MAX: usize = 32 << 20;
/// How long the committer waits before it looks again for room on the disk.
const RETRY_AFTER: Duration = Duration::from_millis(250);
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// One frame on its way to the journal.
pub(crate) struct Commit {
    pub(crate) core: Arc<LogCore>,
    pub(crate) segment: Arc<Segment>,
    pub(crate) mapping: Arc<Mapping>,
    /// Where the frame stands in the segment.
    pub(crate) offset: usize,
    pub(crate) frame_bytes: usize,
    /// The ordinal after the frame's last record.
    pub(crate) end_ordinal: u64,
    /// Told when the frame is durable, or why it is not.
    pub(crate) done: Option<oneshot::Sender<Result<(), AppendError>>>,
}

#[derive(Default)]
struct Queue {
    commits: Vec<Commit>,
    byte_count: usize,
    /// How many of the commits have somebody waiting.
    waiting: usize,
    is_closing: bool,
    is_rotation_due: bool,
    /// Set while there is no room for another journal file.
    is_full: Option<StorageError>,
}

impl Queue {
    /// Whether there is a reason not to wait for the sync interval.
    fn is_urgent(&self) -> bool {
        self.waiting > 0 || self.byte_count >= GROUP_BYTES_MAX
    }
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The handle that logs submit frames through.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Where a journal begins: what recovery found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) next_file: u64,
    pub(crate) next_group: u64,
}

/// What the committer works with.
pub(crate) struct Surroundings {
    pub(crate) fs: Arc<dyn DurableFs>,
    pub(crate) dir: PathBuf,
    pub(crate) file_bytes: u64,
    /// Zero where every commit is waited for.
    pub(crate) sync_interval: Duration,
    pub(crate) fence: Arc<Fence>,
    pub(crate) settler: Arc<Settler>,
    pub(crate) metrics: Metrics,
}

impl Journal {
    /// Opens the first file and starts the committer.
    ///
    /// # Errors
    /// `StorageError` if the file cannot be made.
    pub(crate) fn start(surroundings: Surroundings, start: Start) -> Result<Self, StorageError> {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() });
        let file = OpenFile::create(&surroundings, start)?;
        surroundings.settler.note_file(start.next_file);
        let dir = surroundings.dir.clone();
        let committer = Committer { shared: Arc::clone(&shared), surroundings, file, next_group: start.next_group };
        let thread = thread::Builder::new()
            .name("hw-commit".into())
            .spawn(move || committer.run())
            .map_err(|error| StorageError::new("start the committer of", dir, error))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Passes unless the disk has no room for more.
    ///
    /// # Errors
    /// `Storage` if it has not; it passes again by itself once there is room.
    pub(crate) fn check_room(&self) -> Result<(), AppendError> {
        self.shared.queue.lock().is_full.clone().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Takes a frame. Frames of one log must come in order, so this is called under the log's lock.
    pub(crate) fn submit(&self, commit: Commit) {
        commit.segment.note_submitted();
        let mut queue = self.shared.queue.lock();
        queue.byte_count += commit.frame_bytes;
        queue.waiting += usize::from(commit.done.is_some());
        queue.commits.push(commit);
        if queue.commits.len() == 1 || queue.is_urgent() {
            self.shared.changed.notify_one();
        }
    }

    /// The bytes that wait to be written.
    pub(crate) fn backlog_bytes(&self) -> usize {
        self.shared.queue.lock().byte_count
    }

    /// Asks for a new file, so that the segments of the current one can be trimmed.
    pub(crate) fn rotate(&self) {
        self.shared.queue.lock().is_rotation_due = true;
        self.shared.changed.notify_one();
    }

    /// Commits what was submitted and ends the committer.
    pub(crate) fn stop(&self) {
        self.shared.queue.lock().is_closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

/// The journal file in use.
struct OpenFile {
    file: File,
    path: PathBuf,
    header: Header,
    position: u64,
    /// The segments with frames in this file.
    segments: HashMap<(u64, u64), Dirty>,
}

impl OpenFile {
    fn create(surroundings: &Surroundings, start: Start) -> Result<Self, StorageError> {
        let Surroundings { fs, dir, file_bytes, settler, .. } = surroundings;
        let path = dir.join(format!("{:020}.journal", start.next_file));
        let failed = |error| StorageError::new("create the journal file", &path, error);
        let header = Header {
            number: start.next_file,
            nonce: nonce().map_err(failed)?,
            first_group: start.next_group,
            capacity: *file_bytes,
        };
        let spare = settler.take_spare().filter(|spare| spare.metadata().is_ok_and(|found| found.len() == *file_bytes));
        let (file, made_at) = match spare {
            Some(spare) => (File::options().read(true).write(true).open(&spare).map_err(failed)?, spare),
            None => {
                let fresh = dir.join(format!("spare-new-{}.journal", start.next_file));
                (create_filled(&**fs, &fresh, *file_bytes).map_err(failed)?, fresh)
            }
        };
        let publish = || {
            fs.write_at(&file, &made_at, &mut [IoSlice::new(&header.encode())], 0)?;
            fs.sync(&file, &made_at)?;
            fs.rename(&made_at, &path)?;
            fs.sync_dir(dir)
        };
        publish().map_err(failed)?;
        Ok(Self { file, path, header, position: HEADER_BLOCK_BYTES as u64, segments: HashMap::new() })
    }

    fn has_room(&self, group_bytes: usize) -> bool {
        self.position + (group_bytes + GROUP_HEADER_BYTES) as u64 <= self.header.capacity
    }
}

/// Creates a file whose blocks were all written once: syncing a block that was never written costs twice as much.
fn create_filled(fs: &dyn DurableFs, path: &Path, byte_count: u64) -> io::Result<File> {
    let _ = std::fs::remove_file(path);
    let file = fs.create(path, byte_count)?;
    let mut offset = 0;
    while offset < byte_count {
        let chunk = &ZEROS[..ZEROS.len().min((byte_count - offset) as usize)];
        fs.write_at(&file, path, &mut [IoSlice::new(chunk)], offset)?;
        offset += chunk.len() as u64;
    }
    Ok(file)
}

struct Committer {
    shared: Arc<Shared>,
    surroundings: Surroundings,
    file: OpenFile,
    next_group: u64,
}

impl Committer {
    fn run(mut self) {
        while let Some(mut commits) = self.next_commits() {
            let result = self.commit(&mut commits);
            if let Err(AppendError::Fenced { reason }) = &result {
                tracing::error!(reason, "the journal failed; nothing is acknowledged until a restart");
                self.surroundings.metrics.set_fenced();
                self.surroundings.fence.raise(reason.clone());
            }
            for commit in commits {
                match &result {
                    Ok(()) => commit.core.publish(commit.end_ordinal),
                    Err(_) => commit.core.wake(),
                }
                if let Some(done) = commit.done {
                    // Whoever appended may have gone away.
                    let _ = done.send(result.clone());
                }
            }
        }
        self.retire(true);
    }

    /// The batches of the next group, or `None` when the journal closes and all are committed.
    fn next_commits(&mut self) -> Option<Vec<Commit>> {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.queue.lock();
        loop {
            if queue.is_rotation_due {
                queue.is_rotation_due = false;
                if !self.file.segments.is_empty() {
                    drop(queue);
                    if let Err(error) = self.rotate(&mut []) {
                        tracing::warn!(%error, "the journal file cannot be exchanged now");
                    }
                    queue = shared.queue.lock();
                    continue;
                }
            }
            if !queue.commits.is_empty() {
                break;
            }
            if queue.is_closing {
                return None;
            }
            shared.changed.wait(&mut queue);
        }
        let wake_at = Instant::now() + self.surroundings.sync_interval;
        while !queue.is_urgent() && !queue.is_closing && Instant::now() < wake_at {
            shared.changed.wait_until(&mut queue, wake_at);
        }
        Some(take_group(&mut queue))
    }

    fn commit(&mut self, commits: &mut [Commit]) -> Result<(), AppendError> {
        self.surroundings.fence.check()?;
        let fenced = |error: StorageError| AppendError::Fenced { reason: error.to_string() };
        let started = Instant::now();
        let frames_bytes: usize = commits.iter().map(|commit| commit.frame_bytes).sum();
        if !self.file.has_room(GROUP_HEADER_BYTES + commits.len() * ENTRY_BYTES + frames_bytes) {
            self.rotate(commits).map_err(fenced)?;
        }
        let group = Group {
            number: self.next_group,
            durable_up_to: self.next_group - 1,
            entries: commits.iter().map(entry).collect(),
        };
        self.write(&group, commits).map_err(|error| fenced(StorageError::new("write", &self.file.path, error)))?;
        for commit in commits {
            commit.segment.note_journalled(self.file.header.number);
            let key = (commit.segment.header.log_id, commit.segment.header.first_ordinal);
            self.file
                .segments
                .entry(key)
                .or_insert_with(|| Dirty { segment: Arc::clone(&commit.segment), core: Arc::clone(&commit.core) });
        }
        self.surroundings.metrics.observe_commit(started.elapsed(), group.group_bytes());
        Ok(())
    }

    /// Writes and syncs a group, then leaves a note that it is durable.
    fn write(&mut self, group: &Group, commits: &[Commit]) -> io::Result<()> {
        let OpenFile { file, path, header, position, .. } = &mut self.file;
        let fs = &self.surroundings.fs;
        let head = group.encode_head(header.nonce);
        let frames = commits
            .iter()
            .map(|commit| IoSlice::new(&commit.mapping.frozen()[commit.offset..commit.offset + commit.frame_bytes]));
        let mut slices: Vec<IoSlice<'_>> = std::iter::once(IoSlice::new(&head)).chain(frames).collect();
        fs.write_at(file, path, &mut slices, *position)?;
        fs.sync(file, path)?;
        *position += group.group_bytes();
        self.next_group += 1;
        // Not synced: it only tells a torn group from a damaged one, and a lost note never makes that answer wrong.
        let note = Group { number: self.next_group, durable_up_to: group.number, entries: Vec::new() };
        fs.write_at(file, path, &mut [IoSlice::new(&note.encode_head(header.nonce))], *position)
    }

    /// Goes on to the next file. While the disk is full it waits, and appends are refused, those of `commits` too.
    fn rotate(&mut self, commits: &mut [Commit]) -> Result<(), StorageError> {
        while !self.surroundings.settler.wait_for_room(RETRY_AFTER) {
            self.surroundings.fence.check().map_err(|error| {
                StorageError::new("exchange the journal file", &self.file.path, io::Error::other(error.to_string()))
            })?;
        }
        let start = Start { next_file: self.file.header.number + 1, next_group: self.next_group };
        let next = loop {
            match OpenFile::create(&self.surroundings, start) {
                Err(error) if error.is_full() => self.wait_for_disk(error, commits)?,
                other => break other?,
            }
        };
        self.shared.queue.lock().is_full = None;
        self.surroundings.settler.note_file(start.next_file);
        self.retire(false);
        self.file = next;
        Ok(())
    }

    /// Nobody is left waiting for a disk that somebody has to clear first. What was submitted stays, and becomes durable
    /// then: its place in the logs is taken.
    fn wait_for_disk(&self, error: StorageError, commits: &mut [Commit]) -> Result<(), StorageError> {
        let mut queue = self.shared.queue.lock();
        if queue.is_closing {
            return Err(error);
        }
        for done in commits.iter_mut().chain(&mut queue.commits).filter_map(|commit| commit.done.take()) {
            let _ = done.send(Err(error.clone().into()));
        }
        queue.waiting = 0;
        if queue.is_full.is_none() {
            tracing::error!(%error, "no room for the journal; appends are refused until there is");
            queue.is_full = Some(error);
        }
        self.shared.changed.wait_for(&mut queue, RETRY_AFTER);
        Ok(())
    }

    fn retire(&mut self, is_kept: bool) {
        let segments = std::mem::take(&mut self.file.segments).into_values().collect();
        let OpenFile { path, header, .. } = &self.file;
        self.surroundings.settler.retire(RetiredFile { number: header.number, path: path.clone(), segments, is_kept });
    }
}

fn take_group(queue: &mut Queue) -> Vec<Commit> {
    let mut byte_count = 0;
    let fits = queue.commits.iter().take_while(|commit| {
        byte_count += commit.frame_bytes + ENTRY_BYTES;
        byte_count <= GROUP_BYTES_MAX
    });
    // A single batch may be larger than that.
    let count = fits.count().max(1);
    let rest = queue.commits.split_off(count);
    let taken = std::mem::replace(&mut queue.commits, rest);
    queue.byte_count -= taken.iter().map(|commit| commit.frame_bytes).sum::<usize>();
    queue.waiting -= taken.iter().filter(|commit| commit.done.is_some()).count();
    taken
}

fn entry(commit: &Commit) -> Entry {
    let header = &commit.segment.header;
    Entry {
        log_id: header.log_id,
        segment_first_ordinal: header.first_ordinal,
        segment_nonce: header.nonce,
        offset: commit.offset as u64,
        frame_bytes: commit.frame_bytes as u32,
        segment_capacity_kib: (header.capacity / 1024) as u32,
    }
}
