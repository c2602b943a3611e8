//! How much producers ask of a shard: [`Load`], counted by its throttle, and [`Meter`], which makes a rate of it.
//!
//! What a throttle refuses counts as well: a throttled shard would otherwise look as if it had just enough. Loads are told
//! in thousandths of what one shard takes, so that the loads of shards can be added up.

use std::time::Duration;

use super::limits::{SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND};
use crate::sync::Mutex;

/// Up to this load, in thousandths, a shard is idle: two of them together have half of what would split their child.
pub(super) const IDLE_MILLI: u64 = 125;

/// For how long a shard must have been idle to be cold.
const COLD_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What was asked of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Data and partition keys.
    pub(super) bytes: u64,
    /// Records.
    pub(super) records: u64,
}

impl Load {
    /// Counts one more record.
    pub(super) fn count(&mut self, byte_count: usize) {
        self.bytes = self.bytes.wrapping_add(byte_count as u64);
        self.records = self.records.wrapping_add(1);
    }

    /// What was added since the total was `earlier`.
    fn since(self, earlier: Self) -> Self {
        Self { bytes: self.bytes.wrapping_sub(earlier.bytes), records: self.records.wrapping_sub(earlier.records) }
    }

    /// Thousandths of a shard's capacity that this takes if it arrives within so many milliseconds, at least 1.
    fn milli_within(self, elapsed_ms: u64) -> u64 {
        let share = |asked: u64, per_second: u64| {
            // Thousandths of a shard times milliseconds of a second.
            let milli = u128::from(asked) * 1_000_000 / (u128::from(per_second) * u128::from(elapsed_ms));
            u64::try_from(milli).unwrap_or(u64::MAX)
        };
        share(self.bytes, SHARD_WRITE_BYTES_PER_SECOND).max(share(self.records, SHARD_WRITE_RECORDS_PER_SECOND))
    }
}

/// The load of one shard between two looks at it.
#[derive(Debug)]
pub(super) struct Meter(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    total: Load,
    read_ms: u64,
    milli: u64,
    /// When it was last more than idle, as far as is known.
    busy_ms: u64,
}

impl Meter {
    /// Of a shard of which nothing is known before `now_ms`. It is not cold for a day.
    pub(super) fn new(now_ms: u64) -> Self {
        Self(Mutex::new(Reading { total: Load::default(), read_ms: now_ms, milli: 0, busy_ms: now_ms }))
    }

    /// Forgets what it knows. `total` is what was asked of the shard up to now.
    pub(super) fn restart(&self, total: Load, now_ms: u64) {
        *self.0.lock() = Reading { total, read_ms: now_ms, milli: 0, busy_ms: now_ms };
    }

    /// Takes a reading. Returns the load since the last one, in thousandths of what a shard takes.
    pub(super) fn read(&self, total: Load, now_ms: u64) -> u64 {
        let mut reading = self.0.lock();
        let Some(elapsed_ms) = now_ms.checked_sub(reading.read_ms) else {
            // The clock was set back: this span cannot be measured, and the next one can.
            (reading.total, reading.read_ms, reading.busy_ms) = (total, now_ms, now_ms);
            return reading.milli;
        };
        if elapsed_ms > 0 {
            reading.milli = total.since(reading.total).milli_within(elapsed_ms);
            (reading.total, reading.read_ms) = (total, now_ms);
        }
        if reading.milli > IDLE_MILLI {
            reading.busy_ms = now_ms;
        }
        reading.milli
    }

    /// The load that was read last.
    pub(super) fn milli(&self) -> u64 {
        self.0.lock().milli
    }

    /// Whether every reading of a day was idle.
    pub(super) fn is_cold(&self, now_ms: u64) -> bool {
        u128::from(now_ms.saturating_sub(self.0.lock().busy_ms)) >= COLD_AFTER.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    fn load(bytes: u64, records: u64) -> Load {
        Load { bytes, records }
    }

    #[test]
    fn a_load_is_the_greater_share_of_bytes_and_records() {
        let meter = Meter::new(0);
        assert_eq!(meter.read(load(512 * 1_024, 10), 1_000), 500);
        assert_eq!(meter.read(load(512 * 1_024, 610), 2_000), 600);
        assert_eq!(meter.read(load(512 * 1_024, 3_610), 3_000), 3_000);
        assert_eq!(meter.milli(), 3_000);
    }

    #[test]
    fn a_second_look_at_the_same_moment_changes_nothing() {
        let meter = Meter::new(0);
        meter.read(load(0, 500), 1_000);
        assert_eq!(meter.read(load(0, 700), 1_000), 500);
        assert_eq!(meter.read(load(0, 1_000), 2_000), 500);
    }

    #[test]
    fn a_shard_is_cold_after_a_day_of_idle_readings() {
        let meter = Meter::new(0);
        meter.read(load(0, 126), 1_000);
        meter.read(load(0, 126 + 125), 2_000);
        assert!(!meter.is_cold(1_000 + DAY_MS - 1));
        assert!(meter.is_cold(1_000 + DAY_MS));
    }

    #[test]
    fn a_clock_set_back_makes_no_load_and_no_cold_shard() {
        let meter = Meter::new(10 * DAY_MS);
        assert_eq!(meter.read(load(0, 1_000), 5_000), 0);
        assert!(!meter.is_cold(10 * DAY_MS / 20));
        assert_eq!(meter.read(load(0, 1_300), 6_000), 300);
    }
}
