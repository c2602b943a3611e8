//! What bounds a reader.

use std::time::Duration;

/// Bytes of a record's value. Source: Firehose Developer Guide, "Amazon Data Firehose Quota" (10 MB with Amazon MSK).
pub const RECORD_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Bytes that are collected before they are appended; the last record may go beyond it. Ours.
pub(crate) const ROUND_BYTES: usize = 4 * 1024 * 1024;

/// Records that are collected before they are appended. Ours.
pub(crate) const ROUND_RECORDS_MAX: usize = 10_000;

/// How long the thread waits for records before it looks whether it is to end.
pub(crate) const POLL: Duration = Duration::from_millis(100);

/// How long an answer of the cluster is waited for; it also bounds how long a deletion waits for the reader.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// How long it is waited before what failed is tried again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often librdkafka tells how far the partitions reach.
pub(crate) const STATISTICS_INTERVAL: Duration = Duration::from_secs(5);

const _: () = assert!(ROUND_BYTES < RECORD_BYTES_MAX);
