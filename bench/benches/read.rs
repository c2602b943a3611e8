//! What does compaction cost the readers?
//!
//! A log of clickstream events, 500 a batch, is read from its start to its end, 500 records at a time and ten at a time:
//! as it was written, and compacted. Every record is looked at.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shard_store::clock::SystemClock;
use shard_store::log::{Log, NewRecord, ReadLimit};
use shard_store::{Compaction, Durability, Options, Store};

const BATCHES: u64 = 1_000;
const RECORDS: u64 = 500;

fn click(n: u64) -> String {
    let random = n.wrapping_mul(6_364_136_223_846_793_005).rotate_left(23) ^ n;
    let page = ["/", "/search", "/cart", "/checkout", "/product/red-shoes"][(random % 5) as usize];
    format!(
        r#"{{"event_id":"{random:016x}","visitor":"v-{}","page":"{page}","at":{},"dwell_ms":{},"agent":"Mozilla/5.0 (X11; Linux x86_64)"}}"#,
        random % 9_973,
        1_700_000_000_000 + n * 13,
        random % 30_000,
    )
}

/// A store with one log, and the bytes of its records.
fn store(dir: &Path, compact: Compaction) -> (Store, Arc<dyn Log>, u64) {
    let options = Options { durability: Durability::PageCache, compact, ..Options::default() };
    let store = Store::open(dir, options, Arc::new(SystemClock), &mut Default::default()).expect("an empty directory");
    let log = store.log(store.allocate_logs(1).expect("a log id")[0]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut byte_count = 0;
    for batch in 0..BATCHES {
        let clicks: Vec<String> = (batch * RECORDS..(batch + 1) * RECORDS).map(click).collect();
        let payloads: Vec<&[u8]> = clicks.iter().map(|click| click.as_bytes()).collect();
        let record = |data| NewRecord { partition_key: "visitor", explicit_hash_key: None, data };
        let records: Vec<NewRecord<'_>> = payloads.iter().map(|data| record(data)).collect();
        byte_count += payloads.iter().map(|data| data.len() as u64).sum::<u64>();
        runtime.block_on(log.append(&records).expect("room on the disk")).expect("a disk that works");
    }
    store.compact();
    (store, log, byte_count)
}

fn read(log: &dyn Log, record_count: usize) -> u64 {
    let (mut from, mut byte_count) = (log.start(), 0);
    while from < log.end() {
        let batch = log.read(from, ReadLimit { record_count, byte_count: usize::MAX }).expect("records that are there");
        byte_count += batch.records().map(|record| black_box(record.data).len() as u64).sum::<u64>();
        from = batch.next_ordinal();
    }
    byte_count
}

fn benches(c: &mut Criterion) {
    for record_count in [RECORDS as usize, 10] {
        let mut group = c.benchmark_group(format!("read {record_count} records at a time"));
        group.sample_size(10);
        for (name, compact) in [("as written", Compaction::None), ("compacted", Compaction::Zstd)] {
            let dir = tempfile::tempdir().expect("a directory");
            let (_store, log, byte_count) = store(dir.path(), compact);
            group.throughput(Throughput::Bytes(byte_count));
            group.bench_function(name, |bencher| {
                bencher.iter(|| assert_eq!(read(&*log, record_count), byte_count, "everything is read"));
            });
        }
        group.finish();
    }
}

criterion_group!(read_benches, benches);
criterion_main!(read_benches);
