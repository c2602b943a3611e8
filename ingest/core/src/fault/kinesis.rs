//! Faults of streams, in the words of Kinesis Data Streams.
//!
//! AWS's messages name the stream and its account, which most errors of the engine do not know: those are functions that
//! take them. Failures of the server are told without its paths; the door logs the error itself, once a request.
//!
//! Source: Kinesis Data Streams API Reference, "Errors" of each operation; the texts are observed ones where clients
//! are known to read them.

use chrono::DateTime;
use shard_store::error::{AppendError, CatalogError, KeyError, ReadError};
use shard_store::stream::error::{
    AccountError, ChangeError, ChannelError, CreateError, DeleteError, GetError, PositionError, PutError, ReshardError,
    TokenError, TooManyShards, WarmError,
};
use shard_store::stream::{ShardNumber, StreamKey};

use super::{Code, Fault};

/// There is no such stream.
pub fn stream_not_found(account: &str, name: &str) -> Fault {
    Fault::new(Code::ResourceNotFound, format!("Stream {name} under account {account} not found."))
}

/// A resource has no policy.
pub fn no_policy(arn: &str) -> Fault {
    Fault::new(Code::ResourceNotFound, format!("No resource policy found for resource ARN {arn}"))
}

/// There is no such shard, or no longer the stream that had it.
pub fn shard_not_found(account: &str, name: &str, shard: ShardNumber) -> Fault {
    let message = format!("Shard {shard} in stream {name} under account {account} does not exist");
    Fault::new(Code::ResourceNotFound, message)
}

/// A text is not the id of any shard.
pub fn not_a_shard(account: &str, name: &str, shard: &str) -> Fault {
    let message = format!("Could not find shard {shard} in stream {name} under account {account}.");
    Fault::new(Code::ResourceNotFound, message)
}

impl From<CreateError> for Fault {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::AlreadyExists { key: StreamKey { account, name, .. } } => {
                Self::new(Code::ResourceInUse, format!("Stream {name} under account {account} already exists."))
            }
            CreateError::TooManyShards(error) => too_many_shards(&error),
            CreateError::Warm(error) => error.into(),
            CreateError::Catalog(error) => Self::internal(error),
        }
    }
}

impl From<WarmError> for Fault {
    fn from(error: WarmError) -> Self {
        match error {
            WarmError::Uncommitted { account, region } => Self::new(
                Code::InvalidArgument,
                format!(
                    "WarmThroughputMiBps cannot be given: the account {account} has no minimum throughput commitment in \
                     {region}."
                ),
            ),
            WarmError::TooWarm { key, mibps, mibps_max } => Self::new(
                Code::LimitExceeded,
                format!(
                    "The warm throughput of stream {} under account {} cannot be {mibps} MiB/s. Limit: {mibps_max} MiB/s.",
                    key.name, key.account
                ),
            ),
            WarmError::Provisioned { .. } => Self::new(
                Code::Validation,
                "This API is only supported for data streams with the on-demand capacity mode.",
            ),
        }
    }
}

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::KeptWarm { key: StreamKey { account, name, .. } } => Self::new(
                Code::InvalidArgument,
                format!(
                    "The minimum throughput commitment cannot end while stream {name} under account {account} has a warm \
                     throughput. Set it to 0 first."
                ),
            ),
            AccountError::Catalog(error) => Self::internal(error),
        }
    }
}

fn too_many_shards(error: &TooManyShards) -> Fault {
    let TooManyShards { account, region, present, requested, shards_max } = error;
    let message = format!(
        "This request would exceed the shard limit for the account {account} in {region}. Current shard count for the \
         account: {present}. Limit: {shards_max}. Number of additional shards that would have resulted from this \
         request: {requested}. Raise `shards-max` under `[kinesis]` in the server's configuration."
    );
    Fault::new(Code::LimitExceeded, message)
}

impl From<DeleteError> for Fault {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::NotFound { key } => stream_not_found(&key.account, &key.name),
            DeleteError::HasQueues { key } => has_queues(&key),
            DeleteError::HasChannels { key: StreamKey { account, name, .. } } => Self::new(
                Code::ResourceInUse,
                format!("Stream {name} under account {account} has channels. Delete them first."),
            ),
            DeleteError::Catalog(error) => Self::internal(error),
        }
    }
}

impl From<ChangeError> for Fault {
    fn from(error: ChangeError) -> Self {
        let invalid = |message: String| Self::new(Code::InvalidArgument, message);
        match error {
            ChangeError::NotFound { key } => stream_not_found(&key.account, &key.name),
            ChangeError::TooManyTags { key: StreamKey { account, name, .. }, tags_max } => invalid(format!(
                "Failed to add tags to stream {name} under account {account} because a given stream cannot have more \
                 than {tags_max} tags associated with it."
            )),
            ChangeError::ShorterRetention { key, asked_hours, present_hours } => invalid(format!(
                "Requested retention period ({asked_hours} hours) for stream {} can not be shorter than existing \
                 retention period ({present_hours} hours). Use DecreaseRetentionPeriod API.",
                key.name
            )),
            ChangeError::LongerRetention { key, asked_hours, present_hours } => invalid(format!(
                "Requested retention period ({asked_hours} hours) for stream {} can not be longer than existing \
                 retention period ({present_hours} hours). Use IncreaseRetentionPeriod API.",
                key.name
            )),
            ChangeError::TooManyModeChanges { key: StreamKey { account, name, .. }, count } => Self::new(
                Code::LimitExceeded,
                format!(
                    "The mode of stream {name} under account {account} was changed {count} times within the last 24 \
                     hours, and cannot be changed more often."
                ),
            ),
            ChangeError::ConsumerExists { key, consumer } => {
                Self::new(Code::ResourceInUse, format!("Consumer {consumer} {} already exists.", under(&key)))
            }
            ChangeError::ConsumerNotFound { key, consumer } => {
                Self::new(Code::ResourceNotFound, format!("Consumer {consumer} {} not found.", under(&key)))
            }
            ChangeError::TooManyConsumers { key, consumers_max } => Self::new(
                Code::LimitExceeded,
                format!("No more than {consumers_max} consumers can be registered {}.", under(&key)),
            ),
            ChangeError::NotOnDemand { key } => invalid(format!(
                "Stream {} under account {} is in PROVISIONED mode; this is only supported for streams in ON_DEMAND mode.",
                key.name, key.account
            )),
            ChangeError::HasQueues { key } => has_queues(&key),
            ChangeError::OtherKey { key, asked } => {
                invalid(format!("Stream {} is not encrypted with the key {asked}.", key.name))
            }
            ChangeError::Key(error) => self::key(&error),
            ChangeError::Catalog(error) => Self::internal(error),
        }
    }
}

/// There is no such channel.
pub fn channel_not_found(account: &str, name: &str) -> Fault {
    Fault::new(Code::ResourceNotFound, format!("Channel {name} under account {account} not found."))
}

impl From<ChannelError> for Fault {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::NotFound { key } => channel_not_found(&key.account, &key.name),
            ChannelError::AlreadyExists { key } => Self::new(
                Code::ResourceInUse,
                format!("Channel {} under account {} already exists.", key.name, key.account),
            ),
            ChannelError::StreamNotFound { key } => stream_not_found(&key.account, &key.name),
            ChannelError::NotOnDemand { key } => ChangeError::NotOnDemand { key }.into(),
            ChannelError::TooManyChannels { key: StreamKey { account, name, .. } } => Self::new(
                Code::LimitExceeded,
                format!(
                    "Stream {name} under account {account} has a channel to such a destination already. A stream can have \
                     one channel to Amazon S3 and one to Amazon S3 Tables."
                ),
            ),
            ChannelError::TooManyTags { key, tags_max } => Self::new(
                Code::InvalidArgument,
                format!(
                    "Failed to add tags to channel {} under account {} because a given channel cannot have more than \
                     {tags_max} tags associated with it.",
                    key.name, key.account
                ),
            ),
            ChannelError::Key(error) => self::key(&error),
            ChannelError::Catalog(error) => Self::internal(error),
        }
    }
}

/// Where a consumer belongs, in messages.
fn under(StreamKey { account, name, .. }: &StreamKey) -> String {
    format!("under stream {name} under account {account}")
}

/// A stream has queues, and neither is deleted nor becomes provisioned with them.
fn has_queues(StreamKey { account, name, .. }: &StreamKey) -> Fault {
    let message = format!("Stream {name} under account {account} has queues. Delete them with DeleteQueue first.");
    Fault::new(Code::ResourceInUse, message)
}

/// A stream has consumers, and is not to be deleted with them.
pub fn has_consumers(StreamKey { account, name, .. }: &StreamKey) -> Fault {
    let message = format!(
        "Stream {name} under account {account} has registered consumers. Deregister them, or set \
         EnforceConsumerDeletion."
    );
    Fault::new(Code::ResourceInUse, message)
}

impl From<CatalogError> for Fault {
    fn from(error: CatalogError) -> Self {
        Self::internal(error)
    }
}

impl From<ReshardError> for Fault {
    fn from(error: ReshardError) -> Self {
        match error {
            ReshardError::NotFound { key } => stream_not_found(&key.account, &key.name),
            ReshardError::ShardNotFound { key, shard } => not_a_shard(&key.account, &key.name, &shard.to_string()),
            ReshardError::ShardClosed { key: StreamKey { account, name, .. }, shard } => Self::new(
                Code::InvalidArgument,
                format!(
                    "Shard {shard} in stream {name} under account {account} has already been merged or split, and thus \
                     is not eligible for merging or splitting."
                ),
            ),
            ReshardError::NotAdjacent { key: StreamKey { account, name, .. }, shard, adjacent } => Self::new(
                Code::InvalidArgument,
                format!(
                    "Shards {shard} and {adjacent} in stream {name} under account {account} are not an adjacent pair of \
                     shards eligible for merging"
                ),
            ),
            ReshardError::NotWithin { key: StreamKey { account, name, .. }, shard, at, range } => Self::new(
                Code::InvalidArgument,
                format!(
                    "NewStartingHashKey {at} used in SplitShard() on shard {shard} in stream {name} under account \
                     {account} is not both greater than one plus the shard's StartingHashKey {} and less than the \
                     shard's EndingHashKey {}.",
                    range.start, range.end
                ),
            ),
            ReshardError::OnDemand { .. } => Self::new(
                Code::Validation,
                "This API is only supported for data streams with the provisioned capacity mode.",
            ),
            ReshardError::TooManyShards(error) => too_many_shards(&error),
            ReshardError::Warm(error) => error.into(),
            ReshardError::Settings(error) => error.into(),
            ReshardError::OutOfProportion { present, target, .. } => {
                let rule = if target > present { "scale up over double" } else { "scale down below half" };
                Self::new(
                    Code::LimitExceeded,
                    format!(
                        "UpdateShardCount cannot {rule} your current open shard count. Current open shard count: \
                         {present}, Target shard count: {target}"
                    ),
                )
            }
            ReshardError::TooOften { key: StreamKey { account, name, .. }, count } => Self::new(
                Code::LimitExceeded,
                format!(
                    "The shard count of stream {name} under account {account} was updated {count} times within the \
                     last 24 hours, and cannot be updated more often."
                ),
            ),
            ReshardError::Catalog(error) => Self::internal(error),
        }
    }
}

/// The fault of a record that was not stored in `stream`.
pub fn put(stream: &StreamKey, error: &PutError) -> Fault {
    match error {
        PutError::Throttled { shard } => rate_exceeded(stream, *shard),
        // Records for a shard that was split or merged go on to its children; only a deletion leaves them none.
        PutError::Append(AppendError::Sealed) => stream_not_found(&stream.account, &stream.name),
        PutError::Append(AppendError::TooLarge { byte_count_max, .. }) => Fault::new(
            Code::InvalidArgument,
            format!(
                "The records for one shard take more than the {byte_count_max} bytes that fit one segment of this \
                 server. Send fewer at once, or raise `segment-size` under `[store]` in its configuration."
            ),
        ),
        PutError::Append(AppendError::Malformed(malformed)) => Fault::new(Code::Serialization, malformed.to_string()),
        PutError::Append(AppendError::Storage(error)) if error.is_full() => {
            Fault::new(Code::InternalFailure, "The server's disk is full. Free some space and send the record again.")
        }
        PutError::Append(AppendError::Storage(_)) => {
            Fault::new(Code::InternalFailure, "The server could not write to its disk, and the record was not stored.")
        }
        PutError::Append(AppendError::Key(error)) => key(error),
        PutError::Append(AppendError::Fenced { .. }) => Fault::new(
            Code::InternalFailure,
            "The server takes no records after a failed write, until it is restarted and has recovered.",
        ),
    }
}

/// The fault of a key that cannot be had.
fn key(error: &KeyError) -> Fault {
    match error {
        KeyError::NotFound { .. } => Fault::new(Code::KmsNotFound, error.to_string()),
        KeyError::AliasInUse { .. } | KeyError::Unreadable { .. } | KeyError::NoRandomness | KeyError::Storage(_) => {
            Fault::internal(error)
        }
    }
}

/// The fault of a read of `stream` that was refused.
pub fn get(stream: &StreamKey, error: GetError) -> Fault {
    match error {
        GetError::Throttled { shard } => rate_exceeded(stream, shard),
        GetError::Read(ReadError::BeyondEnd { .. }) => {
            Fault::new(Code::InvalidArgument, "Invalid ShardIterator. It points beyond the end of the shard.")
        }
        GetError::Read(ReadError::Corrupt(damage)) => Fault::internal(damage),
        GetError::Read(ReadError::Key(error)) => key(&error),
        GetError::Read(ReadError::Storage(error)) => Fault::internal(error),
    }
}

/// An account calls an operation too often, upon this stream if it named one.
///
/// Source: observed answers of DescribeStream and ListStreams.
pub fn calls_exceeded(account: &str, stream: Option<&str>) -> Fault {
    let message = match stream {
        Some(name) => format!("Rate exceeded for stream {name} under account {account}."),
        None => format!("Rate exceeded for account {account}."),
    };
    Fault::new(Code::LimitExceeded, message)
}

/// A shard is over one of its rates.
pub fn rate_exceeded(stream: &StreamKey, shard: ShardNumber) -> Fault {
    let StreamKey { account, name, .. } = stream;
    let message = format!("Rate exceeded for shard {shard} in stream {name} under account {account}.");
    Fault::new(Code::ProvisionedThroughputExceeded, message)
}

/// The fault of a sequence number, as given, that `GetShardIterator` cannot begin at.
pub fn sequence_number(stream: &StreamKey, shard: ShardNumber, given: &str, reason: &str) -> Fault {
    let StreamKey { account, name, .. } = stream;
    let message = format!(
        "StartingSequenceNumber {given} used in GetShardIterator on shard {shard} in stream {name} under account \
         {account} is invalid{reason}."
    );
    Fault::new(Code::InvalidArgument, message)
}

/// The fault of a position in `shard` that cannot be found. `given` is the sequence number asked for, if one was.
pub fn position(stream: &StreamKey, shard: ShardNumber, given: &str, error: PositionError) -> Fault {
    match error {
        PositionError::OtherShard { encoded, shard } => Fault::new(
            Code::InvalidArgument,
            format!(
                "Invalid StartingSequenceNumber. It encodes {encoded}, while it was used in a call to a shard with \
                 {shard}"
            ),
        ),
        PositionError::OtherStream => {
            sequence_number(stream, shard, given, " because it did not come from this stream")
        }
        PositionError::InFuture { timestamp_ms, now_ms } => Fault::new(
            Code::InvalidArgument,
            format!(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                 timestampInMillis: {timestamp_ms}, currentTimestampInMillis: {now_ms}"
            ),
        ),
        PositionError::Read(error) => Fault::internal(error),
    }
}

/// The fault of a shard iterator that was refused.
pub fn shard_iterator(error: TokenError) -> Fault {
    match error {
        TokenError::Malformed => Fault::new(Code::InvalidArgument, "Invalid ShardIterator."),
        TokenError::Expired { .. } => Fault::new(Code::ExpiredIterator, expired("Iterator", "iterator", error)),
    }
}

/// The fault of a `NextToken` that was refused.
pub fn next_token(error: TokenError) -> Fault {
    match error {
        TokenError::Malformed => Fault::new(Code::InvalidArgument, "Invalid NextToken."),
        TokenError::Expired { .. } => Fault::new(Code::ExpiredNextToken, expired("NextToken", "token", error)),
    }
}

/// AWS's sentence about a token that is too old; empty for one that is not.
fn expired(name: &str, noun: &str, error: TokenError) -> String {
    let TokenError::Expired { issued_ms, now_ms, lifetime } = error else { return String::new() };
    format!(
        "{name} expired. The {noun} was created at time {} while right now it is {} which is further in the future \
         than the tolerated delay of {} milliseconds.",
        java_date(issued_ms),
        java_date(now_ms),
        lifetime.as_millis(),
    )
}

/// A time as AWS's messages show it: `Thu Jan 22 01:22:02 UTC 2015`.
fn java_date(unix_millis: u64) -> String {
    let time = i64::try_from(unix_millis).ok().and_then(DateTime::from_timestamp_millis);
    time.map_or_else(|| unix_millis.to_string(), |time| time.format("%a %b %d %H:%M:%S UTC %Y").to_string())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use shard_store::error::StorageError;
    use shard_store::log::Malformed;
    use shard_store::stream::{ChannelKey, HashKey, HashRange};

    use super::*;

    fn clicks() -> StreamKey {
        StreamKey::new("000000000000", "us-east-1", "clicks")
    }

    fn told(fault: &Fault) -> (&'static str, &str) {
        (fault.code().name(), fault.message())
    }

    #[test]
    fn throttled_reads_and_writes_name_shard_stream_and_account() {
        let message = "Rate exceeded for shard shardId-000000000003 in stream clicks under account 000000000000.";
        let expected = ("ProvisionedThroughputExceededException", message);
        assert_eq!(told(&put(&clicks(), &PutError::Throttled { shard: ShardNumber(3) })), expected);
        assert_eq!(told(&get(&clicks(), GetError::Throttled { shard: ShardNumber(3) })), expected);
    }

    #[test]
    fn creation_is_refused_in_the_words_of_aws() {
        let taken = Fault::from(CreateError::AlreadyExists { key: clicks() });
        assert_eq!(
            told(&taken),
            ("ResourceInUseException", "Stream clicks under account 000000000000 already exists.")
        );
        let (account, region) = ("000000000000".to_owned(), "us-east-1".to_owned());
        let error = TooManyShards { account, region, present: 3, requested: 4, shards_max: 5 };
        let fault = Fault::from(CreateError::TooManyShards(error));
        assert_eq!(fault.code(), Code::LimitExceeded);
        assert!(fault.message().contains("Current shard count for the account: 3. Limit: 5."), "{fault}");
    }

    #[test]
    fn refused_changes_have_their_codes() {
        let key = clicks;
        let consumer = || "app".to_owned();
        let changes = [
            (ChangeError::NotFound { key: key() }, Code::ResourceNotFound),
            (ChangeError::TooManyTags { key: key(), tags_max: 50 }, Code::InvalidArgument),
            (ChangeError::ShorterRetention { key: key(), asked_hours: 24, present_hours: 48 }, Code::InvalidArgument),
            (ChangeError::LongerRetention { key: key(), asked_hours: 48, present_hours: 24 }, Code::InvalidArgument),
            (ChangeError::TooManyModeChanges { key: key(), count: 2 }, Code::LimitExceeded),
            (ChangeError::ConsumerExists { key: key(), consumer: consumer() }, Code::ResourceInUse),
            (ChangeError::ConsumerNotFound { key: key(), consumer: consumer() }, Code::ResourceNotFound),
            (ChangeError::TooManyConsumers { key: key(), consumers_max: 20 }, Code::LimitExceeded),
            (ChangeError::NotOnDemand { key: key() }, Code::InvalidArgument),
            (ChangeError::HasQueues { key: key() }, Code::ResourceInUse),
            (ChangeError::OtherKey { key: key(), asked: "alias/a".to_owned() }, Code::InvalidArgument),
            (ChangeError::Key(KeyError::NotFound { name: "alias/a".to_owned() }), Code::KmsNotFound),
        ];
        for (error, code) in changes {
            assert_eq!(Fault::from(error).code(), code);
        }
        let channel = || ChannelKey::new("000000000000", "us-east-1", "lake");
        let channels = [
            (ChannelError::NotFound { key: channel() }, Code::ResourceNotFound),
            (ChannelError::AlreadyExists { key: channel() }, Code::ResourceInUse),
            (ChannelError::StreamNotFound { key: key() }, Code::ResourceNotFound),
            (ChannelError::NotOnDemand { key: key() }, Code::InvalidArgument),
            (ChannelError::TooManyChannels { key: key() }, Code::LimitExceeded),
            (ChannelError::TooManyTags { key: channel(), tags_max: 50 }, Code::InvalidArgument),
        ];
        for (error, code) in channels {
            assert_eq!(Fault::from(error).code(), code);
        }
        assert_eq!(Fault::from(DeleteError::HasChannels { key: key() }).code(), Code::ResourceInUse);
        assert_eq!(Fault::from(AccountError::KeptWarm { key: key() }).code(), Code::InvalidArgument);
        let range = Box::new(HashRange { start: HashKey(0), end: HashKey(9) });
        let (shard, adjacent) = (ShardNumber(0), ShardNumber(2));
        let reshards = [
            (ReshardError::NotFound { key: key() }, Code::ResourceNotFound),
            (ReshardError::ShardNotFound { key: key(), shard }, Code::ResourceNotFound),
            (ReshardError::ShardClosed { key: key(), shard }, Code::InvalidArgument),
            (ReshardError::NotAdjacent { key: key(), shard, adjacent }, Code::InvalidArgument),
            (ReshardError::NotWithin { key: key(), shard, at: HashKey(1), range }, Code::InvalidArgument),
            (ReshardError::OnDemand { key: key() }, Code::Validation),
            (WarmError::Provisioned { key: key() }.into(), Code::Validation),
            (WarmError::TooWarm { key: key(), mibps: 11_000, mibps_max: 10_240 }.into(), Code::LimitExceeded),
            (WarmError::Uncommitted { account: key().account, region: key().region }.into(), Code::InvalidArgument),
            (ReshardError::Settings(ChangeError::NotFound { key: key() }), Code::ResourceNotFound),
            (ReshardError::OutOfProportion { key: key(), present: 2, target: 5 }, Code::LimitExceeded),
            (ReshardError::TooOften { key: key(), count: 10 }, Code::LimitExceeded),
        ];
        for (error, code) in reshards {
            assert_eq!(Fault::from(error).code(), code);
        }
    }

    #[test]
    fn an_expired_iterator_tells_both_times() {
        let error = TokenError::Expired {
            issued_ms: 1_421_889_722_000,
            now_ms: 1_421_890_100_000,
            lifetime: Duration::from_secs(300),
        };
        let expected = "Iterator expired. The iterator was created at time Thu Jan 22 01:22:02 UTC 2015 while right now \
                        it is Thu Jan 22 01:28:20 UTC 2015 which is further in the future than the tolerated delay of \
                        300000 milliseconds.";
        assert_eq!(told(&shard_iterator(error)), ("ExpiredIteratorException", expected));
        assert_eq!(next_token(error).code(), Code::ExpiredNextToken);
        assert_eq!(
            told(&shard_iterator(TokenError::Malformed)),
            ("InvalidArgumentException", "Invalid ShardIterator.")
        );
    }

    #[test]
    fn failures_of_the_server_are_told_as_such_and_without_its_paths() {
        let storage = |kind: io::ErrorKind| StorageError::new("write", "/secret/place", kind.into());
        let lost = [
            AppendError::Storage(storage(io::ErrorKind::StorageFull)),
            AppendError::Storage(storage(io::ErrorKind::PermissionDenied)),
            AppendError::Fenced { reason: "/secret/place".to_owned() },
        ];
        for error in lost {
            let fault = put(&clicks(), &PutError::Append(error));
            assert_eq!(fault.code(), Code::InternalFailure);
            assert!(!fault.message().contains("secret"), "{fault}");
        }
        let read = GetError::Read(ReadError::Storage(storage(io::ErrorKind::PermissionDenied)));
        assert_eq!(get(&clicks(), read).code(), Code::InternalFailure);
    }

    #[test]
    fn mistakes_of_the_caller_are_told_as_such() {
        let refused = [
            (AppendError::Sealed, Code::ResourceNotFound),
            (AppendError::TooLarge { byte_count: 9, byte_count_max: 8 }, Code::InvalidArgument),
            (AppendError::Malformed(Malformed), Code::Serialization),
        ];
        for (error, code) in refused {
            assert_eq!(put(&clicks(), &PutError::Append(error)).code(), code);
        }
        let beyond = GetError::Read(ReadError::BeyondEnd { from: 9, end: 8 });
        assert_eq!(get(&clicks(), beyond).code(), Code::InvalidArgument);
        let positions = [
            PositionError::OtherShard { encoded: ShardNumber(1), shard: ShardNumber(0) },
            PositionError::OtherStream,
            PositionError::InFuture { timestamp_ms: 2, now_ms: 1 },
        ];
        for error in positions {
            assert_eq!(position(&clicks(), ShardNumber(0), "49", error).code(), Code::InvalidArgument);
        }
        let gone = Fault::from(DeleteError::NotFound { key: clicks() });
        assert_eq!(told(&gone), ("ResourceNotFoundException", "Stream clicks under account 000000000000 not found."));
    }
}
