//! Queues over the real store: what a reader sees, and what is found again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;

use super::*;
use crate::clock::ManualClock;
use crate::log::NewRecord;
use crate::queue::error::{QueueError, ReceiptError};
use crate::queue::state::Refusal;
use crate::stream::{ConsumerKey, NewStream, RecordDistribution, StreamKey, StreamMode, Streams};
use crate::{Durability, Options, Store};

const NOW_MS: u64 = 1_700_000_000_000;

struct House {
    clock: Arc<ManualClock>,
    queues: Arc<Queues>,
}

fn key() -> StreamKey {
    StreamKey::new("000000000000", "us-east-1", "clicks")
}

fn open(dir: &Path, clock: &Arc<ManualClock>) -> House {
    let segment_size = bytesize::ByteSize::kib(128);
    let options = Options { durability: Durability::PageCache, segment_size, ..Options::default() };
    let store = Store::open(dir, options, Arc::clone(clock) as Arc<_>, &mut Registry::default()).unwrap();
    let streams = Streams::open(store, crate::stream::Options { enforce: false, ..Default::default() }).unwrap();
    House { clock: Arc::clone(clock), queues: Queues::open(streams).unwrap() }
}

fn create_stream(house: &House, mode: StreamMode, shard_count: u32) {
    let new = NewStream {
        key: key(),
        shard_count: shard_count.try_into().unwrap(),
        mode,
        record_bytes_max: 1 << 20,
        distribution: RecordDistribution::default(),
        warm_mibps: 0,
        tags: BTreeMap::new(),
    };
    house.queues.streams().create(new).unwrap();
}

fn new_queue(name: &str) -> NewQueue {
    NewQueue {
        stream: key(),
        name: name.to_owned(),
        start: QueueStart::TrimHorizon,
        attributes: Attributes::default(),
        tags: BTreeMap::new(),
    }
}

impl House {
    async fn put(&self, partition_key: &str, data: &str) {
        let streams = self.queues.streams();
        let stream = streams.find(&key()).unwrap();
        let bytes = data.as_bytes();
        let record = NewRecord { partition_key, explicit_hash_key: None, data: &bytes };
        streams.append_one(&stream, &record, 0).await.unwrap().settle().await.unwrap();
    }

    async fn receive(&self, queue: &Arc<Queue>, record_count: usize, timeout_s: u32) -> Vec<Delivered> {
        self.ask(queue, record_count, timeout_s, false).await
    }

    async fn ask(&self, queue: &Arc<Queue>, record_count: usize, timeout_s: u32, is_dead: bool) -> Vec<Delivered> {
        let ask = Ask { record_count, wait: Duration::ZERO, visibility_timeout_s: Some(timeout_s), is_dead };
        queue.receive(self.queues.streams(), ask).await.unwrap()
    }

    async fn act(&self, queue: &Arc<Queue>, handle: &str, act: Act) -> Result<(), ReceiptError> {
        let outcomes = queue.act(self.queues.streams(), false, &[(handle, act)]).await.unwrap();
        outcomes.into_iter().next().unwrap()
    }

    fn only_queue(&self) -> Arc<Queue> {
        let definitions = self.queues.list("000000000000", "us-east-1", None, 10, |_| true);
        self.queues.get("000000000000", "us-east-1", definitions[0].id.as_str()).unwrap()
    }
}

fn texts(delivered: &[Delivered]) -> Vec<String> {
    let text = |delivered: &Delivered| String::from_utf8(delivered.record().unwrap().data.to_vec()).unwrap();
    let mut texts: Vec<_> = delivered.iter().map(text).collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn a_queue_and_its_deliveries_are_found_again() {
    for is_checkpointed in [false, true] {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(NOW_MS)));
        let house = open(dir.path(), &clock);
        create_stream(&house, StreamMode::OnDemand, 2);
        let queue = house.queues.create(new_queue("work")).unwrap();
        for n in 0..20 {
            house.put(&n.to_string(), &format!("{n:02}")).await;
        }
        let first = house.receive(&queue, 5, 30).await;
        house.act(&queue, &first[0].handle, Act::Acknowledge).await.unwrap();
        if is_checkpointed {
            queue.checkpoint().unwrap();
        }
        house.act(&queue, &first[1].handle, Act::Acknowledge).await.unwrap();
        house.queues.streams().store().close();
        drop((queue, house));

        let house = open(dir.path(), &clock);
        let queue = house.only_queue();
        assert_eq!((queue.definition().name.as_str(), queue.counts()), ("work", (3, 0)));
        let gone = house.act(&queue, &first[0].handle, Act::Acknowledge).await;
        assert!(matches!(gone, Err(ReceiptError::Refused(Refusal::Gone))), "{gone:?}");
        house.act(&queue, &first[2].handle, Act::Acknowledge).await.unwrap();
        clock.advance(30_000);
        let mut rest = Vec::new();
        loop {
            let delivered = house.receive(&queue, 10, 30).await;
            if delivered.is_empty() {
                break;
            }
            rest.extend(delivered);
        }
        let again = rest.iter().filter(|one| one.receives == 2).cloned().collect::<Vec<_>>();
        assert_eq!(texts(&again), texts(&first[3..]));
        rest.extend_from_slice(&first[..3]);
        assert_eq!(texts(&rest), (0..20).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_log_stays_short_while_an_old_record_is_not_acknowledged() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(NOW_MS)));
    let house = open(dir.path(), &clock);
    create_stream(&house, StreamMode::OnDemand, 1);
    let queue = house.queues.create(new_queue("work")).unwrap();
    house.put("old", "old").await;
    let old = house.receive(&queue, 1, 43_200).await;
    for round in 0..6 {
        for n in 0..40 {
            house.put("k", &format!("{round} {n}")).await;
        }
        loop {
            let delivered = house.receive(&queue, 10, 30).await;
            let acts: Vec<_> = delivered.iter().map(|one| (one.handle.as_str(), Act::Acknowledge)).collect();
            if acts.is_empty() {
                break;
            }
            queue.act(house.queues.streams(), false, &acts).await.unwrap();
        }
        queue.checkpoint().unwrap();
    }
    // Much happens to the old record, too.
    for _ in 0..2_000 {
        let acts = [(old[0].handle.as_str(), Act::Delay { timeout_s: 43_200 }); 10];
        queue.act(house.queues.streams(), false, &acts).await.unwrap();
    }
    let [_, replayed_from, end] = queue.ledger().log_extent();
    assert_eq!(end - replayed_from, 2_000);
    queue.checkpoint().unwrap();
    let [start, replayed_from, end] = queue.ledger().log_extent();
    assert!(start > 1_000 && replayed_from == end, "{start} {replayed_from} {end}");
    assert_eq!(queue.counts(), (1, 0));
    house.queues.streams().store().close();
    drop((queue, house));
    let house = open(dir.path(), &clock);
    let queue = house.only_queue();
    assert!(house.receive(&queue, 10, 30).await.is_empty());
    house.act(&queue, &old[0].handle, Act::Acknowledge).await.unwrap();
    assert_eq!(queue.counts(), (0, 0));
}

#[tokio::test]
async fn a_queue_that_lost_its_log_goes_on_with_another() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(NOW_MS)));
    let house = open(dir.path(), &clock);
    create_stream(&house, StreamMode::OnDemand, 1);
    let queue = house.queues.create(new_queue("work")).unwrap();
    for n in 0..4 {
        house.put("k", &n.to_string()).await;
    }
    let first = house.receive(&queue, 2, 0).await;
    house.act(&queue, &first[0].handle, Act::Acknowledge).await.unwrap();
    queue.checkpoint().unwrap();
    let lost = queue.ledger().log_dir(dir.path());
    house.queues.streams().store().close();
    drop((queue, house));
    std::fs::remove_dir_all(lost).unwrap();

    // What is written now must not be taken for what the checkpoint holds, by this start or the next one.
    for expected in [vec!["1", "2", "3"], vec!["2", "3"]] {
        let house = open(dir.path(), &clock);
        let queue = house.only_queue();
        let mut delivered = Vec::new();
        while delivered.len() < expected.len() {
            delivered.extend(house.receive(&queue, 10, 60).await);
        }
        assert_eq!(texts(&delivered), expected);
        let first = delivered.iter().find(|one| texts(std::slice::from_ref(*one)) == expected[..1]).unwrap();
        house.act(&queue, &first.handle, Act::Acknowledge).await.unwrap();
        for one in &delivered {
            let _ = house.act(&queue, &one.handle, Act::Delay { timeout_s: 0 }).await;
        }
        house.queues.streams().store().close();
    }
}

#[tokio::test]
async fn expired_records_are_forgotten_by_receives_and_sweeps() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(NOW_MS)));
    let house = open(dir.path(), &clock);
    create_stream(&house, StreamMode::OnDemand, 1);
    let queue = house.queues.create(new_queue("work")).unwrap();
    for n in 0..4 {
        house.put("k", &n.to_string()).await;
    }
    let received = house.receive(&queue, 3, 60).await;
    assert_eq!(received.len(), 3);
    house.clock.advance(24 * 3_600_000 + 1);
    house.put("k", "young").await;
    assert_eq!(texts(&house.receive(&queue, 10, 60).await), ["young"]);
    assert_eq!(queue.counts(), (1, 0));

    // A sweep sees to those that nobody asks for.
    let received = house.receive(&queue, 10, 60).await;
    assert!(received.is_empty());
    house.clock.advance(24 * 3_600_000 + 1);
    assert_eq!(queue.counts(), (1, 0));
    house.queues.sweep();
    assert_eq!(queue.counts(), (0, 0));
}

#[tokio::test]
async fn a_stream_keeps_its_queues_and_counts_them_among_its_consumers() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(NOW_MS)));
    let house = open(dir.path(), &clock);
    create_stream(&house, StreamMode::OnDemand, 1);
    let streams = house.queues.streams();
    for n in 0..10 {
        house.queues.create(new_queue(&format!("queue-{n}"))).unwrap();
        streams.register_consumer(&key(), &format!("consumer-{n}"), BTreeMap::new()).unwrap();
    }
    assert!(house.queues.create(new_queue("one-more")).is_err());
    assert!(streams.register_consumer(&key(), "one-more", BTreeMap::new()).is_err());
    let consumer = ConsumerKey { stream: key(), name: "consumer-0".to_owned(), created_s: None };
    streams.deregister_consumer(&consumer).unwrap();
    let last = house.queues.create(new_queue("last")).unwrap();
    assert!(matches!(house.queues.create(new_queue("last")), Err(QueueError::AlreadyExists { .. })));

    assert!(streams.delete("000000000000", "us-east-1", "clicks").is_err());
    assert!(streams.set_mode(&key(), StreamMode::Provisioned).is_err());
    let definitions = house.queues.list("000000000000", "us-east-1", None, 100, |_| true);
    assert_eq!(definitions.len(), 11);
    for definition in definitions {
        house.queues.delete("000000000000", "us-east-1", definition.id.as_str()).unwrap();
    }
    let wait = Ask { record_count: 1, wait: Duration::ZERO, visibility_timeout_s: None, is_dead: false };
    assert!(last.receive(streams, wait).await.is_err());
    assert!(streams.store().catalog().scan("queue").unwrap().is_empty());
    streams.set_mode(&key(), StreamMode::Provisioned).unwrap();
    assert!(matches!(house.queues.create(new_queue("late")), Err(QueueError::NotOnDemand { .. })));
    streams.delete("000000000000", "us-east-1", "clicks").unwrap();
}

#[tokio::test]
async fn a_reader_that_gives_up_passes_the_turn_on_and_one_that_is_dropped_receives_nothing() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(NOW_MS)));
    let house = Arc::new(open(dir.path(), &clock));
    create_stream(&house, StreamMode::OnDemand, 4);
    let queue = house.queues.create(new_queue("work")).unwrap();
    let reader = || {
        let (house, queue) = (Arc::clone(&house), Arc::clone(&queue));
        tokio::spawn(async move {
            let wait = Duration::from_secs(60);
            let ask = Ask { record_count: 1, wait, visibility_timeout_s: None, is_dead: false };
            queue.receive(house.queues.streams(), ask).await.unwrap()
        })
    };
    let (dropped, first, second) = (reader(), reader(), reader());
    // Each has begun to wait before anything happens; the order in which they wait is theirs.
    tokio::task::yield_now().await;
    dropped.abort();
    assert!(dropped.await.is_err());
    house.put("a", "a").await;
    house.put("b", "b").await;
    let received = [first.await.unwrap(), second.await.unwrap()].concat();
    assert_eq!(texts(&received), ["a", "b"]);
    let third = reader();
    tokio::task::yield_now().await;
    house.queues.delete("000000000000", "us-east-1", queue.definition().id.as_str()).unwrap();
    assert!(third.await.is_err(), "who waits is told that the queue is gone");
}
