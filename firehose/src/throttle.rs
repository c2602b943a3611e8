//! How much a delivery stream takes by direct puts: calls, records and bytes a second.
//!
//! Source: Firehose API Reference, "PutRecord": 2,000 calls, 5,000 records and 5 MiB a second in all, from PutRecord and
//! PutRecordBatch together. Capacity is that of one second.

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

/// Admits puts to one delivery stream.
#[derive(Debug)]
pub(crate) struct PutThrottle(Mutex<Credit>);

const fn milli(units: u64) -> u64 {
    units * 1_000
}

impl PutThrottle {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self(Mutex::new(Credit {
            calls: milli(PUT_CALLS_PER_SECOND),
            records: milli(PUT_RECORDS_PER_SECOND),
            bytes: milli(PUT_BYTES_PER_SECOND),
            refilled_ms: now_ms,
        }))
    }

    /// Asks for one call with records of these sizes; returns how many of them are admitted, from the first one on.
    pub(crate) fn admit(&self, now_ms: u64, byte_counts: impl Iterator<Item = usize>) -> usize {
        let mut credit = self.0.lock();
        credit.refill(now_ms);
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
    fn refill(&mut self, now_ms: u64) {
        // A clock that was set back gives no credit, and does not stop the refill either.
        let elapsed_ms = now_ms.saturating_sub(self.refilled_ms).min(1_000);
        self.refilled_ms = now_ms;
        let refill = |credit: &mut u64, per_second: u64| {
            *credit = (*credit + per_second * elapsed_ms).min(milli(per_second));
        };
        refill(&mut self.calls, PUT_CALLS_PER_SECOND);
        refill(&mut self.records, PUT_RECORDS_PER_SECOND);
        refill(&mut self.bytes, PUT_BYTES_PER_SECOND);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_three_limits_holds_for_a_second() {
        let throttle = PutThrottle::new(0);
        assert_eq!((0..2_001).filter(|_| throttle.admit(0, [1].into_iter()) == 1).count(), 2_000);
        let throttle = PutThrottle::new(0);
        assert_eq!(throttle.admit(0, [1; 6_000].into_iter()), 5_000);
        assert_eq!(throttle.admit(1, [1; 10].into_iter()), 5);
        let throttle = PutThrottle::new(0);
        assert_eq!(throttle.admit(0, [1_000_000; 6].into_iter()), 5);
        assert_eq!(throttle.admit(500, [1_000_000; 6].into_iter()), 2);
    }

    #[test]
    fn credit_never_exceeds_one_second_and_a_clock_set_back_gives_none() {
        let throttle = PutThrottle::new(10_000);
        assert_eq!(throttle.admit(3_600_000, [1; 6_000].into_iter()), 5_000);
        assert_eq!(throttle.admit(0, [1; 10].into_iter()), 0);
        assert_eq!(throttle.admit(1, [1; 10].into_iter()), 5);
    }
}
