//! The settler: syncs segments behind the acknowledgements, so that journal files can be used again.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::compact::Compactor;
use super::log::LogCore;
use super::segment::Segment;
use crate::durable_fs::DurableFs;
use crate::error::StorageError;
use crate::metrics::Metrics;
use crate::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Condvar, Mutex};

/// The most journal files that may wait for their segments; the committer waits beyond that.
const WAITING_FILES_MAX: usize = 4;
/// How long a complete segment waits before it is synced for its own sake: by then the kernel has written most of it, and
/// the sync does not compete with the appends for the disk.
const SEGMENT_PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of complete segments that wait so: after a crash, a start has to scan them.
const PATIENT_BYTES_MAX: u64 = 512 << 20;
/// The most journal files kept for later use.
const SPARE_FILES_MAX: usize = 2;

/// A segment with bytes that are not known to be synced.
#[derive(Clone)]
pub(crate) struct Dirty {
    pub(crate) segment: Arc<Segment>,
    /// Its log, fenced if the segment cannot be synced.
    pub(crate) core: Arc<LogCore>,
}

/// A journal file that takes no more groups.
pub(crate) struct RetiredFile {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    /// Every segment with frames in the file.
    pub(crate) segments: Vec<Dirty>,
    /// Whether the file is needed even when its segments are synced: the newest one keeps the numbers of the groups.
    pub(crate) is_kept: bool,
}

enum Job {
    File(RetiredFile),
    Segment(Dirty),
    /// A segment that is synced and sealed.
    Sealed(Dirty),
    /// Leave no segment waiting, then have this told once all that can be compacted is.
    Flush(Sender<()>),
}

/// Which journal files there are.
#[derive(Default)]
struct Files {
    /// The numbers of all files that recovery would read.
    live: BTreeSet<u64>,
    waiting: usize,
    /// Set when a file had to stay: those after it stay too, so that recovery finds no gap between groups.
    is_stuck: bool,
    spares: Vec<PathBuf>,
    spare_serial: u64,
}

/// The background thread that syncs segments and recycles journal files.
pub(crate) struct Settler {
    fs: Arc<dyn DurableFs>,
    metrics: Metrics,
    /// What segments go to when they are sealed and out of the journal, if they are to be compacted.
    compactor: Option<Arc<Compactor>>,
    files: Mutex<Files>,
    changed: Condvar,
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// When to leave the rest undone.
    deadline: Mutex<Option<Instant>>,
}

impl Settler {
    /// Starts the thread. `spares` are journal files that wait to be used.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(crate) fn start(
        fs: Arc<dyn DurableFs>,
        metrics: Metrics,
        compactor: Option<Arc<Compactor>>,
        spares: Vec<PathBuf>,
    ) -> std::io::Result<Arc<Self>> {
        let (sender, receiver) = channel();
        let settler = Arc::new(Self {
            fs,
            metrics,
            compactor,
            files: Mutex::new(Files { spares, ..Files::default() }),
            changed: Condvar::new(),
            jobs: Mutex::new(Some(sender)),
            thread: Mutex::new(None),
            deadline: Mutex::new(None),
        });
        let worker = Arc::clone(&settler);
        let thread = thread::Builder::new().name("hw-settle".into()).spawn(move || worker.run(&receiver))?;
        *settler.thread.lock() = Some(thread);
        Ok(settler)
    }

    /// A journal file came into use.
    pub(crate) fn note_file(&self, number: u64) {
        self.files.lock().live.insert(number);
    }

    /// The oldest journal file that recovery would read; `u64::MAX` if there is none.
    pub(crate) fn oldest_file(&self) -> u64 {
        self.files.lock().live.first().copied().unwrap_or(u64::MAX)
    }

    /// Hands over a journal file that takes no more groups.
    pub(crate) fn retire(&self, file: RetiredFile) {
        let mut files = self.files.lock();
        files.live.insert(file.number);
        files.waiting += 1;
        self.metrics.set_journal_files(files.waiting);
        drop(files);
        self.send(Job::File(file));
    }

    /// Hands over a segment that takes no more frames.
    pub(crate) fn settle(&self, dirty: Dirty) {
        self.send(Job::Segment(dirty));
    }

    /// Hands over a segment that was sealed before this start.
    pub(crate) fn note_sealed(&self, sealed: Dirty) {
        let is_due = sealed.segment.is_sealed() && !sealed.segment.is_compacted();
        if self.compactor.is_some() && is_due {
            self.send(Job::Sealed(sealed));
        }
    }

    /// Syncs all complete segments now, and waits until those that the journal does not hold are compacted.
    pub(crate) fn flush(&self) {
        let (done, is_done) = channel();
        self.send(Job::Flush(done));
        // An error means that the store is closing.
        let _ = is_done.recv();
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &*self.jobs.lock() {
            // The receiver lives until the sender is taken.
            let _ = jobs.send(job);
        }
    }

    /// Waits, `patience` at most, until one more journal file may wait for its segments. Returns whether it may.
    pub(crate) fn wait_for_room(&self, patience: Duration) -> bool {
        let mut files = self.files.lock();
        if files.waiting >= WAITING_FILES_MAX {
            self.changed.wait_for(&mut files, patience);
        }
        files.waiting < WAITING_FILES_MAX
    }

    /// A journal file that can be used again, if there is one.
    pub(crate) fn take_spare(&self) -> Option<PathBuf> {
        self.files.lock().spares.pop()
    }

    /// Works off what was handed over, for as long as `patience` says, and ends the thread. What is left undone the journal
    /// still holds; without a journal nothing may be left.
    pub(crate) fn stop(&self, patience: Option<Duration>) {
        *self.deadline.lock() = patience.map(|patience| Instant::now() + patience);
        self.jobs.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }

    fn run(&self, jobs: &Receiver<Job>) {
        let mut waiting = Waiting::default();
        loop {
            match jobs.recv_timeout(waiting.time_left()) {
                Ok(Job::File(file)) => self.settle_file(file, &mut waiting),
                Ok(Job::Segment(dirty)) => waiting.push(dirty),
                Ok(Job::Sealed(dirty)) => waiting.sealed.push(dirty),
                Ok(Job::Flush(done)) => self.settle_all(&mut waiting, done),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Some(dirty) = waiting.pop_due() {
                self.settle_segment(dirty, &mut waiting);
            }
            self.compact_sealed(&mut waiting);
        }
        for (_, dirty) in waiting.take_patient() {
            self.settle_segment(dirty, &mut waiting);
        }
    }

    fn settle_all(&self, waiting: &mut Waiting, done: Sender<()>) {
        for (_, dirty) in waiting.take_patient() {
            self.settle_segment(dirty, waiting);
        }
        self.compact_sealed(waiting);
        match &self.compactor {
            Some(compactor) => compactor.flush(done),
            // Whoever waited may have gone away.
            None => drop(done.send(())),
        }
    }

    /// Hands the sealed segments that are out of the journal to the compactor.
    fn compact_sealed(&self, waiting: &mut Waiting) {
        let Some(compactor) = &self.compactor else { return waiting.sealed.clear() };
        let oldest_file = self.oldest_file();
        waiting.sealed.retain(|sealed| {
            let is_due = sealed.segment.is_out_of_journal(oldest_file);
            if is_due {
                compactor.compact(sealed.clone());
            }
            !is_due
        });
    }

    /// Syncs one segment; whether it was done. If it fails, its log is fenced and the journal keeps what it needs.
    fn settle_segment(&self, dirty: Dirty, waiting: &mut Waiting) -> bool {
        if self.deadline.lock().is_some_and(|deadline| Instant::now() > deadline) {
            return false;
        }
        match dirty.segment.settle(&*self.fs) {
            Ok(()) => {
                self.metrics.observe_settled();
                waiting.note_settled(dirty);
                true
            }
            Err(error) => {
                tracing::error!(%error, "a segment cannot be synced; its log takes no more records until a restart");
                dirty.core.fence.raise(error.to_string());
                false
            }
        }
    }

    fn settle_file(&self, mut file: RetiredFile, waiting: &mut Waiting) {
        let mut is_settled = true;
        for dirty in file.segments.drain(..) {
            is_settled &= self.settle_segment(dirty, waiting);
        }
        self.files.lock().is_stuck |= !is_settled;
        let is_recyclable = !self.files.lock().is_stuck && !file.is_kept;
        if is_recyclable && let Err(error) = self.recycle(&file) {
            tracing::warn!(%error, "a journal file cannot be recycled; the next start reads it once more");
            self.files.lock().is_stuck = true;
        }
        let mut files = self.files.lock();
        files.waiting -= 1;
        self.metrics.set_journal_files(files.waiting);
        self.changed.notify_all();
    }

    fn recycle(&self, file: &RetiredFile) -> Result<(), StorageError> {
        let spare = {
            let mut files = self.files.lock();
            files.spare_serial += 1;
            let name = format!("spare-{}-{}.journal", file.number, files.spare_serial);
            (files.spares.len() < SPARE_FILES_MAX).then(|| file.path.with_file_name(name))
        };
        let renamed = match &spare {
            Some(spare) => self.fs.rename(&file.path, spare),
            None => self.fs.remove(&file.path),
        };
        // Durable before anybody writes to the spare: else its new bytes could come back under its old name.
        let sync_dir = || file.path.parent().map_or(Ok(()), |dir| self.fs.sync_dir(dir));
        renamed.and_then(|()| sync_dir()).map_err(|error| StorageError::new("recycle", &file.path, error))?;
        let mut files = self.files.lock();
        files.live.remove(&file.number);
        files.spares.extend(spare);
        Ok(())
    }
}

/// Segments that wait for their time.
#[derive(Default)]
struct Waiting {
    /// Complete ones that wait for the kernel to write most of them, in the order in which they are due.
    patient: VecDeque<(Instant, Dirty)>,
    /// The bytes of those.
    byte_count: u64,
    /// Synced ones that wait to be out of the journal.
    sealed: Vec<Dirty>,
}

impl Waiting {
    fn push(&mut self, dirty: Dirty) {
        self.byte_count += dirty.segment.header.capacity;
        self.patient.push_back((Instant::now() + SEGMENT_PATIENCE, dirty));
    }

    fn time_left(&self) -> Duration {
        self.patient.front().map_or(SEGMENT_PATIENCE, |(due, _)| due.saturating_duration_since(Instant::now()))
    }

    /// The next segment whose time has come, or that stands in the way of too many others.
    fn pop_due(&mut self) -> Option<Dirty> {
        if self.time_left() > Duration::ZERO && self.byte_count <= PATIENT_BYTES_MAX {
            return None;
        }
        let (_, dirty) = self.patient.pop_front()?;
        self.byte_count -= dirty.segment.header.capacity;
        Some(dirty)
    }

    fn take_patient(&mut self) -> VecDeque<(Instant, Dirty)> {
        self.byte_count = 0;
        std::mem::take(&mut self.patient)
    }

    /// A segment was synced: once it is complete, it may be compacted.
    fn note_settled(&mut self, settled: Dirty) {
        let is_known = |known: &Dirty| Arc::ptr_eq(&known.segment, &settled.segment);
        if settled.segment.is_sealed() && !settled.segment.is_compacted() && !self.sealed.iter().any(is_known) {
            self.sealed.push(settled);
        }
    }
}
