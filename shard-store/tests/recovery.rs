//! Damage: every truncation, torn writes at every byte, flipped bits in every used byte.
//!
//! What acknowledged bytes lose is found and named; what nobody was told of is cut. Nothing is ever silently missing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::faults::HaltingFs;
use common::{Kept, START_MS, append, copy_dir, open, open_on, read_all, runtime, small};
use shard_store::clock::ManualClock;
use shard_store::error::{AppendError, KeyError, OpenError, ReadError};
use shard_store::log::{LogId, ReadLimit};
use shard_store::verify::verify;
use shard_store::{Durability, Store};

/// A segment's and a journal file's header block.
const HEADER_BLOCK: usize = 4096;
const ALL: ReadLimit = ReadLimit { record_count: usize::MAX, byte_count: usize::MAX };
/// The part of a header block that is checked; marks are hints and stand elsewhere.
const HEADER_CHECKED: usize = 64;

/// A closed store with `batches` acknowledged batches in one log.
fn store_with(dir: &Path, durability: Durability, batches: u64) -> (LogId, Vec<Kept>) {
    let runtime = runtime();
    let store = open(dir, small(durability)).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let log = store.log(id);
    let mut kept = Vec::new();
    for batch in 0..batches {
        let records = vec![Kept::new(2 * batch, 40), Kept::new(2 * batch + 1, 3)];
        append(&runtime, &*log, &records).unwrap();
        kept.extend(records);
    }
    store.close();
    (id, kept)
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with("spare"))
        .collect();
    found.sort();
    found
}

fn the_journal(dir: &Path) -> PathBuf {
    files(&dir.join("journal"), "journal").pop().unwrap()
}

fn the_segment(dir: &Path, id: LogId) -> PathBuf {
    files(&dir.join("logs").join(id.to_string()), "log").pop().unwrap()
}

/// The end of the last byte that is not zero.
fn used_end(path: &Path) -> usize {
    fs::read(path).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// Where the note behind the last group of a journal begins: a group header with no entries.
fn note_offset(journal: &Path) -> usize {
    const GROUP_HEADER: usize = 48;
    used_end(journal).next_multiple_of(8) - GROUP_HEADER
}

#[test]
fn every_flipped_byte_of_acknowledged_records_is_found_by_verify() {
    let dir = tempfile::tempdir().unwrap();
    let (id, _) = store_with(dir.path(), Durability::Fsync, 3);
    let (journal, segment) = (the_journal(dir.path()), the_segment(dir.path(), id));
    assert_eq!(verify(dir.path()).unwrap().damages, []);
    for (path, end) in [(&segment, used_end(&segment)), (&journal, note_offset(&journal))] {
        for offset in (0..HEADER_CHECKED).chain(HEADER_BLOCK..end) {
            flip(path, offset);
            let damages = verify(dir.path()).unwrap().damages;
            assert!(damages.iter().any(|damage| damage.path == *path), "byte {offset} of {path:?}: {damages:?}");
            flip(path, offset);
        }
    }
}

#[test]
fn a_flipped_byte_is_repaired_from_the_other_copy_or_refused_and_never_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = store_with(dir.path(), Durability::Fsync, 3);
    let (journal, segment) = (the_journal(dir.path()), the_segment(dir.path(), id));
    for path in [&segment, &journal] {
        for offset in (0..HEADER_BLOCK + 400).filter(|offset| offset % 13 == 0 || *offset < HEADER_CHECKED) {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(dir.path(), copy.path());
            let damaged = copy.path().join(path.strip_prefix(dir.path()).unwrap());
            flip(&damaged, offset);
            match open(copy.path(), small(Durability::Fsync)) {
                Ok(store) => assert_eq!(read_all(&*store.log(id)), kept, "byte {offset} of {path:?}"),
                Err(OpenError::Damaged(damage)) => assert_eq!(damage.path, damaged),
                Err(error) => panic!("byte {offset} of {path:?}: {error}"),
            }
        }
    }
}

#[test]
fn damage_behind_a_recycled_journal_is_refused_with_file_and_offset() {
    let dir = tempfile::tempdir().unwrap();
    // Enough to fill several journal files, so that the first segment's frames are in none of them any more.
    let (id, _) = store_with(dir.path(), Durability::Fsync, 600);
    let segments = files(&dir.path().join("logs").join(id.to_string()), "log");
    let first = &segments[0];
    fs::remove_file(first.with_extension("idx")).unwrap();
    flip(first, HEADER_BLOCK + 50);
    match open(dir.path(), small(Durability::Fsync)).map(|_| ()) {
        Err(OpenError::Damaged(damage)) => assert_eq!((&damage.path, damage.offset), (first, HEADER_BLOCK as u64)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn damage_in_a_sealed_segment_is_an_error_of_the_read_that_meets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = store_with(dir.path(), Durability::Fsync, 600);
    let first = files(&dir.path().join("logs").join(id.to_string()), "log").remove(0);
    flip(&first, HEADER_BLOCK + 50);
    assert_eq!(verify(dir.path()).unwrap().damages.len(), 1);
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    let log = store.log(id);
    let limit = ReadLimit { record_count: 1, byte_count: 1 };
    assert!(matches!(log.read(0, limit), Err(ReadError::Corrupt(damage)) if damage.path == first));
    let last = log.read(kept.len() as u64 - 1, limit).unwrap();
    assert_eq!(last.records().next().unwrap().data, kept.last().unwrap().data);
}

#[test]
fn a_file_cut_anywhere_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = store_with(dir.path(), Durability::Fsync, 3);
    for path in [the_segment(dir.path(), id), the_journal(dir.path())] {
        let whole = fs::read(&path).unwrap();
        let points = (0..HEADER_BLOCK + 500).step_by(61).chain([whole.len() - 1]);
        for end in points {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(dir.path(), copy.path());
            let damaged = copy.path().join(path.strip_prefix(dir.path()).unwrap());
            fs::write(&damaged, &whole[..end]).unwrap();
            assert!(verify(copy.path()).unwrap().damages.iter().any(|damage| damage.path == damaged), "cut at {end}");
            match open(copy.path(), small(Durability::Fsync)) {
                Ok(store) => assert_eq!(read_all(&*store.log(id)), kept, "cut at {end}"),
                Err(OpenError::Damaged(damage)) => assert_eq!(damage.path, damaged),
                Err(error) => panic!("cut at {end}: {error}"),
            }
        }
    }
}

/// The group was being written when the power went: nobody was told, so it is cut wherever it broke off, together with its
/// frame in the segment, and the store goes on.
#[test]
fn a_torn_group_is_cut_wherever_it_broke_off() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = store_with(dir.path(), Durability::Fsync, 3);
    let relative = |path: PathBuf| path.strip_prefix(dir.path()).unwrap().to_owned();
    let (journal, segment) = (relative(the_journal(dir.path())), relative(the_segment(dir.path(), id)));
    let note = note_offset(&dir.path().join(&journal));
    let frame_bytes = {
        let segment = fs::read(dir.path().join(&segment)).unwrap();
        u32::from_le_bytes(segment[HEADER_BLOCK + 4..HEADER_BLOCK + 8].try_into().unwrap()) as usize
    };
    let group_bytes = 48 + 40 + frame_bytes;
    let frame_at = HEADER_BLOCK + 2 * frame_bytes;
    // The padding at the end is zero anyway: a group that misses only that is whole.
    let last_byte = fs::read(dir.path().join(&journal)).unwrap()[..note].iter().rposition(|byte| *byte != 0).unwrap();
    for torn_at in note - group_bytes..=last_byte {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        let (journal, segment) = (copy.path().join(&journal), copy.path().join(&segment));
        let mut bytes = fs::read(&journal).unwrap();
        bytes[torn_at..].fill(0);
        fs::write(&journal, bytes).unwrap();
        let mut bytes = fs::read(&segment).unwrap();
        // The marks of the clean close know of the third frame; those of a crash would not.
        bytes[HEADER_CHECKED..HEADER_BLOCK].fill(0);
        bytes[frame_at..].fill(0);
        fs::write(&segment, bytes).unwrap();
        let store =
            open(copy.path(), small(Durability::Fsync)).unwrap_or_else(|error| panic!("torn at {torn_at}: {error}"));
        let log = store.log(id);
        assert_eq!(read_all(&*log), kept[..4], "torn at {torn_at}");
        let more = vec![Kept::new(99, 10)];
        append(&runtime(), &*log, &more).unwrap();
        drop((log, store));
        let store = open(copy.path(), small(Durability::Fsync)).unwrap();
        assert_eq!(read_all(&*store.log(id)), [&kept[..4], &more].concat(), "torn at {torn_at}");
    }
}

#[test]
fn a_page_cache_log_is_cut_at_its_first_invalid_frame() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small(Durability::PageCache)).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let log = store.log(id);
    let records = [Kept::new(1, 40), Kept::new(2, 40), Kept::new(3, 40)];
    for record in &records {
        append(&runtime(), &*log, std::slice::from_ref(record)).unwrap();
    }
    // As power loss would leave it: the second frame never reached the disk.
    let copy = tempfile::tempdir().unwrap();
    copy_dir(dir.path(), copy.path());
    let segment = files(&copy.path().join("logs").join(id.to_string()), "new").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let frame_bytes = u32::from_le_bytes(bytes[HEADER_BLOCK + 4..HEADER_BLOCK + 8].try_into().unwrap()) as usize;
    bytes[HEADER_BLOCK + frame_bytes..HEADER_BLOCK + 2 * frame_bytes].fill(0);
    fs::write(&segment, bytes).unwrap();
    let store = open(copy.path(), small(Durability::PageCache)).unwrap();
    let log = store.log(id);
    assert_eq!(read_all(&*log), records[..1]);
    append(&runtime(), &*log, &records[1..2]).unwrap();
    drop((log, store));
    let store = open(copy.path(), small(Durability::PageCache)).unwrap();
    assert_eq!(read_all(&*store.log(id)), records[..2], "the frame behind the cut does not come back");
}

/// Everything was trimmed, and the power went before that had reached the disk: what is back of the old segments, whole or
/// not, must neither stand in the way of a start nor be seen.
#[test]
fn a_trim_of_everything_is_finished_at_the_next_start() {
    for durability in [Durability::Fsync, Durability::PageCache] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), small(durability)).unwrap();
        let id = store.allocate_logs(1).unwrap()[0];
        let (log, runtime) = (store.log(id), runtime());
        for n in 0..20 {
            append(&runtime, &*log, &[Kept::new(n, 10_000)]).unwrap();
        }
        let log_dir = PathBuf::from("logs").join(id.to_string());
        let before = tempfile::tempdir().unwrap();
        copy_dir(&dir.path().join(&log_dir), before.path());
        log.trim_before(20).unwrap();
        let after = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), after.path());
        for zeroed in [0..0, 0..HEADER_BLOCK, HEADER_BLOCK..HEADER_BLOCK + 20_000] {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(after.path(), copy.path());
            for old in fs::read_dir(before.path()).unwrap().map(|entry| entry.unwrap()) {
                let mut bytes = fs::read(old.path()).unwrap();
                let is_unsynced = old.path().extension().is_some_and(|extension| extension == "new");
                if is_unsynced {
                    bytes[zeroed.clone()].fill(0);
                }
                fs::write(copy.path().join(&log_dir).join(old.file_name()), bytes).unwrap();
            }
            if durability == Durability::PageCache {
                assert_eq!(verify(copy.path()).unwrap().damages, [], "{zeroed:?}");
            }
            let store = open(copy.path(), small(durability)).unwrap();
            let log = store.log(id);
            assert_eq!((log.start(), log.end()), (20, 20), "{durability:?}, {zeroed:?}");
            let more = [Kept::new(99, 10)];
            assert_eq!(append(&runtime, &*log, &more).unwrap().first_ordinal, 20);
            drop((log, store));
            let store = open(copy.path(), small(durability)).unwrap();
            assert_eq!((store.log(id).start(), read_all(&*store.log(id))), (20, more.to_vec()), "{durability:?}");
            drop(store);
            assert_eq!(verify(copy.path()).unwrap().damages, []);
        }
    }
}

/// The empty segment that keeps a log's ordinals was handed to the settler at a start, then an append put another in its
/// place, and that was dropped: the settler found no file, and fenced the log.
#[test]
fn an_empty_segment_that_another_replaced_is_not_settled_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small(Durability::PageCache)).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let runtime = runtime();
    append(&runtime, &*store.log(id), &[Kept::new(1, 10)]).unwrap();
    store.log(id).trim_before(1).unwrap();
    drop(store);
    let store = open(dir.path(), small(Durability::PageCache)).unwrap();
    let log = store.log(id);
    append(&runtime, &*log, &[Kept::new(2, 10)]).unwrap();
    log.trim_before(2).unwrap();
    store.compact();
    append(&runtime, &*log, &[Kept::new(3, 10)]).unwrap();
    assert_eq!(read_all(&*log), [Kept::new(3, 10)]);
}

#[test]
fn a_missing_or_damaged_index_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (id, kept) = store_with(dir.path(), Durability::Fsync, 2_000);
    let indexes = files(&dir.path().join("logs").join(id.to_string()), "idx");
    assert!(indexes.len() >= 2, "several segments are sealed");
    fs::remove_file(&indexes[0]).unwrap();
    flip(&indexes[1], 20);
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    assert_eq!(read_all(&*store.log(id)), kept);
}

#[test]
fn a_failed_sync_fences_the_store_and_acknowledges_nothing_false() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Arc::new(HaltingFs::after(i64::MAX, io::ErrorKind::Other));
    let clock = Arc::new(ManualClock::new(START_MS));
    let store = open_on(Arc::clone(&fs) as Arc<_>, dir.path(), small(Durability::Fsync), &clock).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let (log, runtime) = (store.log(id), runtime());
    let first = [Kept::new(1, 10)];
    append(&runtime, &*log, &first).unwrap();
    // The write passes, the sync does not.
    fs.allow(1);
    assert!(matches!(append(&runtime, &*log, &[Kept::new(2, 10)]), Err(AppendError::Fenced { .. })));
    assert_eq!(log.end(), 1, "what is not durable is not visible");
    fs.allow(i64::MAX);
    assert!(matches!(append(&runtime, &*log, &[Kept::new(3, 10)]), Err(AppendError::Fenced { .. })), "no second try");
    drop((log, store));
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    assert_eq!(read_all(&*store.log(id))[..1], first);
    append(&runtime, &*store.log(id), &[Kept::new(4, 10)]).unwrap();
}

#[test]
fn a_full_disk_is_an_error_of_the_append_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Arc::new(HaltingFs::after(i64::MAX, io::ErrorKind::StorageFull));
    let clock = Arc::new(ManualClock::new(START_MS));
    let store = open_on(Arc::clone(&fs) as Arc<_>, dir.path(), small(Durability::Fsync), &clock).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let (log, runtime) = (store.log(id), runtime());
    fs.allow(0);
    // The first append of a log needs a segment.
    assert!(
        matches!(append(&runtime, &*log, &[Kept::new(1, 10)]), Err(AppendError::Storage(error)) if error.is_full())
    );
    fs.allow(i64::MAX);
    append(&runtime, &*log, &[Kept::new(2, 10)]).unwrap();
    assert_eq!(read_all(&*log), [Kept::new(2, 10)]);
}

/// The journal needs another file and there is no room for it: the batch's place in its log is taken, so it is kept and
/// becomes durable later, but nobody waits for that.
#[test]
fn without_room_for_the_journal_appends_fail_until_there_is_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Arc::new(HaltingFs::after(i64::MAX, io::ErrorKind::StorageFull));
    let clock = Arc::new(ManualClock::new(START_MS));
    let store = open_on(Arc::clone(&fs) as Arc<_>, dir.path(), small(Durability::Fsync), &clock).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let (log, runtime) = (store.log(id), runtime());
    // The first segment has room for one more such record, the first journal file, with its headers, has not.
    let kept: Vec<Kept> = (0..9).map(|n| Kept::new(n, 6_000)).collect();
    for record in &kept {
        append(&runtime, &*log, std::slice::from_ref(record)).unwrap();
    }
    fs.allow(0);
    let stalled = Kept::new(9, 6_500);
    let refused = append(&runtime, &*log, std::slice::from_ref(&stalled));
    assert!(matches!(refused, Err(AppendError::Storage(error)) if error.is_full()));
    let refused = append(&runtime, &*log, &[Kept::new(10, 10)]);
    assert!(matches!(refused, Err(AppendError::Storage(error)) if error.is_full()), "nothing more is taken");
    assert_eq!(log.end(), 9, "what is not durable is not visible");
    fs.allow(i64::MAX);
    runtime.block_on(log.wait_past(9));
    append(&runtime, &*log, &[Kept::new(11, 10)]).unwrap();
    assert_eq!(read_all(&*log), [&kept[..], &[stalled, Kept::new(11, 10)]].concat());
}

#[test]
fn encrypted_records_are_not_on_the_disk_in_the_clear_and_without_their_key_the_error_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let (log, runtime) = (store.log(id), runtime());
    let record = |n: u64| Kept { key: "k".to_owned(), hash_key: None, data: format!("credit card {n}").into_bytes() };
    log.encrypt(Some(store.keyring().resolve("alias/aws/kinesis").unwrap()));
    append(&runtime, &*log, &[record(1)]).unwrap();
    log.encrypt(None);
    append(&runtime, &*log, &[record(2)]).unwrap();
    store.close();
    for path in [the_segment(dir.path(), id), the_journal(dir.path())] {
        let bytes = fs::read(path).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"credit card 1") && holds(b"credit card 2"));
    }
    drop((log, store));
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    assert_eq!(read_all(&*store.log(id)), [record(1), record(2)]);
    let is_encrypted: Vec<_> =
        store.log(id).read(0, ALL).unwrap().records().map(|record| record.is_encrypted).collect();
    assert_eq!(is_encrypted, [true, false]);
    drop(store);
    let keyring = dir.path().join("keyring.json");
    let text = fs::read_to_string(&keyring).unwrap();
    fs::remove_file(&keyring).unwrap();
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    let error = store.log(id).read(0, ALL).unwrap_err();
    assert!(matches!(&error, ReadError::Key(KeyError::NotFound { name }) if text.contains(name.as_str())), "{error}");
    assert_eq!(store.log(id).read(1, ALL).unwrap().record_count(), 1, "what is in the clear needs no key");
    fs::write(&keyring, text).unwrap();
    assert_eq!(read_all(&*store.log(id)), [record(1), record(2)], "a key that is back is found");
}

#[test]
fn a_directory_in_use_foreign_or_from_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = || small(Durability::PageCache);
    let store = open(dir.path(), options()).unwrap();
    assert!(matches!(open(dir.path(), options()).map(|_| ()), Err(OpenError::Locked { .. })));
    assert!(matches!(verify(dir.path()), Err(OpenError::Locked { .. })));
    drop(store);
    fs::write(dir.path().join("headwater.json"), r#"{"format":2}"#).unwrap();
    assert!(matches!(open(dir.path(), options()).map(|_| ()), Err(OpenError::Version { found: 2, known: 1, .. })));
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), "years of work").unwrap();
    assert!(matches!(open(foreign.path(), options()).map(|_| ()), Err(OpenError::Foreign { .. })));
    assert_eq!(fs::read_dir(foreign.path()).unwrap().count(), 1, "nothing was put beside it");
}

#[test]
fn a_dropped_log_stays_dropped_although_the_journal_still_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let (id, _) = store_with(dir.path(), Durability::Fsync, 3);
    let reopen = || open(dir.path(), small(Durability::Fsync)).unwrap();
    let drop_log = |store: &Store| store.catalog().commit(&store.drop_logs(&[id])).unwrap();
    let store = reopen();
    drop_log(&store);
    // A crash here, before the files are removed, must not bring the log back.
    drop(store);
    for _ in 0..3 {
        let store = reopen();
        assert_eq!(store.log(id).end(), 0);
        assert!(!dir.path().join("logs").join(id.to_string()).exists());
    }
}

#[test]
fn removing_a_log_wakes_its_waiters_and_refuses_appends() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    let id = store.allocate_logs(1).unwrap()[0];
    let (log, runtime) = (store.log(id), runtime());
    append(&runtime, &*log, &[Kept::new(1, 10)]).unwrap();
    let waiting = Arc::clone(&log);
    let waiter = runtime.spawn(async move { waiting.wait_past(1).await });
    store.remove_logs(&[id]).unwrap();
    runtime.block_on(waiter).unwrap();
    assert!(matches!(append(&runtime, &*log, &[Kept::new(2, 10)]), Err(AppendError::Sealed)));
}
