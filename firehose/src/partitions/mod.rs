//! The life of a partition: the folder that a prefix makes is filled, tidied, and closed.
//!
//! ```text
//! an object lands ──> its row in the ledger ──watermark passes the end of its period──> merge ──> manifest ──> marker
//!    (one transaction with the checkpoint)                                                     rows go <──┘
//! ```
//!
//! Each data object of a delivery stream with `[firehose.streams.NAME.partitions]` whose prefix shows a time is remembered in
//! the catalog, by the transaction that moves the checkpoint past its records; so the ledger has exactly what landed. The
//! objects of one folder are a partition. It is closed once no record can come to it any more: the oldest record that is
//! not delivered arrived after the end of its period, or there is none and the clock is past it, and `close-delay` is over.
//!
//! Closing merges the objects that are smaller than `compact-below`, then puts `_manifest.json`, then `_SUCCESS`, and then
//! forgets the rows. Readers of tables pass over names that begin with `_`. What is to be done is in the catalog before it
//! is done ([`work`]), with the exact objects, so that after a crash anywhere it is done again with the same outcome.
//!
//! A record that comes later makes a row again, and its partition is closed again: the manifest is read back and
//! written with all that it had and what came, however long ago that was, and nothing is kept in the catalog for it. A
//! manifest beyond a bound is continued in `_manifest-2.json`. `_SUCCESS` is taken away while a closed partition is merged.
//!
//! # What a reader sees
//! Merging puts the large object before it removes the small ones. Whoever lists the folder between the two sees their rows
//! twice. Readers that wait for `_SUCCESS`, and readers of a manifest, see each row once: objects in a manifest are never
//! merged again. So do those that list folders of periods that are not merged.
//!
//! # What is asked of prefixes
//! The time must stand in a folder of the prefix rather than in the name behind the last `/`, and no other delivery stream
//! may write there; else a folder is closed again and again. The event time of records needs `lateness`, or a clock that is
//! wrong by years keeps its partition open as long.
//!
//! | module | what it does |
//! |---|---|
//! | [`ledger`] | the rows, and how far time has come |
//! | [`work`] | what is being done to a partition, as it stands in the catalog |
//! | [`merge`], [`unite`] | small objects become one, in a scratch file |
//! | [`manifest`] | the manifest as Redshift reads it |
//! | [`keeper`] | the task that does it all, beside the delivery, which it never holds up |
//!
//! What this does not do: merge ZIP objects, objects whose columns differ in type, or objects that it did not see land.

mod keeper;
mod ledger;
mod manifest;
mod merge;
mod options;
#[cfg(test)]
mod tests;
mod unite;
mod work;

pub(crate) use keeper::Keeper;
pub(crate) use ledger::Landing;
pub use options::PartitionOptions;
pub(crate) use work::catalog_keys;
