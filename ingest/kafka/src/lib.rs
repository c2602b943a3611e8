//! Kafka topics as sources of delivery streams: reads them with librdkafka into the [`Feed`](firehose::topic::Feed)s of the
//! library [`firehose`].
//!
//! ```text
//! cluster ─> librdkafka (fetches ahead, bounded) ─> reader (a thread per delivery stream) ─> feed ─> a log per partition
//! ```
//!
//! One delivery stream reads all partitions of its topic on this node; there is no consumer group to share them with, and no
//! offset is committed to the cluster. How far a partition was read is known from its log (see [`firehose::topic`]), so each
//! record is taken in once, whatever is killed. Records of aborted transactions are left out.
//!
//! | what is met | what becomes of it |
//! |---|---|
//! | the cluster does not answer, the topic is not there | tried again for ever; told once, by the status and by a metric |
//! | records that the cluster has already removed | read on at the first there is; what is missing is counted |
//! | an offset behind the end: the topic was made anew, or lost records | read on at its beginning |
//! | more partitions than before | each gets its log, and is read from its beginning |
//! | a record without a value (a tombstone) | skipped and counted: there is nothing to deliver |
//! | a record of more than 10 MiB | skipped and counted |
//! | too much is read and not delivered | nothing is fetched until some of it is delivered |
//!
//! Memory is bounded by `fetch-memory` for what is fetched ahead, and by [`limits`] for what is on its way into the logs. The
//! cluster is trusted not to send compressed batches that are larger inside than librdkafka takes.

mod context;
pub mod limits;
mod metrics;
mod options;
mod position;
mod reader;
mod source;

pub use options::{Cluster, Options};
pub use source::KafkaTopics;
