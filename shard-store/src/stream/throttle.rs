//! Token buckets, one for what a shard takes and one for what it gives.
//!
//! A bucket holds the credit of one second. It refills by the millisecond, as the injected clock shows it, and whoever
//! is refused costs it nothing. Time that seems to run backwards adds no credit.
//!
//! Waiting is left to the clients: a throttle only says yes or no.

use super::limits::{
    CONSUMER_READ_BYTES_PER_SECOND, SHARD_READ_BYTES_PER_SECOND, SHARD_READ_CALLS_PER_SECOND,
    SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND,
};
use super::load::Load;
use crate::sync::Mutex;

/// A balance in thousandths of a unit: a rate of units a second is then the same number of thousandths a millisecond.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    balance_milli: i64,
    units_per_second: i64,
}

impl Bucket {
    fn full(units_per_second: u64) -> Self {
        let units_per_second = i64::try_from(units_per_second).unwrap_or(i64::MAX / 1_000);
        Self { balance_milli: units_per_second.saturating_mul(1_000), units_per_second }
    }

    fn capacity_milli(&self) -> i64 {
        self.units_per_second.saturating_mul(1_000)
    }

    fn refill(&mut self, elapsed_ms: u64) {
        let elapsed_ms = i64::try_from(elapsed_ms).unwrap_or(i64::MAX);
        let credit = self.units_per_second.saturating_mul(elapsed_ms);
        self.balance_milli = self.balance_milli.saturating_add(credit).min(self.capacity_milli());
    }

    /// Whether `units` can be taken. More than the whole capacity can be, from a full bucket: the debt is then paid off
    /// before anything else is admitted.
    fn affords(&self, units: u64) -> bool {
        self.balance_milli >= milli(units).min(self.capacity_milli())
    }

    fn take(&mut self, units: u64) {
        self.balance_milli = self.balance_milli.saturating_sub(milli(units));
    }
}

fn milli(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX).saturating_mul(1_000)
}

/// Two buckets with one time of their last refill.
#[derive(Debug)]
struct Pair {
    bytes: Bucket,
    count: Bucket,
    refilled_ms: u64,
}

impl Pair {
    fn full(bytes_per_second: u64, count_per_second: u64, now_ms: u64) -> Self {
        Self { bytes: Bucket::full(bytes_per_second), count: Bucket::full(count_per_second), refilled_ms: now_ms }
    }

    fn refill(&mut self, now_ms: u64) {
        let elapsed_ms = now_ms.saturating_sub(self.refilled_ms);
        self.bytes.refill(elapsed_ms);
        self.count.refill(elapsed_ms);
        // Also when the clock was set back, or the shard would stand still until it has caught up.
        self.refilled_ms = now_ms;
    }
}

/// Admits records to one shard: 1 MiB and 1,000 records a second.
///
/// A record larger than what a second carries is admitted by a full bucket and paid off afterwards.
/// Source: Kinesis Data Streams Developer Guide, "Quotas and limits" and "Handling large records".
#[derive(Debug)]
pub(crate) struct WriteThrottle(Mutex<Writes>);

#[derive(Debug)]
struct Writes {
    pair: Pair,
    /// All that was ever asked for, admitted or not.
    asked: Load,
}

impl WriteThrottle {
    pub(crate) fn new(now_ms: u64) -> Self {
        let pair = Pair::full(SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND, now_ms);
        Self(Mutex::new(Writes { pair, asked: Load::default() }))
    }

    /// All that was ever asked for, admitted or not.
    pub(super) fn asked(&self) -> Load {
        self.0.lock().asked
    }

    /// Asks for each of `records`, which come with their bytes, in turn and tells `verdict` whether it is admitted.
    pub(crate) fn admit<T>(
        &self,
        now_ms: u64,
        records: impl IntoIterator<Item = (T, usize)>,
        verdict: impl FnMut(T, bool),
    ) {
        self.0.lock().decide(now_ms, records, true, verdict);
    }

    /// As [`WriteThrottle::admit`], for records that another shard may take: what is refused does not count as asked for.
    pub(super) fn offer<T>(
        &self,
        now_ms: u64,
        records: impl IntoIterator<Item = (T, usize)>,
        verdict: impl FnMut(T, bool),
    ) {
        self.0.lock().decide(now_ms, records, false, verdict);
    }

    /// As [`WriteThrottle::offer`], for one record of `byte_count` bytes.
    pub(super) fn offer_one(&self, now_ms: u64, byte_count: usize) -> bool {
        let mut is_admitted = false;
        self.offer(now_ms, [((), byte_count)], |(), verdict| is_admitted = verdict);
        is_admitted
    }

    /// Counts records of so many bytes that no shard took as asked for.
    pub(super) fn count_refused(&self, byte_counts: impl IntoIterator<Item = usize>) {
        let mut writes = self.0.lock();
        byte_counts.into_iter().for_each(|byte_count| writes.asked.count(byte_count));
    }

    /// Asks for one record of `byte_count` bytes.
    pub(crate) fn admit_one(&self, now_ms: u64, byte_count: usize) -> bool {
        let mut is_admitted = false;
        self.admit(now_ms, [((), byte_count)], |(), verdict| is_admitted = verdict);
        is_admitted
    }
}

impl Writes {
    fn decide<T>(
        &mut self,
        now_ms: u64,
        records: impl IntoIterator<Item = (T, usize)>,
        counts_refused: bool,
        mut verdict: impl FnMut(T, bool),
    ) {
        let Self { pair, asked } = self;
        pair.refill(now_ms);
        for (record, byte_count) in records {
            let bytes = byte_count as u64;
            let is_admitted = pair.bytes.affords(bytes) && pair.count.affords(1);
            if is_admitted {
                pair.bytes.take(bytes);
                pair.count.take(1);
            }
            if is_admitted || counts_refused {
                asked.count(byte_count);
            }
            verdict(record, is_admitted);
        }
    }
}

/// Admits reads of one shard: 5 calls and 2 MiB a second.
///
/// The bytes of a read are known only afterwards, so a read may overdraw; the debt is paid off before the next one is
/// admitted. A read of more than a second's bytes also forfeits the credit there was: after 10 MiB the shard is
/// throttled for five seconds. Source: Kinesis Data Streams API Reference, "GetRecords".
#[derive(Debug)]
pub(crate) struct ReadThrottle(Mutex<Pair>);

impl ReadThrottle {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self(Mutex::new(Pair::full(SHARD_READ_BYTES_PER_SECOND, SHARD_READ_CALLS_PER_SECOND, now_ms)))
    }

    /// Asks for one read.
    pub(crate) fn admit(&self, now_ms: u64) -> bool {
        let mut pair = self.0.lock();
        pair.refill(now_ms);
        let is_admitted = pair.bytes.balance_milli >= 0 && pair.count.affords(1);
        if is_admitted {
            pair.count.take(1);
        }
        is_admitted
    }

    /// Charges an admitted read with the bytes that it returned.
    pub(crate) fn charge(&self, byte_count: usize) {
        let bytes = byte_count as u64;
        let mut pair = self.0.lock();
        if milli(bytes) > pair.bytes.capacity_milli() {
            pair.bytes.balance_milli = pair.bytes.balance_milli.min(0);
        }
        pair.bytes.take(bytes);
    }
}

/// Holds back what one registered consumer gets of one shard: 2 MiB a second, whatever others read.
///
/// As with `GetRecords`, the bytes are known only afterwards, and the debt is paid off before more is due.
/// Source: Kinesis Data Streams API Reference, "RegisterStreamConsumer".
#[derive(Debug)]
pub struct ConsumerThrottle {
    bytes: Bucket,
    refilled_ms: u64,
}

impl ConsumerThrottle {
    /// With the credit of one second.
    pub fn new(now_ms: u64) -> Self {
        Self { bytes: Bucket::full(CONSUMER_READ_BYTES_PER_SECOND), refilled_ms: now_ms }
    }

    /// For how many milliseconds nothing more is due.
    pub fn wait_ms(&mut self, now_ms: u64) -> u64 {
        self.bytes.refill(now_ms.saturating_sub(self.refilled_ms));
        self.refilled_ms = now_ms;
        let debt_milli = self.bytes.balance_milli.min(0).unsigned_abs();
        debt_milli.div_ceil(self.bytes.units_per_second.unsigned_abs().max(1))
    }

    /// Charges what was given.
    pub fn charge(&mut self, byte_count: usize) {
        self.bytes.take(byte_count as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn admitted(throttle: &WriteThrottle, now_ms: u64, byte_counts: &[usize]) -> Vec<bool> {
        let mut verdicts = Vec::new();
        throttle.admit(now_ms, byte_counts.iter().map(|count| ((), *count)), |(), verdict| verdicts.push(verdict));
        verdicts
    }

    #[test]
    fn a_shard_takes_a_thousand_records_at_once_and_one_more_each_millisecond() {
        let throttle = WriteThrottle::new(0);
        let verdicts = admitted(&throttle, 0, &[1; 1_001]);
        assert_eq!(verdicts.iter().filter(|admitted| **admitted).count(), 1_000);
        assert!(!verdicts[1_000]);
        assert_eq!(admitted(&throttle, 3, &[1; 5]), [true, true, true, false, false]);
    }

    #[test]
    fn a_shard_takes_one_mebibyte_a_second() {
        let throttle = WriteThrottle::new(0);
        assert_eq!(admitted(&throttle, 0, &[MIB / 2, MIB / 2, 1]), [true, true, false]);
        assert_eq!(admitted(&throttle, 500, &[MIB / 2, 1]), [true, false]);
    }

    #[test]
    fn a_smaller_record_passes_where_a_larger_one_was_refused() {
        let throttle = WriteThrottle::new(0);
        assert_eq!(admitted(&throttle, 0, &[MIB - 10, 11, 10]), [true, false, true]);
    }

    #[test]
    fn credit_never_exceeds_one_second() {
        let throttle = WriteThrottle::new(0);
        assert_eq!(admitted(&throttle, 3_600_000, &[MIB, 1]), [true, false]);
    }

    #[test]
    fn a_record_larger_than_a_second_is_paid_off_afterwards() {
        let throttle = WriteThrottle::new(0);
        assert!(throttle.admit_one(0, 4 * MIB));
        assert!(!throttle.admit_one(2_999, 1));
        assert!(throttle.admit_one(3_001, 1));
    }

    #[test]
    fn a_clock_set_back_gives_no_credit_and_does_not_stop_the_refill() {
        let throttle = WriteThrottle::new(10_000);
        assert!(throttle.admit_one(10_000, MIB));
        assert!(!throttle.admit_one(5_000, MIB));
        assert!(throttle.admit_one(6_000, MIB));
    }

    #[test]
    fn the_sixth_read_within_a_second_is_refused() {
        let throttle = ReadThrottle::new(0);
        assert_eq!((0..6).map(|_| throttle.admit(0)).collect::<Vec<_>>(), [true, true, true, true, true, false]);
        assert!(throttle.admit(200));
        assert!(!throttle.admit(200));
    }

    #[test]
    fn after_ten_mebibytes_reads_are_refused_for_five_seconds() {
        let throttle = ReadThrottle::new(0);
        assert!(throttle.admit(0));
        throttle.charge(10 * MIB);
        assert!(!throttle.admit(4_999));
        assert!(throttle.admit(5_000));
    }

    #[test]
    fn a_consumer_gets_two_mebibytes_a_second_on_the_average() {
        let mut throttle = ConsumerThrottle::new(0);
        throttle.charge(2 * MIB);
        assert_eq!(throttle.wait_ms(0), 0);
        throttle.charge(2 * MIB);
        assert_eq!((throttle.wait_ms(0), throttle.wait_ms(400), throttle.wait_ms(1_000)), (1_000, 600, 0));
        assert_eq!(throttle.wait_ms(3_600_000), 0);
        throttle.charge(3 * MIB);
        assert_eq!(throttle.wait_ms(3_600_000), 500);
    }

    #[test]
    fn small_reads_share_two_mebibytes_a_second() {
        let throttle = ReadThrottle::new(0);
        for _ in 0..3 {
            assert!(throttle.admit(0));
            throttle.charge(MIB);
        }
        assert!(!throttle.admit(499));
        assert!(throttle.admit(500));
    }
}
