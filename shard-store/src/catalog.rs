//! The engine boundary for small mutable facts: [`Catalog`], keys and values changed in atomic batches.
//!
//! A change is either wholly there after a crash or not at all. Values are JSON, so that a newer version can add
//! members and a person can read them. Keys are paths; each kind of record has its prefix and its owner:
//!
//! | prefix | owner | value |
//! |---|---|---|
//! | `store/` | [`crate::Store`] | format version, next log id, the secret that signs iterators, dropped logs |
//! | `stream/` | [`crate::stream`] | stream definitions with their shards and consumers |
//! | `stream-account/` | [`crate::stream`] | what an account has settled for its streams |
//! | `stream-load/` | [`crate::stream`] | the peaks of a stream's load |
//! | `queue/` | [`crate::queue`] | definitions of queues |
//! | `queue-state/` | [`crate::queue`] | checkpoints of what queues have delivered |
//! | `channel/` | [`crate::stream`] | channels: what is to be delivered from a stream to where |
//! | `delivery/` | `firehose` | delivery streams, their checkpoints, intents and schemas |
//! | `glue/` | `ingest-glue` | databases, tables and the versions of tables |

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CatalogError;

/// One change of a [`Catalog::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets `key` to `value`.
    Put {
        /// The key, a path.
        key: String,
        /// The value, JSON.
        value: Vec<u8>,
    },
    /// Removes `key` if it is there.
    Delete {
        /// The key, a path.
        key: String,
    },
}

impl Change {
    /// Sets `key` to `value` as JSON.
    pub fn put<T: Serialize>(key: impl Into<String>, value: &T) -> Self {
        let value = serde_json::to_vec(value).expect("catalog records have string keys only, so they are valid JSON");
        Self::Put { key: key.into(), value }
    }

    /// Removes `key`.
    pub fn delete(key: impl Into<String>) -> Self {
        Self::Delete { key: key.into() }
    }
}

/// Keys and values, changed in atomic and durable batches. The methods block on the disk: call them off the event loop.
pub trait Catalog: Send + Sync + 'static {
    /// The value of `key`, if it is there.
    ///
    /// # Errors
    /// `Storage` if the catalog cannot be read.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CatalogError>;

    /// All keys that begin with `prefix`, in order, with their values.
    ///
    /// # Errors
    /// `Storage` if the catalog cannot be read.
    fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, CatalogError>;

    /// Makes all changes, or none; on `Ok` they survive power loss.
    ///
    /// # Errors
    /// `Storage` if the changes could not be made durable.
    fn commit(&self, changes: &[Change]) -> Result<(), CatalogError>;
}

/// The value of `key`, decoded.
///
/// # Errors
/// `Storage` if the catalog cannot be read, `Malformed` if the value is not a `T`.
pub fn get<T: DeserializeOwned>(catalog: &dyn Catalog, key: &str) -> Result<Option<T>, CatalogError> {
    catalog.get(key)?.map(|value| decode(key, &value)).transpose()
}

/// All records whose key begins with `prefix`, decoded, in the order of their keys.
///
/// # Errors
/// As [`get`].
pub fn scan<T: DeserializeOwned>(catalog: &dyn Catalog, prefix: &str) -> Result<Vec<(String, T)>, CatalogError> {
    let rows = catalog.scan(prefix)?;
    rows.into_iter().map(|(key, value)| decode(&key, &value).map(|record| (key, record))).collect()
}

fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, CatalogError> {
    serde_json::from_slice(value)
        .map_err(|error| CatalogError::Malformed { key: key.to_owned(), reason: error.to_string() })
}
