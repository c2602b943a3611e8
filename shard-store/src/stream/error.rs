//! What can go wrong with streams, by operation.

use std::time::Duration;

use super::channel::ChannelKey;
use super::definition::StreamKey;
use super::hash_range::{HashKey, HashRange};
use super::shard::ShardNumber;
use crate::error::{AppendError, CatalogError, KeyError, ReadError};

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

/// An account would have more shards than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{requested} more shards would exceed the limit of {shards_max} for account {account} in {region}, which has {present}"
)]
pub struct TooManyShards {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Open shards of the account in this region before the request.
    pub present: u64,
    /// Shards asked for.
    pub requested: u64,
    /// The limit that would be exceeded.
    pub shards_max: u64,
}

/// A stream cannot be kept warm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WarmError {
    /// The account has no commitment to a minimum throughput.
    #[error("account {account} has no minimum throughput commitment in {region}")]
    Uncommitted {
        /// The account.
        account: String,
        /// The region.
        region: String,
    },
    /// It is more than any stream can be kept warm for.
    #[error("stream {key} can be kept warm for at most {mibps_max} MiB/s, not for {mibps}")]
    TooWarm {
        /// The stream.
        key: StreamKey,
        /// MiB a second that were asked for.
        mibps: u32,
        /// The most there can be.
        mibps_max: u32,
    },
    /// The stream's capacity is what the user says.
    #[error("stream {key} is provisioned; only on-demand streams are kept warm")]
    Provisioned {
        /// The stream.
        key: StreamKey,
    },
}

/// The settings of an account were not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountError {
    /// The commitment cannot end while a stream is kept warm.
    #[error("stream {key} is kept warm")]
    KeptWarm {
        /// One of the streams.
        key: StreamKey,
    },
    /// The change could not be made durable. Nothing was changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
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
    #[error(transparent)]
    TooManyShards(#[from] TooManyShards),
    /// It cannot be kept warm.
    #[error(transparent)]
    Warm(#[from] WarmError),
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
    /// Queues deliver its records.
    #[error("stream {key} has queues")]
    HasQueues {
        /// The stream.
        key: StreamKey,
    },
    /// It has channels.
    #[error("stream {key} has channels")]
    HasChannels {
        /// The stream.
        key: StreamKey,
    },
    /// The change could not be made durable. The stream is still there.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A channel was not created, changed or deleted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChannelError {
    /// There is no such channel.
    #[error("channel {key} does not exist")]
    NotFound {
        /// The channel.
        key: ChannelKey,
    },
    /// There is one of this name.
    #[error("channel {key} already exists")]
    AlreadyExists {
        /// The channel.
        key: ChannelKey,
    },
    /// There is no such stream.
    #[error("stream {key} does not exist")]
    StreamNotFound {
        /// The stream.
        key: StreamKey,
    },
    /// The stream is provisioned.
    #[error("stream {key} is provisioned, not on-demand")]
    NotOnDemand {
        /// The stream.
        key: StreamKey,
    },
    /// The stream has a channel to such a destination.
    #[error("stream {key} has a channel to such a destination already")]
    TooManyChannels {
        /// The stream.
        key: StreamKey,
    },
    /// The channel would have more tags than it may.
    #[error("channel {key} has at most {tags_max} tags")]
    TooManyTags {
        /// The channel.
        key: ChannelKey,
        /// The limit that would be exceeded.
        tags_max: usize,
    },
    /// The key cannot be had that what it delivers is to be encrypted with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The change could not be made durable. Nothing was changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// The settings of a stream were not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChangeError {
    /// There is no such stream.
    #[error("stream {key} does not exist")]
    NotFound {
        /// The stream.
        key: StreamKey,
    },
    /// The stream, or a consumer of it, would have more tags than it may.
    #[error("{key}, and each of its consumers, has at most {tags_max} tags")]
    TooManyTags {
        /// The stream.
        key: StreamKey,
        /// The limit that would be exceeded.
        tags_max: usize,
    },
    /// The retention would be shorter, where it was to be raised.
    #[error("a retention of {asked_hours} hours is shorter than the present one of {key}, {present_hours}")]
    ShorterRetention {
        /// The stream.
        key: StreamKey,
        /// The retention asked for.
        asked_hours: u32,
        /// The retention of the stream.
        present_hours: u32,
    },
    /// The retention would be longer, where it was to be lowered.
    #[error("a retention of {asked_hours} hours is longer than the present one of {key}, {present_hours}")]
    LongerRetention {
        /// The stream.
        key: StreamKey,
        /// The retention asked for.
        asked_hours: u32,
        /// The retention of the stream.
        present_hours: u32,
    },
    /// The mode was changed as often as it may be within a day.
    #[error("the mode of stream {key} was changed {count} times within a day")]
    TooManyModeChanges {
        /// The stream.
        key: StreamKey,
        /// How often.
        count: usize,
    },
    /// The stream has a consumer of this name.
    #[error("stream {key} has a consumer {consumer} already")]
    ConsumerExists {
        /// The stream.
        key: StreamKey,
        /// The consumer's name.
        consumer: String,
    },
    /// The stream has no such consumer.
    #[error("stream {key} has no consumer {consumer}")]
    ConsumerNotFound {
        /// The stream.
        key: StreamKey,
        /// The consumer's name.
        consumer: String,
    },
    /// The stream would have more consumers than it may.
    #[error("stream {key} has at most {consumers_max} consumers")]
    TooManyConsumers {
        /// The stream.
        key: StreamKey,
        /// The limit that would be exceeded.
        consumers_max: usize,
    },
    /// The stream is provisioned, where only on-demand ones can be so.
    #[error("stream {key} is provisioned, not on-demand")]
    NotOnDemand {
        /// The stream.
        key: StreamKey,
    },
    /// The stream is to be provisioned, and has queues.
    #[error("stream {key} has queues, and so stays on demand")]
    HasQueues {
        /// The stream.
        key: StreamKey,
    },
    /// The stream is not encrypted with the key that was named.
    #[error("stream {key} is not encrypted with the key {asked}")]
    OtherKey {
        /// The stream.
        key: StreamKey,
        /// The key's id, alias or ARN.
        asked: String,
    },
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The change could not be made durable. Nothing was changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// The shards of a stream were not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReshardError {
    /// There is no such stream.
    #[error("stream {key} does not exist")]
    NotFound {
        /// The stream.
        key: StreamKey,
    },
    /// The stream has no such shard.
    #[error("stream {key} has no {shard}")]
    ShardNotFound {
        /// The stream.
        key: StreamKey,
        /// The shard.
        shard: ShardNumber,
    },
    /// The shard is closed.
    #[error("{shard} of stream {key} was split or merged before")]
    ShardClosed {
        /// The stream.
        key: StreamKey,
        /// The shard.
        shard: ShardNumber,
    },
    /// The shards cannot be merged.
    #[error("{shard} and {adjacent} of stream {key} do not lie side by side")]
    NotAdjacent {
        /// The stream.
        key: StreamKey,
        /// One of the shards.
        shard: ShardNumber,
        /// The other one.
        adjacent: ShardNumber,
    },
    /// The shard cannot be split there.
    #[error("{at} does not lie within {shard} of stream {key}, at a distance from its ends")]
    NotWithin {
        /// The stream.
        key: StreamKey,
        /// The shard.
        shard: ShardNumber,
        /// What would be the first hash key of the second child.
        at: HashKey,
        /// The shard's hash keys.
        range: Box<HashRange>,
    },
    /// The number of shards follows the load, and is not for the user to change.
    #[error("stream {key} is on demand; its shards are not changed by hand")]
    OnDemand {
        /// The stream.
        key: StreamKey,
    },
    /// The account would have more shards than it may.
    #[error(transparent)]
    TooManyShards(#[from] TooManyShards),
    /// The number of shards asked for is out of proportion to the present one.
    #[error("{target} is out of proportion to the {present} open shards of stream {key}")]
    OutOfProportion {
        /// The stream.
        key: StreamKey,
        /// Its open shards.
        present: u32,
        /// The number of open shards asked for.
        target: u32,
    },
    /// It cannot be kept warm.
    #[error(transparent)]
    Warm(#[from] WarmError),
    /// Its settings cannot be changed.
    #[error(transparent)]
    Settings(#[from] ChangeError),
    /// The number of shards was changed as often as it may be within a day.
    #[error("the number of shards of stream {key} was changed {count} times within a day")]
    TooOften {
        /// The stream.
        key: StreamKey,
        /// How often.
        count: usize,
    },
    /// The change could not be made durable. Nothing was changed.
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
