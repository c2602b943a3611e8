//! What can go wrong, by operation.

use shard_store::error::{AppendError, CatalogError, StorageError};
use shard_store::stream::StreamKey;

use crate::prefix::PrefixError;
use crate::schema::TableSchemaError;
use crate::sink::SinkError;

/// The delivery streams of a store could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// The definitions could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The options cannot be used.
    #[error("{}", problems.join("; "))]
    Options {
        /// Everything that is wrong with them.
        problems: Vec<String>,
    },
    /// There is no place for what is about to be delivered.
    #[error("{} is not usable as a directory: {reason}; check its permissions", dir.display())]
    WorkDir {
        /// The directory.
        dir: std::path::PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A stored definition is refused by this version.
    #[error("the definition of delivery stream {key} cannot be used: {reason}")]
    Definition {
        /// The delivery stream.
        key: StreamKey,
        /// What is wrong with it.
        reason: String,
    },
}

/// A delivery stream was not created.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one of this name.
    #[error("delivery stream {key} already exists")]
    AlreadyExists {
        /// The delivery stream.
        key: StreamKey,
    },
    /// The account has as many as it may.
    #[error("account {account} has {limit} delivery streams in {region}, the most it may have")]
    TooMany {
        /// The account.
        account: String,
        /// The region.
        region: String,
        /// The limit.
        limit: usize,
    },
    /// The source stream is not there.
    #[error("stream {key} does not exist")]
    SourceNotFound {
        /// The stream.
        key: StreamKey,
    },
    /// The topic's cluster is not in the configuration.
    #[error("cluster {cluster} is not configured under kafka.clusters")]
    ClusterNotFound {
        /// The cluster.
        cluster: String,
    },
    /// The table is in no catalog, or its columns cannot be used.
    #[error("table {name}: {error}")]
    Table {
        /// The table, `DATABASE.TABLE`.
        name: String,
        /// What is wrong with it.
        error: TableSchemaError,
    },
    /// The prefixes cannot be used.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The definition could not be made durable. Nothing was created.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Settings of a delivery stream were not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such delivery stream.
    #[error("delivery stream {key} does not exist")]
    NotFound {
        /// The delivery stream.
        key: StreamKey,
    },
    /// It has no log of its own that could be encrypted.
    #[error("delivery stream {key} reads a stream and keeps no records of its own")]
    NotDirectPut {
        /// The delivery stream.
        key: StreamKey,
    },
    /// It would have more tags than it may.
    #[error("delivery stream {key} may have {limit} tags")]
    TooManyTags {
        /// The delivery stream.
        key: StreamKey,
        /// The limit.
        limit: usize,
    },
    /// The change could not be made durable.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A delivery stream was not deleted, or not wholly.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeleteError {
    /// There is no such delivery stream.
    #[error("delivery stream {key} does not exist")]
    NotFound {
        /// The delivery stream.
        key: StreamKey,
    },
    /// The change could not be made durable. The delivery stream is still there, and delivers after a restart.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The delivery stream is gone, but files of its log are not; opening the store removes them.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Records were not put.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PutError {
    /// The delivery stream reads a stream; records are put to that.
    #[error("delivery stream {key} reads a stream and takes no direct puts")]
    NotDirectPut {
        /// The delivery stream.
        key: StreamKey,
    },
    /// It takes no more for now.
    #[error("delivery stream {key} takes no more than 2,000 calls, 5,000 records and 5 MiB a second")]
    Throttled {
        /// The delivery stream.
        key: StreamKey,
    },
    /// The log refused the records or lost them.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// A step of a delivery failed; it is tried again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The source could not be read.
    #[error("cannot read the source: {reason}")]
    Read {
        /// What the store said.
        reason: String,
    },
    /// The objects could not be built.
    #[error("cannot build the objects: {reason}")]
    Build {
        /// What went wrong.
        reason: String,
    },
    /// The intent or the checkpoint could not be made durable.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The bucket refused or could not be reached.
    #[error(
        "{0}; delivery goes on by itself once the bucket takes objects: check that it exists, can be reached, and may be written to"
    )]
    Sink(#[from] SinkError),
}
