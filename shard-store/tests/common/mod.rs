//! What the store's tests share: small stores, batches that tell where they belong, and file systems that fail.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use bytesize::ByteSize;
use prometheus_client::registry::Registry;
use shard_store::clock::ManualClock;
use shard_store::durable_fs::DurableFs;
use shard_store::error::{AppendError, OpenError};
use shard_store::log::{Appended, Log, NewRecord, ReadLimit};
use shard_store::{Compaction, Durability, Options, Store};

pub(crate) mod faults;
pub(crate) mod model;

/// The first time a test's clock shows, in milliseconds since the Unix epoch.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// A store small enough that a few batches fill segments and journal files.
pub(crate) fn small(durability: Durability) -> Options {
    Options { durability, segment_size: ByteSize::kib(128), journal_file_size: ByteSize::kib(64), ..Options::default() }
}

/// As [`small`], with sealed segments compacted.
pub(crate) fn compacting(durability: Durability) -> Options {
    Options { compact: Compaction::Zstd, ..small(durability) }
}

/// Opens the store in `dir` on `fs`.
pub(crate) fn open_on(
    fs: Arc<dyn DurableFs>,
    dir: &Path,
    options: Options,
    clock: &Arc<ManualClock>,
) -> Result<Store, OpenError> {
    Store::open_on(fs, dir, options, Arc::clone(clock) as Arc<_>, &mut Registry::default())
}

/// Opens the store in `dir` on the real file system.
pub(crate) fn open(dir: &Path, options: Options) -> Result<Store, OpenError> {
    open_on(Arc::new(shard_store::durable_fs::RealFs), dir, options, &Arc::new(ManualClock::new(START_MS)))
}

/// A record as a test keeps it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) hash_key: Option<u128>,
    pub(crate) data: Vec<u8>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}B", self.key, self.data.len())
    }
}

impl Kept {
    /// A record whose bytes follow from `seed`.
    pub(crate) fn new(seed: u64, data_bytes: usize) -> Self {
        let data = (0..data_bytes as u64).map(|n| (seed.wrapping_mul(31).wrapping_add(n * 7)) as u8).collect();
        Self { key: format!("key-{seed}"), hash_key: seed.is_multiple_of(3).then_some(u128::from(seed) << 64), data }
    }
}

/// Appends a batch; the outer error is immediate, the inner one comes with the acknowledgement.
pub(crate) fn append(
    runtime: &tokio::runtime::Runtime,
    log: &dyn Log,
    batch: &[Kept],
) -> Result<Appended, AppendError> {
    let payloads: Vec<&[u8]> = batch.iter().map(|record| record.data.as_slice()).collect();
    let records: Vec<NewRecord<'_>> = batch
        .iter()
        .zip(&payloads)
        .map(|(record, data)| NewRecord { partition_key: &record.key, explicit_hash_key: record.hash_key, data })
        .collect();
    let pending = log.append(&records)?;
    runtime.block_on(pending)
}

/// Reads all records from the log's start, a few at a time, and checks their ordinals.
pub(crate) fn read_all(log: &dyn Log) -> Vec<Kept> {
    let mut kept = Vec::new();
    let mut from = log.start();
    while from < log.end() {
        let batch = log.read(from, ReadLimit { record_count: 7, byte_count: 5_000 }).unwrap();
        assert!(!batch.is_empty(), "a read before the end returns something");
        for record in batch.records() {
            assert_eq!(record.ordinal, from);
            from += 1;
            kept.push(Kept {
                key: record.partition_key.to_owned(),
                hash_key: record.explicit_hash_key,
                data: record.data.to_vec(),
            });
        }
        assert_eq!(from, batch.next_ordinal());
    }
    kept
}

/// A runtime for the futures of appends.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

/// Copies a directory with everything below it. The store may be at work in it: a copy during which a file came, went or was
/// renamed is none that a crash could leave, so it is made again.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    while !try_copy_files(from, to).unwrap() {
        std::fs::remove_dir_all(to).unwrap();
        std::fs::create_dir_all(to).unwrap();
    }
}

/// Copies all that is in `from`; false if its files were not the same ones from beginning to end.
fn try_copy_files(from: &Path, to: &Path) -> std::io::Result<bool> {
    let before = names(from)?;
    for (name, is_dir) in &before {
        let copied = if *is_dir {
            copy_dir(&from.join(name), &to.join(name));
            Ok(0)
        } else {
            std::fs::copy(from.join(name), to.join(name))
        };
        match copied {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            copied => copied?,
        };
    }
    Ok(names(from)? == before)
}

/// The names in a directory, each with whether it is a directory.
fn names(dir: &Path) -> std::io::Result<BTreeSet<(OsString, bool)>> {
    std::fs::read_dir(dir)?.map(|entry| entry.and_then(|e| Ok((e.file_name(), e.file_type()?.is_dir())))).collect()
}
