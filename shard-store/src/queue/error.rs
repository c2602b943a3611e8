//! What can go wrong with queues, by operation.

use crate::error::{AppendError, CatalogError, ReadError};
use crate::stream::StreamKey;
use crate::stream::error::{ChangeError, PositionError};

/// The queues of a store could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenQueuesError {
    /// The definitions or checkpoints could not be read or changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log of a queue could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log of a queue could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log of a queue holds something else, or what a newer version wrote.
    #[error("record {ordinal} of the log of queue {queue} holds no events that this version knows")]
    Event {
        /// The queue.
        queue: String,
        /// The record.
        ordinal: u64,
    },
}

/// A queue was not created, changed or deleted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// There is no such queue.
    #[error("queue {id} does not exist")]
    NotFound {
        /// Its id.
        id: String,
    },
    /// There is a queue of this name in the account and region.
    #[error("queue {name} already exists")]
    AlreadyExists {
        /// The name.
        name: String,
    },
    /// The stream is provisioned.
    #[error("stream {key} is provisioned, and can have no queues")]
    NotOnDemand {
        /// The stream.
        key: StreamKey,
    },
    /// The queue would have more tags than it may.
    #[error("queue {name} has at most {tags_max} tags")]
    TooManyTags {
        /// The queue's name.
        name: String,
        /// The limit that would be exceeded.
        tags_max: usize,
    },
    /// The starting position cannot be found.
    #[error(transparent)]
    Position(#[from] PositionError),
    /// The stream is not there, has too many consumers, or could not be changed.
    #[error(transparent)]
    Stream(#[from] ChangeError),
}

impl From<CatalogError> for QueueError {
    fn from(error: CatalogError) -> Self {
        Self::Stream(error.into())
    }
}

/// Nothing was received, or nothing changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeliveryError {
    /// The queue was deleted.
    #[error("queue {id} does not exist")]
    NotFound {
        /// Its id.
        id: String,
    },
    /// What happened could not be made durable.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The records could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Something was not done for a receipt handle.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReceiptError {
    /// The handle was not issued by this queue.
    #[error("the receipt handle was not issued by this queue")]
    Foreign,
    /// The record is not in a state in which it could be done.
    #[error(transparent)]
    Refused(#[from] super::state::Refusal),
}
