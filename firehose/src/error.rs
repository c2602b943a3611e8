//! What can go wrong, by operation.

use shard_store::error::{AppendError, CatalogError, StorageError};
use shard_store::stream::StreamKey;

use crate::convert::TimestampFormatError;
use crate::prefix::PrefixError;
pub use crate::process::ProcessorError;
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
    /// What earlier deliveries left cannot be removed.
    #[error("cannot tidy up what is about to be delivered: {reason}")]
    Spool {
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
    /// Records would be read from a time on that lies ahead.
    #[error("records cannot be read from a time on that lies ahead")]
    StartsLater,
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
    /// The destination cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
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

/// A destination cannot be used as it is configured.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecipeError {
    /// Its prefixes.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// Its processors.
    #[error(transparent)]
    Processor(#[from] ProcessorError),
    /// How its timestamps are read.
    #[error(transparent)]
    TimestampFormat(#[from] TimestampFormatError),
    /// Its endpoint.
    #[error("{reason}")]
    Endpoint {
        /// What is wrong with it.
        reason: String,
    },
}

/// A delivery stream was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpdateError {
    /// There is no such delivery stream.
    #[error("delivery stream {key} does not exist")]
    NotFound {
        /// The delivery stream.
        key: StreamKey,
    },
    /// Somebody else changed it meanwhile.
    #[error("delivery stream {key} is of version {version}")]
    Version {
        /// The delivery stream.
        key: StreamKey,
        /// Its version.
        version: u32,
    },
    /// The table is not there.
    #[error("table {name}: {error}")]
    Table {
        /// The table, `DATABASE.TABLE`.
        name: String,
        /// What is wrong with it.
        error: TableSchemaError,
    },
    /// The new destination cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The change could not be made durable; nothing was changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Records are not delivered again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no such delivery stream.
    #[error("delivery stream {key} does not exist")]
    NotFound {
        /// The delivery stream.
        key: StreamKey,
    },
    /// The source does not know the sequence number.
    #[error("sequence number {number} is of no record of the source of delivery stream {key}")]
    Sequence {
        /// The delivery stream.
        key: StreamKey,
        /// The number.
        number: String,
    },
    /// The source keeps no record from there on that was delivered.
    #[error("the source of delivery stream {key} keeps no delivered record from there on")]
    Nothing {
        /// The delivery stream.
        key: StreamKey,
    },
    /// The source cannot be read.
    #[error("the source of delivery stream {key} cannot be read: {reason}")]
    Read {
        /// The delivery stream.
        key: StreamKey,
        /// What the store said.
        reason: String,
    },
    /// The change could not be made durable; nothing was changed.
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
        /// Whether it is a topic that it reads.
        is_topic: bool,
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
    /// What is about to be delivered could not be written.
    #[error("cannot write what is about to be delivered: {reason}; check the room on the disk of the data directory")]
    Spool {
        /// What the system said.
        reason: String,
    },
    /// The endpoint refused or could not be reached.
    #[error("the endpoint does not take records: {reason}; they are sent again until the retry duration is over")]
    Endpoint {
        /// What it said.
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

impl From<std::io::Error> for DeliveryError {
    fn from(error: std::io::Error) -> Self {
        Self::Spool { reason: error.to_string() }
    }
}
