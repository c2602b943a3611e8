//! A store whose files were damaged: opening and verifying it end with an answer, and what is read is what was written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use libfuzzer_sys::arbitrary::{self, Unstructured};
use shard_store::clock::ManualClock;
use shard_store::log::{Log, LogId, ReadLimit};
use shard_store::{Durability, Store, verify};
use tempfile::TempDir;

use crate::common::faults::HaltingFs;
use crate::common::{Kept, START_MS, append, copy_dir, open, open_on, runtime, small};

const LOGS: u32 = 2;
const BATCHES: u64 = 24;

/// Stores to damage: one that was closed, one that was killed.
struct Originals {
    _home: TempDir,
    dirs: [PathBuf; 2],
    logs: Vec<LogId>,
}

fn originals() -> &'static Originals {
    static ORIGINALS: OnceLock<Originals> = OnceLock::new();
    ORIGINALS.get_or_init(|| {
        let home = tempfile::tempdir().expect("a temporary directory");
        let dirs = [home.path().join("closed"), home.path().join("killed")];
        let mut logs = Vec::new();
        for (dir, is_killed) in dirs.iter().zip([false, true]) {
            let fs = Arc::new(HaltingFs::after(i64::MAX, io::ErrorKind::Other));
            let clock = Arc::new(ManualClock::new(START_MS));
            let store = open_on(Arc::clone(&fs) as Arc<_>, dir, small(Durability::Fsync), &clock).expect("it opens");
            logs = store.allocate_logs(LOGS).expect("the catalog takes a change");
            fill(&store, &logs);
            if is_killed {
                fs.allow(0);
            }
        }
        Originals { _home: home, dirs, logs }
    })
}

fn record(log: usize, ordinal: u64) -> Kept {
    let seed = ordinal * 2 + log as u64;
    Kept::new(seed, 40 + (seed as usize * 397) % 9_000)
}

fn fill(store: &Store, logs: &[LogId]) {
    let runtime = runtime();
    for batch in 0..BATCHES {
        for (number, id) in logs.iter().enumerate() {
            let records = [record(number, batch * 2), record(number, batch * 2 + 1)];
            append(&runtime, &*store.log(*id), &records).expect("the store takes records");
        }
    }
}

pub(crate) fn run(input: &[u8]) {
    let mut choices = Unstructured::new(input);
    let _ = damage_and_open(&mut choices);
}

fn damage_and_open(choices: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let originals = originals();
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join("store");
    copy_dir(choices.choose(&originals.dirs)?, &dir);
    let mut files = Vec::new();
    list(&dir, &mut files);
    files.sort();
    for _ in 0..choices.int_in_range(1..=4)? {
        damage(choices.choose(&files)?, choices)?;
    }
    let _ = verify::verify(&dir).map(|report| report.damages.iter().for_each(|damage| drop(damage.to_string())));
    match open(&dir, small(Durability::Fsync)) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(store) => {
            for (number, id) in originals.logs.iter().enumerate() {
                check(&*store.log(*id), number);
            }
        }
    }
    Ok(())
}

/// The files of logs and of the journal. The catalog is redb's to look after, and says so by itself.
fn list(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the copy is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, files);
        } else if path.parent().is_some_and(|parent| {
            parent.ends_with("journal") || parent.parent().is_some_and(|logs| logs.ends_with("logs"))
        }) {
            files.push(path);
        }
    }
}

fn damage(file: &Path, choices: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let Ok(mut bytes) = fs::read(file) else { return Ok(()) };
    if bytes.is_empty() {
        return Ok(());
    }
    let last = bytes.len() - 1;
    match choices.arbitrary::<u8>()? % 8 {
        0..=3 => bytes[choices.int_in_range(0..=last)?] ^= choices.int_in_range(1..=255)?,
        4 => bytes[choices.int_in_range(0..=last.min(200))?] ^= choices.int_in_range(1..=255)?,
        5 => bytes.truncate(choices.int_in_range(0..=last)?),
        6 => {
            let from = choices.int_in_range(0..=last)?;
            let to = choices.int_in_range(from..=last)?;
            bytes[from..=to].fill(0);
        }
        _ => {
            fs::remove_file(file).expect("the file is there");
            return Ok(());
        }
    }
    fs::write(file, bytes).expect("the copy can be written");
    Ok(())
}

/// A log that was opened gives back records as they were written, or says that it cannot.
fn check(log: &dyn Log, number: usize) {
    let mut from = log.start();
    assert!(log.end() <= BATCHES * 2, "nothing is there that was not written");
    while from < log.end() {
        let Ok(batch) = log.read(from, ReadLimit { record_count: 16, byte_count: 20_000 }) else { return };
        assert!(!batch.is_empty(), "a read before the end returns something");
        for found in batch.records() {
            let written = record(number, found.ordinal);
            assert_eq!(
                (found.ordinal, found.partition_key, found.data),
                (from, written.key.as_str(), written.data.as_slice())
            );
            assert_eq!(found.explicit_hash_key, written.hash_key);
            from += 1;
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let run_of = |step: u8| (0..24_u8).map(|n| n.wrapping_mul(step).wrapping_add(step)).collect();
    [1, 5, 13, 37, 71, 113, 199, 251].map(run_of).to_vec()
}
