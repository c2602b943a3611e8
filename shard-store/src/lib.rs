//! The storage engine: durable segment logs, the catalog, streams and shards.
//!
//! # Constraints
//! - An acknowledged record is read back, once per position, in order, with the bytes that were sent, until retention or
//!   deletion ends it; that holds through kill -9 and power loss (see *Durability*).
//! - Nothing that a file holds makes the process panic, hang or grow without bound.
//! - Nobody here knows of HTTP or of AWS beyond its domain words (stream, shard, partition key, sequence number).
//!
//! # Layers, from the bottom
//! | module | what it is about |
//! |---|---|
//! | [`format`] | the on-disk format: the document, and bytes ↔ values without I/O |
//! | `mmap`, [`durable_fs`] | memory shared by one writer and its readers (the only unsafe code); what makes bytes durable |
//! | `embedded` | the engine: segments, journal, recovery, compaction, recycling, redb |
//! | [`keyring`] | the keys of records that are encrypted at rest |
//! | [`log`], [`catalog`] | the boundary above which nobody knows the engine |
//! | [`Store`] | one open data directory |
//! | [`stream`] | streams, shards, hash ranges, sequence numbers, iterators, throttles, retention |
//! | [`queue`] | queues that deliver the records of a stream to many readers, each until it is acknowledged |
//! | [`verify`] | checks every byte of a stopped store |
//!
//! # Durability
//! | `durability` | acknowledged when | survives kill -9 | survives power loss |
//! |---|---|---|---|
//! | `fsync` | the journal is synced | everything acknowledged | everything acknowledged |
//! | `interval` | the batch is in memory | everything acknowledged | all but the last `sync-interval` |
//! | `page-cache` | the batch is in memory | everything acknowledged | what the kernel happened to write; each log is cut at the first gap |
//!
//! Readers see a record only when it is as durable as its acknowledgement says. After a failed write or sync the store is
//! fenced: nothing is acknowledged until it is opened again, which goes through recovery.

pub mod catalog;
pub mod clock;
pub mod config;
pub mod durable_fs;
mod embedded;
pub mod error;
pub mod format;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod keyring;
pub mod log;
mod metrics;
mod mmap;
pub mod queue;
mod store;
pub mod stream;
mod sync;
pub mod verify;

pub use config::{Compaction, Durability, Options};
pub use format::frame::RecordView;
pub use mmap::map_file;
pub use store::Store;
