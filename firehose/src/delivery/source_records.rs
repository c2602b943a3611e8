//! The records of an intent, as they lie in their logs.

use std::collections::HashMap;

use shard_store::log::{LogId, ReadBatch, ReadLimit};

use super::Range;
use crate::error::DeliveryError;
use crate::limits::READ_RECORDS_MAX;
use crate::record::{Origin, PartitionKeys, Record};
use crate::source::SourceLog;

/// Bytes of one read; what is read is not copied.
const READ_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One record with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    pub(super) data: &'a [u8],
    pub(super) origin: Origin,
}

impl AsRef<[u8]> for Input<'_> {
    fn as_ref(&self) -> &[u8] {
        self.data
    }
}

/// The batches of all ranges: slices of the logs' memory.
pub(super) struct SourceRecords {
    batches: Vec<(LogId, ReadBatch)>,
    ends: HashMap<LogId, u64>,
    pub(super) record_count: u64,
    pub(super) byte_count: u64,
    /// Records of the ranges that are no longer there.
    pub(super) missing_count: u64,
}

impl SourceRecords {
    /// Reads the ranges, of which each log has one.
    ///
    /// # Errors
    /// Stored records are damaged.
    pub(super) fn read(ranges: &[Range], logs: &HashMap<LogId, SourceLog>) -> Result<Self, DeliveryError> {
        let mut batches = Vec::new();
        for range in ranges {
            // A log that is gone has no records: its stream was deleted.
            let Some(log) = logs.get(&range.log) else { continue };
            read_range(range, log, &mut batches)?;
        }
        let ends = ranges.iter().map(|range| (range.log, range.to)).collect();
        let mut records = Self { batches, ends, record_count: 0, byte_count: 0, missing_count: 0 };
        let counts =
            records.iter().fold((0, 0), |(count, bytes), input| (count + 1_u64, bytes + input.data.len() as u64));
        (records.record_count, records.byte_count) = counts;
        let wanted: u64 = ranges.iter().map(|range| range.to.saturating_sub(range.from)).sum();
        records.missing_count = wanted.saturating_sub(records.record_count);
        Ok(records)
    }

    fn end_of(&self, log: LogId) -> u64 {
        self.ends.get(&log).copied().unwrap_or(0)
    }

    /// The records, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Input<'_>> {
        self.batches.iter().flat_map(|(log, batch)| {
            let end = self.end_of(*log);
            batch.records().take_while(move |record| record.ordinal < end).map(|record| Input {
                data: record.data,
                origin: Origin { log: *log, ordinal: record.ordinal, sub: None, arrival_ms: record.arrival_ms },
            })
        })
    }

    /// The records, in order, each keeping alive what it lies in.
    pub(super) fn iter_owned(&self) -> impl Iterator<Item = Record> {
        self.batches.iter().flat_map(|(log, batch)| {
            let end = self.end_of(*log);
            let records = batch.records_with_data().take_while(move |(record, _)| record.ordinal < end);
            records.map(|(record, data)| Record {
                data,
                origin: Origin { log: *log, ordinal: record.ordinal, sub: None, arrival_ms: record.arrival_ms },
                keys: PartitionKeys::default(),
            })
        })
    }
}

fn read_range(range: &Range, log: &SourceLog, batches: &mut Vec<(LogId, ReadBatch)>) -> Result<(), DeliveryError> {
    let mut position = range.from;
    while position < range.to && position <= log.log.end() {
        let left = usize::try_from(range.to - position).unwrap_or(usize::MAX);
        let limit = ReadLimit { record_count: left.min(READ_RECORDS_MAX), byte_count: READ_BYTES_MAX };
        let batch = log.log.read(position, limit).map_err(|error| DeliveryError::Read { reason: error.to_string() })?;
        // Expired records are skipped over, perhaps to beyond the range.
        if batch.next_ordinal() <= position {
            break;
        }
        position = batch.next_ordinal();
        let is_within = batch.records().next().is_some_and(|record| record.ordinal < range.to);
        if is_within {
            batches.push((range.log, batch));
        }
    }
    Ok(())
}
