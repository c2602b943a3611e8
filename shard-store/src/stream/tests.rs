//! Streams on the real engine in a temporary directory, with time standing still unless a test moves it.

mod channel;
mod on_demand;
mod reshard;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use proptest::prelude::*;
use tempfile::TempDir;

use super::error::{CreateError, DeleteError, GetError, PositionError, PutError, TooManyShards};
use super::*;
use crate::clock::{Clock, ManualClock};
use crate::config::Durability;
use crate::error::AppendError;
use crate::log::NewRecord;
use crate::store::Store;

const NOW_MS: u64 = 1_700_000_000_000;
const HOUR_MS: u64 = 3_600_000;
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

struct Fixture {
    streams: Arc<Streams>,
    store: Store,
    clock: Arc<ManualClock>,
    durability: Durability,
    directory: TempDir,
}

fn open_store(directory: &Path, clock: &Arc<ManualClock>, durability: Durability) -> Store {
    let options = crate::Options { durability, ..crate::Options::default() };
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    Store::open(directory, options, clock, &mut Registry::default()).unwrap()
}

fn open_with(options: Options) -> Fixture {
    open_as(options, Durability::PageCache)
}

fn open_as(options: Options, durability: Durability) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let store = open_store(directory.path(), &clock, durability);
    Fixture { streams: Streams::open(store.clone(), options).unwrap(), store, clock, durability, directory }
}

fn open() -> Fixture {
    open_with(Options::default())
}

impl Fixture {
    fn reopen(self) -> Self {
        let Self { streams, store, clock, durability, directory } = self;
        let options = streams.options().clone();
        store.close();
        drop((streams, store));
        let store = open_store(directory.path(), &clock, durability);
        Self { streams: Streams::open(store.clone(), options).unwrap(), store, clock, durability, directory }
    }

    fn now_ms(&self) -> u64 {
        self.clock.unix_millis()
    }

    fn create(&self, name: &str, shard_count: u32) -> Arc<Stream> {
        self.streams.create(new_stream(name, shard_count)).unwrap()
    }

    fn find(&self, name: &str) -> Option<Arc<Stream>> {
        self.streams.get(ACCOUNT, REGION, name)
    }

    async fn put(&self, stream: &Stream, key: &str, data: &str) -> SequenceNumber {
        let data = data.as_bytes();
        let record = record(key, &data);
        stream.append_one(&record, self.now_ms()).unwrap().settle().await.unwrap()
    }

    fn read(&self, stream: &Stream, shard: &Shard, from: u64) -> (Vec<String>, ShardRead) {
        let read = stream.get(shard, from, limits::READ_RECORDS_MAX, self.now_ms()).unwrap();
        let data = read.batch.records().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect();
        (data, read)
    }
}

fn new_stream(name: &str, shard_count: u32) -> NewStream {
    NewStream {
        key: StreamKey::new(ACCOUNT, REGION, name),
        shard_count: NonZeroU32::new(shard_count).unwrap(),
        mode: StreamMode::Provisioned,
        record_bytes_max: limits::RECORD_BYTES_MAX_DEFAULT,
        warm_mibps: 0,
        distribution: Default::default(),
        tags: BTreeMap::new(),
    }
}

fn record<'a>(partition_key: &'a str, data: &'a &'a [u8]) -> NewRecord<'a> {
    NewRecord { partition_key, explicit_hash_key: None, data }
}

#[test]
fn a_stream_survives_reopening_with_all_that_it_was_created_with() {
    let fixture = open();
    let mut new = new_stream("clicks", 3);
    new.mode = StreamMode::OnDemand;
    new.tags.insert("team".to_owned(), "web".to_owned());
    let created = fixture.streams.create(new).unwrap();
    let fixture = fixture.reopen();
    let found = fixture.find("clicks").unwrap();
    assert_eq!((found.id(), found.created_ms(), found.mode()), (created.id(), NOW_MS, StreamMode::OnDemand));
    assert_eq!(found.tags(), created.tags());
    assert_eq!(found.retention_hours(), 24);
    let describe = |stream: &Stream| {
        let shards = stream.shards().iter();
        shards.map(|shard| (shard.number(), shard.range(), shard.starting_sequence_number())).collect::<Vec<_>>()
    };
    assert_eq!(describe(&found), describe(&created));
}

#[test]
fn a_name_is_taken_only_within_its_account_and_region() {
    let fixture = open();
    fixture.create("clicks", 1);
    assert!(matches!(
        fixture.streams.create(new_stream("clicks", 1)),
        Err(CreateError::AlreadyExists { key }) if key.name == "clicks"
    ));
    let mut elsewhere = new_stream("clicks", 1);
    elsewhere.key.region = "eu-west-1".to_owned();
    fixture.streams.create(elsewhere).unwrap();
    let mut of_another = new_stream("clicks", 1);
    of_another.key.account = "111111111111".to_owned();
    fixture.streams.create(of_another).unwrap();
    assert_eq!(fixture.streams.list(ACCOUNT, REGION, None, 10).len(), 1);
}

#[test]
fn the_shard_limit_counts_the_shards_of_an_account_in_a_region() {
    let fixture = open_with(Options { shards_max: 5, ..Options::default() });
    fixture.create("one", 3);
    assert!(matches!(
        fixture.streams.create(new_stream("two", 3)),
        Err(CreateError::TooManyShards(TooManyShards { present: 3, requested: 3, shards_max: 5, .. }))
    ));
    fixture.create("two", 2);
    fixture.streams.delete(ACCOUNT, REGION, "one").unwrap();
    fixture.create("one", 3);
}

#[test]
fn streams_are_listed_by_name_in_pages() {
    let fixture = open();
    for name in ["c", "a", "b"] {
        fixture.create(name, 1);
    }
    let names = |after, count| {
        let page = fixture.streams.list(ACCOUNT, REGION, after, count);
        page.iter().map(|stream| stream.key().name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(None, 2), ["a", "b"]);
    assert_eq!(names(Some("b"), 2), ["c"]);
    assert_eq!(names(Some("aa"), 9), ["b", "c"]);
    assert!(names(Some("c"), 1).is_empty());
}

#[tokio::test]
async fn a_stream_made_again_under_its_name_is_empty_and_another() {
    let fixture = open();
    let first = fixture.create("clicks", 1);
    fixture.put(&first, "k", "old").await;
    fixture.streams.delete(ACCOUNT, REGION, "clicks").unwrap();
    assert!(fixture.find("clicks").is_none());
    assert!(matches!(fixture.streams.delete(ACCOUNT, REGION, "clicks"), Err(DeleteError::NotFound { .. })));
    let refused = first.append_one(&record("k", &b"late".as_slice()), NOW_MS);
    assert!(matches!(refused.err(), Some(PutError::Append(AppendError::Sealed))));

    let second = fixture.create("clicks", 1);
    assert_ne!(first.id(), second.id());
    assert!(fixture.read(&second, &second.shards()[0], 0).0.is_empty());
    let fixture = fixture.reopen();
    let found = fixture.find("clicks").unwrap();
    assert_eq!(found.id(), second.id());
    assert!(fixture.read(&found, &found.shards()[0], 0).0.is_empty());
}

#[tokio::test]
async fn results_stand_in_the_order_of_the_request_and_records_in_order_in_their_shards() {
    let fixture = open();
    let stream = fixture.create("clicks", 4);
    let payloads: Vec<_> = (0..100).map(|index| index.to_string()).collect();
    let slices: Vec<_> = payloads.iter().map(|payload| payload.as_bytes()).collect();
    let records: Vec<_> = payloads.iter().zip(&slices).map(|(key, data)| record(key, data)).collect();
    let results = stream.append(&records, NOW_MS).settle().await;
    assert_eq!(results.len(), payloads.len());
    for (payload, result) in payloads.iter().zip(results) {
        let sequence = result.unwrap();
        let shard = stream.shard(sequence.shard()).unwrap();
        assert!(shard.range().contains(HashKey::of_partition_key(payload)));
        let from = shard.position(StartingPosition::AtSequenceNumber(sequence), NOW_MS).unwrap();
        let read = shard.log().read(from, crate::log::ReadLimit { record_count: 1, byte_count: 0 }).unwrap();
        assert_eq!(read.records().next().unwrap().data, payload.as_bytes());
    }
    for shard in stream.shards() {
        let (data, _) = fixture.read(&stream, shard, 0);
        let numbers: Vec<u32> = data.iter().map(|data| data.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
}

#[tokio::test]
async fn an_explicit_hash_key_overrides_the_partition_key() {
    let fixture = open();
    let stream = fixture.create("clicks", 4);
    for (number, shard) in stream.shards().iter().enumerate() {
        for edge in [shard.range().start, shard.range().end] {
            let data = b"x".as_slice();
            let record = NewRecord { explicit_hash_key: Some(edge.0), ..record("same", &data) };
            let sequence = stream.append_one(&record, NOW_MS).unwrap().settle().await.unwrap();
            assert_eq!(sequence.shard(), ShardNumber(number as u32));
        }
    }
}

#[tokio::test]
async fn a_throttled_record_leaves_the_others_of_its_request_alone() {
    let fixture = open();
    let stream = fixture.create("clicks", 1);
    let (half, rest) = (vec![b'x'; 512 * 1024], b"x".as_slice());
    let half = half.as_slice();
    // The keys count too, so the second half does not fit into the first second.
    let records = [record("a", &half), record("b", &half), record("c", &rest)];
    let results = stream.append(&records, NOW_MS).settle().await;
    assert!(matches!(results.as_slice(), [Ok(_), Err(PutError::Throttled { shard: ShardNumber(0) }), Ok(_)]));
    assert_eq!(stream.shards()[0].log().end(), 2);
    fixture.clock.advance(1_000);
    assert!(stream.append_one(&records[1], fixture.now_ms()).is_ok());
}

#[tokio::test]
async fn throughput_is_unlimited_where_it_is_not_enforced() {
    let streams = [("free".to_owned(), config::StreamOptions { enforce: Some(false) })].into();
    let fixture = open_with(Options { streams, ..Options::default() });
    let stream = fixture.create("free", 1);
    let data = vec![b'x'; 1024 * 1024];
    let data = data.as_slice();
    for _ in 0..3 {
        let results = stream.append(&[record("a", &data), record("b", &data)], NOW_MS).settle().await;
        assert!(results.iter().all(Result::is_ok));
    }
    for _ in 0..10 {
        stream.get(&stream.shards()[0], 0, 10, NOW_MS).unwrap();
    }
}

#[tokio::test]
async fn each_starting_position_finds_its_record() {
    let fixture = open();
    let stream = fixture.create("clicks", 1);
    let shard = &stream.shards()[0];
    let mut sequences = Vec::new();
    for data in ["first", "second", "third"] {
        sequences.push(fixture.put(&stream, "k", data).await);
        fixture.clock.advance(1_000);
    }
    let position = |start| shard.position(start, fixture.now_ms()).unwrap();
    assert_eq!(position(StartingPosition::TrimHorizon), 0);
    assert_eq!(position(StartingPosition::Latest), 3);
    assert_eq!(position(StartingPosition::AtSequenceNumber(sequences[1])), 1);
    assert_eq!(position(StartingPosition::AfterSequenceNumber(sequences[1])), 2);
    assert_eq!(position(StartingPosition::AfterSequenceNumber(sequences[2])), 3);
    assert_eq!(position(StartingPosition::AtSequenceNumber(shard.starting_sequence_number())), 0);
    assert_eq!(position(StartingPosition::AfterSequenceNumber(shard.starting_sequence_number())), 0);
    assert_eq!(position(StartingPosition::AtTimestamp(NOW_MS)), 0);
    assert_eq!(position(StartingPosition::AtTimestamp(NOW_MS + 1)), 1);
    assert_eq!(position(StartingPosition::AtTimestamp(fixture.now_ms())), 3);
}

#[tokio::test]
async fn positions_that_are_not_of_the_shard_are_refused() {
    let fixture = open();
    let stream = fixture.create("clicks", 2);
    fixture.clock.advance(5_000);
    let other = fixture.create("other", 2);
    fixture.put(&stream, "k", "data").await;
    let shard = &stream.shards()[0];
    let position = |start| shard.position(start, fixture.now_ms());
    let of_sibling = StartingPosition::AtSequenceNumber(stream.shards()[1].starting_sequence_number());
    assert!(matches!(position(of_sibling), Err(PositionError::OtherShard { encoded: ShardNumber(1), .. })));
    let of_other = StartingPosition::AfterSequenceNumber(other.shards()[0].starting_sequence_number());
    assert!(matches!(position(of_other), Err(PositionError::OtherStream)));
    let beyond = StartingPosition::AtSequenceNumber(shard.sequence_number(99));
    assert!(matches!(position(beyond), Err(PositionError::OtherStream)));
    let future = StartingPosition::AtTimestamp(fixture.now_ms() + 1);
    assert!(matches!(position(future), Err(PositionError::InFuture { .. })));
}

#[tokio::test]
async fn a_read_tells_how_far_behind_it_is() {
    let fixture = open();
    let stream = fixture.create("clicks", 1);
    let shard = &stream.shards()[0];
    fixture.put(&stream, "k", "first").await;
    fixture.clock.advance(1_500);
    fixture.put(&stream, "k", "second").await;
    fixture.clock.advance(500);
    let read = stream.get(shard, 0, 1, fixture.now_ms()).unwrap();
    assert_eq!((read.next_ordinal, read.millis_behind), (Some(1), 500));
    let read = stream.get(shard, 1, 1, fixture.now_ms()).unwrap();
    assert_eq!((read.next_ordinal, read.millis_behind), (Some(2), 0));
    let read = stream.get(shard, 2, 1, fixture.now_ms()).unwrap();
    assert_eq!((read.batch.record_count(), read.next_ordinal, read.millis_behind), (0, Some(2), 0));
}

#[tokio::test]
async fn a_shard_answers_five_reads_a_second() {
    let fixture = open();
    let stream = fixture.create("clicks", 1);
    let shard = &stream.shards()[0];
    for _ in 0..5 {
        stream.get(shard, 0, 1, NOW_MS).unwrap();
    }
    assert!(matches!(stream.get(shard, 0, 1, NOW_MS), Err(GetError::Throttled { shard: ShardNumber(0) })));
    stream.get(shard, 0, 1, NOW_MS + 200).unwrap();
}

#[tokio::test]
async fn records_past_their_retention_are_not_given_out() {
    let fixture = open();
    let stream = fixture.create("clicks", 1);
    let shard = &stream.shards()[0];
    fixture.put(&stream, "k", "old").await;
    fixture.clock.advance(2 * HOUR_MS);
    fixture.put(&stream, "k", "new").await;
    fixture.clock.advance(23 * HOUR_MS);
    fixture.streams.sweep_retention();
    let (data, read) = fixture.read(&stream, shard, 0);
    assert_eq!(data, ["new"]);
    assert_eq!(read.next_ordinal, Some(2));
    fixture.clock.advance(2 * HOUR_MS);
    let (data, read) = fixture.read(&stream, shard, 0);
    assert!(data.is_empty());
    assert_eq!((read.next_ordinal, read.millis_behind), (Some(2), 0));
}

#[tokio::test]
async fn the_sweep_drops_segments_past_their_retention_and_ends_with_its_streams() {
    let interval = std::time::Duration::from_millis(1);
    let options = Options { enforce: false, retention_sweep_interval: interval, ..Options::default() };
    let fixture = open_with(options);
    let stream = fixture.create("clicks", 1);
    let data = vec![b'x'; 1024 * 1024];
    let data = data.as_slice();
    for _ in 0..8 {
        stream.append_one(&record("k", &data), fixture.now_ms()).unwrap().settle().await.unwrap();
    }
    let log = stream.shards()[0].log();
    fixture.streams.sweep_retention();
    assert_eq!(log.start(), 0);
    fixture.clock.advance(25 * HOUR_MS);
    fixture.put(&stream, "k", "new").await;
    fixture.streams.sweep_retention();
    assert!(log.start() > 0 && log.start() < 9, "{}", log.start());

    let sweeping = tokio::spawn(retention::run(Arc::downgrade(&fixture.streams)));
    drop(fixture);
    sweeping.await.unwrap();
}

/// A stream of which shard 0 was split an hour after its creation.
async fn split_stream(fixture: &Fixture) -> Arc<Stream> {
    let stream = fixture.create("split", 1);
    fixture.put(&stream, "k", "of the parent").await;
    fixture.clock.advance(HOUR_MS);
    let stream = fixture.streams.split_shard(stream.key(), ShardNumber(0), HashKey(1 << 127)).unwrap();
    fixture.clock.advance(HOUR_MS);
    stream
}

#[tokio::test]
async fn a_closed_shard_is_drained_and_then_leads_to_its_children() {
    let fixture = open();
    let stream = split_stream(&fixture).await;
    let parent = stream.shard(ShardNumber(0)).unwrap();
    let (data, read) = fixture.read(&stream, parent, 0);
    assert_eq!(data, ["of the parent"]);
    assert_eq!(read.next_ordinal, None);
    assert_eq!(stream.children(ShardNumber(0)).map(|shard| shard.number().0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(stream.open_shard_count(), 2);

    let ending = parent.ending_sequence_number().unwrap();
    let child = stream.shard(ShardNumber(1)).unwrap();
    assert!(parent.sequence_number(0) < ending && ending < child.starting_sequence_number());
    let position = |start| parent.position(start, fixture.now_ms()).unwrap();
    assert_eq!(position(StartingPosition::AtSequenceNumber(ending)), 1);
    assert_eq!(position(StartingPosition::AfterSequenceNumber(ending)), 1);
    let sequence = fixture.put(&stream, "k", "of a child").await;
    assert_ne!(sequence.shard(), ShardNumber(0));
}

#[tokio::test]
async fn each_filter_shows_its_shards() {
    let fixture = open();
    let stream = split_stream(&fixture).await;
    let shown = |filter, now_ms| stream.shards_shown(filter, now_ms).map(|shard| shard.number().0).collect::<Vec<_>>();
    let now_ms = fixture.now_ms();
    assert_eq!(shown(ShardFilter::FromTrimHorizon, now_ms), [0, 1, 2]);
    assert_eq!(shown(ShardFilter::AtTrimHorizon, now_ms), [0]);
    assert_eq!(shown(ShardFilter::AtLatest, now_ms), [1, 2]);
    assert_eq!(shown(ShardFilter::AfterShard(ShardNumber(0)), now_ms), [1, 2]);
    assert_eq!(shown(ShardFilter::AtTimestamp(NOW_MS + 1), now_ms), [0]);
    assert_eq!(shown(ShardFilter::AtTimestamp(NOW_MS - 1), now_ms), [0], "corrected to the trim horizon");
    assert_eq!(shown(ShardFilter::AtTimestamp(NOW_MS + HOUR_MS + 1), now_ms), [1, 2]);
    assert_eq!(shown(ShardFilter::FromTimestamp(NOW_MS), now_ms), [0, 1, 2]);
    assert_eq!(shown(ShardFilter::FromTimestamp(NOW_MS + HOUR_MS + 1), now_ms), [1, 2]);
    let after_retention_ms = NOW_MS + 26 * HOUR_MS;
    assert_eq!(shown(ShardFilter::FromTrimHorizon, after_retention_ms), [1, 2], "an expired shard is not shown");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_record_is_read_back_once_from_the_shard_of_its_key(
        shard_count in 1u32..=9,
        requests in proptest::collection::vec(proptest::collection::vec("[a-z]{1,8}", 1..40), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let fixture = open_with(Options { enforce: false, ..Options::default() });
        let stream = fixture.create("clicks", shard_count);
        let mut expected = BTreeMap::new();
        for keys in &requests {
            let slices: Vec<_> = keys.iter().map(|key| key.as_bytes()).collect();
            let records: Vec<_> = keys.iter().zip(&slices).map(|(key, data)| record(key, data)).collect();
            for (key, result) in keys.iter().zip(runtime.block_on(stream.append(&records, NOW_MS).settle())) {
                prop_assert!(expected.insert(result.unwrap(), key.clone()).is_none(), "a sequence number came twice");
            }
        }
        let fixture = fixture.reopen();
        let stream = fixture.find("clicks").unwrap();
        let mut found = BTreeMap::new();
        for shard in stream.shards() {
            for record in fixture.read(&stream, shard, 0).1.batch.records() {
                prop_assert!(shard.range().contains(HashKey::of_partition_key(record.partition_key)));
                found.insert(shard.sequence_number(record.ordinal), record.partition_key.to_owned());
            }
        }
        prop_assert_eq!(found, expected);
    }
}
