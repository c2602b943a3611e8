//! A plain model of a store, a vector a log, and what is done to both; for the random operations of `model.rs`, and for the
//! fuzzer, which chooses them.

use std::io;
use std::sync::Arc;

use super::faults::HaltingFs;
use super::{Kept, START_MS, append, compacting, open_on, read_all, runtime};
use shard_store::clock::ManualClock;
use shard_store::durable_fs::RealFs;
use shard_store::error::ReadError;
use shard_store::keyring::MANAGED_ALIAS;
use shard_store::log::{Log, LogId, ReadLimit};
use shard_store::{Durability, Store};

/// How many logs there are.
pub(crate) const LOGS: usize = 3;

/// What is done to a store.
#[derive(Clone, Debug)]
pub(crate) enum Action {
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

/// Does `actions` to a store and to its model, which agree all the time and after opening the store again.
pub(crate) fn run(durability: Durability, actions: &[Action]) {
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
