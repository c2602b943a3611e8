//! Following every shard of a stream.
//!
//! One task polls each shard and hands its records over through a small bounded channel, so a slow caller makes the tasks
//! wait. When a shard was read to its end, the shards are listed again and its children are read once all their parents are.
//!
//! Records of one shard come in order; between shards there is none. What this module does not do: remember positions beyond
//! the life of the [`Reader`], or share a stream between processes.

mod lineage;
mod shard;

use std::sync::Arc;
use std::time::Duration;

use ingest_wire::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::backoff::{Backoff, Retry};
use crate::client::Kinesis;
use crate::error::ReadError;
use crate::limits::RECORDS_PER_READ_MAX;
use crate::model::{Record, Shard};
use lineage::Lineage;
use shard::{Event, Poll};

/// The answers waiting for the caller; each holds at most 10 MiB.
const PENDING_ANSWERS_MAX: usize = 2;

/// Where to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Start {
    /// At the oldest record that is kept.
    #[default]
    TrimHorizon,
    /// With the records that arrive from now on.
    Latest,
    /// At the first record that arrived at this time or later.
    AtTimestamp(Timestamp),
}

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Where to begin.
    pub start: Start,
    /// The pause after an answer that reached the end of a shard. A shard allows five calls a second.
    pub idle_pause: Duration,
    /// The most records of one answer, 1 to 10,000.
    pub record_count_max: u32,
    /// Whether to stop once every shard was read up to its end at that moment.
    pub is_finite: bool,
    /// Records that arrived at this time or later are left out, and a shard ends with the first of them. A finite reader goes
    /// on until then if the time lies ahead.
    pub until: Option<Timestamp>,
    /// How failed calls are repeated.
    pub retry: Retry,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            start: Start::default(),
            idle_pause: Duration::from_millis(250),
            record_count_max: RECORDS_PER_READ_MAX,
            is_finite: false,
            until: None,
            retry: Retry::default(),
        }
    }
}

/// Records of one shard, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The shard.
    pub shard_id: String,
    /// The records, at least one.
    pub records: Vec<Record>,
}

/// Reads all shards of one stream. Dropping it stops the reading.
pub struct Reader<C> {
    client: Arc<C>,
    stream: String,
    options: Options,
    lineage: Lineage,
    tasks: JoinSet<()>,
    events: mpsc::Receiver<Event>,
    events_in: mpsc::Sender<Event>,
}

impl<C: Kinesis> Reader<C> {
    /// Lists the shards of `stream` and begins to read.
    ///
    /// # Errors
    /// [`ReadError::ListShards`].
    pub async fn open(client: Arc<C>, stream: &str, options: Options) -> Result<Self, ReadError> {
        let (events_in, events) = mpsc::channel(PENDING_ANSWERS_MAX);
        let mut reader = Self {
            client,
            stream: stream.to_owned(),
            options,
            lineage: Lineage::new(options.start),
            tasks: JoinSet::new(),
            events,
            events_in,
        };
        reader.discover().await?;
        Ok(reader)
    }

    /// The next records, or `None` when there will be no more: every shard is closed and read, read up to the time in
    /// `until`, or, with `is_finite`, read up to its end.
    ///
    /// # Errors
    /// See [`ReadError`]; the reader cannot go on afterwards.
    pub async fn next(&mut self) -> Result<Option<Batch>, ReadError> {
        while self.lineage.is_reading() {
            let event = tokio::select! {
                biased;
                event = self.events.recv() => event,
                Some(Err(source)) = self.tasks.join_next() => return Err(ReadError::Task { reason: source.to_string() }),
            };
            match event {
                Some(Event::Records(batch)) => return Ok(Some(batch)),
                Some(Event::CaughtUp { shard_id }) => self.lineage.finish(&shard_id),
                Some(Event::Closed { shard_id }) => {
                    self.lineage.finish(&shard_id);
                    self.discover().await?;
                }
                Some(Event::Failed(error)) => return Err(error),
                None => break,
            }
        }
        Ok(None)
    }

    /// Lists the shards and starts a task for each that may be read.
    async fn discover(&mut self) -> Result<(), ReadError> {
        let listing = self.list_shards().await?;
        for ready in self.lineage.list(listing) {
            let poll = Poll::new(Arc::clone(&self.client), &self.stream, ready, self.options, self.events_in.clone());
            self.tasks.spawn(poll.run());
        }
        Ok(())
    }

    async fn list_shards(&self) -> Result<Vec<Shard>, ReadError> {
        let mut backoff = Backoff::new(self.options.retry);
        let mut shards = Vec::new();
        let mut next_token: Option<String> = None;
        loop {
            match self.client.list_shards(&self.stream, next_token.as_deref()).await {
                Ok(page) => {
                    shards.extend(page.shards);
                    next_token = page.next_token;
                    backoff.progressed();
                    if next_token.is_none() {
                        return Ok(shards);
                    }
                }
                Err(source) => {
                    let is_final = !source.is_retryable() || backoff.pause().await.is_err();
                    if is_final {
                        return Err(ReadError::ListShards { stream: self.stream.clone(), source });
                    }
                }
            }
        }
    }
}
