//! What a delivery stream reads: the shards of a stream, or its own log.
//!
//! The library asks for a source by name through [`SourceStreams`] and knows its shards as [`SourceLog`]s; that a stream
//! is one of Kinesis, with sequence numbers and generations, stays behind this boundary.

use std::fmt;
use std::sync::Arc;

use shard_store::error::ReadError;
use shard_store::log::{Log, LogId};
use shard_store::stream::{SequenceNumber, Shard, StartingPosition, StreamId, StreamKey, Streams};

use crate::engine::ReplayFrom;

/// One log to read.
#[derive(Clone)]
pub struct SourceLog {
    /// Its id, unique in the store.
    pub id: LogId,
    /// Its records.
    pub log: Arc<dyn Log>,
    naming: Naming,
}

/// How the records of a log are named in messages.
#[derive(Clone)]
enum Naming {
    Ordinal,
    Sequence(Arc<Shard>),
}

impl fmt::Debug for SourceLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceLog").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SourceLog {
    /// The own log of a delivery stream.
    pub(crate) fn direct(id: LogId, log: Arc<dyn Log>) -> Self {
        Self { id, log, naming: Naming::Ordinal }
    }

    fn of_shard(shard: &Arc<Shard>) -> Self {
        Self { id: shard.log_id(), log: Arc::clone(shard.log()), naming: Naming::Sequence(Arc::clone(shard)) }
    }

    /// The id of its shard, if it is one.
    pub(crate) fn shard_id(&self) -> Option<String> {
        match &self.naming {
            Naming::Ordinal => None,
            Naming::Sequence(shard) => Some(shard.number().to_string()),
        }
    }

    /// The public name of the record at `ordinal`: its sequence number, or its number in the delivery stream.
    pub(crate) fn record_name(&self, ordinal: u64) -> String {
        match &self.naming {
            Naming::Ordinal => format!("{:020}", ordinal.saturating_add(1)),
            Naming::Sequence(shard) => shard.sequence_number(ordinal).to_string(),
        }
    }
}

impl SourceLog {
    /// The ordinal that `from` means here; `None` if it is a sequence number of another log.
    ///
    /// # Errors
    /// The log cannot be searched.
    pub(crate) fn position_of(&self, from: &ReplayFrom) -> Result<Option<u64>, ReadError> {
        let text = match from {
            ReplayFrom::Timestamp(timestamp_ms) => return self.log.position_at(*timestamp_ms).map(Some),
            ReplayFrom::Sequence(text) => text,
        };
        Ok(match &self.naming {
            Naming::Ordinal => {
                let ordinal = text.strip_prefix(&self.id.to_string()).and_then(|ordinal| ordinal.parse().ok());
                ordinal.filter(|ordinal: &u64| *ordinal < self.log.end())
            }
            Naming::Sequence(shard) => {
                let sequence = text.parse::<SequenceNumber>().ok().map(StartingPosition::AtSequenceNumber);
                sequence.and_then(|start| shard.position(start, 0).ok())
            }
        })
    }
}

/// A source stream as it is now.
#[derive(Clone, Debug)]
pub struct SourceStream {
    /// Tells it from another stream of the same name.
    pub id: StreamId,
    /// Its shards.
    pub logs: Vec<SourceLog>,
}

/// Finds source streams.
pub trait SourceStreams: Send + Sync + 'static {
    /// The stream, or `None` if there is none of that name (any more).
    fn find(&self, key: &StreamKey) -> Option<SourceStream>;
}

impl SourceStreams for Streams {
    fn find(&self, key: &StreamKey) -> Option<SourceStream> {
        let stream = self.get(&key.account, &key.region, &key.name)?;
        Some(SourceStream { id: stream.id(), logs: stream.shards().iter().map(SourceLog::of_shard).collect() })
    }
}
