//! Splitting and merging on the real engine, with writers at work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::catalog::Change;
use crate::log::ReadLimit;
use crate::stream::definition::{Definition, ShardDefinition};
use crate::stream::error::ReshardError;
use crate::stream::reshard::Reshape;

/// What a writer was told of its records: for each of its keys the sequence numbers, in the order of its calls.
type Acknowledged = BTreeMap<String, Vec<SequenceNumber>>;

pub(super) fn unthrottled() -> Options {
    Options { enforce: false, ..Options::default() }
}

/// The data of each key, in the order in which a reader finds them that reads every parent before its children.
pub(super) fn read_by_lineage(fixture: &Fixture, stream: &Stream) -> BTreeMap<String, Vec<(SequenceNumber, u32)>> {
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    // The numbers of children are greater than their parents'.
    for shard in stream.shards() {
        let mut next = Some(0);
        while let Some(from) = next.filter(|from| shard.is_open() || *from <= shard.log().end()) {
            // Past the read throttle, which is not what is tested here.
            let limit = ReadLimit { record_count: limits::READ_RECORDS_MAX, byte_count: limits::READ_BYTES_MAX };
            let read = stream.read(shard, from, limit, fixture.now_ms()).unwrap();
            for record in read.batch.records() {
                assert!(shard.range().contains(HashKey::of_partition_key(record.partition_key)));
                let number = std::str::from_utf8(record.data).unwrap().parse().unwrap();
                let sequence = shard.sequence_number(record.ordinal);
                found.entry(record.partition_key.to_owned()).or_default().push((sequence, number));
            }
            assert_eq!(read.next_ordinal.is_none(), !shard.is_open() && read.batch.next_ordinal() == shard.log().end());
            next = read.next_ordinal.filter(|_| !read.batch.is_empty());
        }
    }
    found
}

/// Puts the numbers from 0 on under a key of its own, one call after the other, until told to stop; every third call
/// is one of many records.
async fn write(streams: Arc<Streams>, writer: u32, is_over: Arc<AtomicBool>) -> Acknowledged {
    let keys: Vec<_> = (0..4).map(|key| format!("writer {writer}, key {key}")).collect();
    let mut acknowledged: Acknowledged = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
    for number in 0u32.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let stream = streams.get(ACCOUNT, REGION, "clicks").unwrap();
        let text = number.to_string();
        let data = text.as_bytes();
        if number % 3 == 0 {
            let records: Vec<_> = keys.iter().map(|key| record(key, &data)).collect();
            let results = streams.append(&stream, &records, NOW_MS).await.settle().await;
            for (key, result) in keys.iter().zip(results) {
                acknowledged.get_mut(key).unwrap().push(result.unwrap());
            }
        } else {
            for key in &keys {
                let pending = streams.append_one(&stream, &record(key, &data), NOW_MS).await.unwrap();
                acknowledged.get_mut(key).unwrap().push(pending.settle().await.unwrap());
            }
        }
    }
    acknowledged
}

/// Splits, merges and updates again and again.
fn reshard_often(streams: &Streams, key: &StreamKey) {
    let count = |count| NonZeroU32::new(count).unwrap();
    for round in 0..12u32 {
        let stream = streams.get(ACCOUNT, REGION, "clicks").unwrap();
        let mut open: Vec<_> = stream.shards().iter().filter(|shard| shard.is_open()).collect();
        open.sort_by_key(|shard| shard.range().start);
        let (first, range) = (open[0].number(), open[0].range());
        match round % 3 {
            0 => streams.split_shard(key, first, HashKey(range.start.0.midpoint(range.end.0))).unwrap(),
            1 => streams.merge_shards(key, first, open[1].number()).unwrap(),
            _ => streams.update_shard_count(key, count(if open.len() > 3 { 3 } else { 5 })).unwrap(),
        };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_lose_nothing_and_keep_the_order_of_each_key_while_shards_are_split_and_merged() {
    let fixture = open_as(unthrottled(), Durability::Fsync);
    let key = fixture.create("clicks", 3).key().clone();
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> =
        (0..6).map(|writer| tokio::spawn(write(Arc::clone(&fixture.streams), writer, Arc::clone(&is_over)))).collect();
    let streams = Arc::clone(&fixture.streams);
    tokio::task::spawn_blocking(move || reshard_often(&streams, &key)).await.unwrap();
    is_over.store(true, Ordering::Relaxed);
    let mut acknowledged = Acknowledged::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let check = |fixture: &Fixture| {
        let stream = fixture.find("clicks").unwrap();
        assert!(stream.shards().len() > 20, "{}", stream.shards().len());
        let found = read_by_lineage(fixture, &stream);
        assert_eq!(found.len(), acknowledged.len());
        for (key, sequences) in &acknowledged {
            let numbered: Vec<_> = sequences.iter().copied().zip(0u32..).collect();
            assert_eq!(found[key], numbered, "{key}");
            assert!(sequences.is_sorted_by(|left, right| left < right), "{key}");
        }
    };
    check(&fixture);
    check(&fixture.reopen());
}

#[tokio::test]
async fn a_record_for_a_shard_that_was_split_meanwhile_goes_to_a_child() {
    let fixture = open_with(unthrottled());
    let before = fixture.create("clicks", 1);
    fixture.put(&before, "k", "0").await;
    let after = fixture.streams.split_shard(before.key(), ShardNumber(0), HashKey(1 << 127)).unwrap();
    let keys: Vec<_> = (0..20).map(|key| key.to_string()).collect();
    let data = b"1".as_slice();
    let records: Vec<_> = keys.iter().map(|key| record(key, &data)).collect();
    let results = fixture.streams.append(&before, &records, NOW_MS).await.settle().await;
    for (key, result) in keys.iter().zip(results) {
        let shard = after.shard(result.unwrap().shard()).unwrap();
        assert!(shard.is_open() && shard.range().contains(HashKey::of_partition_key(key)));
    }
    let pending = fixture.streams.append_one(&before, &records[0], NOW_MS).await.unwrap();
    assert_ne!(pending.settle().await.unwrap().shard(), ShardNumber(0));

    fixture.streams.delete(ACCOUNT, REGION, "clicks").unwrap();
    let refused = fixture.streams.append_one(&before, &records[0], NOW_MS).await;
    assert!(matches!(refused.err(), Some(PutError::Append(AppendError::Sealed))));
}

#[tokio::test]
async fn a_crash_between_the_commit_and_the_seal_leaves_the_new_shards_and_every_record() {
    let fixture = open();
    let stream = fixture.create("clicks", 1);
    fixture.put(&stream, "k", "before").await;
    let Definition { facts, shards } = stream.define();
    let mut reshape = Reshape::new(stream.key(), shards, NOW_MS);
    reshape.split(ShardNumber(0), HashKey(1 << 127)).unwrap();
    let shards = reshape.finish(fixture.store.allocate_logs(2).unwrap());
    let change = Change::put(stream.key().catalog_key(), &Definition { facts, shards });
    fixture.store.catalog().commit(&[change]).unwrap();
    // The log is not sealed yet, and takes a record that arrives in this very moment.
    fixture.put(&stream, "k", "between").await;
    let fixture = fixture.reopen();
    let stream = fixture.find("clicks").unwrap();
    let (data, read) = fixture.read(&stream, stream.shard(ShardNumber(0)).unwrap(), 0);
    assert_eq!((data, read.next_ordinal), (vec!["before".to_owned(), "between".to_owned()], None));
    assert_ne!(fixture.put(&stream, "k", "after").await.shard(), ShardNumber(0));
}

#[tokio::test]
async fn closed_shards_take_nothing_after_reopening_either() {
    let fixture = open();
    split_stream(&fixture).await;
    let fixture = fixture.reopen();
    let stream = fixture.find("split").unwrap();
    let parent = stream.shard(ShardNumber(0)).unwrap();
    let refused = parent.log().append(&[record("k", &b"late".as_slice())]);
    assert!(matches!(refused.err(), Some(AppendError::Sealed)));
    assert_eq!(parent.ending_sequence_number(), Some(parent.sequence_number(1)));
    assert_eq!(fixture.read(&stream, parent, 0).1.next_ordinal, None);
}

#[tokio::test]
async fn a_closed_shard_is_forgotten_when_all_of_it_has_expired() {
    let fixture = open();
    let stream = split_stream(&fixture).await;
    let log_id = stream.shard(ShardNumber(0)).unwrap().log_id();
    fixture.clock.advance(22 * HOUR_MS);
    fixture.streams.sweep_retention();
    assert_eq!(fixture.find("split").unwrap().shards().len(), 3);
    fixture.clock.advance(2 * HOUR_MS);
    fixture.streams.sweep_retention();
    let check = |fixture: &Fixture| {
        let stream = fixture.find("split").unwrap();
        assert!(stream.shard(ShardNumber(0)).is_none());
        assert_eq!(stream.shards().iter().map(|shard| shard.parent()).collect::<Vec<_>>(), [Some(ShardNumber(0)); 2]);
        assert_eq!(fixture.store.log(log_id).end(), 0);
    };
    check(&fixture);
    check(&fixture.reopen());
}

#[tokio::test]
async fn a_shard_ends_when_its_last_record_arrived_if_that_is_later_than_its_closing() {
    let fixture = open_with(unthrottled());
    let stream = fixture.create("clicks", 1);
    fixture.put(&stream, "k", "early").await;
    let closed = stream.shards()[0].definition().clone();
    let closed = ShardDefinition { closed_ms: Some(NOW_MS), ..closed };
    fixture.clock.advance(3);
    fixture.put(&stream, "k", "late").await;
    assert_eq!(stream.shards()[0].close(closed, NOW_MS).ended_ms(), Some(NOW_MS + 3));
}

#[test]
fn the_shard_count_is_updated_ten_times_a_day_within_bounds() {
    let fixture = open_with(Options { shards_max: 6, ..Options::default() });
    let key = fixture.create("clicks", 2).key().clone();
    let update = |target| fixture.streams.update_shard_count(&key, NonZeroU32::new(target).unwrap());
    assert!(matches!(update(5), Err(ReshardError::OutOfProportion { present: 2, target: 5, .. })));
    for target in [4, 6, 3, 2, 1, 2, 4, 2, 4, 5] {
        let stream = update(target).unwrap();
        assert_eq!(stream.open_shard_count(), target as usize);
    }
    assert!(matches!(update(2), Err(ReshardError::OutOfProportion { present: 5, target: 2, .. })));
    assert!(matches!(update(4), Err(ReshardError::TooOften { count: 10, .. })));
    fixture.clock.advance(24 * HOUR_MS - 1);
    assert!(matches!(update(4), Err(ReshardError::TooOften { .. })));
    fixture.clock.advance(1);
    assert!(matches!(update(7), Err(ReshardError::TooManyShards(TooManyShards { present: 5, requested: 2, .. }))));
    assert_eq!(update(4).unwrap().open_shard_count(), 4);
}

#[test]
fn the_shards_of_an_on_demand_stream_are_not_changed_by_hand() {
    let fixture = open();
    let stream = fixture.streams.create(NewStream { mode: StreamMode::OnDemand, ..new_stream("clicks", 4) }).unwrap();
    let refused = fixture.streams.split_shard(stream.key(), ShardNumber(0), HashKey(5));
    assert!(matches!(refused, Err(ReshardError::OnDemand { .. })));
}
