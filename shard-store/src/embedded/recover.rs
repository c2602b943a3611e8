//! Recovery: replays the journal over the segments, then finds the end of every log (the cases stand in [`crate::format`]).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compact;
use super::journal::Start;
use super::log::{Found, LogCore};
use super::scan;
use super::segment::{self, Segment};
use super::settle::{Dirty, RetiredFile};
use crate::durable_fs::DurableFs;
use crate::error::{Damage, OpenError, StorageError};
use crate::format::HEADER_BLOCK_BYTES;
use crate::format::index::Index;
use crate::format::journal::{self, Entry, Group};
use crate::format::segment::{Header, Mark};
use crate::log::LogId;
use crate::mmap::Mapping;

/// Which segment: log id and first ordinal.
type SegmentKey = (u64, u64);

/// What recovery found in a data directory.
pub(crate) struct Recovered {
    pub(crate) logs: Vec<RecoveredLog>,
    pub(crate) journal: Start,
    /// Journal files whose segments are not synced yet.
    pub(crate) retired: Vec<RetiredFile>,
    /// Journal files that wait to be used.
    pub(crate) spares: Vec<PathBuf>,
    /// Complete segments without an index file.
    pub(crate) unsettled: Vec<Dirty>,
    /// Segments with one.
    pub(crate) sealed: Vec<Dirty>,
    /// Dropped logs that the journal still mentions.
    pub(crate) mentioned: HashSet<LogId>,
}

/// What recovery found of one log.
pub(crate) struct RecoveredLog {
    pub(crate) id: LogId,
    pub(crate) dir: Arc<Path>,
    pub(crate) core: Arc<LogCore>,
    pub(crate) found: Found,
}

/// The directory of a log.
pub(crate) fn log_dir(data_dir: &Path, id: LogId) -> PathBuf {
    data_dir.join("logs").join(id.to_string())
}

/// The directory of the journal.
pub(crate) fn journal_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("journal")
}

/// Recovers the store in `data_dir`. Logs in `dropped` are removed.
///
/// # Errors
/// `Damaged` if acknowledged bytes are damaged: they are left as they are.
pub(crate) fn recover(fs: &dyn DurableFs, data_dir: &Path, dropped: &HashSet<LogId>) -> Result<Recovered, OpenError> {
    let mut replay = Replay { fs, data_dir, dropped, touched: HashMap::new(), mentioned: HashSet::new() };
    let (files, start) = replay.run()?;
    let Replay { touched, mentioned, .. } = replay;
    let mut recovered = Recovered {
        logs: Vec::new(),
        journal: start,
        retired: Vec::new(),
        spares: spare_files(data_dir)?,
        unsettled: Vec::new(),
        sealed: Vec::new(),
        mentioned,
    };
    let mut dirty: BTreeMap<SegmentKey, Dirty> = BTreeMap::new();
    for (id, dir) in log_dirs(data_dir)? {
        if dropped.contains(&id) {
            fs::remove_dir_all(&dir).map_err(|error| StorageError::new("remove the dropped log", &dir, error))?;
            continue;
        }
        let mut log = LogRecovery { fs, id, dir: dir.into(), touched: &touched, unsettled: Vec::new() };
        let found = log.run()?;
        let core = Arc::new(LogCore::default());
        for segment in &found.segments {
            let entry = || Dirty { segment: Arc::clone(segment), core: Arc::clone(&core) };
            let key = (id.0, segment.header.first_ordinal);
            if touched.contains_key(&key) {
                dirty.insert(key, entry());
            } else if log.unsettled.contains(&segment.header.first_ordinal) {
                recovered.unsettled.push(entry());
            } else {
                recovered.sealed.push(entry());
            }
        }
        recovered.logs.push(RecoveredLog { id, dir: log.dir, core, found });
    }
    recovered.retired = files.into_iter().map(|file| file.retire(&dirty)).collect();
    Ok(recovered)
}

/// A journal file that was read.
struct ReplayedFile {
    number: u64,
    path: PathBuf,
    segments: HashSet<SegmentKey>,
}

impl ReplayedFile {
    fn retire(self, dirty: &BTreeMap<SegmentKey, Dirty>) -> RetiredFile {
        let segments = self
            .segments
            .iter()
            .filter_map(|key| dirty.get(key))
            .map(|dirty| {
                dirty.segment.note_journal_file(self.number);
                Dirty { segment: Arc::clone(&dirty.segment), core: Arc::clone(&dirty.core) }
            })
            .collect();
        RetiredFile { number: self.number, path: self.path, segments, is_kept: false }
    }
}

/// Writes what the journal holds into the segments.
struct Replay<'a> {
    fs: &'a dyn DurableFs,
    data_dir: &'a Path,
    dropped: &'a HashSet<LogId>,
    /// The durable end of every segment that the journal mentions, in bytes.
    touched: HashMap<SegmentKey, u64>,
    mentioned: HashSet<LogId>,
}

impl Replay<'_> {
    fn run(&mut self) -> Result<(Vec<ReplayedFile>, Start), OpenError> {
        let mut replayed = Vec::new();
        let mut start = Start { next_file: 1, next_group: 1 };
        for (number, path) in scan::numbered_files(&journal_dir(self.data_dir), "journal")? {
            let bytes = fs::read(&path).map_err(|error| StorageError::new("read", &path, error))?;
            let header = check_journal_file(&path, number, &bytes)?;
            if header.first_group != start.next_group && !replayed.is_empty() {
                let reason = format!("group {} is missing before it", start.next_group);
                return Err(Damage { path, offset: 0, reason }.into());
            }
            let mut segments = HashSet::new();
            let scan = scan::journal(&path, &header, &bytes, |group, frames| self.apply(group, frames, &mut segments))?;
            start = Start { next_file: number + 1, next_group: scan.last_group + 1 };
            replayed.push(ReplayedFile { number, path, segments });
        }
        Ok((replayed, start))
    }

    fn apply(&mut self, group: &Group, frames: &[u8], segments: &mut HashSet<SegmentKey>) -> Result<(), OpenError> {
        let mut rest = frames;
        for entry in &group.entries {
            let (frame, after) = rest.split_at(entry.frame_bytes as usize);
            rest = after;
            if self.dropped.contains(&LogId(entry.log_id)) {
                self.mentioned.insert(LogId(entry.log_id));
                continue;
            }
            self.apply_frame(entry, frame)?;
            let key = (entry.log_id, entry.segment_first_ordinal);
            segments.insert(key);
            let end = self.touched.entry(key).or_default();
            *end = (*end).max(entry.offset.saturating_add(frame.len() as u64));
        }
        Ok(())
    }

    fn apply_frame(&self, entry: &Entry, frame: &[u8]) -> Result<(), OpenError> {
        let dir = log_dir(self.data_dir, LogId(entry.log_id));
        let settled = segment::path(&dir, entry.segment_first_ordinal, "log");
        let header = Header {
            log_id: entry.log_id,
            first_ordinal: entry.segment_first_ordinal,
            nonce: entry.segment_nonce,
            capacity: u64::from(entry.segment_capacity_kib) * 1024,
            begins_log: false,
        };
        let (path, file) = if settled.exists() {
            let damaged = |reason: &str| Damage { path: settled.clone(), offset: 0, reason: reason.to_owned() };
            let found = Header::decode(&scan::header_block(&settled)?).map_err(damaged)?;
            if found != (Header { begins_log: found.begins_log, ..header }) {
                return Err(damaged("the segment is not the one that the journal speaks of").into());
            }
            let file = File::options().read(true).write(true).open(&settled);
            (settled.clone(), file)
        } else {
            let path = segment::path(&dir, entry.segment_first_ordinal, "new");
            let file = open_unsettled(self.fs, &path, &header);
            (path, file)
        };
        let write = |file: File| {
            let mut present = vec![0; frame.len()];
            // Reading first spares a killed process's restart the writing: the page cache has it all.
            let is_there = file.read_exact_at(&mut present, entry.offset).is_ok() && present == frame;
            if is_there { Ok(()) } else { self.fs.write_at(&file, &path, &mut [IoSlice::new(frame)], entry.offset) }
        };
        file.and_then(write).map_err(|error| StorageError::new("restore", &path, error).into())
    }
}

/// Opens a segment that power loss may have left without its bytes, size or header, and gives it all three.
fn open_unsettled(fs: &dyn DurableFs, path: &Path, header: &Header) -> io::Result<File> {
    if !path.exists() {
        return segment::create_file(fs, path, header);
    }
    let file = File::options().read(true).write(true).open(path)?;
    if file.metadata()?.len() < header.capacity {
        file.set_len(header.capacity)?;
    }
    let mut block = vec![0; HEADER_BLOCK_BYTES];
    file.read_exact_at(&mut block, 0)?;
    if Header::decode(&block).as_ref() != Ok(header) {
        fs.write_at(&file, path, &mut [IoSlice::new(&header.encode())], 0)?;
    }
    Ok(file)
}

/// Checks a journal file's header, which was synced before the file got its name.
///
/// # Errors
/// `Damage` if it is not what it must be.
pub(crate) fn check_journal_file(path: &Path, number: u64, bytes: &[u8]) -> Result<journal::Header, Damage> {
    let damaged = |offset, reason: &str| Damage { path: path.to_owned(), offset, reason: reason.to_owned() };
    let header = journal::Header::decode(bytes).map_err(|reason| damaged(0, reason))?;
    if header.number != number {
        return Err(damaged(0, "the file's name is not its number"));
    }
    if (bytes.len() as u64) < header.capacity {
        return Err(damaged(bytes.len() as u64, "the file is cut off"));
    }
    Ok(header)
}

fn spare_files(data_dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let is_spare = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("spare-"));
    Ok(scan::entries(&journal_dir(data_dir))?.into_iter().filter(is_spare).collect())
}

/// The directories of all logs.
///
/// # Errors
/// `StorageError` if they cannot be listed.
pub(crate) fn log_dirs(data_dir: &Path) -> Result<Vec<(LogId, PathBuf)>, StorageError> {
    let id = |path: &Path| path.file_name()?.to_str()?.parse().ok().map(LogId);
    let dirs = scan::entries(&data_dir.join("logs"))?;
    let mut dirs: Vec<_> = dirs.into_iter().filter_map(|path| Some((id(&path)?, path))).collect();
    dirs.sort();
    Ok(dirs)
}

/// Finds the segments of one log and where it ends.
struct LogRecovery<'a> {
    fs: &'a dyn DurableFs,
    id: LogId,
    dir: Arc<Path>,
    touched: &'a HashMap<SegmentKey, u64>,
    /// Segments without an index file.
    unsettled: Vec<u64>,
}

/// A segment's file, not yet trusted.
struct OpenedSegment {
    path: PathBuf,
    header: Header,
    is_settled: bool,
    mark: Option<Mark>,
}

/// What an examination of a segment found.
struct Examined {
    index: Index,
    /// Whether it was sealed before: its index file was there.
    is_sealed: bool,
    /// Whether it holds whole frames that nobody knows to be durable.
    is_beyond_durable: bool,
}

impl LogRecovery<'_> {
    fn run(&mut self) -> Result<Found, OpenError> {
        compact::remove_unfinished(self.fs, &self.dir)?;
        let mut opened = self.open_segments()?;
        let mut found = Found::default();
        let mut at = 0;
        while at < opened.len() {
            let next_first = opened.get(at + 1).map(|next| next.header.first_ordinal);
            let examined = self.examine(&opened[at], next_first)?;
            let Index { end_ordinal, end_offset, last_arrival_ms, .. } = examined.index;
            if next_first.is_some_and(|next| next != end_ordinal) {
                self.cut_after(&mut opened, at, &examined)?;
            }
            let segment = self.adopt(&opened[at], examined)?;
            found.next_ordinal = end_ordinal;
            found.last_arrival_ms = found.last_arrival_ms.max(last_arrival_ms);
            found.last_used_bytes = end_offset;
            let is_empty = end_ordinal == segment.header.first_ordinal;
            if is_empty && !found.segments.is_empty() {
                // Left by an append that was never acknowledged; the next one wants the name.
                segment.remove(self.fs)?;
            } else {
                found.segments.push(Arc::new(segment));
            }
            at += 1;
        }
        Ok(found)
    }

    fn open_segments(&self) -> Result<Vec<OpenedSegment>, OpenError> {
        let mut opened = Vec::new();
        for (first_ordinal, path) in scan::numbered_files(&self.dir, "log")? {
            let damaged = |offset, reason: &str| Damage { path: path.clone(), offset, reason: reason.to_owned() };
            let segment = open_segment(&path, self.id, first_ordinal, true)?.map_err(|reason| damaged(0, reason))?;
            let file_bytes = file_bytes(&path)?;
            if file_bytes < segment.header.capacity {
                return Err(damaged(file_bytes, "the file is cut off").into());
            }
            opened.push(segment);
        }
        let mut unsettled = scan::numbered_files(&self.dir, "new")?;
        self.finish_dropping(&mut opened, &mut unsettled)?;
        let mut unsettled = unsettled.into_iter();
        for (first_ordinal, path) in unsettled.by_ref() {
            match open_segment(&path, self.id, first_ordinal, false)? {
                Ok(segment) if file_bytes(&path)? >= segment.header.capacity => opened.push(segment),
                // Replay gave a header and a size to all that were acknowledged; nobody was told of this one.
                _ => {
                    let later: Vec<_> = unsettled.collect();
                    self.remove_unpromised(&opened, first_ordinal, &later)?;
                    self.remove(&path)?;
                    break;
                }
            }
        }
        opened.sort_by_key(|segment| segment.header.first_ordinal);
        Ok(opened)
    }

    /// Removes what stands before the segment that begins the log: a trim of everything there was, broken off.
    fn finish_dropping(
        &self,
        settled: &mut Vec<OpenedSegment>,
        unsettled: &mut Vec<(u64, PathBuf)>,
    ) -> Result<(), OpenError> {
        let Some(at) = settled.iter().rposition(|segment| segment.header.begins_log) else { return Ok(()) };
        let begin = settled[at].header.first_ordinal;
        for segment in settled.drain(..at) {
            Segment::found(segment.header, &self.dir, true, None).remove(self.fs)?;
        }
        unsettled
            .extract_if(.., |(first_ordinal, _)| *first_ordinal < begin)
            .try_for_each(|(_, path)| self.remove(&path))
    }

    /// Drops the `later` segments after one from `first_ordinal` on that is lost, if none was ever known to be durable.
    fn remove_unpromised(
        &self,
        opened: &[OpenedSegment],
        first_ordinal: u64,
        later: &[(u64, PathBuf)],
    ) -> Result<(), OpenError> {
        let settled = opened.iter().filter(|segment| segment.is_settled).map(|segment| segment.header.first_ordinal);
        let journalled = later.iter().map(|(first, _)| *first).filter(|first| self.is_journalled(*first));
        if let Some(promised) = settled.chain(journalled).find(|first| *first > first_ordinal) {
            let reason = format!("records {first_ordinal} to {promised} are missing");
            return Err(Damage { path: self.dir.to_path_buf(), offset: 0, reason }.into());
        }
        // The last first: whenever this is broken off, what is left is as it was to recovery.
        later.iter().rev().try_for_each(|(_, path)| self.remove(path))
    }

    fn is_journalled(&self, first_ordinal: u64) -> bool {
        self.touched.contains_key(&(self.id.0, first_ordinal))
    }

    fn remove(&self, path: &Path) -> Result<(), OpenError> {
        self.fs.remove(path).map_err(|error| StorageError::new("remove", path, error).into())
    }

    /// Finds where a segment ends, without changing anything.
    fn examine(&self, opened: &OpenedSegment, next_first: Option<u64>) -> Result<Examined, OpenError> {
        let OpenedSegment { path, header, mark, .. } = opened;
        if let Some(index) = scan::read_index(&path.with_extension("idx"), header) {
            return Ok(Examined { index, is_sealed: true, is_beyond_durable: false });
        }
        let mapped = File::options()
            .read(true)
            .write(true)
            .open(path)
            .and_then(|file| Mapping::open(&file, header.capacity as usize, header.capacity as usize))
            .map_err(|error| StorageError::new("map", path, error))?;
        let scan = scan::segment(header, mapped.mapping().frozen(), next_first);
        let marked_end = mark.map_or(0, |mark| mark.synced_end);
        let journalled_end = self.touched.get(&(header.log_id, header.first_ordinal)).copied().unwrap_or(0);
        let durable_end = marked_end.max(journalled_end);
        if scan.index.end_offset < durable_end {
            let reason = format!("acknowledged records are damaged: {}", scan.stop_reason);
            return Err(Damage { path: path.clone(), offset: scan.index.end_offset, reason }.into());
        }
        let is_beyond_durable = scan.index.end_offset > durable_end.max(HEADER_BLOCK_BYTES as u64);
        Ok(Examined { index: scan.index, is_sealed: false, is_beyond_durable })
    }

    /// Takes an examined segment into the log.
    fn adopt(&mut self, opened: &OpenedSegment, examined: Examined) -> Result<Segment, OpenError> {
        let OpenedSegment { header, is_settled, mark, .. } = opened;
        let segment = Segment::found(*header, &self.dir, *is_settled, Some(examined.index));
        segment.continue_marks(mark.map_or(0, |mark| mark.serial));
        if !examined.is_sealed {
            segment.remove_index(self.fs)?;
        }
        if examined.is_beyond_durable {
            // Whole frames that nobody acknowledged, or that only the page cache had: readers will see them, so they must
            // not vanish any more.
            segment.settle(self.fs)?;
        } else if !examined.is_sealed {
            self.unsettled.push(header.first_ordinal);
        }
        Ok(segment)
    }

    /// Drops the segments after the one at `at`, which ends too early, if none of them was ever known to be durable. That
    /// one is sealed only afterwards, so that recovery begins again if this is broken off.
    fn cut_after(&self, opened: &mut Vec<OpenedSegment>, at: usize, examined: &Examined) -> Result<(), OpenError> {
        let is_promised =
            |segment: &OpenedSegment| segment.is_settled || self.is_journalled(segment.header.first_ordinal);
        if examined.is_sealed || opened[at + 1..].iter().any(is_promised) {
            let next = &opened[at + 1];
            let (end, first) = (examined.index.end_ordinal, next.header.first_ordinal);
            let reason = format!("records {end} to {first} before it are missing");
            return Err(Damage { path: next.path.clone(), offset: 0, reason }.into());
        }
        opened.drain(at + 1..).rev().try_for_each(|segment| self.remove(&segment.path))
    }
}

fn file_bytes(path: &Path) -> Result<u64, StorageError> {
    Ok(path.metadata().map_err(|error| StorageError::new("read", path, error))?.len())
}

/// Reads a segment's header block. The inner error says what is wrong with it.
fn open_segment(
    path: &Path,
    id: LogId,
    first_ordinal: u64,
    is_settled: bool,
) -> Result<Result<OpenedSegment, &'static str>, StorageError> {
    let block = scan::header_block(path)?;
    Ok(Header::decode(&block).and_then(|header| {
        if header.log_id != id.0 || header.first_ordinal != first_ordinal {
            return Err("the segment belongs to another log or has another name");
        }
        let mark = Mark::newest(&block, header.nonce);
        Ok(OpenedSegment { path: path.to_owned(), header, is_settled, mark })
    }))
}
