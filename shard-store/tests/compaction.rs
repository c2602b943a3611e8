//! Compaction: sealed segments become smaller, and nobody who reads them can tell.
//!
//! Random operations with compaction among them: `model.rs`; lost pages and names: `power_loss.rs`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::faults::HaltingFs;
use common::{Kept, START_MS, append, compacting, copy_dir, open, open_on, read_all, runtime, small};
use shard_store::clock::ManualClock;
use shard_store::durable_fs::RealFs;
use shard_store::error::{OpenError, ReadError};
use shard_store::log::{Log, LogId, ReadLimit};
use shard_store::verify::verify;
use shard_store::{Durability, Store};

const HEADER_BLOCK: usize = 4096;
const ALL: ReadLimit = ReadLimit { record_count: usize::MAX, byte_count: usize::MAX };
const BATCHES: u64 = 60;
const RECORDS_PER_BATCH: u64 = 20;

/// An event as a web page sends it.
fn click(n: u64) -> Kept {
    let random = n.wrapping_mul(6_364_136_223_846_793_005).rotate_left(23) ^ n;
    let page = ["/", "/search", "/cart", "/checkout", "/product/red-shoes"][(random % 5) as usize];
    let visitor = random % 911;
    let data = format!(
        r#"{{"event_id":"{random:016x}","visitor":"v-{visitor}","page":"{page}","at":{},"dwell_ms":{},"agent":"Mozilla/5.0 (X11; Linux x86_64)"}}"#,
        START_MS + n * 13,
        random % 30_000,
    );
    Kept { key: format!("v-{visitor}"), hash_key: None, data: data.into_bytes() }
}

/// A closed store with batches of clicks in one log, a second apart, in several sealed segments, none of them compacted.
fn clicks(dir: &Path, durability: Durability) -> (LogId, Vec<Kept>) {
    let clock = Arc::new(ManualClock::new(START_MS));
    let store = open_on(Arc::new(RealFs), dir, small(durability), &clock).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let (log, runtime) = (store.log(id), runtime());
    let mut kept = Vec::new();
    for batch in 0..BATCHES {
        let records: Vec<_> = (batch * RECORDS_PER_BATCH..(batch + 1) * RECORDS_PER_BATCH).map(click).collect();
        append(&runtime, &*log, &records).unwrap();
        kept.extend(records);
        clock.advance(1_000);
    }
    store.close();
    (id, kept)
}

fn files(dir: &Path, id: LogId, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir.join("logs").join(id.to_string()))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    found.sort();
    found
}

fn stored_bytes(dir: &Path, id: LogId) -> u64 {
    files(dir, id, "log").iter().map(|path| path.metadata().unwrap().len()).sum()
}

/// Everything a reader can see of a log.
fn seen(log: &dyn Log) -> Vec<(u64, u64, String, Vec<u8>)> {
    let batch = log.read(log.start(), ALL).unwrap();
    batch
        .records()
        .map(|record| (record.ordinal, record.arrival_ms, record.partition_key.to_owned(), record.data.to_vec()))
        .collect()
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// A closed store all of whose segments are compacted.
fn compacted(dir: &Path, durability: Durability) -> (LogId, Vec<Kept>) {
    let (id, kept) = clicks(dir, durability);
    let store = open(dir, compacting(durability)).unwrap();
    store.compact();
    store.close();
    (id, kept)
}

#[test]
fn stored_bytes_shrink_and_a_whole_read_is_the_same_to_the_byte() {
    for durability in [Durability::Fsync, Durability::Interval, Durability::PageCache] {
        let dir = tempfile::tempdir().unwrap();
        let (id, kept) = clicks(dir.path(), durability);
        let before = stored_bytes(dir.path(), id);
        assert!(files(dir.path(), id, "log").len() >= 3, "several segments are sealed");
        let store = open(dir.path(), compacting(durability)).unwrap();
        let log = store.log(id);
        let held = log.read(0, ALL).unwrap();
        let (seen_before, positions_before) = (seen(&*log), positions(&*log));
        store.compact();
        let after = stored_bytes(dir.path(), id);
        assert!(3 * after < before, "{before} bytes became {after}");
        assert_eq!(seen(&*log), seen_before);
        assert_eq!(positions(&*log), positions_before);
        assert_eq!(read_all(&*log), kept);
        assert!(
            held.records().map(|record| record.data).eq(kept.iter().map(|record| &record.data[..])),
            "a held batch"
        );
        append(&runtime(), &*log, &[click(7)]).unwrap();
        drop((log, store));
        assert_eq!(verify(dir.path()).unwrap().damages, []);
        // Without the option, too.
        let store = open(dir.path(), small(durability)).unwrap();
        assert_eq!(seen(&*store.log(id))[..kept.len()], seen_before);
        assert_eq!(store.log(id).end(), kept.len() as u64 + 1);
    }
}

/// Where readers would begin for every time at which something arrived, and between.
fn positions(log: &dyn Log) -> Vec<u64> {
    (0..2 * BATCHES + 2).map(|half_seconds| log.position_at(START_MS + 500 * half_seconds).unwrap()).collect()
}

#[test]
fn compaction_follows_the_journal_while_the_store_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), compacting(Durability::Fsync)).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let (log, runtime) = (store.log(id), runtime());
    let mut kept = Vec::new();
    let is_compacted = |path: &PathBuf| !path.metadata().unwrap().len().is_multiple_of(4096);
    // Each round fills more than a journal file, so the segments of the one before get out of the journal.
    for round in 0.. {
        for _ in 0..30 {
            let records: Vec<_> = (0..RECORDS_PER_BATCH).map(|n| click(kept.len() as u64 + n)).collect();
            append(&runtime, &*log, &records).unwrap();
            kept.extend(records);
        }
        store.compact();
        assert_eq!(read_all(&*log), kept);
        if files(dir.path(), id, "log").iter().any(is_compacted) {
            break;
        }
        assert!(round < 100, "something is compacted at last");
    }
}

#[test]
fn what_is_encrypted_or_does_not_shrink_stays_as_it_is_and_is_looked_at_once() {
    for is_encrypted in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), small(Durability::Fsync)).unwrap();
        let id = store.allocate_logs(1).unwrap()[0];
        let (log, runtime) = (store.log(id), runtime());
        if is_encrypted {
            log.encrypt(Some(store.keyring().resolve("alias/aws/kinesis").unwrap()));
        }
        let mut random = 1u64;
        let mut noise = |_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 40) as u8
        };
        // Just less than the first segment holds.
        let data: Vec<u8> = (0..60_000).map(&mut noise).collect();
        let record =
            Kept { key: "k".to_owned(), hash_key: None, data: if is_encrypted { vec![7; 60_000] } else { data } };
        append(&runtime, &*log, std::slice::from_ref(&record)).unwrap();
        drop((log, store));
        let segment = files(dir.path(), id, "log").into_iter().chain(files(dir.path(), id, "new")).next().unwrap();
        let bytes = fs::read(&segment).unwrap();
        let settled = segment.with_extension("log");
        for _ in 0..2 {
            let store = open(dir.path(), compacting(Durability::Fsync)).unwrap();
            store.compact();
            assert_eq!(read_all(&*store.log(id)), std::slice::from_ref(&record));
            assert_eq!(fs::read(&settled).unwrap()[HEADER_BLOCK..], bytes[HEADER_BLOCK..]);
            // The flag in the index that spares the next start the attempt.
            assert_eq!(fs::read(settled.with_extension("idx")).unwrap()[80], 1);
        }
        assert_eq!(verify(dir.path()).unwrap().damages, []);
    }
}

/// Whichever call is the last before the process dies, the next start finds one valid segment, with all its records.
#[test]
fn a_compaction_broken_off_at_any_call_leaves_every_record() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = clicks(dir.path(), Durability::Fsync);
    // What is left of the journal is settled first, so that the calls that follow are those of compaction.
    open(dir.path(), small(Durability::Fsync)).unwrap().compact();
    let before = stored_bytes(dir.path(), id);
    let mut calls = 0;
    loop {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        let fs = Arc::new(HaltingFs::after(i64::MAX, io::ErrorKind::Other));
        let clock = Arc::new(ManualClock::new(START_MS));
        // Compaction begins by itself once the store is open.
        fs.allow(i64::MAX);
        let store = open_halting(&fs, copy.path(), &clock, calls);
        if let Some(store) = store {
            store.compact();
            assert_eq!(read_all(&*store.log(id)), kept, "{calls} calls");
            fs.allow(0);
        }
        let is_whole = stored_bytes(copy.path(), id) * 3 < before;
        // As it was left, and after the next start.
        assert_eq!(verify(copy.path()).unwrap().damages, [], "{calls} calls");
        let store = open(copy.path(), small(Durability::Fsync)).unwrap();
        assert_eq!(read_all(&*store.log(id)), kept, "{calls} calls");
        assert_eq!(files(copy.path(), id, "tmp"), Vec::<PathBuf>::new(), "{calls} calls");
        drop(store);
        assert_eq!(verify(copy.path()).unwrap().damages, [], "{calls} calls");
        if is_whole {
            break;
        }
        calls += 1;
        assert!(calls < 500, "a compaction comes to its end");
    }
    assert!(calls > 20, "{calls} calls were cut");
}

/// Opens the store so that its file system stops after `calls` calls, if it opens at all.
fn open_halting(fs: &Arc<HaltingFs>, dir: &Path, clock: &Arc<ManualClock>, calls: i64) -> Option<Store> {
    fs.allow(calls);
    open_on(Arc::clone(fs) as Arc<_>, dir, compacting(Durability::Fsync), clock).ok()
}

#[test]
fn every_flipped_byte_of_a_compacted_segment_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = compacted(dir.path(), Durability::Fsync);
    let segment = files(dir.path(), id, "log").remove(0);
    let end = segment.metadata().unwrap().len() as usize;
    for offset in (0..64).chain((HEADER_BLOCK..end).step_by(97)).chain(HEADER_BLOCK..HEADER_BLOCK + 60) {
        flip(&segment, offset);
        let damages = verify(dir.path()).unwrap().damages;
        assert!(damages.iter().any(|damage| damage.path == segment), "byte {offset}: {damages:?}");
        match open(dir.path(), compacting(Durability::Fsync)) {
            Err(OpenError::Damaged(damage)) => assert_eq!(damage.path, segment),
            Err(error) => panic!("byte {offset}: {error}"),
            Ok(store) => match read_whole(&*store.log(id)) {
                Err(ReadError::Corrupt(damage)) => assert_eq!(damage.path, segment),
                Err(error) => panic!("byte {offset}: {error}"),
                Ok(_) => panic!("byte {offset} was read as if nothing had happened"),
            },
        }
        flip(&segment, offset);
    }
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    assert_eq!(read_all(&*store.log(id)), kept);
}

fn read_whole(log: &dyn Log) -> Result<usize, ReadError> {
    log.read(0, ALL).map(|batch| batch.record_count())
}

#[test]
fn a_compacted_segment_cut_anywhere_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (id, _) = compacted(dir.path(), Durability::Fsync);
    let segment = files(dir.path(), id, "log").remove(0);
    let whole = fs::read(&segment).unwrap();
    for end in (0..whole.len()).step_by(499).chain([whole.len() - 1]) {
        fs::write(&segment, &whole[..end]).unwrap();
        assert!(verify(dir.path()).unwrap().damages.iter().any(|damage| damage.path == segment), "cut at {end}");
        match open(dir.path(), small(Durability::Fsync)).map(|_| ()) {
            Err(OpenError::Damaged(damage)) => assert_eq!(damage.path, segment),
            other => panic!("cut at {end}: {other:?}"),
        }
    }
}

#[test]
fn the_index_of_a_compacted_segment_is_made_again_and_written() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = compacted(dir.path(), Durability::Fsync);
    let indexes = files(dir.path(), id, "idx");
    fs::remove_file(&indexes[0]).unwrap();
    flip(&indexes[1], 20);
    let store = open(dir.path(), compacting(Durability::Fsync)).unwrap();
    assert_eq!(read_all(&*store.log(id)), kept);
    store.compact();
    drop(store);
    assert_eq!(files(dir.path(), id, "idx").len(), indexes.len());
    assert_eq!(verify(dir.path()).unwrap().damages, []);
}

/// A read looks at the segments there were when it began, and maps those that nobody has mapped yet. One that was compacted in
/// between had neither its name any more nor, at that moment, a mapping, and the read failed. What takes a segment's file away
/// now waits for whoever is mapping it, and who comes later looks at the new segments.
#[test]
fn reads_go_on_while_segments_that_nobody_has_mapped_are_compacted_and_trimmed() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = clicks(&dir.path().join("store"), Durability::PageCache);
    for round in 0..40 {
        let copy = dir.path().join(round.to_string());
        copy_dir(&dir.path().join("store"), &copy);
        let store = open(&copy, compacting(Durability::PageCache)).unwrap();
        let log = store.log(id);
        std::thread::scope(|scope| {
            for at in 0..4 {
                let (log, from) = (&log, kept.len() as u64 / 4 * at);
                scope.spawn(move || {
                    let batch = log.read(from, ReadLimit { record_count: 200, byte_count: usize::MAX }).unwrap();
                    assert!(batch.next_ordinal() > from);
                    log.position_at(START_MS + 1_000 * at).unwrap();
                });
            }
            store.compact();
            if round % 2 == 0 {
                log.trim_before(kept.len() as u64 / 2).unwrap();
            }
        });
        assert_eq!(read_all(&*log), kept[log.start() as usize..]);
    }
}

/// Records are trimmed, and logs removed, while their segments are compacted: no file is left over, none is missed.
#[test]
fn trimming_and_removing_meet_compaction() {
    for round in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let (id, kept) = clicks(dir.path(), Durability::PageCache);
        let store = open(dir.path(), compacting(Durability::PageCache)).unwrap();
        let log = store.log(id);
        std::thread::scope(|scope| {
            scope.spawn(|| store.compact());
            for before in (0..kept.len() as u64).step_by(17) {
                let start = log.trim_before(before).unwrap();
                assert_eq!(read_all(&*log), kept[start as usize..], "round {round}");
            }
        });
        assert_eq!(read_all(&*log), kept[log.start() as usize..]);
        let kept_files = files(dir.path(), id, "log").len();
        assert_eq!(files(dir.path(), id, "idx").len(), kept_files);
        assert_eq!(files(dir.path(), id, "tmp").len(), 0);
        drop((log, store));
        let store = open(dir.path(), compacting(Durability::PageCache)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| store.compact());
            store.remove_logs(&[id]).unwrap();
        });
        assert!(!dir.path().join("logs").join(id.to_string()).exists());
    }
}
