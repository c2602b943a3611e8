//! Segments that are completed, settled and trimmed, and journal files that are used again, while readers go through them.

use std::sync::Arc;

use bytesize::ByteSize;
use shard_store::Durability;
use shard_store::log::Log;
use shuttle::future::block_on;
use shuttle::thread;

use crate::explore::explore;
use crate::place::{Place, append, read_from};

const RECORDS: u64 = 5;
/// Two of them fill a segment, and one a journal file.
const RECORD_BYTES: usize = 40 << 10;

fn data(ordinal: u64) -> Vec<u8> {
    (0..RECORD_BYTES as u64).map(|n| (ordinal * 31 + n * 7) as u8).collect()
}

/// Reads until the last record, from wherever the log begins.
fn read_on(log: &dyn Log) {
    let mut next = 0;
    while next < RECORDS {
        block_on(log.wait_past(next));
        for (ordinal, found) in read_from(log, next) {
            assert!(ordinal >= next && found == data(ordinal), "record {ordinal} is as it was written");
            next = ordinal + 1;
        }
    }
}

fn trim_while_reading(durability: Durability) {
    let place = Arc::new(Place::of_size(durability, ByteSize::kib(64)));
    let writer = {
        let place = Arc::clone(&place);
        thread::spawn(move || {
            (0..RECORDS).for_each(|ordinal| {
                append(&*place.log, &data(ordinal)).unwrap();
            })
        })
    };
    let reader = {
        let place = Arc::clone(&place);
        thread::spawn(move || read_on(&*place.log))
    };
    for before in [1, 3, RECORDS - 1] {
        block_on(place.log.wait_past(before));
        let start = place.log.trim_before(before).unwrap();
        assert!(start <= before, "a trim keeps what it was not asked to drop");
    }
    writer.join().unwrap();
    reader.join().unwrap();
    assert_eq!(place.log.end(), RECORDS);
    assert!(!read_from(&*place.log, 0).is_empty());
}

#[test]
fn readers_go_through_segments_that_are_completed_and_trimmed() {
    explore(|| trim_while_reading(Durability::PageCache));
}

#[test]
fn readers_go_through_segments_while_journal_files_are_used_again() {
    explore(|| trim_while_reading(Durability::Fsync));
}
