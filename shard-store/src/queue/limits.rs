//! The limits of queues, each beside the AWS page it comes from.

use std::time::Duration;

/// How many records of a queue may be received and not acknowledged, dead letters aside. Source: Kinesis Data Streams
/// Developer Guide, "Quotas and limits for queues".
pub const ALIVE_RECORDS_MAX: usize = 120_000;

/// How many dead letters a queue holds. Past it no further record becomes one, and is delivered on instead. AWS names no
/// such limit; here each takes some hundred bytes of memory.
pub const DEAD_RECORDS_MAX: usize = 1_000_000;

/// For how long a received record is in flight where nothing else is said, in seconds. Source: Kinesis Data Streams API
/// Reference, "CreateQueue".
pub const VISIBILITY_TIMEOUT_S_DEFAULT: u32 = 30;

/// After how many receives a record becomes a dead letter where nothing else is said. Source: as
/// [`VISIBILITY_TIMEOUT_S_DEFAULT`].
pub const RECEIVES_MAX_DEFAULT: u32 = 6;

/// The most tags of a queue. Source: as [`VISIBILITY_TIMEOUT_S_DEFAULT`].
pub const TAGS_PER_QUEUE_MAX: usize = 50;

/// How long a receipt handle can be used at most: no record is kept longer. Source: Kinesis Data Streams API Reference,
/// "IncreaseStreamRetentionPeriod".
pub const RECEIPT_LIFETIME: Duration =
    Duration::from_secs(*crate::stream::limits::RETENTION_HOURS.end() as u64 * 60 * 60);

/// The bytes of events behind the last checkpoint after which there is another one, at least.
pub(crate) const CHECKPOINT_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// How many times the size of a checkpoint may be written behind it before there is another one.
pub(crate) const CHECKPOINT_GROWTH: u64 = 4;

/// The entries of one catalog record of a checkpoint.
pub(crate) const CHECKPOINT_PART_ENTRIES: usize = 10_000;
