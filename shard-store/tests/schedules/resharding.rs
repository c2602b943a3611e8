//! Shards that are split and merged while records are on their way to them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use shard_store::Durability;
use shard_store::log::{NewRecord, ReadLimit};
use shard_store::stream::{HashKey, NewStream, Options, SequenceNumber, ShardNumber, StreamKey, StreamMode, Streams};
use shuttle::future::block_on;
use shuttle::thread;

use crate::explore::explore;
use crate::place::{NOW_MS, Place};

const RECORDS_EACH: u8 = 3;

fn open(place: &Place, shard_count: u32) -> (Arc<Streams>, StreamKey) {
    let streams = Streams::open(place.store.clone(), Options { enforce: false, ..Options::default() }).unwrap();
    let key = StreamKey::new("000000000000", "us-east-1", "clicks");
    let new = NewStream {
        key: key.clone(),
        shard_count: NonZeroU32::new(shard_count).unwrap(),
        mode: StreamMode::Provisioned,
        record_bytes_max: 1 << 20,
        warm_mibps: 0,
        distribution: Default::default(),
        tags: BTreeMap::new(),
    };
    streams.create(new).unwrap();
    (streams, key)
}

/// Puts records under one key, one after the other, to the stream as it was when the writer began: the moves are the
/// stream's affair.
fn write(streams: &Arc<Streams>, key: &StreamKey, partition_key: &str) -> Vec<SequenceNumber> {
    let stream = streams.get(&key.account, &key.region, &key.name).unwrap();
    let put = |number| {
        let data: &[u8] = &[number];
        let record = NewRecord { partition_key, explicit_hash_key: None, data: &data };
        block_on(async {
            if number % 2 == 0 {
                streams.append_one(&stream, &record, NOW_MS).await.unwrap().settle().await.unwrap()
            } else {
                streams.append(&stream, &[record], NOW_MS).await.settle().await.remove(0).unwrap()
            }
        })
    };
    (0..RECORDS_EACH).map(put).collect()
}

/// Each key's records with their sequence numbers, parents first.
fn read_all(streams: &Streams, key: &StreamKey) -> BTreeMap<String, Vec<(SequenceNumber, u8)>> {
    let stream = streams.get(&key.account, &key.region, &key.name).unwrap();
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for shard in stream.shards() {
        let batch = shard.log().read(0, ReadLimit { record_count: 100, byte_count: 1 << 20 }).unwrap();
        assert_eq!(batch.next_ordinal(), shard.log().end());
        for record in batch.records() {
            assert!(
                shard.range().contains(HashKey::of_partition_key(record.partition_key)),
                "it is in the right shard"
            );
            let sequence = shard.sequence_number(record.ordinal);
            found.entry(record.partition_key.to_owned()).or_default().push((sequence, record.data[0]));
        }
    }
    found
}

fn reshard_while_writing(shard_count: u32, reshard: impl Fn(&Streams, &StreamKey)) {
    let place = Place::new(Durability::Fsync);
    let (streams, key) = open(&place, shard_count);
    let writers: Vec<_> = ["one", "two"]
        .map(|partition_key| {
            let (streams, key) = (Arc::clone(&streams), key.clone());
            (partition_key, thread::spawn(move || write(&streams, &key, partition_key)))
        })
        .into_iter()
        .collect();
    reshard(&streams, &key);
    let acknowledged: Vec<_> = writers.into_iter().map(|(name, writer)| (name, writer.join().unwrap())).collect();
    let found = read_all(&streams, &key);
    for (partition_key, sequences) in acknowledged {
        assert!(sequences.is_sorted_by(|left, right| left < right), "sequence numbers ascend");
        let written: Vec<_> = sequences.into_iter().zip(0..).collect();
        assert_eq!(found[partition_key], written, "each record is there once, in order");
    }
}

#[test]
fn a_split_loses_nothing_and_keeps_the_order_of_each_key() {
    explore(|| {
        reshard_while_writing(1, |streams, key| {
            streams.split_shard(key, ShardNumber(0), HashKey(u128::MAX / 2)).unwrap();
        });
    });
}

#[test]
fn a_merge_loses_nothing_and_keeps_the_order_of_each_key() {
    explore(|| {
        reshard_while_writing(2, |streams, key| {
            streams.merge_shards(key, ShardNumber(0), ShardNumber(1)).unwrap();
        });
    });
}
