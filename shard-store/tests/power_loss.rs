//! Power loss: what was not synced is gone, page by page at random, and so are names whose directory was not synced.
//!
//! With `fsync` durability everything acknowledged is there afterwards, in order; what was not acknowledged is there whole or
//! not at all. With the other two, what is there is a prefix of what was appended.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::faults::PowerFs;
use common::{Kept, START_MS, append, compacting, open, open_on, read_all, runtime};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use shard_store::Durability;
use shard_store::clock::ManualClock;

const LOGS: usize = 3;

/// A batch: its log, the sizes of its records, and what happens next.
type Batch = (usize, Vec<usize>, Next);

#[derive(Clone, Debug)]
enum Next {
    Nothing,
    /// Whatever can be compacted is.
    Compact,
    /// So many per cent of the log's records may go; their files are used again.
    Trim(u64),
}

fn run(durability: Durability, batches: &[Batch], seed: u64, odds_percent: u64) {
    let dir = tempfile::tempdir().unwrap();
    let fs = Arc::new(PowerFs::default());
    let clock = Arc::new(ManualClock::new(START_MS));
    let store = open_on(Arc::clone(&fs) as Arc<_>, dir.path(), compacting(durability), &clock).unwrap();
    let ids = store.allocate_logs(LOGS as u32).unwrap();
    let runtime = runtime();
    let mut appended: Vec<Vec<Kept>> = vec![Vec::new(); LOGS];
    let mut trimmed = [0; LOGS];
    for (n, (log, sizes, next)) in batches.iter().enumerate() {
        let batch: Vec<_> = sizes.iter().enumerate().map(|(m, size)| Kept::new((n * 100 + m) as u64, *size)).collect();
        append(&runtime, &*store.log(ids[*log]), &batch).unwrap();
        appended[*log].extend(batch);
        match next {
            Next::Nothing => {}
            Next::Compact => store.compact(),
            Next::Trim(percent) => {
                let before = appended[*log].len() as u64 * percent / 100;
                store.log(ids[*log]).trim_before(before).unwrap();
                trimmed[*log] = before.max(trimmed[*log]);
            }
        }
    }
    let mut random = seed;
    let survives = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % 100 < odds_percent
    };
    let after = tempfile::tempdir().unwrap();
    fs.cut_power(dir.path(), after.path(), survives);
    let store = open(after.path(), compacting(durability)).unwrap();
    for ((id, appended), trimmed) in ids.iter().zip(&appended).zip(trimmed) {
        let log = store.log(*id);
        let (start, found) = (log.start(), read_all(&*log));
        assert!(start <= trimmed, "nothing is gone that was to be kept");
        match durability {
            Durability::Fsync => assert_eq!(found, appended[start as usize..]),
            _ => assert!(appended[start as usize..].starts_with(&found), "a prefix is left"),
        }
    }
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        8 => Just(Next::Nothing),
        1 => Just(Next::Compact),
        1 => (0u64..=100).prop_map(Next::Trim),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let batch = (0..LOGS, prop::collection::vec(0usize..6_000, 1..5), next());
    prop::collection::vec(batch, 1..80)
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32);
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("regressions")) as Box<_>);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_fsync_store_loses_nothing(batches in batches(), seed in any::<u64>(), odds in 0u64..=100) {
        run(Durability::Fsync, &batches, seed, odds);
    }

    #[test]
    fn an_interval_store_keeps_a_prefix(batches in batches(), seed in any::<u64>(), odds in 0u64..=100) {
        run(Durability::Interval, &batches, seed, odds);
    }

    #[test]
    fn a_page_cache_store_keeps_a_prefix(batches in batches(), seed in any::<u64>(), odds in 0u64..=100) {
        run(Durability::PageCache, &batches, seed, odds);
    }
}
