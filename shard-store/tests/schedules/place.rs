//! A store to run a scenario on, and a file system that knows what was synced.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytesize::ByteSize;
use prometheus_client::registry::Registry;
use shard_store::clock::ManualClock;
use shard_store::durable_fs::{DurableFs, RealFs};
use shard_store::log::{Appended, Log, NewRecord, ReadLimit};
use shard_store::{Durability, Options, Store};
use shuttle::future::block_on;
use shuttle::thread;
use tempfile::TempDir;

pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

/// An open store with one log.
pub(crate) struct Place {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) fs: Arc<WatchedFs>,
    // Before the directory.
    pub(crate) store: Store,
    _dir: TempDir,
}

impl Place {
    pub(crate) fn new(durability: Durability) -> Self {
        Self::of_size(durability, ByteSize::kib(64))
    }

    /// Journal files are of this size, and segments double it.
    pub(crate) fn of_size(durability: Durability, journal_file_size: ByteSize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fs = Arc::new(WatchedFs::default());
        let segment_size = ByteSize(2 * journal_file_size.as_u64());
        let options = Options { durability, segment_size, journal_file_size, ..Options::default() };
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let store = Store::open_on(Arc::clone(&fs) as _, dir.path(), options, clock, &mut Registry::default()).unwrap();
        let log = store.log(store.allocate_logs(1).unwrap()[0]);
        Self { log, fs, store, _dir: dir }
    }
}

/// Appends one record and waits until it is acknowledged.
pub(crate) fn append(log: &dyn Log, data: &[u8]) -> Result<Appended, shard_store::error::AppendError> {
    block_on(log.append(&[NewRecord { partition_key: "key", explicit_hash_key: None, data: &data }])?)
}

/// Reads what is there from `from` on. Returns the data with the ordinals, which have no gap.
pub(crate) fn read_from(log: &dyn Log, from: u64) -> Vec<(u64, Vec<u8>)> {
    let batch = log.read(from, ReadLimit { record_count: 100, byte_count: 1 << 20 }).unwrap();
    let found: Vec<_> = batch.records().map(|record| (record.ordinal, record.data.to_vec())).collect();
    assert!(found.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "ordinals have no gap");
    found
}

/// Waits for records and reads them, until `count` were read from the start on.
pub(crate) fn follow(log: &dyn Log, count: u64, mut look: impl FnMut(u64, &[u8])) {
    let mut next = 0;
    while next < count {
        block_on(log.wait_past(next));
        for (ordinal, data) in read_from(log, next) {
            assert_eq!(ordinal, next);
            look(ordinal, &data);
            next += 1;
        }
    }
}

/// The real file system but for syncs, which take no time of the machine's and yet some of the schedule's. It remembers
/// which bytes of the journal were synced.
#[derive(Default)]
pub(crate) struct WatchedFs(Mutex<Journal>);

#[derive(Default)]
struct Journal {
    written: HashMap<PathBuf, Vec<u8>>,
    synced: Vec<u8>,
}

impl WatchedFs {
    /// Whether `bytes` stand in a part of the journal that was synced.
    pub(crate) fn is_durable(&self, bytes: &[u8]) -> bool {
        self.0.lock().unwrap().synced.windows(bytes.len()).any(|window| window == bytes)
    }
}

/// Whether it is a journal file in use, not one that is being filled with zeros.
fn is_journal(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".journal") && !name.starts_with("spare")
}

impl DurableFs for WatchedFs {
    fn create(&self, path: &Path, byte_count: u64) -> io::Result<File> {
        RealFs.create(path, byte_count)
    }

    fn write_at(&self, file: &File, path: &Path, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        if is_journal(path) {
            thread::yield_now();
            let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
            self.0.lock().unwrap().written.entry(path.to_owned()).or_default().extend(bytes);
        }
        RealFs.write_at(file, path, slices, offset)
    }

    fn sync(&self, _: &File, path: &Path) -> io::Result<()> {
        thread::yield_now();
        let mut journal = self.0.lock().unwrap();
        if let Some(written) = journal.written.remove(path) {
            journal.synced.extend(written);
        }
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealFs.remove(path)
    }
}
