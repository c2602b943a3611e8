//! Writers and readers of one log: reserve, copy, group commit, publish, wake.

use std::sync::Arc;

use shard_store::Durability;
use shuttle::thread;

use crate::explore::explore;
use crate::place::{Place, append, follow};

const WRITERS: u64 = 2;
const RECORDS_EACH: u64 = 2;

/// Says who wrote it and which of his it is, and is long enough not to stand in the journal by chance.
fn data(writer: u64, number: u64) -> Vec<u8> {
    format!("record {number} of writer {writer}").into_bytes()
}

fn write_and_read(durability: Durability, has_journal: bool) {
    let place = Arc::new(Place::new(durability));
    let writers = (0..WRITERS).map(|writer| {
        let place = Arc::clone(&place);
        thread::spawn(move || {
            for number in 0..RECORDS_EACH {
                append(&*place.log, &data(writer, number)).unwrap();
                assert!(
                    !has_journal || place.fs.is_durable(&data(writer, number)),
                    "acknowledged before it was durable"
                );
            }
        })
    });
    let mut threads: Vec<_> = writers.collect();
    for _ in 0..2 {
        let place = Arc::clone(&place);
        threads.push(thread::spawn(move || {
            let mut next_of = [0; WRITERS as usize];
            follow(&*place.log, WRITERS * RECORDS_EACH, |_, found| {
                assert!(!has_journal || place.fs.is_durable(found), "read before it was durable");
                let writer = (0..WRITERS).find(|writer| found == data(*writer, next_of[*writer as usize])).unwrap();
                next_of[writer as usize] += 1;
            });
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn readers_find_whole_records_in_the_order_of_their_writers() {
    explore(|| write_and_read(Durability::PageCache, false));
}

#[test]
fn nobody_hears_of_a_record_before_it_is_durable() {
    explore(|| write_and_read(Durability::Fsync, true));
}
