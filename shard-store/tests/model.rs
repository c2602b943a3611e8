//! Random operations on a store, reopening included, agree with a plain model: a vector a log.
//!
//! A crash is a file system that stops at some call; what was acknowledged before it must be there afterwards, and what was
//! not is there whole or not at all. (Killed processes: `ingest/e2e`. Lost pages: `power_loss.rs`.)

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io;
use std::sync::Arc;

use common::faults::HaltingFs;
use common::{Kept, START_MS, append, compacting, open_on, read_all, runtime};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use shard_store::clock::ManualClock;
use shard_store::durable_fs::RealFs;
use shard_store::error::ReadError;
use shard_store::keyring::MANAGED_ALIAS;
use shard_store::log::{Log, LogId, ReadLimit};
use shard_store::{Durability, Store};

const LOGS: usize = 3;

#[derive(Clone, Debug)]
enum Action {
    Append {
        log: usize,
        sizes: Vec<usize>,
    },
    Read {
        log: usize,
        from: u64,
        record_count: usize,
        byte_count: usize,
    },
    Advance {
        millis: u64,
    },
    PositionAt {
        log: usize,
        millis: u64,
    },
    Trim {
        log: usize,
        before: u64,
    },
    /// A log begins to encrypt, with a new version of the key, or stops.
    Encrypt {
        log: usize,
        on: bool,
    },
    /// Whatever can be compacted is.
    Compact,
    Reopen,
    /// The file system stops after so many more calls; appends go on until one fails, then the store is opened again.
    Crash {
        calls: i64,
    },
}

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

/// What a log must hold.
#[derive(Default)]
struct Model {
    records: Vec<(Kept, u64)>,
}

struct Harness {
    dir: tempfile::TempDir,
    durability: Durability,
    clock: Arc<ManualClock>,
    fs: Arc<HaltingFs>,
    store: Option<Store>,
    ids: Vec<LogId>,
    models: Vec<Model>,
    runtime: tokio::runtime::Runtime,
    seed: u64,
}

impl Harness {
    fn new(durability: Durability) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START_MS));
        let store = open_on(Arc::new(RealFs), dir.path(), compacting(durability), &clock).unwrap();
        let ids = store.allocate_logs(LOGS as u32).unwrap();
        let fs = Arc::new(HaltingFs::after(i64::MAX, io::ErrorKind::Other));
        let models = (0..LOGS).map(|_| Model::default()).collect();
        drop(store);
        let mut harness = Self { dir, durability, clock, fs, store: None, ids, models, runtime: runtime(), seed: 0 };
        harness.reopen();
        harness
    }

    fn log(&self, log: usize) -> Arc<dyn Log> {
        self.store.as_ref().unwrap().log(self.ids[log])
    }

    fn reopen(&mut self) {
        self.store = None;
        self.fs = Arc::new(HaltingFs::after(i64::MAX, io::ErrorKind::Other));
        let fs = Arc::clone(&self.fs) as Arc<_>;
        self.store = Some(open_on(fs, self.dir.path(), compacting(self.durability), &self.clock).unwrap());
    }

    fn next_batch(&mut self, sizes: &[usize]) -> Vec<Kept> {
        sizes
            .iter()
            .map(|size| {
                self.seed += 1;
                Kept::new(self.seed, *size)
            })
            .collect()
    }

    /// Appends; returns the batch if it was not acknowledged.
    fn append(&mut self, log: usize, sizes: &[usize]) -> Option<Vec<Kept>> {
        let batch = self.next_batch(sizes);
        let handle = self.log(log);
        match append(&self.runtime, &*handle, &batch) {
            Ok(appended) => {
                let model = &mut self.models[log];
                assert_eq!(appended.first_ordinal, model.records.len() as u64);
                model.records.extend(batch.into_iter().map(|record| (record, appended.arrival_ms)));
                None
            }
            Err(_) => Some(batch),
        }
    }

    fn run(&mut self, action: &Action) {
        match action {
            Action::Append { log, sizes } => assert_eq!(self.append(*log, sizes), None),
            Action::Read { log, from, record_count, byte_count } => self.read(*log, *from, *record_count, *byte_count),
            Action::Advance { millis } => self.clock.advance(*millis),
            Action::PositionAt { log, millis } => self.position_at(*log, START_MS + millis),
            Action::Trim { log, before } => {
                let log = self.log(*log);
                let start_before = log.start();
                let start = log.trim_before(*before).unwrap();
                assert!(start <= start_before.max(*before), "a trim keeps what it was not asked to drop");
            }
            Action::Encrypt { log, on } => self.encrypt(*log, *on),
            Action::Compact => self.store.as_ref().unwrap().compact(),
            Action::Reopen => self.reopen(),
            Action::Crash { calls } => self.crash(*calls),
        }
    }

    fn encrypt(&self, log: usize, on: bool) {
        let keyring = self.store.as_ref().unwrap().keyring();
        let key = keyring.resolve(MANAGED_ALIAS).unwrap();
        keyring.rotate(MANAGED_ALIAS).unwrap();
        self.log(log).encrypt(on.then_some(key));
    }

    fn read(&self, log: usize, from: u64, record_count: usize, byte_count: usize) {
        let (log, model) = (self.log(log), &self.models[log]);
        let (start, end) = (log.start(), model.records.len() as u64);
        match log.read(from, ReadLimit { record_count, byte_count }) {
            Err(ReadError::BeyondEnd { .. }) => assert!(from > end),
            Err(error) => panic!("{error}"),
            Ok(batch) => {
                let mut expected = from.max(start);
                let mut bytes = 0;
                for record in batch.records() {
                    let (kept, arrival_ms) = &model.records[expected as usize];
                    assert_eq!((record.ordinal, record.arrival_ms), (expected, *arrival_ms));
                    assert_eq!((record.partition_key, record.data), (kept.key.as_str(), kept.data.as_slice()));
                    assert_eq!(record.explicit_hash_key, kept.hash_key);
                    bytes += record.byte_count();
                    expected += 1;
                }
                assert_eq!((batch.next_ordinal(), batch.byte_count()), (expected, bytes));
                assert!(batch.record_count() <= record_count);
                assert!(bytes <= byte_count || batch.record_count() == 1);
                assert!(!batch.is_empty() || from.max(start) == end, "there is progress before the end");
            }
        }
    }

    fn position_at(&self, log: usize, arrival_ms: u64) {
        let (log, model) = (self.log(log), &self.models[log]);
        let first = model.records.iter().position(|(_, arrival)| *arrival >= arrival_ms).unwrap_or(model.records.len());
        assert_eq!(log.position_at(arrival_ms).unwrap(), (first as u64).max(log.start()));
    }

    /// Lets the file system stop, appends until that is noticed, and opens the store again.
    fn crash(&mut self, calls: i64) {
        self.fs.allow(calls);
        let mut lost: Vec<Vec<Vec<Kept>>> = vec![Vec::new(); LOGS];
        // With page-cache durability an append makes no call but for a new segment, so it may well succeed.
        for round in 0..6 {
            let log = round % LOGS;
            if round == 3 {
                self.store.as_ref().unwrap().compact();
            }
            if let Some(batch) = self.append(log, &[3_000, 10]) {
                lost[log].push(batch);
            }
        }
        self.fs.allow(0);
        self.reopen();
        for (log, lost) in lost.into_iter().enumerate() {
            let handle = self.log(log);
            let model = &mut self.models[log];
            let (start, end) = (handle.start() as usize, handle.end() as usize);
            let found = read_all(&*handle);
            assert!(end >= model.records.len(), "acknowledged records are there");
            // Whatever else is there are whole batches that nobody was told of, in order.
            let mut rest = found[model.records.len().saturating_sub(start)..].to_vec();
            for batch in lost {
                if rest.starts_with(&batch) {
                    rest.drain(..batch.len());
                    let arrival_ms =
                        handle.read(model.records.len() as u64, ReadLimit { record_count: 1, byte_count: 0 });
                    let arrival_ms = arrival_ms.unwrap().records().next().unwrap().arrival_ms;
                    model.records.extend(batch.into_iter().map(|record| (record, arrival_ms)));
                }
            }
            assert!(rest.is_empty(), "nothing is there that was not appended: {rest:?}");
        }
    }

    fn check_all(&self) {
        for (log, model) in self.models.iter().enumerate() {
            let handle = self.log(log);
            let expected: Vec<_> =
                model.records[handle.start() as usize..].iter().map(|(kept, _)| kept.clone()).collect();
            assert_eq!(read_all(&*handle), expected);
            assert_eq!(handle.end(), model.records.len() as u64);
        }
    }
}

fn run(durability: Durability, actions: &[Action]) {
    let mut harness = Harness::new(durability);
    for action in actions {
        harness.run(action);
    }
    harness.check_all();
    harness.reopen();
    harness.check_all();
    harness.store = None;
    let report = shard_store::verify::verify(harness.dir.path()).unwrap();
    assert_eq!(report.damages, []);
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
