//! Random operations on a store, reopening included, agree with a plain model: a vector a log.
//!
//! A crash is a file system that stops at some call; what was acknowledged before it must be there afterwards, and what was
//! not is there whole or not at all. (Killed processes: `ingest/e2e`. Lost pages: `power_loss.rs`.)

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::model::{Action, LOGS, run};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use shard_store::Durability;

fn action() -> impl Strategy<Value = Action> {
    let log = 0..LOGS;
    prop_oneof![
        12 => (log.clone(), prop::collection::vec(0usize..9_000, 1..6)).prop_map(|(log, sizes)| Action::Append { log, sizes }),
        4 => (log.clone(), 0u64..80, 1usize..20, 0usize..30_000)
            .prop_map(|(log, from, record_count, byte_count)| Action::Read { log, from, record_count, byte_count }),
        3 => (1u64..5_000).prop_map(|millis| Action::Advance { millis }),
        2 => (log.clone(), 0u64..50_000).prop_map(|(log, millis)| Action::PositionAt { log, millis }),
        2 => (log.clone(), 0u64..80).prop_map(|(log, before)| Action::Trim { log, before }),
        2 => (log, any::<bool>()).prop_map(|(log, on)| Action::Encrypt { log, on }),
        2 => Just(Action::Compact),
        2 => Just(Action::Reopen),
        2 => (0i64..40).prop_map(|calls| Action::Crash { calls }),
    ]
}

/// 48 cases each, or as many as `PROPTEST_CASES` says; failures are kept beside this file.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48);
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("regressions")) as Box<_>);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_fsync_store_agrees_with_the_model(actions in prop::collection::vec(action(), 1..60)) {
        run(Durability::Fsync, &actions);
    }

    #[test]
    fn an_interval_store_agrees_with_the_model(actions in prop::collection::vec(action(), 1..60)) {
        run(Durability::Interval, &actions);
    }

    #[test]
    fn a_page_cache_store_agrees_with_the_model(actions in prop::collection::vec(action(), 1..60)) {
        run(Durability::PageCache, &actions);
    }
}
