//! The throughput of a shard, asked for by several writers at a time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use shard_store::Durability;
use shard_store::log::NewRecord;
use shard_store::stream::error::PutError;
use shard_store::stream::{NewStream, Options, StreamKey, StreamMode, Streams};
use shuttle::future::block_on;
use shuttle::thread;

use crate::explore::explore;
use crate::place::{NOW_MS, Place};

/// Two fit the throughput of a second, and three do not.
const RECORD_BYTES: usize = 400 << 10;

#[test]
fn writers_share_what_a_shard_takes_in_a_second() {
    explore(|| {
        let place = Place::of_size(Durability::PageCache, bytesize::ByteSize::mib(1));
        let streams = Streams::open(place.store, Options::default()).unwrap();
        let new = NewStream {
            key: StreamKey::new("000000000000", "us-east-1", "clicks"),
            shard_count: NonZeroU32::MIN,
            mode: StreamMode::Provisioned,
            record_bytes_max: 1 << 20,
            warm_mibps: 0,
            distribution: Default::default(),
            tags: BTreeMap::new(),
        };
        let stream = streams.create(new).unwrap();
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let (streams, stream) = (Arc::clone(&streams), Arc::clone(&stream));
                thread::spawn(move || {
                    let data: &[u8] = &[0; RECORD_BYTES];
                    let record = NewRecord { partition_key: "key", explicit_hash_key: None, data: &data };
                    block_on(streams.append_one(&stream, &record, NOW_MS)).map(drop)
                })
            })
            .collect();
        let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(PutError::Throttled { .. })));
        assert_eq!(refused.count(), 1, "{outcomes:?}");
        assert_eq!(stream.shards()[0].log().end(), 2);
    });
}
