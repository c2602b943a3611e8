//! Processed records in a file: what a pipeline gave, mapped and read back as often as it takes.
//!
//! The file is a row of entries; numbers are little endian.
//!
//! | bytes | of a record | of a refused one |
//! |---|---|---|
//! | 1 | 0 | 1 |
//! | 8, 8, 8 | log, ordinal, arrival in ms | the same |
//! | 4 | place in the record of that ordinal, or 2³²−1 | the same |
//! | 4 | bytes of the head | the same |
//! | 4 | bytes of the data | the same |
//! | … | the head: partition keys as JSON, or nothing | the attempts made and the reason, as JSON |
//! | … | the data | the source record |

use std::fs::File;
use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use flate2::Crc;
use shard_store::log::LogId;

use super::StagedFile;
use super::source_records::Input;
use crate::error::DeliveryError;
use crate::process::Processed;
use crate::record::{Origin, PartitionKeys, Reason, Record, Refused};

const HEAD_BYTES: usize = 1 + 3 * 8 + 3 * 4;
const RECORD: u8 = 0;
const REFUSED: u8 = 1;
const NO_SUB: u32 = u32::MAX;

/// A file of processed records in the making.
pub(super) struct StagedWriter {
    file: BufWriter<File>,
    crc: Crc,
}

impl StagedWriter {
    pub(super) fn new(file: File) -> Self {
        Self { file: BufWriter::with_capacity(256 * 1024, file), crc: Crc::new() }
    }

    /// Adds what a pipeline gave.
    ///
    /// # Errors
    /// As the system says; the file is worth nothing then.
    pub(super) fn push(&mut self, processed: &Processed) -> io::Result<()> {
        for record in &processed.records {
            let keys = if record.keys == PartitionKeys::default() { Vec::new() } else { json(&record.keys)? };
            self.write_entry(RECORD, record.origin, &keys, &record.data)?;
        }
        for refused in &processed.refused {
            let head = json(&(refused.attempt_count, &refused.reason))?;
            self.write_entry(REFUSED, refused.origin, &head, &refused.data)?;
        }
        Ok(())
    }

    fn write_entry(&mut self, kind: u8, origin: Origin, head: &[u8], data: &[u8]) -> io::Result<()> {
        let length =
            |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge));
        let mut fixed = Vec::with_capacity(HEAD_BYTES);
        fixed.push(kind);
        for number in [origin.log.0, origin.ordinal, origin.arrival_ms] {
            fixed.extend_from_slice(&number.to_le_bytes());
        }
        for number in [origin.sub.unwrap_or(NO_SUB), length(head)?, length(data)?] {
            fixed.extend_from_slice(&number.to_le_bytes());
        }
        for bytes in [&fixed, head, data] {
            self.crc.update(bytes);
            self.file.write_all(bytes)?;
        }
        Ok(())
    }

    /// The file with everything in it, and the CRC-32 of its bytes.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn finish(self) -> io::Result<(File, u32)> {
        let crc = self.crc.sum();
        Ok((self.file.into_inner().map_err(io::IntoInnerError::into_error)?, crc))
    }
}

fn json<T: serde::Serialize>(value: &T) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::from)
}

/// A file of processed records, mapped.
#[derive(Clone, Debug)]
pub(super) struct StagedRecords(Bytes);

/// One entry, not yet looked into.
struct Entry {
    kind: u8,
    origin: Origin,
    head: std::ops::Range<usize>,
    data: std::ops::Range<usize>,
}

impl StagedRecords {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Checks a file that was kept.
    ///
    /// # Errors
    /// Its bytes are not those that were written.
    pub(super) fn check(self, file: &StagedFile) -> Result<Self, DeliveryError> {
        let mut crc = Crc::new();
        crc.update(&self.0);
        if crc.sum() == file.crc32 {
            return Ok(self);
        }
        Err(DeliveryError::Build { reason: format!("the staged records {} are damaged", file.name) })
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let mut position = 0;
        std::iter::from_fn(move || {
            let entry = Entry::read(&self.0, position)?;
            position = entry.data.end;
            Some(entry)
        })
    }

    fn bytes(&self, range: &std::ops::Range<usize>) -> &[u8] {
        self.0.get(range.clone()).unwrap_or_default()
    }

    /// The good records, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Input<'_>> {
        let records = self.entries().filter(|entry| entry.kind == RECORD);
        records.map(|entry| Input { data: self.bytes(&entry.data), origin: entry.origin })
    }

    /// The good records with their partition keys, in order.
    pub(super) fn iter_owned(&self) -> impl Iterator<Item = Record> {
        let records = self.entries().filter(|entry| entry.kind == RECORD);
        records.map(|entry| Record {
            data: self.0.slice(entry.data.clone()),
            origin: entry.origin,
            keys: serde_json::from_slice(self.bytes(&entry.head)).unwrap_or_default(),
        })
    }

    /// The refused records, in order.
    pub(super) fn refused(&self) -> impl Iterator<Item = Refused> {
        self.entries().filter(|entry| entry.kind == REFUSED).filter_map(|entry| {
            let (attempt_count, reason): (u32, Reason) = serde_json::from_slice(self.bytes(&entry.head)).ok()?;
            Some(Refused { data: self.0.slice(entry.data.clone()), origin: entry.origin, reason, attempt_count })
        })
    }
}

impl Entry {
    /// The entry at `position`; `None` at the end.
    fn read(bytes: &[u8], position: usize) -> Option<Self> {
        let mut fixed = bytes.get(position..position.checked_add(HEAD_BYTES)?)?;
        let kind = *fixed.split_off_first()?;
        let mut long = || fixed.split_off(..8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        let (log, ordinal, arrival_ms) = (long()?, long()?, long()?);
        let mut short = || fixed.split_off(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        let (sub, head, data) = (short()?, usize::try_from(short()?).ok()?, usize::try_from(short()?).ok()?);
        let head_from = position + HEAD_BYTES;
        let data_from = head_from.checked_add(head)?;
        let end = data_from.checked_add(data).filter(|end| *end <= bytes.len())?;
        let sub = (sub != NO_SUB).then_some(sub);
        let origin = Origin { log: LogId(log), ordinal, sub, arrival_ms };
        Some(Self { kind, origin, head: head_from..data_from, data: data_from..end })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::ErrorOutputType;
    use crate::spool::Spool;

    fn origin() -> impl Strategy<Value = Origin> {
        (any::<u64>(), any::<u64>(), prop::option::of(0..NO_SUB), any::<u64>())
            .prop_map(|(log, ordinal, sub, arrival_ms)| Origin { log: LogId(log), ordinal, sub, arrival_ms })
    }

    fn data() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
    }

    fn record() -> impl Strategy<Value = Record> {
        let texts = || prop::collection::btree_map(".{0,5}", ".{0,5}", 0..3);
        let keys = (texts(), texts(), texts(), any::<Option<u64>>());
        (data(), origin(), keys).prop_map(|(data, origin, (query, lambda, column, event_ms))| {
            let keys = PartitionKeys { query, lambda, column, event_ms };
            Record { data, origin, keys }
        })
    }

    fn refused() -> impl Strategy<Value = Refused> {
        (data(), origin(), ".{0,9}", any::<u32>()).prop_map(|(data, origin, message, attempt_count)| {
            let output_type = ErrorOutputType::ProcessingFailed;
            let reason = Reason { output_type, code: "Lambda.FunctionError".to_owned(), message };
            Refused { data, origin, reason, attempt_count }
        })
    }

    proptest! {
        #[test]
        fn what_was_staged_is_read_back(
            slices in prop::collection::vec(
                (prop::collection::vec(record(), 0..4), prop::collection::vec(refused(), 0..3)), 0..4,
            ),
            damaged in any::<prop::sample::Index>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let spool = Spool::open(dir.path()).unwrap();
            let mut writer = StagedWriter::new(spool.scratch().unwrap());
            for (records, refused) in slices.clone() {
                writer.push(&Processed { records, refused, dropped: 0 }).unwrap();
            }
            let (file, crc32) = writer.finish().unwrap();
            let bytes = shard_store::map_file(&file).unwrap();
            let name = StagedFile { name: "a".to_owned(), crc32 };
            let staged = StagedRecords::new(bytes.clone()).check(&name).unwrap();
            let records: Vec<_> = slices.iter().flat_map(|(records, _)| records.clone()).collect();
            let refused: Vec<_> = slices.iter().flat_map(|(_, refused)| refused.clone()).collect();
            prop_assert_eq!(staged.iter_owned().collect::<Vec<_>>(), records);
            prop_assert_eq!(staged.refused().collect::<Vec<_>>(), refused);
            if !bytes.is_empty() {
                let mut bytes = bytes.to_vec();
                let place = damaged.index(bytes.len());
                bytes[place] ^= 0x10;
                prop_assert!(StagedRecords::new(bytes.into()).check(&name).is_err());
            }
        }
    }
}
