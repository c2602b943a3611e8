//! One shard of a stream: a log with a hash range, a place in the stream's history, and throttles.
//!
//! A shard is an immutable description around its log; closing it makes a new description of the same log. Idle ones
//! cost little, so that a stream may have thousands.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::definition::ShardDefinition;
use super::error::PositionError;
use super::hash_range::HashRange;
use super::load::Meter;
use super::monitoring::{ShardCounters, ShardMetric};
use super::sequence::{SequenceNumber, write_right_aligned};
use super::throttle::{ReadThrottle, WriteThrottle};
use crate::log::{Log, LogId, ReadLimit};

const SHARD_ID_PREFIX: &str = "shardId-";
const SHARD_ID_DIGITS: usize = 12;

/// The characters of every shard id.
pub const SHARD_ID_CHARS: usize = SHARD_ID_PREFIX.len() + SHARD_ID_DIGITS;

/// Names a shard within its stream; its text is `shardId-` and 12 digits. Numbers are never used twice in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardNumber(pub u32);

impl ShardNumber {
    /// The characters of its id, all ASCII.
    pub fn to_chars(self) -> [u8; SHARD_ID_CHARS] {
        let mut chars = [b'0'; SHARD_ID_CHARS];
        let (prefix, digits) = chars.split_at_mut(SHARD_ID_PREFIX.len());
        prefix.copy_from_slice(SHARD_ID_PREFIX.as_bytes());
        write_right_aligned(digits, u64::from(self.0));
        chars
    }
}

impl fmt::Display for ShardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_chars()).map_err(|_| fmt::Error)?)
    }
}

/// A text is not the id of any shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a shard id")]
pub struct NotAShardId;

impl FromStr for ShardNumber {
    type Err = NotAShardId;

    fn from_str(text: &str) -> Result<Self, NotAShardId> {
        let digits = text.strip_prefix(SHARD_ID_PREFIX).ok_or(NotAShardId)?;
        if digits.len() != SHARD_ID_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAShardId);
        }
        digits.parse().map(Self).map_err(|_| NotAShardId)
    }
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// At the oldest record that is kept.
    TrimHorizon,
    /// Behind the newest record.
    Latest,
    /// At the record with this sequence number.
    AtSequenceNumber(SequenceNumber),
    /// Behind the record with this sequence number.
    AfterSequenceNumber(SequenceNumber),
    /// At the first record that arrived at this time or later, in milliseconds since the Unix epoch.
    AtTimestamp(u64),
}

/// One shard.
pub struct Shard {
    definition: ShardDefinition,
    log: Arc<dyn Log>,
    pub(super) writes: WriteThrottle,
    pub(super) reads: Arc<ReadThrottle>,
    meter: Meter,
    /// Counted only while its stream is monitored.
    pub(super) counters: Arc<ShardCounters>,
    /// See [`Shard::ended_ms`].
    ended_ms: OnceLock<u64>,
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard").field("definition", &self.definition).finish_non_exhaustive()
    }
}

impl Shard {
    pub(super) fn new(definition: ShardDefinition, log: Arc<dyn Log>, now_ms: u64) -> Self {
        let reads = Arc::new(ReadThrottle::new(now_ms));
        Self::around(definition, log, reads, now_ms)
    }

    fn around(definition: ShardDefinition, log: Arc<dyn Log>, reads: Arc<ReadThrottle>, now_ms: u64) -> Self {
        let (writes, meter) = (WriteThrottle::new(now_ms), Meter::new(now_ms));
        Self { definition, log, writes, reads, meter, counters: Arc::default(), ended_ms: OnceLock::new() }
    }

    /// This shard once `definition`, which closes it, has taken the place of its own, and its log is sealed.
    pub(super) fn close(&self, definition: ShardDefinition, now_ms: u64) -> Self {
        debug_assert!(definition.log == self.definition.log && definition.closed_ms.is_some());
        let closed = Self::around(definition, Arc::clone(&self.log), Arc::clone(&self.reads), now_ms);
        Self { counters: Arc::clone(&self.counters), ..closed }
    }

    /// Takes a reading of what was asked of it since the last one, in thousandths of what a shard takes.
    pub(super) fn read_load(&self, now_ms: u64) -> u64 {
        self.meter.read(self.writes.asked(), now_ms)
    }

    /// The load that was read last, likewise.
    pub(super) fn last_load(&self) -> u64 {
        self.meter.milli()
    }

    /// Whether every reading of a day found it idle.
    pub(super) fn is_cold(&self, now_ms: u64) -> bool {
        self.meter.is_cold(now_ms)
    }

    /// Begins to measure its load anew.
    pub(super) fn forget_load(&self, now_ms: u64) {
        self.meter.restart(self.writes.asked(), now_ms);
    }

    /// As it is stored.
    pub(super) fn definition(&self) -> &ShardDefinition {
        &self.definition
    }

    /// Its number.
    pub fn number(&self) -> ShardNumber {
        self.definition.number
    }

    /// The hash keys that it takes, or took while it was open.
    pub fn range(&self) -> HashRange {
        self.definition.range
    }

    /// The shard it came from by a split, or the first of the two it came from by a merge.
    pub fn parent(&self) -> Option<ShardNumber> {
        self.definition.parent
    }

    /// The other of the two shards that it came from by a merge.
    pub fn adjacent_parent(&self) -> Option<ShardNumber> {
        self.definition.adjacent_parent
    }

    /// When it was created, in milliseconds since the Unix epoch.
    pub fn created_ms(&self) -> u64 {
        self.definition.created_ms
    }

    /// Whether it takes records.
    pub fn is_open(&self) -> bool {
        self.definition.closed_ms.is_none()
    }

    /// When it ended, in milliseconds since the Unix epoch, if it did: when it was closed, or when its last record
    /// arrived. Records on their way while it is closed arrive a little later than that.
    pub fn ended_ms(&self) -> Option<u64> {
        let closed_ms = self.definition.closed_ms?;
        Some(*self.ended_ms.get_or_init(|| {
            let last = self.log.end().saturating_sub(1);
            let read = self.log.read(last, ReadLimit { record_count: 1, byte_count: 0 });
            // Damage is for the readers of the records to complain of.
            let arrival_ms = read.ok().and_then(|batch| batch.records().next().map(|record| record.arrival_ms));
            arrival_ms.map_or(closed_ms, |arrival_ms| arrival_ms.max(closed_ms))
        }))
    }

    /// Whether it ended before a time in milliseconds since the Unix epoch.
    pub(super) fn ended_before(&self, time_ms: u64) -> bool {
        // Most shards are open, or were closed too lately for their records to matter.
        self.definition.closed_ms.is_some_and(|closed_ms| closed_ms < time_ms)
            && self.ended_ms().is_some_and(|ended_ms| ended_ms < time_ms)
    }

    /// What was counted while its stream was monitored, since the server started; an age in milliseconds, as it was last.
    pub fn metric(&self, metric: ShardMetric) -> u64 {
        self.counters.value(metric)
    }

    /// The id of its log.
    pub fn log_id(&self) -> LogId {
        self.definition.log
    }

    /// Its records.
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// The sequence number of the record at `ordinal`.
    pub fn sequence_number(&self, ordinal: u64) -> SequenceNumber {
        SequenceNumber::of_record(self.definition.generation, self.definition.number, ordinal)
    }

    /// The sequence number at which it starts, less than that of each of its records.
    pub fn starting_sequence_number(&self) -> SequenceNumber {
        SequenceNumber::of_start(self.definition.generation, self.definition.number)
    }

    /// The sequence number behind which a reader goes on at `ordinal`: that of the record before, or of the shard's start.
    pub fn sequence_number_before(&self, ordinal: u64) -> SequenceNumber {
        ordinal.checked_sub(1).map_or_else(|| self.starting_sequence_number(), |before| self.sequence_number(before))
    }

    /// The sequence number at which it ends, greater than that of each of its records, once it is closed.
    pub fn ending_sequence_number(&self) -> Option<SequenceNumber> {
        (!self.is_open()).then(|| self.sequence_number(self.log.end()))
    }

    /// The ordinal where a reader begins.
    ///
    /// # Errors
    /// `OtherShard` and `OtherStream` for a sequence number that this shard never gave out, `InFuture` for a time after
    /// `now_ms`, `Read` if the log cannot be searched.
    pub fn position(&self, start: StartingPosition, now_ms: u64) -> Result<u64, PositionError> {
        match start {
            StartingPosition::TrimHorizon => Ok(self.log.start()),
            StartingPosition::Latest => Ok(self.log.end()),
            StartingPosition::AtSequenceNumber(sequence) => {
                self.position_check_sequence(sequence)?;
                Ok(sequence.ordinal_at().min(self.log.end()))
            }
            StartingPosition::AfterSequenceNumber(sequence) => {
                self.position_check_sequence(sequence)?;
                Ok(sequence.ordinal_after().min(self.log.end()))
            }
            StartingPosition::AtTimestamp(timestamp_ms) if timestamp_ms > now_ms => {
                Err(PositionError::InFuture { timestamp_ms, now_ms })
            }
            StartingPosition::AtTimestamp(timestamp_ms) => Ok(self.log.position_at(timestamp_ms)?),
        }
    }

    fn position_check_sequence(&self, sequence: SequenceNumber) -> Result<(), PositionError> {
        if sequence.shard() != self.number() {
            return Err(PositionError::OtherShard { encoded: sequence.shard(), shard: self.number() });
        }
        // The ending sequence number of a closed shard stands for the position at the end, one past the last record.
        let last_ordinal = if self.is_open() { self.log.end().saturating_sub(1) } else { self.log.end() };
        if sequence.generation() != self.definition.generation || sequence.ordinal_at() > last_ordinal {
            return Err(PositionError::OtherStream);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_id_has_twelve_digits() {
        assert_eq!(ShardNumber(7).to_string(), "shardId-000000000007");
        assert_eq!(ShardNumber(u32::MAX).to_string().len(), SHARD_ID_CHARS);
        assert_eq!("shardId-000000000007".parse(), Ok(ShardNumber(7)));
        for refused in ["", "7", "shardId-7", "shardId-0000000000007", "shardId-00000000000x", "shardId-999999999999"] {
            assert_eq!(refused.parse::<ShardNumber>(), Err(NotAShardId), "{refused}");
        }
    }
}
