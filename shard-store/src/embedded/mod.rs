//! The embedded engine: memory-mapped segments, one shared journal, a redb catalog.
//!
//! A batch is encoded straight into its log's mapping ([`log`]). With `fsync` and `interval` durability the same bytes go to
//! the end of the shared journal, which alone is synced before the acknowledgement ([`journal`]); segments are synced lazily,
//! after which the journal file is used again ([`settle`]) and the segment may be compressed ([`compact`]). The file of a
//! dropped segment becomes the next one ([`spare`]). [`recover`] puts segments and journal together after a crash.
//!
//! Threads: the committer owns the journal, the settler syncs segments, the compactor compresses them, the prefaulter brings
//! pages in ahead of the writers. Lock order: a log's tail, then the journal's queue. No lock is held while a thread waits
//! for the disk, but for a log's tail while it creates its next segment.

pub(crate) mod catalog;
pub(crate) mod compact;
pub(crate) mod decode;
pub(crate) mod engine;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod prefault;
pub(crate) mod recover;
pub(crate) mod scan;
pub(crate) mod segment;
pub(crate) mod settle;
pub(crate) mod spare;
