//! What can go wrong, by operation. Variants are facts; front doors map them to AWS codes.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A file system operation failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {action} {path}: {source}")]
pub struct StorageError {
    /// What was being done, a verb.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: Arc<io::Error>,
}

impl StorageError {
    /// `action` on `path` failed with `source`.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { action, path: path.into(), source: Arc::new(source) }
    }

    /// Whether there is no room left (the disk is full, or a quota is used up).
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// Stored bytes are not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is damaged at byte {offset}: {reason}")]
pub struct Damage {
    /// The damaged file.
    pub path: PathBuf,
    /// Where in it the damaged structure begins, in bytes.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// A key cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// There is no such key, or version of a key, in the keyring.
    #[error("the keyring holds no key {name}; restore it from a backup, or create it")]
    NotFound {
        /// The id, alias or ARN asked for.
        name: String,
    },
    /// Another key has the alias.
    #[error("there is a key with the alias {alias} already")]
    AliasInUse {
        /// The alias.
        alias: String,
    },
    /// The file is not a keyring.
    #[error("{path} is not a keyring: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// The file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// An append was refused or lost.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The log takes no more records (its shard was split, merged or deleted).
    #[error("the log is sealed")]
    Sealed,
    /// The batch is larger than a segment can hold.
    #[error("the batch takes {byte_count} bytes, more than the {byte_count_max} that fit one segment")]
    TooLarge {
        /// The bytes of the encoded batch.
        byte_count: usize,
        /// The most that fit.
        byte_count_max: usize,
    },
    /// A payload could not be decoded.
    #[error(transparent)]
    Malformed(#[from] crate::log::Malformed),
    /// The file system refused, for example because the disk is full; nothing is acknowledged.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log is to encrypt, and its key cannot be had; nothing is written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A write or sync failed before; nothing is acknowledged until the store is opened again.
    #[error("the store is fenced after a failed write or sync: {reason}; restart it to recover")]
    Fenced {
        /// The failure that fenced it.
        reason: String,
    },
}

/// A read was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The position lies past the end of the log.
    #[error("position {from} lies past the end {end}")]
    BeyondEnd {
        /// The position asked for.
        from: u64,
        /// The end of the log.
        end: u64,
    },
    /// Stored bytes fail their checksum.
    #[error(transparent)]
    Corrupt(#[from] Damage),
    /// The records are encrypted, and their key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The catalog could not be read or changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// The database failed.
    #[error("the catalog failed: {reason}")]
    Storage {
        /// What it said.
        reason: String,
    },
    /// A value is not what its key promises.
    #[error("the catalog's record {key} cannot be read: {reason}")]
    Malformed {
        /// The key.
        key: String,
        /// What is wrong with the value.
        reason: String,
    },
}

/// A store could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// Another process has the data directory open.
    #[error("the data directory {path} is in use by another process; stop it, or give this one another --data-dir")]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The directory holds something else.
    #[error("{path} is not empty and holds no Headwater store; give an empty or new directory as --data-dir")]
    Foreign {
        /// The data directory.
        path: PathBuf,
    },
    /// The store was written by a version that this one does not know.
    #[error(
        "{path} holds a store of format {found}, and this version reads format {known}; use the version that wrote it"
    )]
    Version {
        /// The data directory.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The format this version reads.
        known: u32,
    },
    /// Acknowledged bytes are damaged. Nothing was changed.
    #[error("{0}; run `headwater verify` on the data directory to see all damage, and restore the file from a backup")]
    Damaged(#[from] Damage),
    /// The file system refused.
    #[error("{0}; check the directory's permissions and free space")]
    Storage(#[from] StorageError),
    /// The catalog could not be opened or read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The keyring could not be read.
    #[error(transparent)]
    Keyring(#[from] KeyError),
}
