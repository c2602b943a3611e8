//! The limits of streams and shards, each beside the AWS page it comes from.

use std::time::Duration;

/// The longest stream name, in characters. Source: Kinesis Data Streams API Reference, "CreateStream".
pub const STREAM_NAME_CHARS_MAX: usize = 128;

/// How long a record is kept where nothing else is said. Source: Kinesis Data Streams API Reference, "CreateStream".
pub const RETENTION_HOURS_DEFAULT: u32 = 24;

/// The shortest and the longest retention, in hours. Source: Kinesis Data Streams API Reference,
/// "IncreaseStreamRetentionPeriod" and "DecreaseStreamRetentionPeriod".
pub const RETENTION_HOURS: std::ops::RangeInclusive<u32> = 24..=8_760;

/// The most tags of a stream. Source: Kinesis Data Streams API Reference, "AddTagsToStream".
pub const TAGS_PER_STREAM_MAX: usize = 50;

/// The largest record of a stream that was created without a limit of its own: data and partition key together.
/// Source: Kinesis Data Streams Developer Guide, "Quotas and limits".
pub const RECORD_BYTES_MAX_DEFAULT: u64 = 1024 * 1024;

/// What one shard takes in a second, in bytes of data and partition keys. Source: Kinesis Data Streams Developer Guide,
/// "Quotas and limits".
pub const SHARD_WRITE_BYTES_PER_SECOND: u64 = 1024 * 1024;

/// How many records one shard takes in a second. Source: as [`SHARD_WRITE_BYTES_PER_SECOND`].
pub const SHARD_WRITE_RECORDS_PER_SECOND: u64 = 1_000;

/// What one shard gives in a second to all `GetRecords` calls together, in bytes. Source: as
/// [`SHARD_WRITE_BYTES_PER_SECOND`].
pub const SHARD_READ_BYTES_PER_SECOND: u64 = 2 * 1024 * 1024;

/// How many `GetRecords` calls one shard answers in a second. Source: as [`SHARD_WRITE_BYTES_PER_SECOND`].
pub const SHARD_READ_CALLS_PER_SECOND: u64 = 5;

/// The most records of one read. Source: Kinesis Data Streams API Reference, "GetRecords".
pub const READ_RECORDS_MAX: usize = 10_000;

/// The most bytes of one read. Source: as [`READ_RECORDS_MAX`].
pub const READ_BYTES_MAX: usize = 10 * 1024 * 1024;

/// How long an iterator can be used. Source: Kinesis Data Streams API Reference, "GetShardIterator".
pub const ITERATOR_LIFETIME: Duration = Duration::from_secs(300);

/// The longest text of an iterator, in characters. Source: as [`ITERATOR_LIFETIME`].
pub const ITERATOR_CHARS_MAX: usize = 512;

/// The shards that an on-demand stream starts with. Source: Kinesis Data Streams Developer Guide, "Choose the right mode".
pub const ON_DEMAND_SHARDS: u32 = 4;

/// The most MiB a second that an on-demand stream can be kept warm for: 10 GiB. Source: Kinesis Data Streams API Reference,
/// "UpdateStreamWarmThroughput".
pub const WARM_MIBPS_MAX: u32 = 10 * 1024;

/// For how many days an on-demand stream keeps room for double its peak. Source: as [`ON_DEMAND_SHARDS`].
pub const PEAK_DAYS: u64 = 30;

/// The most shards of one stream. Source: Kinesis Data Streams API Reference, "UpdateShardCount".
pub const SHARDS_PER_STREAM_MAX: u32 = 10_000;

/// How often the number of shards of a stream can be updated within [`SHARD_COUNT_UPDATES_PERIOD`]. Source: Kinesis Data
/// Streams API Reference, "UpdateShardCount".
pub const SHARD_COUNT_UPDATES_MAX: usize = 10;

/// See [`SHARD_COUNT_UPDATES_MAX`].
pub const SHARD_COUNT_UPDATES_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the mode of a stream can be changed within [`MODE_CHANGES_PERIOD`]. Source: Kinesis Data Streams Developer
/// Guide, "Choose the right mode".
pub const MODE_CHANGES_MAX: usize = 2;

/// See [`MODE_CHANGES_MAX`].
pub const MODE_CHANGES_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

/// The most registered consumers of a stream. Source: Kinesis Data Streams API Reference, "RegisterStreamConsumer".
pub const CONSUMERS_PER_STREAM_MAX: usize = 20;

/// The most registered consumers of an on-demand stream of an account that has committed itself to a minimum throughput.
/// Source: as [`CONSUMERS_PER_STREAM_MAX`].
pub const CONSUMERS_PER_COMMITTED_STREAM_MAX: usize = 50;

/// How long an account is committed to a minimum throughput at least. Source: Kinesis Data Streams Developer Guide,
/// "On-demand Advantage mode".
pub const COMMITMENT_PERIOD_MIN: Duration = Duration::from_secs(24 * 60 * 60);

/// What one registered consumer gets of one shard in a second, in bytes. Source: Kinesis Data Streams API Reference,
/// "RegisterStreamConsumer".
pub const CONSUMER_READ_BYTES_PER_SECOND: u64 = 2 * 1024 * 1024;
