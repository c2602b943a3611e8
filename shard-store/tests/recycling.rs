//! Recycling: the file of a dropped segment becomes the next segment, and nothing of its old life is ever seen.
//!
//! Random operations with trims among them: `model.rs`; lost pages and names: `power_loss.rs`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use common::faults::PowerFs;
use common::{Kept, START_MS, append, copy_dir, open, open_on, read_all, runtime, small};
use shard_store::clock::ManualClock;
use shard_store::durable_fs::{DurableFs, RealFs};
use shard_store::log::{Log, LogId, ReadLimit};
use shard_store::verify::verify;
use shard_store::{Durability, Options, Store};
use tokio::runtime::Runtime;

const ALL: ReadLimit = ReadLimit { record_count: usize::MAX, byte_count: usize::MAX };
const DURABILITIES: [Durability; 3] = [Durability::Fsync, Durability::Interval, Durability::PageCache];
/// All batches take the same space, so that the frames of a file's two lives begin at the same places.
const RECORD_BYTES: usize = 10_000;

struct Harness {
    dir: tempfile::TempDir,
    store: Store,
    id: LogId,
    runtime: Runtime,
    kept: Vec<Kept>,
}

impl Harness {
    fn new(options: Options) -> Self {
        Self::on(Arc::new(RealFs), options)
    }

    fn on(fs: Arc<dyn DurableFs>, options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open_on(fs, dir.path(), options, &Arc::new(ManualClock::new(START_MS))).unwrap();
        let id = store.allocate_logs(1).unwrap()[0];
        Self { dir, store, id, runtime: runtime(), kept: Vec::new() }
    }

    fn log(&self) -> Arc<dyn Log> {
        self.store.log(self.id)
    }

    fn append(&mut self, record_count: u64) {
        for _ in 0..record_count {
            let mut record = Kept::new(self.kept.len() as u64, RECORD_BYTES);
            (record.key, record.hash_key) = ("k".to_owned(), None);
            append(&self.runtime, &*self.log(), std::slice::from_ref(&record)).unwrap();
            self.kept.push(record);
        }
    }

    /// Drops every segment but the last, and waits until the journal lets them go.
    fn trim(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        // Each attempt asks for another journal file if the one in use stands in the way.
        while self.log().trim_before(self.kept.len() as u64 - 1).unwrap() < 40 {
            assert!(Instant::now() < deadline, "segments get out of the journal");
            std::thread::yield_now();
        }
        // The settler lets go of segments that are gone.
        self.store.compact();
    }

    fn spares(&self) -> Vec<PathBuf> {
        list(&self.dir.path().join("spare"))
    }

    /// The inodes of the log's segments.
    fn segments(&self) -> BTreeSet<u64> {
        inodes(&list(&log_dir(self.dir.path(), self.id)))
    }

    fn check(&self, store: &Store) {
        let log = store.log(self.id);
        let start = log.start() as usize;
        assert!(start as u64 <= self.log().start(), "what was kept is there");
        assert!(read_all(&*log) == self.kept[start..], "what was appended is there, and nothing else");
    }
}

fn log_dir(dir: &Path, id: LogId) -> PathBuf {
    dir.join("logs").join(id.to_string())
}

fn list(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn inodes(paths: &[PathBuf]) -> BTreeSet<u64> {
    // A file may get its final name meanwhile.
    paths.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.ino()).collect()
}

#[test]
fn the_file_of_a_dropped_segment_becomes_the_next_and_its_old_records_never_come_back() {
    for durability in DURABILITIES {
        let mut harness = Harness::new(small(durability));
        harness.append(60);
        harness.trim();
        let spares = inodes(&harness.spares());
        assert!(!spares.is_empty(), "{durability:?}: files are kept");
        // Into a file that was used before, and to everywhere in it: old frames follow the last new one.
        let mut recycled = 0;
        for _ in 0..20 {
            harness.append(1);
            recycled += usize::from(!spares.is_disjoint(&harness.segments()));
            let copy = tempfile::tempdir().unwrap();
            copy_dir(harness.dir.path(), copy.path());
            assert_eq!(verify(copy.path()).unwrap().damages, [], "{durability:?}");
            let store = open(copy.path(), small(durability)).unwrap();
            harness.check(&store);
            assert_eq!(store.log(harness.id).end(), harness.kept.len() as u64);
            assert_eq!(list(&copy.path().join("spare")), Vec::<PathBuf>::new(), "a start removes what is left");
        }
        assert!(recycled > 0, "{durability:?}: a kept file was used");
    }
}

/// Power loss took the new header: under the new name stands the file as it was in its old life, or with new frames.
#[test]
fn a_recycled_file_with_its_old_header_is_restored_from_the_journal_or_nobody_was_told() {
    for durability in [Durability::Fsync, Durability::PageCache] {
        let mut harness = Harness::new(small(durability));
        harness.append(60);
        harness.trim();
        let old_headers: Vec<(u64, Vec<u8>)> = (harness.spares().iter())
            .map(|path| (path.metadata().unwrap().ino(), fs::read(path).unwrap()[..4096].to_vec()))
            .collect();
        let is_recycled = |path: &PathBuf| {
            // The settler may just have renamed it.
            let inode = path.metadata().ok()?.ino();
            old_headers.iter().find(|(old, _)| *old == inode).map(|(_, header)| (path.clone(), header.clone()))
        };
        let is_new = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "new");
        let segments = |harness: &Harness| list(&log_dir(harness.dir.path(), harness.id));
        let (path, old_header) = loop {
            harness.append(1);
            if let Some(found) = segments(&harness).iter().filter(|path| is_new(path)).find_map(is_recycled) {
                break found;
            }
            assert!(harness.kept.len() < 500, "a kept file is used");
        };
        harness.append(3);
        let copy = tempfile::tempdir().unwrap();
        copy_dir(harness.dir.path(), copy.path());
        let damaged = copy.path().join(path.strip_prefix(harness.dir.path()).unwrap());
        let mut bytes = fs::read(&damaged).unwrap();
        bytes[..4096].copy_from_slice(&old_header);
        fs::write(&damaged, bytes).unwrap();
        let store = open(copy.path(), small(durability)).unwrap();
        let log = store.log(harness.id);
        let (start, found) = (log.start() as usize, read_all(&*log));
        if durability == Durability::Fsync {
            harness.check(&store);
            assert_eq!(log.end(), harness.kept.len() as u64);
        } else {
            assert!(harness.kept[start..].starts_with(&found), "a prefix is left");
        }
    }
}

/// The power goes just after files were used again: whichever pages and names are left, no file holds new bytes under its
/// old name, and no old record is taken for a new one.
#[test]
fn power_loss_after_recycling_leaves_what_was_promised() {
    for durability in DURABILITIES {
        let fs = Arc::new(PowerFs::default());
        let mut harness = Harness::on(Arc::clone(&fs) as Arc<_>, small(durability));
        harness.append(60);
        harness.trim();
        let spares = inodes(&harness.spares());
        while spares.is_disjoint(&harness.segments()) {
            harness.append(1);
        }
        harness.append(4);
        for seed in 0..24u64 {
            let mut random = seed;
            let survives = || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % 24 < seed
            };
            let after = tempfile::tempdir().unwrap();
            fs.cut_power(harness.dir.path(), after.path(), survives);
            let store = open(after.path(), small(durability)).unwrap();
            let log = store.log(harness.id);
            let (start, found) = (log.start() as usize, read_all(&*log));
            assert!(harness.kept[start..].starts_with(&found), "{durability:?}, seed {seed}: a prefix is left");
            if durability == Durability::Fsync {
                assert_eq!(log.end(), harness.kept.len() as u64, "seed {seed}");
                harness.check(&store);
            }
        }
    }
}

#[test]
fn a_file_that_somebody_still_reads_is_not_written_to() {
    let mut harness = Harness::new(small(Durability::PageCache));
    harness.append(60);
    let held = harness.log().read(0, ALL).unwrap();
    harness.trim();
    let spares = inodes(&harness.spares());
    assert!(spares.len() >= 3);
    harness.append(60);
    assert!(harness.segments().is_disjoint(&spares), "all of them are read");
    assert!(held.records().map(|record| record.data).eq(harness.kept[..60].iter().map(|record| &record.data[..])));
    drop(held);
    harness.append(60);
    assert!(!harness.segments().is_disjoint(&spares), "nobody reads them any more");
    harness.check(&harness.store);
}

#[test]
fn no_more_is_kept_than_the_option_says() {
    for (spare_kib, kept) in [(0, 0), (127, 0), (300, 2)] {
        let options = Options { spare_size: ByteSize::kib(spare_kib), ..small(Durability::PageCache) };
        let mut harness = Harness::new(options);
        harness.append(100);
        harness.trim();
        assert_eq!(harness.spares().len(), kept, "{spare_kib} KiB");
        harness.store.remove_logs(&[harness.id]).unwrap();
        assert_eq!(harness.spares().len(), kept, "{spare_kib} KiB");
    }
}

#[test]
fn a_removed_log_leaves_its_files_to_the_next() {
    let mut harness = Harness::new(small(Durability::PageCache));
    harness.append(60);
    harness.store.remove_logs(&[harness.id]).unwrap();
    let spares = inodes(&harness.spares());
    assert!(spares.len() >= 3);
    assert!(!log_dir(harness.dir.path(), harness.id).exists());
    harness.id = harness.store.allocate_logs(1).unwrap()[0];
    harness.kept.clear();
    harness.append(60);
    assert!(!harness.segments().is_disjoint(&spares));
    harness.check(&harness.store);
}
