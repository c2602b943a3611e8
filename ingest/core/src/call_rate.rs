//! [`CallRates`]: how often the operations of a door may be called.
//!
//! A rate is a column of the door's table ([`Operations::rates`](crate::Operations::rates)); what it is counted for (an
//! account, a resource) is known only when the request is understood, so the door asks for it then
//! ([`Context::admits_call`](crate::Context::admits_call)). Each account, or resource, has a token bucket of its own that
//! holds the calls of one second.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use shard_store::clock::Clock;

/// How often an operation may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRate {
    /// Calls a second, all of which may come at once.
    pub per_second: u32,
    /// What has a rate of its own.
    pub per: Scope,
}

/// What has a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each account in each region.
    Account,
    /// Each resource, such as a stream.
    Resource,
    /// Each part of a resource, such as a shard.
    Part,
}

/// The calls that each account and resource has left for the moment. Those that were idle for a second are forgotten.
pub struct CallRates {
    clock: Arc<dyn Clock>,
    buckets: Mutex<Buckets>,
}

impl fmt::Debug for CallRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRates").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Buckets {
    by_key: HashMap<Key, Bucket>,
    /// With how many buckets those that are full are looked for: twice as many as the last search left.
    sweep_at: usize,
}

/// What has a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) operation: &'static str,
    pub(crate) account: String,
    pub(crate) region: Arc<str>,
    /// The resource, or its part; empty for the account itself.
    pub(crate) name: String,
}

/// The fewest buckets that are worth a search.
const SWEEP_MIN: usize = 64;

/// How long it takes to fill an empty bucket, in milliseconds.
const FULL_AFTER_MS: u64 = 1_000;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a call.
    balance_milli: u64,
    refilled_ms: u64,
}

impl Bucket {
    fn take(&mut self, per_second: u32, now_ms: u64) -> bool {
        let elapsed_ms = now_ms.saturating_sub(self.refilled_ms).min(FULL_AFTER_MS);
        // A call a second is a thousandth of one a millisecond.
        let credit_milli = elapsed_ms * u64::from(per_second);
        self.balance_milli = (self.balance_milli + credit_milli).min(u64::from(per_second) * FULL_AFTER_MS);
        // Also when the clock was set back, or the bucket would stay empty until it has caught up.
        self.refilled_ms = now_ms;
        let is_admitted = self.balance_milli >= FULL_AFTER_MS;
        if is_admitted {
            self.balance_milli -= FULL_AFTER_MS;
        }
        is_admitted
    }
}

impl CallRates {
    /// Nobody has called yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, buckets: Mutex::default() }
    }

    /// Whether there is a call left, which is then taken.
    pub(crate) fn admit(&self, key: Key, per_second: u32) -> bool {
        let now_ms = self.clock.unix_millis();
        let mut buckets = self.buckets.lock();
        if buckets.by_key.len() >= buckets.sweep_at.max(SWEEP_MIN) {
            // A bucket of which nothing was taken for so long is full, as one that is not there.
            buckets.by_key.retain(|_, bucket| now_ms.abs_diff(bucket.refilled_ms) < FULL_AFTER_MS);
            buckets.sweep_at = buckets.by_key.len() * 2;
        }
        let full = Bucket { balance_milli: u64::from(per_second) * FULL_AFTER_MS, refilled_ms: now_ms };
        buckets.by_key.entry(key).or_insert(full).take(per_second, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use shard_store::clock::ManualClock;

    use super::*;

    fn key(name: &str) -> Key {
        Key { operation: "Split", account: "1".to_owned(), region: "r".into(), name: name.to_owned() }
    }

    fn rates() -> (Arc<ManualClock>, CallRates) {
        let clock = Arc::new(ManualClock::new(1_000_000));
        (Arc::clone(&clock), CallRates::new(clock))
    }

    #[test]
    fn a_second_s_calls_may_come_at_once_and_one_more_each_fifth() {
        let (clock, rates) = rates();
        let admitted = |count: usize| (0..count).filter(|_| rates.admit(key("a"), 5)).count();
        assert_eq!(admitted(9), 5);
        clock.advance(199);
        assert_eq!(admitted(1), 0);
        clock.advance(1);
        assert_eq!(admitted(2), 1);
        clock.advance(3_600_000);
        assert_eq!(admitted(9), 5);
    }

    #[test]
    fn each_key_has_its_own_calls() {
        let (_, rates) = rates();
        let region = Key { region: "s".into(), ..key("a") };
        let operation = Key { operation: "Merge", ..key("a") };
        for key in [key("a"), key("b"), region, operation] {
            assert!(rates.admit(key.clone(), 1) && !rates.admit(key, 1));
        }
    }

    #[test]
    fn the_idle_are_forgotten_and_the_busy_are_not() {
        let (clock, rates) = rates();
        for index in 0..10_000 {
            rates.admit(key(&index.to_string()), 5);
            clock.advance(10);
        }
        let kept = rates.buckets.lock().by_key.len();
        assert!(kept <= 2 * 100 + SWEEP_MIN, "{kept}");
        assert!(rates.admit(key("busy"), 1));
        for index in 0..1_000 {
            rates.admit(key(&format!("other {index}")), 1);
        }
        assert!(!rates.admit(key("busy"), 1));
    }
}
