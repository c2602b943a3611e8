//! What can go wrong with streams, by operation.

use std::time::Duration;

use super::definition::StreamKey;
use super::shard::ShardNumber;
use crate::error::{AppendError, CatalogError, ReadError};

/// The streams of a store could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenStreamsError {
    /// The definitions could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A definition contradicts itself.
    #[error("the definition of stream {key} is damaged: {reason}; restore the catalog from a backup")]
    Definition {
        /// The stream.
        key: StreamKey,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A stream was not created.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CreateError {
    /// There is one of this name.
    #[error("stream {key} already exists")]
    AlreadyExists {
        /// The stream.
        key: StreamKey,
    },
    /// The account would have more shards than it may.
    #[error(
        "{requested} more shards would exceed the limit of {shards_max} for account {account} in {region}, which has {present}"
    )]
    TooManyShards {
        /// The account.
        account: String,
        /// The region.
        region: String,
        /// Open shards of the account in this region before the request.
        present: u64,
        /// Shards asked for.
        requested: u64,
        /// The limit that would be exceeded.
        shards_max: u64,
    },
    /// The definition could not be made durable. Nothing was created.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A stream was not deleted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeleteError {
    /// There is no such stream.
    #[error("stream {key} does not exist")]
    NotFound {
        /// The stream.
        key: StreamKey,
    },
    /// The change could not be made durable. The stream is still there.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A record was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PutError {
    /// The shard takes no more for now.
    #[error("{shard} takes no more than 1 MiB and 1,000 records a second")]
    Throttled {
        /// The shard.
        shard: ShardNumber,
    },
    /// The log refused the record or lost it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// A position could not be found.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PositionError {
    /// The sequence number belongs to another shard.
    #[error("the sequence number belongs to {encoded}, not to {shard}")]
    OtherShard {
        /// The shard in the sequence number.
        encoded: ShardNumber,
        /// The shard it was used with.
        shard: ShardNumber,
    },
    /// The sequence number is not one of this stream: of another shard generation, or beyond the shard's end.
    #[error("the sequence number did not come from this stream")]
    OtherStream,
    /// The time lies in the future.
    #[error("the timestamp {timestamp_ms} lies after the present time {now_ms}")]
    InFuture {
        /// The time asked for, in milliseconds since the Unix epoch.
        timestamp_ms: u64,
        /// The present, likewise.
        now_ms: u64,
    },
    /// The log could not be searched.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A shard was not read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GetError {
    /// The shard gives no more for now.
    #[error("{shard} answers no more than 5 reads of 2 MiB in all a second")]
    Throttled {
        /// The shard.
        shard: ShardNumber,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was not issued by this store, not for this use, or was changed since.
    #[error("the token was not issued by this store")]
    Malformed,
    /// It is too old.
    #[error("the token was issued at {issued_ms} and is used at {now_ms}, more than {lifetime:?} later")]
    Expired {
        /// When it was issued, in milliseconds since the Unix epoch.
        issued_ms: u64,
        /// The present, likewise.
        now_ms: u64,
        /// How long it could be used.
        lifetime: Duration,
    },
}
