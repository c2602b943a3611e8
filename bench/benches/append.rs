//! How close do appends come to what memory and disk allow?
//!
//! One batch is 500 records of 1 KiB. Each case stands beside its floor, in the same run; the log is read back at the end.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytesize::ByteSize;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memmap2::MmapMut;
use shard_store::clock::SystemClock;
use shard_store::log::{Log, NewRecord, ReadLimit};
use shard_store::{Durability, Options, Store};

const RECORDS: usize = 500;
const RECORD_BYTES: usize = 1024;
const BATCH_BYTES: usize = RECORDS * RECORD_BYTES;
/// The floors write round and round in a file of this size, as the log goes from segment to segment.
const FILE_BYTES: usize = 64 << 20;

fn payload() -> Vec<u8> {
    (0..BATCH_BYTES).map(|n| (n * 31 + n / 251) as u8).collect()
}

fn file(dir: &Path) -> File {
    let file = File::options().read(true).write(true).create_new(true).open(dir.join("floor")).expect("a new file");
    // Written once, as the store's journal is.
    file.write_all_at(&vec![1; FILE_BYTES], 0).expect("room for the floor's file");
    file.sync_all().expect("a sync");
    file
}

fn floor_memcpy(c: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = file(dir.path());
    let (data, mut at) = (payload(), 0);
    let mut map = map(&file);
    c.bench_function("floor: copy and CRC-32C into a mapped file", |bencher| {
        bencher.iter(|| {
            let window = &mut map[at..at + BATCH_BYTES];
            window.copy_from_slice(&data);
            black_box(crc32c::crc32c(window));
            at = if at + 2 * BATCH_BYTES > FILE_BYTES { 0 } else { at + BATCH_BYTES };
        });
    });
}

#[expect(unsafe_code, reason = "mapping a file that this process alone uses")]
fn map(file: &File) -> MmapMut {
    // SAFETY: the file lies in a fresh temporary directory; nobody else opens, changes or shrinks it.
    unsafe { MmapMut::map_mut(file) }.expect("a mapping")
}

fn floor_fsync(c: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = file(dir.path());
    let (data, mut at) = (payload(), 0);
    c.bench_function("floor: write and fdatasync", |bencher| {
        bencher.iter(|| {
            file.write_all_at(&data, at as u64).expect("a write");
            file.sync_data().expect("a sync");
            at = if at + 2 * BATCH_BYTES > FILE_BYTES { 0 } else { at + BATCH_BYTES };
        });
    });
}

fn append(c: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>, name: &str, options: Options) {
    let dir = tempfile::tempdir().expect("a directory");
    let store =
        Store::open(dir.path(), options, Arc::new(SystemClock), &mut Default::default()).expect("an empty directory");
    let log = store.log(store.allocate_logs(1).expect("a log id")[0]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let data = payload();
    let payloads: Vec<&[u8]> = data.chunks(RECORD_BYTES).collect();
    let records: Vec<NewRecord<'_>> = payloads
        .iter()
        .map(|data| NewRecord { partition_key: "visitor-1234", explicit_hash_key: None, data })
        .collect();
    c.bench_function(name, |bencher| {
        bencher.iter(|| {
            let pending = log.append(&records).expect("room on the disk");
            let appended = runtime.block_on(pending).expect("a disk that works");
            // Keeps the disk from filling; whole segments only, so it is rare.
            if appended.first_ordinal % (4 * (FILE_BYTES / RECORD_BYTES) as u64) < RECORDS as u64 {
                log.trim_before(appended.first_ordinal).expect("a trim");
            }
        });
    });
    check(&*log, &payloads);
}

/// Reads the last batch back.
fn check(log: &dyn Log, payloads: &[&[u8]]) {
    let limit = ReadLimit { record_count: RECORDS, byte_count: usize::MAX };
    let batch = log.read(log.end() - RECORDS as u64, limit).expect("records that are there");
    assert!(batch.records().map(|record| record.data).eq(payloads.iter().copied()), "the log holds what was appended");
}

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("append 500 x 1 KiB");
    group.throughput(Throughput::Bytes(BATCH_BYTES as u64));
    floor_memcpy(&mut group);
    let options = |durability| Options { durability, ..Options::default() };
    append(&mut group, "page-cache", options(Durability::PageCache));
    let fresh = Options { spare_size: ByteSize::b(0), ..options(Durability::PageCache) };
    append(&mut group, "page-cache, every segment a fresh file", fresh);
    append(&mut group, "interval", options(Durability::Interval));
    floor_fsync(&mut group);
    append(&mut group, "fsync", options(Durability::Fsync));
    group.finish();
}

criterion_group!(append_benches, benches);
criterion_main!(append_benches);
