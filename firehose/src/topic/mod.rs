//! Topics of other systems as sources: each partition is copied into a log of its own, from which delivery reads.
//!
//! Which protocol a topic is read with is not known here: [`TopicSource`] is implemented outside and is given a [`Feed`], into
//! which it puts what it reads.
//!
//! **Each record once**: a record is appended with its offset, in decimal, as its partition key. The catalog has no other
//! note of how far a partition was read: after a start, reading goes on behind the offset of the last record in its log.
//! So a record and the knowledge of it are durable at one moment, or are both lost and the record is read again. It follows
//! that **the last record of each log is never trimmed**, whether it is delivered or not.
//!
//! | key | value | changes |
//! |---|---|---|
//! | `delivery/partitions/ID` | the log of each partition, and from when on it is read | when the topic has more partitions |
//!
//! A partition's log is in the catalog before anything of the partition is read. What was read and not delivered is bounded by
//! the reader, which asks [`Feed::backlog_bytes`].
//!
//! What this does not do: committing offsets to the other system, or sharing a topic between nodes.

mod feed;
mod logs;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use shard_store::log::BoxFuture;

pub use feed::{Feed, Start, Stopped, TopicRecord};
pub(crate) use logs::TopicLogs;

/// Names a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// The cluster, as the configuration names it.
    pub cluster: String,
    /// The topic's name in it.
    pub name: String,
}

/// Reads topics.
pub trait TopicSource: Send + Sync + 'static {
    /// Whether `cluster` is one whose topics can be read.
    fn knows(&self, cluster: &str) -> bool;

    /// Reads the topic of `feed` into it. It goes on, whatever fails, until the feed is stopped; dropping the future stops
    /// it likewise.
    fn read(&self, feed: Feed) -> BoxFuture<'static, ()>;
}

/// Knows no cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTopics;

impl TopicSource for NoTopics {
    fn knows(&self, _: &str) -> bool {
        false
    }

    fn read(&self, feed: Feed) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            feed.set_trouble("this server reads no topics".to_owned());
            feed.stopped().await;
        })
    }
}
