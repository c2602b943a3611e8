//! [`Feed`]: where the reader of a topic puts what it reads.

use std::sync::Arc;
use std::time::Duration;

use shard_store::error::{AppendError, CatalogError, ReadError};
use shard_store::log::{Log, NewRecord, ReadLimit};
use shard_store::stream::StreamKey;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::{Topic, TopicLogs};
use crate::delivery::Command;

/// How long what failed is left alone before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a thread that waits looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// The feed is stopped: its delivery stream was deleted, or the server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Where a partition is to be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the first record it still has.
    Beginning,
    /// From the first record of this time or later, in milliseconds since the Unix epoch.
    Time(u64),
    /// From this offset on.
    Offset(u64),
}

/// A record of a topic.
#[derive(Clone, Copy, Debug)]
pub struct TopicRecord<'a> {
    /// Its offset in its partition.
    pub offset: u64,
    /// Its value.
    pub data: &'a [u8],
}

/// Where the reader of a topic puts what it reads. Its methods block unless they say otherwise: they are meant for a thread
/// of the reader's own.
pub struct Feed {
    key: StreamKey,
    topic: Topic,
    read_from_ms: u64,
    logs: Arc<TopicLogs>,
    control: watch::Receiver<Command>,
    runtime: Handle,
}

impl Feed {
    pub(crate) fn new(
        key: StreamKey,
        topic: Topic,
        read_from_ms: u64,
        logs: Arc<TopicLogs>,
        control: watch::Receiver<Command>,
        runtime: Handle,
    ) -> Self {
        Self { key, topic, read_from_ms, logs, control, runtime }
    }

    /// The delivery stream.
    pub fn key(&self) -> &StreamKey {
        &self.key
    }

    /// The topic to read.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Whether it is to end. It does not block.
    pub fn is_stopped(&self) -> bool {
        // Whoever could stop it is gone, or has: to drain means that nothing more comes in.
        self.control.has_changed().is_err() || *self.control.borrow() != Command::Run
    }

    /// Resolves once it is to end.
    pub async fn stopped(&self) {
        // An error means that nobody is there any more.
        let _ = self.control.clone().wait_for(|command| *command != Command::Run).await;
    }

    /// Waits so long, or until it is to end.
    ///
    /// # Errors
    /// `Stopped` if it is to end.
    pub fn pause(&self, duration: Duration) -> Result<(), Stopped> {
        // The timers of the runtime may be gone before this thread is, so it sleeps by itself.
        let mut left = duration;
        while !left.is_zero() && !self.is_stopped() {
            std::thread::sleep(left.min(LOOK));
            left = left.saturating_sub(LOOK);
        }
        if self.is_stopped() { Err(Stopped) } else { Ok(()) }
    }

    /// Counts what was read before this start and not delivered, once.
    ///
    /// # Errors
    /// If the logs cannot be read.
    pub fn count_backlog(&self) -> Result<(), ReadError> {
        self.logs.count_backlog(|| self.is_stopped())
    }

    /// Bytes that were read and not delivered, for the reader to bound. It does not block.
    pub fn backlog_bytes(&self) -> u64 {
        self.logs.backlog_bytes()
    }

    /// The number of partitions that are known. It does not block.
    pub fn partition_count(&self) -> usize {
        self.logs.partition_count()
    }

    /// Makes it known that the topic has `count` partitions, before anything of them is read. Fewer than before change
    /// nothing.
    ///
    /// # Errors
    /// If that cannot be made durable.
    pub fn grow(&self, count: usize) -> Result<(), CatalogError> {
        self.logs.grow(count, self.read_from_ms)
    }

    /// Where a partition is to be read from.
    ///
    /// # Errors
    /// A sentence, if the last record of its log cannot be read or is not one of a topic.
    pub fn start(&self, partition: usize) -> Result<Start, String> {
        let (log, read_from_ms) = self.logs.partition(partition).ok_or("the partition is not known")?;
        let end = log.end();
        if end == 0 {
            return Ok(if read_from_ms == 0 { Start::Beginning } else { Start::Time(read_from_ms) });
        }
        let last =
            log.read(end - 1, ReadLimit { record_count: 1, byte_count: 1 }).map_err(|error| error.to_string())?;
        let offset = last.records().next().and_then(|record| record.partition_key.parse::<u64>().ok());
        offset.map(|offset| Start::Offset(offset + 1)).ok_or_else(|| {
            format!("the last record of the log of partition {partition} does not tell the offset it was read at")
        })
    }

    /// The most bytes that the records of one [`Feed::append`] may have, with 32 more for each.
    pub fn batch_bytes_max(&self) -> usize {
        // Half, so that it need not be known here what a frame and its encryption add.
        self.logs.store().batch_bytes_max() / 2
    }

    /// Appends records of a partition in the order of their offsets, and waits until they are as durable as the store makes
    /// them. What the store refuses is tried again until it takes them; the delivery stream's status tells of it.
    ///
    /// # Errors
    /// `Stopped` if it is to end: the records may or may not be in the log then, which [`Feed::start`] tells after a restart.
    pub fn append(&self, partition: usize, records: &[TopicRecord<'_>]) -> Result<(), Stopped> {
        let Some((log, _)) = self.logs.partition(partition).filter(|_| !records.is_empty()) else { return Ok(()) };
        let offsets: Vec<String> = records.iter().map(|record| record.offset.to_string()).collect();
        let new: Vec<NewRecord<'_>> = records
            .iter()
            .zip(&offsets)
            .map(|(record, offset)| NewRecord { partition_key: offset, explicit_hash_key: None, data: &record.data })
            .collect();
        // Nobody else appends to the log.
        let end = log.end() + new.len() as u64;
        let mut has_trouble = false;
        loop {
            if self.is_stopped() {
                return Err(Stopped);
            }
            let error = match log.append(&new) {
                Ok(appended) => match self.runtime.block_on(appended) {
                    Ok(_) => break,
                    // They are written and may yet become durable, so they must not be appended again.
                    Err(error) => {
                        self.trouble_with(&error);
                        has_trouble = true;
                        self.append_settled(&*log, end)?;
                        break;
                    }
                },
                Err(error) => error,
            };
            self.trouble_with(&error);
            has_trouble = true;
            self.pause(PAUSE)?;
        }
        if has_trouble {
            self.clear_trouble();
        }
        let byte_count =
            records.iter().zip(&offsets).map(|(record, offset)| record.data.len() + offset.len()).sum::<usize>();
        self.logs.on_appended(partition, end, byte_count as u64);
        Ok(())
    }

    /// Waits until what was written is published.
    fn append_settled(&self, log: &dyn Log, end: u64) -> Result<(), Stopped> {
        while log.end() < end {
            self.pause(LOOK)?;
        }
        Ok(())
    }

    fn trouble_with(&self, error: &AppendError) {
        self.set_trouble(format!("what was read cannot be stored: {error}"));
    }

    /// Tells why nothing is read, a sentence. It is logged once until reading goes on, even if the reason changes. It does not
    /// block.
    pub fn set_trouble(&self, reason: String) {
        let before = self.logs.set_trouble(Some(reason.clone()));
        if before.is_none() {
            tracing::error!(delivery_stream = %self.key, topic = self.topic.name, reason, "the topic cannot be read; this is tried again");
        }
    }

    /// Tells that reading goes on. It does not block.
    pub fn clear_trouble(&self) {
        if self.logs.set_trouble(None).is_some() {
            tracing::info!(delivery_stream = %self.key, topic = self.topic.name, "the topic is read again");
        }
    }
}
