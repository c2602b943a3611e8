//! What earlier versions wrote is read: data directories of format 1, kept in `fixtures/v1/` forever.
//!
//! A fixture is the copy of a data directory, each file by itself compressed with zstd and named `*.zst`, because most of a
//! segment are zeros. They are never written again in place: a change of what is written gets fixtures of its own beside
//! them. Those of today's code are written, where none of that name is there yet, by
//!
//! ```text
//! cargo test -p shard-store --test compat -- --ignored write_the_fixtures_that_are_missing
//! ```

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Kept, START_MS, append, compacting, copy_dir, open_on, read_all, runtime, small};
use shard_store::clock::ManualClock;
use shard_store::durable_fs::RealFs;
use shard_store::error::{OpenError, ReadError};
use shard_store::keyring::MANAGED_ALIAS;
use shard_store::log::{LogId, NewRecord, ReadLimit};
use shard_store::stream::{self, NewStream, StreamKey, StreamMode, Streams, limits};
use shard_store::verify::verify;
use shard_store::{Durability, Options, Store};

const ALL: ReadLimit = ReadLimit { record_count: usize::MAX, byte_count: usize::MAX };
/// The first log of a store.
const LOG: LogId = LogId(1);
/// Enough to seal the first segment of 64 KiB.
const BATCHES: u64 = 30;
const RECORDS_PER_BATCH: u64 = 5;
/// Ciphertext does not shrink, so there is less of it.
const ENCRYPTED_BATCHES: u64 = 2;

/// The records of every fixture's log. What they are never changes.
fn records() -> Vec<Kept> {
    let page = |n: u64| ["/", "/search", "/cart"][(n % 3) as usize];
    let text = |n: u64| format!(r#"{{"event":{n},"page":"{}"}}"#, page(n)).repeat(1 + (n % 40) as usize);
    let record = |n: u64| Kept {
        key: format!("visitor-{}", n % 7),
        hash_key: n.is_multiple_of(5).then_some(u128::from(n) << 100),
        data: text(n).into_bytes(),
    };
    (0..BATCHES * RECORDS_PER_BATCH).map(record).collect()
}

/// When the record arrived.
fn arrival_ms(ordinal: u64) -> u64 {
    START_MS + 1_000 * (ordinal / RECORDS_PER_BATCH)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

/// Every file below `dir`, relative to it.
fn walk(dir: &Path, below: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() { walk(dir, &path, into) } else { into.push(path) }
    }
}

fn unpack(name: &str) -> tempfile::TempDir {
    let (from, to) = (fixtures().join(name), tempfile::tempdir().unwrap());
    let mut files = Vec::new();
    walk(&from, Path::new(""), &mut files);
    assert!(!files.is_empty(), "there is a fixture {name}");
    for file in files {
        let target = to.path().join(file.with_extension(""));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, zstd::decode_all(&fs::read(from.join(file)).unwrap()[..]).unwrap()).unwrap();
    }
    to
}

fn pack(from: &Path, name: &str) {
    let to = fixtures().join(name);
    let mut files = Vec::new();
    walk(from, Path::new(""), &mut files);
    for file in files.iter().filter(|file| !file.ends_with("LOCK")) {
        let target = to.join(format!("{}.zst", file.display()));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, zstd::encode_all(&fs::read(from.join(file)).unwrap()[..], 19).unwrap()).unwrap();
    }
}

fn open(dir: &Path, options: Options) -> Result<Store, OpenError> {
    open_on(Arc::new(RealFs), dir, options, &Arc::new(ManualClock::new(START_MS + 3_600_000)))
}

/// Reads a fixture with today's code: it holds the records up to `end`, takes more, and is without damage afterwards.
fn check(name: &str, durability: Durability, end: u64) {
    let dir = unpack(name);
    let store = open(dir.path(), compacting(durability)).unwrap();
    let log = store.log(LOG);
    let expected = &records()[..end as usize];
    assert_eq!(read_all(&*log), expected, "{name}");
    for record in log.read(0, ALL).unwrap().records() {
        assert_eq!(record.arrival_ms, arrival_ms(record.ordinal), "{name}");
    }
    let more = Kept::new(1, 100);
    let appended = append(&runtime(), &*log, std::slice::from_ref(&more)).unwrap();
    assert_eq!(appended.first_ordinal, end, "{name}");
    store.compact();
    assert_eq!(read_all(&*log), [expected, &[more]].concat(), "{name}");
    drop((log, store));
    assert_eq!(verify(dir.path()).unwrap().damages, [], "{name}");
}

/// As [`check`], for a store that needs no recovery.
fn check_closed(name: &str, durability: Durability, end: u64) {
    assert_eq!(verify(unpack(name).path()).unwrap().damages, [], "{name}");
    check(name, durability, end);
}

#[test]
fn a_closed_store_of_every_durability_is_read() {
    check_closed("closed-fsync", Durability::Fsync, BATCHES * RECORDS_PER_BATCH);
    check_closed("closed-interval", Durability::Interval, BATCHES * RECORDS_PER_BATCH);
    check_closed("closed-page-cache", Durability::PageCache, BATCHES * RECORDS_PER_BATCH);
}

#[test]
fn a_store_that_lost_its_power_is_restored_from_its_journal() {
    check("power-lost-fsync", Durability::Fsync, BATCHES * RECORDS_PER_BATCH);
}

#[test]
fn a_page_cache_store_that_lost_its_power_is_cut_where_it_broke_off() {
    check("power-lost-page-cache", Durability::PageCache, (BATCHES - 1) * RECORDS_PER_BATCH);
}

#[test]
fn encrypted_records_are_read_with_their_keyring() {
    check_closed("encrypted", Durability::Fsync, ENCRYPTED_BATCHES * RECORDS_PER_BATCH);
}

#[test]
fn compacted_segments_are_read() {
    check_closed("compacted", Durability::Fsync, BATCHES * RECORDS_PER_BATCH);
}

#[test]
fn streams_are_found_with_their_shards_settings_and_records() {
    let dir = unpack("streams");
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    let streams = Streams::open(store, stream::Options::default()).unwrap();
    let stream = streams.get(ACCOUNT, REGION, "clicks").unwrap();
    assert_eq!(stream.shards().len(), 2);
    assert_eq!(stream.tags(), &BTreeMap::from([("team".to_owned(), "web".to_owned())]));
    let data: Vec<_> = (stream.shards().iter())
        .flat_map(|shard| {
            let batch = shard.log().read(0, ALL).unwrap();
            batch.records().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(BTreeMap::from_iter(data.iter().map(|data| (data.as_str(), ()))).len(), 10);
}

/// The fixture of compacted segments, with one flipped bit in a frame of the first: without its index a start refuses it,
/// with it the read that meets it does.
#[test]
fn a_damaged_store_is_refused_with_file_and_offset() {
    let dir = unpack("damaged");
    let segment = dir.path().join("logs").join(LOG.to_string()).join(format!("{:020}.log", 0));
    let damages = verify(dir.path()).unwrap().damages;
    assert_eq!(damages.len(), 1);
    assert_eq!((&damages[0].path, damages[0].offset), (&segment, 4096));
    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    match store.log(LOG).read(0, ALL) {
        Err(ReadError::Corrupt(damage)) => assert_eq!((&damage.path, damage.offset), (&segment, 4096)),
        other => panic!("{other:?}"),
    }
    drop(store);
    fs::remove_file(segment.with_extension("idx")).unwrap();
    match open(dir.path(), small(Durability::Fsync)).map(|_| ()) {
        Err(OpenError::Damaged(damage)) => assert_eq!((&damage.path, damage.offset), (&segment, 4096)),
        other => panic!("{other:?}"),
    }
}

const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

/// A store with the records in its first log, still open.
fn written(dir: &Path, durability: Durability) -> Store {
    written_with(dir, durability, BATCHES, false)
}

fn written_with(dir: &Path, durability: Durability, batch_count: u64, is_encrypted: bool) -> Store {
    let clock = Arc::new(ManualClock::new(START_MS));
    let store = open_on(Arc::new(RealFs), dir, small(durability), &clock).unwrap();
    assert_eq!(store.allocate_logs(1).unwrap(), [LOG]);
    let (log, runtime) = (store.log(LOG), runtime());
    if is_encrypted {
        log.encrypt(Some(store.keyring().resolve(MANAGED_ALIAS).unwrap()));
    }
    for batch in records().chunks(RECORDS_PER_BATCH as usize).take(batch_count as usize) {
        append(&runtime, &*log, batch).unwrap();
        clock.advance(1_000);
    }
    store
}

/// The store as a killed process leaves it, its newest segment changed by `lose`.
fn power_lost(durability: Durability, lose: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _store = written(dir.path(), durability);
    copy_dir(dir.path(), copy.path());
    let mut files = Vec::new();
    walk(copy.path(), Path::new("logs"), &mut files);
    let newest = files.into_iter().filter(|file| file.extension().is_some_and(|it| it == "new")).max().unwrap();
    let newest = copy.path().join(newest);
    let mut bytes = fs::read(&newest).unwrap();
    lose(&mut bytes);
    fs::write(newest, bytes).unwrap();
    copy
}

fn write_streams(dir: &Path) {
    let store =
        open_on(Arc::new(RealFs), dir, small(Durability::Fsync), &Arc::new(ManualClock::new(START_MS))).unwrap();
    let streams = Streams::open(store.clone(), stream::Options::default()).unwrap();
    let stream = streams
        .create(NewStream {
            key: StreamKey::new(ACCOUNT, REGION, "clicks"),
            shard_count: NonZeroU32::new(2).unwrap(),
            mode: StreamMode::Provisioned,
            record_bytes_max: limits::RECORD_BYTES_MAX_DEFAULT,
            warm_mibps: 0,
            distribution: Default::default(),
            tags: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        })
        .unwrap();
    let runtime = runtime();
    for n in 0..10 {
        let (key, data) = (format!("visitor-{n}"), format!("click {n}"));
        let data = data.as_bytes();
        let record = NewRecord { partition_key: &key, explicit_hash_key: None, data: &data };
        runtime.block_on(stream.append_one(&record, START_MS).unwrap().settle()).unwrap();
    }
    store.close();
}

fn compacted(dir: &Path) {
    written(dir, Durability::Fsync).close();
    let store = open(dir, compacting(Durability::Fsync)).unwrap();
    store.compact();
    store.close();
}

/// Writes a fixture if it is not there.
fn write(name: &str, make: impl FnOnce(&Path)) {
    if !fixtures().join(name).exists() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path());
        pack(dir.path(), name);
    }
}

#[test]
#[ignore = "writes into the source tree; see the module"]
fn write_the_fixtures_that_are_missing() {
    write("closed-fsync", |dir| written(dir, Durability::Fsync).close());
    write("closed-interval", |dir| written(dir, Durability::Interval).close());
    write("closed-page-cache", |dir| written(dir, Durability::PageCache).close());
    write("encrypted", |dir| written_with(dir, Durability::Fsync, ENCRYPTED_BATCHES, true).close());
    write("compacted", compacted);
    // Nothing of the newest segment reached the disk, not even its size.
    write("power-lost-fsync", |dir| copy_dir(power_lost(Durability::Fsync, Vec::clear).path(), dir));
    // The last frame did not.
    write("power-lost-page-cache", |dir| {
        copy_dir(power_lost(Durability::PageCache, |bytes| lose_last_frame(bytes)).path(), dir)
    });
    write("streams", write_streams);
    write("damaged", |dir| {
        compacted(dir);
        let segment = dir.join("logs").join(LOG.to_string()).join(format!("{:020}.log", 0));
        let mut bytes = fs::read(&segment).unwrap();
        bytes[4096 + 100] ^= 1;
        fs::write(segment, bytes).unwrap();
    });
}

fn lose_last_frame(bytes: &mut [u8]) {
    let mut frames = vec![4096];
    loop {
        let at = *frames.last().unwrap();
        let frame_bytes = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        if frame_bytes == 0 {
            break;
        }
        frames.push(at + frame_bytes);
    }
    let last = frames[frames.len() - 2];
    bytes[last..].fill(0);
}
