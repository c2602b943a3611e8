//! How much a delivery stream takes by direct puts: calls, records and bytes a second.
//!
//! Source: Firehose API Reference, "PutRecord": 2,000 calls, 5,000 records and 5 MiB a second in all, from PutRecord and
//! PutRecordBatch together, or more in proportion where more bytes are asked for. Capacity is that of one second.

use parking_lot::Mutex;

use crate::limits::{PUT_BYTES_PER_SECOND, PUT_CALLS_PER_SECOND, PUT_RECORDS_PER_SECOND};

/// Thousandths of calls, records and bytes that may still be put.
#[derive(Debug)]
struct Credit {
    calls: u64,
    records: u64,
    bytes: u64,
    refilled_ms: u64,
}

/// What is admitted in a second.
#[derive(Clone, Copy, Debug)]
struct Rates {
    calls: u64,
    records: u64,
    bytes: u64,
}

impl Rates {
    /// The rates with so many bytes a second; not less than those of AWS.
    fn with_bytes(bytes: u64) -> Self {
        let bytes = bytes.max(PUT_BYTES_PER_SECOND);
        let in_proportion = |rate: u64| rate * bytes / PUT_BYTES_PER_SECOND;
        Self { calls: in_proportion(PUT_CALLS_PER_SECOND), records: in_proportion(PUT_RECORDS_PER_SECOND), bytes }
    }
}

/// Admits puts to one delivery stream.
#[derive(Debug)]
pub(crate) struct PutThrottle {
    rates: Rates,
    credit: Mutex<Credit>,
}

const fn milli(units: u64) -> u64 {
    units * 1_000
}

impl PutThrottle {
    /// Admits so many MiB a second, if that is more than without.
    pub(crate) fn new(now_ms: u64, mib_per_second: Option<u32>) -> Self {
        let rates = Rates::with_bytes(u64::from(mib_per_second.unwrap_or_default()) * 1024 * 1024);
        let credit = Credit {
            calls: milli(rates.calls),
            records: milli(rates.records),
            bytes: milli(rates.bytes),
            refilled_ms: now_ms,
        };
        Self { rates, credit: Mutex::new(credit) }
    }

    /// Asks for one call with records of these sizes; returns how many of them are admitted, from the first one on.
    pub(crate) fn admit(&self, now_ms: u64, byte_counts: impl Iterator<Item = usize>) -> usize {
        let mut credit = self.credit.lock();
        credit.refill(now_ms, self.rates);
        let Some(calls) = credit.calls.checked_sub(milli(1)) else { return 0 };
        credit.calls = calls;
        let mut admitted_count = 0;
        for byte_count in byte_counts {
            let byte_cost = milli(byte_count as u64);
            let (Some(records), Some(bytes)) =
                (credit.records.checked_sub(milli(1)), credit.bytes.checked_sub(byte_cost))
            else {
                break;
            };
            (credit.records, credit.bytes) = (records, bytes);
            admitted_count += 1;
        }
        admitted_count
    }
}

impl Credit {
    fn refill(&mut self, now_ms: u64, rates: Rates) {
        // A clock that was set back gives no credit, and does not stop the refill either.
        let elapsed_ms = now_ms.saturating_sub(self.refilled_ms).min(1_000);
        self.refilled_ms = now_ms;
        let refill = |credit: &mut u64, per_second: u64| {
            *credit = (*credit + per_second * elapsed_ms).min(milli(per_second));
        };
        refill(&mut self.calls, rates.calls);
        refill(&mut self.records, rates.records);
        refill(&mut self.bytes, rates.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_three_limits_holds_for_a_second() {
        let throttle = PutThrottle::new(0, None);
        assert_eq!((0..2_001).filter(|_| throttle.admit(0, [1].into_iter()) == 1).count(), 2_000);
        let throttle = PutThrottle::new(0, None);
        assert_eq!(throttle.admit(0, [1; 6_000].into_iter()), 5_000);
        assert_eq!(throttle.admit(1, [1; 10].into_iter()), 5);
        let throttle = PutThrottle::new(0, None);
        assert_eq!(throttle.admit(0, [1_000_000; 6].into_iter()), 5);
        assert_eq!(throttle.admit(500, [1_000_000; 6].into_iter()), 2);
    }

    #[test]
    fn more_bytes_a_second_admit_more_calls_and_records_in_proportion() {
        let throttle = PutThrottle::new(0, Some(10));
        assert_eq!(throttle.admit(0, [1_000_000; 20].into_iter()), 10);
        let throttle = PutThrottle::new(0, Some(10));
        assert_eq!(throttle.admit(0, [1; 12_000].into_iter()), 10_000);
        let throttle = PutThrottle::new(0, Some(1));
        assert_eq!(throttle.admit(0, [1; 6_000].into_iter()), 5_000);
    }

    #[test]
    fn credit_never_exceeds_one_second_and_a_clock_set_back_gives_none() {
        let throttle = PutThrottle::new(10_000, None);
        assert_eq!(throttle.admit(3_600_000, [1; 6_000].into_iter()), 5_000);
        assert_eq!(throttle.admit(0, [1; 10].into_iter()), 0);
        assert_eq!(throttle.admit(1, [1; 10].into_iter()), 5);
    }
}
