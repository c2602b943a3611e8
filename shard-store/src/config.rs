//! The store's options, as they stand in a configuration file under `[store]`.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// What an acknowledgement promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// Acknowledged means that it survives power loss.
    #[default]
    Fsync,
    /// Acknowledged at once, synced every `sync-interval`: power loss costs at most that much.
    Interval,
    /// Survives a killed process, not power loss. There is no journal.
    PageCache,
}

/// What becomes of segments that take no more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compaction {
    /// They stay as they were written.
    #[default]
    None,
    /// They are rewritten with zstd in the background, batch by batch. Encrypted batches stay as they are.
    Zstd,
}

/// The options of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// What an acknowledgement promises: `fsync`, `interval` or `page-cache`.
    pub durability: Durability,
    /// How often `interval` durability syncs.
    #[serde(with = "humantime_serde")]
    pub sync_interval: Duration,
    /// The size that segments grow to by doubling; also bounds one batch.
    pub segment_size: ByteSize,
    /// The size of one journal file.
    pub journal_file_size: ByteSize,
    /// The most bytes of dropped segments' files that are kept to become the next segments; 0 removes them all.
    pub spare_size: ByteSize,
    /// What becomes of segments that take no more records: `none` or `zstd`.
    pub compact: Compaction,
    /// How hard zstd tries, from 1 (fast) to 19 (small).
    pub compact_level: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Fsync,
            sync_interval: Duration::from_millis(50),
            segment_size: ByteSize::mib(64),
            journal_file_size: ByteSize::mib(64),
            spare_size: ByteSize::mib(512),
            compact: Compaction::None,
            compact_level: 3,
        }
    }
}
