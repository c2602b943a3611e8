//! One file of many cannot be synced: its log is fenced, the others go on, and nothing that was acknowledged is lost.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::faults::BadSectorFs;
use common::{Kept, START_MS, append, open, open_on, read_all, runtime, small};
use shard_store::Durability;
use shard_store::clock::ManualClock;
use shard_store::error::AppendError;

/// More appends than the journal's files, of which a few wait for their segments, can hold.
const APPENDS_MAX: u64 = 1_000;

/// The journal holds what the broken segment does not: appends go on until it must let go of a file, which it cannot. From
/// then on it keeps that file and those after it, for the next start.
#[test]
fn a_segment_that_cannot_be_synced_fences_its_log_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Arc::new(BadSectorFs::default());
    let clock = Arc::new(ManualClock::new(START_MS));
    let store = open_on(Arc::clone(&fs) as Arc<_>, dir.path(), small(Durability::Fsync), &clock).unwrap();
    let ids = store.allocate_logs(2).unwrap();
    let (broken, sound, runtime) = (store.log(ids[0]), store.log(ids[1]), runtime());
    fs.break_below(dir.path().join("logs").join(ids[0].to_string()));

    let mut kept = [Vec::new(), Vec::new()];
    let mut fenced = None;
    for n in 0..APPENDS_MAX {
        let record = Kept::new(n, 2_000);
        append(&runtime, &*sound, std::slice::from_ref(&record)).unwrap();
        kept[1].push(record.clone());
        match append(&runtime, &*broken, std::slice::from_ref(&record)) {
            Ok(_) => kept[0].push(record),
            Err(error) => {
                fenced = Some(error);
                break;
            }
        }
    }
    assert!(matches!(fenced, Some(AppendError::Fenced { .. })), "{fenced:?}");
    assert!(matches!(append(&runtime, &*broken, &[Kept::new(0, 1)]), Err(AppendError::Fenced { .. })), "no second try");
    assert_eq!(read_all(&*broken), kept[0], "what was acknowledged can still be read");
    for n in 0..100 {
        let record = Kept::new(n, 2_000);
        append(&runtime, &*sound, std::slice::from_ref(&record)).unwrap();
        kept[1].push(record);
    }
    drop((broken, sound, store));

    let store = open(dir.path(), small(Durability::Fsync)).unwrap();
    for (id, kept) in ids.into_iter().zip(kept) {
        assert_eq!(read_all(&*store.log(id)), kept);
        append(&runtime, &*store.log(id), &[Kept::new(0, 1)]).unwrap();
    }
}
