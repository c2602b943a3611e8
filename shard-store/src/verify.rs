//! Checks every byte of a stopped store without changing it: what `headwater verify` shows.
//!
//! It goes over journal, segments and indexes with the same readers as recovery, but goes on after damage, and it reads
//! sealed segments too, which a start trusts until somebody reads them. It does not look into the catalog's records.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::embedded::recover::{check_journal_file, journal_dir, log_dirs};
use crate::embedded::scan;
use crate::error::{Damage, OpenError, StorageError};
use crate::format::HEADER_BLOCK_BYTES;
use crate::format::frame::{self, Coding, VerifiedFrame};
use crate::format::index::Index;
use crate::format::segment::{Header, Mark};
use crate::mmap::Mapping;

/// What [`verify`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of logs with files.
    pub log_count: u64,
    /// The number of segments.
    pub segment_count: u64,
    /// The number of valid frames (batches) in segments.
    pub frame_count: u64,
    /// The number of records in them.
    pub record_count: u64,
    /// The number of journal files.
    pub journal_file_count: u64,
    /// All damage, in the order of the files' paths.
    pub damages: Vec<Damage>,
}

/// Checks the store in `dir`, which no process may have open.
///
/// # Errors
/// `Locked`, `Foreign`, `Version` or `Storage`; damage is not an error but part of the report.
pub fn verify(dir: &Path) -> Result<Report, OpenError> {
    let _lock = crate::store::claim_existing(dir)?;
    let mut verification = Verification::default();
    for (number, path) in scan::numbered_files(&journal_dir(dir), "journal")? {
        verification.journal_file(number, path)?;
    }
    for (id, dir) in log_dirs(dir)? {
        verification.report.log_count += 1;
        verification.log(id.0, &dir)?;
    }
    verification.report.damages.sort_by(|a, b| (&a.path, a.offset).cmp(&(&b.path, b.offset)));
    Ok(verification.report)
}

#[derive(Default)]
struct Verification {
    report: Report,
    /// By log and first ordinal: where the journal says that a segment's durable bytes end.
    durable_ends: HashMap<(u64, u64), u64>,
    next_group: Option<u64>,
}

impl Verification {
    fn journal_file(&mut self, number: u64, path: PathBuf) -> Result<(), StorageError> {
        self.report.journal_file_count += 1;
        let bytes = fs::read(&path).map_err(|error| StorageError::new("read", &path, error))?;
        let header = match check_journal_file(&path, number, &bytes) {
            Ok(header) => header,
            Err(damage) => {
                self.report.damages.push(damage);
                return Ok(());
            }
        };
        if self.next_group.is_some_and(|expected| expected != header.first_group) {
            let reason = "journal groups before this file are missing".to_owned();
            self.report.damages.push(Damage { path: path.clone(), offset: 0, reason });
        }
        let durable_ends = &mut self.durable_ends;
        let scanned = scan::journal::<Damage>(&path, &header, &bytes, |group, _| {
            for entry in &group.entries {
                let end = durable_ends.entry((entry.log_id, entry.segment_first_ordinal)).or_default();
                *end = (*end).max(entry.offset.saturating_add(u64::from(entry.frame_bytes)));
            }
            Ok(())
        });
        match scanned {
            Ok(scan) => self.next_group = Some(scan.last_group + 1),
            Err(damage) => self.report.damages.push(damage),
        }
        Ok(())
    }

    fn log(&mut self, log_id: u64, dir: &Path) -> Result<(), StorageError> {
        let mut files = scan::numbered_files(dir, "log")?;
        files.extend(scan::numbered_files(dir, "new")?);
        files.sort();
        // Whatever stands before such a segment was being dropped, and the next start does that.
        let begins_log = |path: &Path| -> Result<bool, StorageError> {
            let is_settled = path.extension().is_some_and(|extension| extension == "log");
            Ok(is_settled && Header::decode(&scan::header_block(path)?).is_ok_and(|header| header.begins_log))
        };
        for at in (0..files.len()).rev() {
            if begins_log(&files[at].1)? {
                files.drain(..at);
                break;
            }
        }
        let mut expected: Option<u64> = None;
        for (at, (first_ordinal, path)) in files.iter().enumerate() {
            if let Some(missing_from) = expected.filter(|end| end < first_ordinal) {
                self.damage(path, 0, format!("records {missing_from} to {first_ordinal} before it are missing"));
            }
            let next_first = files.get(at + 1).map(|(next, _)| *next);
            expected = self.segment(log_id, *first_ordinal, path, next_first)?;
        }
        Ok(())
    }

    /// Checks one segment; returns the ordinal after its last record, if that can be told.
    fn segment(
        &mut self,
        log_id: u64,
        first_ordinal: u64,
        path: &Path,
        next_first: Option<u64>,
    ) -> Result<Option<u64>, StorageError> {
        self.report.segment_count += 1;
        let is_settled = path.extension().is_some_and(|extension| extension == "log");
        let block = scan::header_block(path)?;
        let header = match Header::decode(&block) {
            Ok(header) if (header.log_id, header.first_ordinal) == (log_id, first_ordinal) => header,
            // Nobody was told of a segment that was never synced and that the journal does not know.
            _ if !is_settled && !self.durable_ends.contains_key(&(log_id, first_ordinal)) => return Ok(None),
            Ok(_) => return Ok(self.damage(path, 0, "the segment belongs to another log or has another name".into())),
            Err(reason) => return Ok(self.damage(path, 0, reason.into())),
        };
        let failed = |error| StorageError::new("read", path, error);
        let file = File::options().read(true).write(true).open(path).map_err(failed)?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        if file_bytes < header.capacity {
            return Ok(self.damage(path, file_bytes, "the file is cut off".into()));
        }
        let capacity = header.capacity as usize;
        let mapped = Mapping::open(&file, capacity, capacity).map_err(failed)?;
        let index_path = path.with_extension("idx");
        let index = scan::read_index(&index_path, &header);
        if index.is_none() && index_path.exists() {
            self.damage(
                &index_path,
                0,
                "the index is damaged or belongs to another segment; a start makes it again".into(),
            );
        }
        let stop = next_first.or(index.as_ref().map(|index| index.end_ordinal));
        let scanned = scan::segment(&header, mapped.mapping().frozen(), stop);
        self.compressed_batches(path, &header, &mapped.mapping().frozen()[..scanned.index.end_offset as usize]);
        self.report.frame_count += scanned.frame_count;
        self.report.record_count += scanned.index.end_ordinal - first_ordinal;
        let promised = self.promised_end(&header, &block, index.as_ref());
        if scanned.index.end_offset < promised {
            self.damage(
                path,
                scanned.index.end_offset,
                format!("acknowledged records are damaged: {}", scanned.stop_reason),
            );
            return Ok(next_first);
        }
        Ok(Some(scanned.index.end_ordinal))
    }

    /// Decompresses the compressed batches of a segment, `bytes` of which hold whole frames.
    fn compressed_batches(&mut self, path: &Path, header: &Header, bytes: &[u8]) {
        let mut offset = HEADER_BLOCK_BYTES;
        while let Ok(frame) = frame::parse(&bytes[offset..]).and_then(|raw| raw.verify(header.nonce)) {
            if frame.coding == Coding::Zstd
                && let Err(reason) = decompress(frame)
            {
                self.damage(path, offset as u64, format!("acknowledged records are damaged: {reason}"));
            }
            offset += frame.frame_bytes();
        }
    }

    /// Where the bytes end that the segment is known to have held.
    fn promised_end(&self, header: &Header, block: &[u8], index: Option<&Index>) -> u64 {
        let marked = Mark::newest(block, header.nonce).map_or(HEADER_BLOCK_BYTES as u64, |mark| mark.synced_end);
        let journalled = self.durable_ends.get(&(header.log_id, header.first_ordinal)).copied().unwrap_or(0);
        marked.max(journalled).max(index.map_or(0, |index| index.end_offset))
    }

    fn damage(&mut self, path: &Path, offset: u64, reason: String) -> Option<u64> {
        self.report.damages.push(Damage { path: path.to_owned(), offset, reason });
        None
    }
}

fn decompress(frame: VerifiedFrame<'_>) -> Result<(), &'static str> {
    let records = frame.decompress()?;
    let record_count = frame::records(&records, frame.first_ordinal, frame.arrival_ms, false)
        .take(frame.record_count as usize)
        .count();
    if record_count == frame.record_count as usize { Ok(()) } else { Err("the frame holds fewer records than it says") }
}
