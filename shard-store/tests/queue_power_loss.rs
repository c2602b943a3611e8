//! Queues through power loss: what was not synced is gone, page by page at random, and so are names whose directory was not
//! synced.
//!
//! With `fsync` durability no record that was acknowledged comes back, every other one does, and with it its count, at least
//! as it was when the last acknowledgement was answered; receives are not waited for. With the other durabilities an
//! acknowledgement may be lost, and no record may be.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::faults::PowerFs;
use common::{START_MS, open_on, small};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use shard_store::Durability;
use shard_store::clock::ManualClock;
use shard_store::durable_fs::{DurableFs, RealFs};
use shard_store::log::NewRecord;
use shard_store::queue::{Act, Ask, Attributes, Delivered, NewQueue, Queue, QueueStart, Queues};
use shard_store::stream::{NewStream, Options, RecordDistribution, StreamKey, StreamMode, Streams};
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

fn key() -> StreamKey {
    StreamKey::new("000000000000", "us-east-1", "clicks")
}

fn open(fs: Arc<dyn DurableFs>, dir: &Path, durability: Durability, clock: &Arc<ManualClock>) -> Arc<Queues> {
    let store = open_on(fs, dir, small(durability), clock).unwrap();
    Queues::open(Streams::open(store, Options { enforce: false, ..Options::default() }).unwrap()).unwrap()
}

fn create(queues: &Queues) -> Arc<Queue> {
    let stream = NewStream {
        key: key(),
        shard_count: 2.try_into().unwrap(),
        mode: StreamMode::OnDemand,
        record_bytes_max: 1 << 20,
        distribution: RecordDistribution::default(),
        warm_mibps: 0,
        tags: BTreeMap::new(),
    };
    queues.streams().create(stream).unwrap();
    let attributes = Attributes { visibility_timeout_s: 0, receives_max: None };
    let (start, tags) = (QueueStart::TrimHorizon, BTreeMap::new());
    queues.create(NewQueue { stream: key(), name: "work".to_owned(), start, attributes, tags }).unwrap()
}

fn receive(runtime: &Runtime, queues: &Queues, queue: &Arc<Queue>, timeout_s: u32) -> Vec<Delivered> {
    let wait = Duration::ZERO;
    let ask = Ask { record_count: 4, wait, visibility_timeout_s: Some(timeout_s), is_dead: false };
    runtime.block_on(queue.receive(queues.streams(), ask)).unwrap()
}

fn name(delivered: &Delivered) -> u64 {
    u64::from_le_bytes(delivered.record().unwrap().data.try_into().unwrap())
}

#[derive(Clone, Debug)]
enum Step {
    Put {
        count: u64,
    },
    /// Receives, and acknowledges those of which the bit is set.
    Receive {
        acknowledged: u8,
    },
    Checkpoint,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1u64..6).prop_map(|count| Step::Put { count }),
        6 => any::<u8>().prop_map(|acknowledged| Step::Receive { acknowledged }),
        1 => Just(Step::Checkpoint),
    ];
    prop::collection::vec(step, 1..40)
}

/// What must be found again.
#[derive(Default)]
struct Promised {
    put: u64,
    acknowledged: BTreeSet<u64>,
    /// How often each record was received.
    receives: BTreeMap<u64, u32>,
    /// The same as of the last acknowledgement that was answered.
    durable_receives: BTreeMap<u64, u32>,
}

impl Promised {
    fn run(&mut self, runtime: &Runtime, queues: &Queues, queue: &Arc<Queue>, step: &Step) {
        match step {
            Step::Put { count } => {
                for _ in 0..*count {
                    let stream = queues.streams().get("000000000000", "us-east-1", "clicks").unwrap();
                    let (bytes, partition_key) = (self.put.to_le_bytes(), self.put.to_string());
                    let data = bytes.as_slice();
                    let record = NewRecord { partition_key: &partition_key, explicit_hash_key: None, data: &data };
                    let put = async { queues.streams().append_one(&stream, &record, 0).await.unwrap().settle().await };
                    runtime.block_on(put).unwrap();
                    self.put += 1;
                }
            }
            Step::Receive { acknowledged } => {
                let delivered = receive(runtime, queues, queue, 0);
                for one in &delivered {
                    assert!(!self.acknowledged.contains(&name(one)));
                    let receives = self.receives.entry(name(one)).or_default();
                    *receives += 1;
                    assert_eq!(one.receives, *receives);
                }
                let chosen = delivered.iter().enumerate().filter(|(n, _)| acknowledged >> n & 1 == 1);
                let chosen: Vec<_> = chosen.map(|(_, one)| one).collect();
                let acts: Vec<_> = chosen.iter().map(|one| (one.handle.as_str(), Act::Acknowledge)).collect();
                let outcomes = runtime.block_on(queue.act(queues.streams(), false, &acts)).unwrap();
                assert!(outcomes.iter().all(Result::is_ok));
                if !acts.is_empty() {
                    self.acknowledged.extend(chosen.iter().map(|one| name(one)));
                    self.durable_receives.clone_from(&self.receives);
                }
            }
            Step::Checkpoint => queue.checkpoint().unwrap(),
        }
    }
}

fn run(durability: Durability, steps: &[Step], seed: u64, odds_percent: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (fs, clock, runtime) = (Arc::new(PowerFs::default()), Arc::new(ManualClock::new(START_MS)), runtime());
    let queues = open(Arc::clone(&fs) as Arc<_>, dir.path(), durability, &clock);
    let queue = create(&queues);
    let mut promised = Promised::default();
    // Deliveries and checkpoints need a runtime to be spawned on.
    let _entered = runtime.enter();
    steps.iter().for_each(|step| promised.run(&runtime, &queues, &queue, step));
    let mut random = seed;
    let survives = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % 100 < odds_percent
    };
    let after = tempfile::tempdir().unwrap();
    fs.cut_power(dir.path(), after.path(), survives);

    let queues = open(Arc::new(RealFs), after.path(), durability, &clock);
    let definitions = queues.list("000000000000", "us-east-1", None, 2, |_| true);
    let queue = queues.get("000000000000", "us-east-1", definitions[0].id.as_str()).unwrap();
    // They take the ordinals of what the shards have lost.
    promised.run(&runtime, &queues, &queue, &Step::Put { count: 5 });
    let mut found = BTreeMap::new();
    loop {
        let delivered = receive(&runtime, &queues, &queue, 60);
        if delivered.is_empty() {
            break;
        }
        for one in delivered {
            assert!(found.insert(name(&one), one.receives).is_none(), "it is in flight");
        }
    }
    if durability == Durability::Fsync {
        let expected: BTreeSet<_> = (0..promised.put).filter(|name| !promised.acknowledged.contains(name)).collect();
        assert_eq!(found.keys().copied().collect::<BTreeSet<_>>(), expected);
        for (name, receives) in &found {
            let durable = promised.durable_receives.get(name).copied().unwrap_or_default();
            let at_most = promised.receives.get(name).copied().unwrap_or_default();
            assert!((durable + 1..=at_most + 1).contains(receives), "{name} was received {receives} times");
        }
    } else {
        // Every record that the stream still has and that nobody acknowledged is delivered, and none twice.
        let stream = queues.streams().get("000000000000", "us-east-1", "clicks").unwrap();
        let limit = shard_store::log::ReadLimit { record_count: 10_000, byte_count: 1 << 20 };
        for shard in stream.shards() {
            let kept = stream.read(shard, 0, limit, START_MS).unwrap().batch;
            for record in kept.records() {
                let name = u64::from_le_bytes(record.data.try_into().unwrap());
                assert!(found.contains_key(&name) || promised.acknowledged.contains(&name), "{name} got lost");
            }
        }
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32);
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("regressions")) as Box<_>);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_acknowledged_durably_never_comes_back_and_the_rest_does(
        steps in steps(), seed in any::<u64>(), odds in 0u64..=100,
    ) {
        run(Durability::Fsync, &steps, seed, odds);
    }

    #[test]
    fn no_record_is_lost_with_interval_durability(steps in steps(), seed in any::<u64>(), odds in 0u64..=100) {
        run(Durability::Interval, &steps, seed, odds);
    }

    #[test]
    fn no_record_is_lost_with_page_cache_durability(steps in steps(), seed in any::<u64>(), odds in 0u64..=100) {
        run(Durability::PageCache, &steps, seed, odds);
    }
}
