//! A log that is sealed while records are on their way to it.

use std::sync::Arc;

use shard_store::Durability;
use shard_store::error::AppendError;
use shuttle::future::block_on;
use shuttle::thread;

use crate::explore::explore;
use crate::place::{Place, append, read_from};

fn seal_while_writing(durability: Durability) {
    let place = Arc::new(Place::new(durability));
    let writers: Vec<_> = (0..2u8)
        .map(|writer| {
            let place = Arc::clone(&place);
            thread::spawn(move || {
                let mut acknowledged = Vec::new();
                for number in 0..3 {
                    match append(&*place.log, &[writer, number]) {
                        Ok(appended) => acknowledged.push((appended.first_ordinal, vec![writer, number])),
                        Err(AppendError::Sealed) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
                acknowledged
            })
        })
        .collect();
    let waiter = {
        let place = Arc::clone(&place);
        thread::spawn(move || block_on(place.log.wait_past(u64::MAX)))
    };
    let end = block_on(place.log.seal());
    let found = read_from(&*place.log, 0);
    assert_eq!((place.log.end(), found.len() as u64), (end, end), "a sealed log is as long as its seal told");
    let mut acknowledged: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    acknowledged.sort();
    assert_eq!(acknowledged, found, "it holds what was acknowledged and nothing else");
    assert_eq!(place.log.end(), end, "nothing comes behind the end");
    waiter.join().unwrap();
}

#[test]
fn a_seal_tells_the_end_that_every_writer_and_reader_finds() {
    explore(|| seal_while_writing(Durability::PageCache));
}

#[test]
fn a_seal_waits_for_what_the_journal_holds() {
    explore(|| seal_while_writing(Durability::Fsync));
}
