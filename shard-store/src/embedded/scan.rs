//! Reads stored files without changing them: what recovery and `verify` have in common.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::segment::INDEX_SPACING_BYTES;
use crate::error::{Damage, StorageError};
use crate::format::frame::RawFrame;
use crate::format::index::{Index, IndexEntry};
use crate::format::journal::{self, Group};
use crate::format::segment::Header;
use crate::format::{HEADER_BLOCK_BYTES, frame};

/// The frames of a segment, from the first to the last valid one.
#[derive(Debug)]
pub(crate) struct SegmentScan {
    /// Where things stand, and where the valid frames end.
    pub(crate) index: Index,
    /// The number of frames.
    pub(crate) frame_count: u64,
    /// Why the scan ended before the ordinal it was to reach.
    pub(crate) stop_reason: &'static str,
}

/// Verifies the frames of a segment's `bytes` one after the other, up to the first invalid one or the one that begins at
/// `stop_ordinal`.
pub(crate) fn segment(header: &Header, bytes: &[u8], stop_ordinal: Option<u64>) -> SegmentScan {
    let mut builder = IndexBuilder::new(header);
    let mut frame_count = 0;
    let stop_reason = loop {
        let index = &builder.0;
        if stop_ordinal.is_some_and(|stop| index.end_ordinal >= stop) {
            break "the next segment begins here";
        }
        let rest = bytes.get(index.end_offset as usize..).unwrap_or_default();
        let frame = match frame::parse(rest).and_then(|raw| raw.verify(header.nonce)) {
            Ok(frame) => frame,
            Err(reason) => break reason,
        };
        if frame.first_ordinal != index.end_ordinal || frame.arrival_ms < index.last_arrival_ms {
            break "the frame does not follow the one before it";
        }
        builder.add(&frame, frame.frame_bytes());
        frame_count += 1;
    };
    SegmentScan { index: builder.build(), frame_count, stop_reason }
}

/// Makes the index of a segment from its frames, one after the other.
pub(crate) struct IndexBuilder(Index);

impl IndexBuilder {
    /// For the segment with this header, which has no frame yet.
    pub(crate) fn new(header: &Header) -> Self {
        Self(Index {
            log_id: header.log_id,
            first_ordinal: header.first_ordinal,
            nonce: header.nonce,
            end_offset: HEADER_BLOCK_BYTES as u64,
            end_ordinal: header.first_ordinal,
            first_arrival_ms: 0,
            last_arrival_ms: 0,
            is_compacted: false,
            entries: Vec::new(),
        })
    }

    /// Adds the next frame, which takes `frame_bytes` in the segment.
    pub(crate) fn add(&mut self, frame: &RawFrame<'_>, frame_bytes: usize) {
        let index = &mut self.0;
        let is_far = index.entries.last().is_none_or(|last| index.end_offset >= last.offset + INDEX_SPACING_BYTES);
        if is_far {
            let (ordinal, arrival_ms) = (frame.first_ordinal, frame.arrival_ms);
            index.entries.push(IndexEntry { ordinal, arrival_ms, offset: index.end_offset });
        }
        index.end_offset += frame_bytes as u64;
        index.end_ordinal = frame.end_ordinal();
        index.last_arrival_ms = frame.arrival_ms;
    }

    /// The index of the frames added.
    pub(crate) fn build(mut self) -> Index {
        self.0.first_arrival_ms = self.0.entries.first().map_or(0, |entry| entry.arrival_ms);
        self.0
    }
}

/// The index file at `path`, if it is valid and belongs to the segment with this header.
pub(crate) fn read_index(path: &Path, header: &Header) -> Option<Index> {
    let index = Index::decode(&fs::read(path).ok()?).ok()?;
    let belongs = index.log_id == header.log_id
        && index.first_ordinal == header.first_ordinal
        && index.nonce == header.nonce
        && index.end_offset <= header.capacity
        && index.end_ordinal >= index.first_ordinal;
    belongs.then_some(index)
}

/// The first block of a file, shorter if the file is.
///
/// # Errors
/// `StorageError` if the file cannot be read.
pub(crate) fn header_block(path: &Path) -> Result<Vec<u8>, StorageError> {
    let mut block = Vec::with_capacity(HEADER_BLOCK_BYTES);
    fs::File::open(path)
        .and_then(|file| file.take(HEADER_BLOCK_BYTES as u64).read_to_end(&mut block))
        .map_err(|error| StorageError::new("read", path, error))?;
    Ok(block)
}

/// The numbered files of `dir` with this extension, ascending. A directory that is not there has none.
///
/// # Errors
/// `StorageError` if the directory cannot be read.
pub(crate) fn numbered_files(dir: &Path, extension: &str) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    let mut files = Vec::new();
    for path in entries(dir)? {
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|found| found == extension)) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

/// The paths in `dir`. A directory that is not there has none.
///
/// # Errors
/// `StorageError` if the directory cannot be read.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let failed = |error| StorageError::new("list", dir, error);
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect(),
    }
}

/// What a journal file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JournalScan {
    /// The last group that is there whole; the file's first group less one if there is none.
    pub(crate) last_group: u64,
    /// Where it ends, in bytes.
    pub(crate) end_offset: u64,
}

/// Walks the groups of a journal file's `bytes` and hands each one, verified with its frames, to `visit`.
///
/// # Errors
/// `Damage` if bytes that were acknowledged are damaged, and whatever `visit` returns.
pub(crate) fn journal<E: From<Damage>>(
    path: &Path,
    header: &journal::Header,
    bytes: &[u8],
    mut visit: impl FnMut(&Group, &[u8]) -> Result<(), E>,
) -> Result<JournalScan, E> {
    let mut scan =
        JournalScan { last_group: header.first_group.saturating_sub(1), end_offset: HEADER_BLOCK_BYTES as u64 };
    loop {
        let rest = bytes.get(scan.end_offset as usize..).unwrap_or_default();
        let (group, frames) = match verified_group(rest, header.nonce, scan.last_group + 1) {
            Ok(found) => found,
            Err(reason) => {
                if is_known_durable(rest, header.nonce, scan.last_group + 1) {
                    let reason = format!("acknowledged records are damaged: {reason}");
                    return Err(Damage { path: path.to_owned(), offset: scan.end_offset, reason }.into());
                }
                return Ok(scan);
            }
        };
        // A note stands where the next group will be written.
        if group.entries.is_empty() {
            return Ok(scan);
        }
        visit(&group, frames)?;
        scan.last_group = group.number;
        scan.end_offset += group.group_bytes();
    }
}

fn verified_group(bytes: &[u8], nonce: u64, number: u64) -> Result<(Group, &[u8]), &'static str> {
    let group = Group::decode_head(bytes, nonce)?;
    if group.number != number {
        return Err("the group's number does not follow the one before it");
    }
    let frames = &bytes[group.head_bytes()..group.group_bytes() as usize];
    let mut rest = frames;
    for entry in &group.entries {
        let (frame, after) = rest.split_at(entry.frame_bytes as usize);
        let verified = frame::parse(frame).and_then(|raw| raw.verify(entry.segment_nonce))?;
        if verified.frame_bytes() != frame.len() {
            return Err("a frame's length is not the one in the group's table");
        }
        rest = after;
    }
    Ok((group, frames))
}

/// Whether a group or note somewhere in `bytes` says that group `number` was durable when it was written.
fn is_known_durable(bytes: &[u8], nonce: u64, number: u64) -> bool {
    (8..bytes.len())
        .step_by(8)
        .any(|offset| Group::decode_head(&bytes[offset..], nonce).is_ok_and(|group| group.durable_up_to >= number))
}

/// Scans a whole segment that is known to be complete.
///
/// # Errors
/// `Damage` if it holds no valid frame.
pub(crate) fn index_of(path: &Path, header: &Header, bytes: &[u8]) -> Result<Index, Damage> {
    let scan = segment(header, bytes, None);
    if scan.frame_count == 0 {
        return Err(Damage {
            path: path.to_owned(),
            offset: HEADER_BLOCK_BYTES as u64,
            reason: scan.stop_reason.to_owned(),
        });
    }
    Ok(scan.index)
}
