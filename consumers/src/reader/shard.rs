//! Reading one shard by polling.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ingest_wire::Timestamp;
use tokio::sync::mpsc;

use super::lineage::Ready;
use super::{Batch, Options};
use crate::backoff::Backoff;
use crate::client::Kinesis;
use crate::error::{CallError, ReadError};
use crate::model::{GetRecordsOutput, Position, Record};

/// What a shard's task tells the reader.
#[derive(Debug)]
pub(crate) enum Event {
    /// Records arrived.
    Records(Batch),
    /// The shard was read as far as it was to be: to its end, or to a time.
    CaughtUp { shard_id: String },
    /// The shard is closed and was read to its end.
    Closed { shard_id: String },
    /// The shard cannot be read on.
    Failed(ReadError),
}

/// The state of reading one shard.
pub(crate) struct Poll<C> {
    client: Arc<C>,
    stream: String,
    shard_id: String,
    /// Where to begin when a new iterator is needed: after the last record handed over.
    position: Position,
    options: Options,
    events: mpsc::Sender<Event>,
    backoff: Backoff,
}

impl<C: Kinesis> Poll<C> {
    pub(crate) fn new(
        client: Arc<C>,
        stream: &str,
        ready: Ready,
        options: Options,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let Ready { shard_id, position } = ready;
        let backoff = Backoff::new(options.retry);
        Self { client, stream: stream.to_owned(), shard_id, position, options, events, backoff }
    }

    /// Reads until the end of the shard, a failure, or until nobody listens any more.
    pub(crate) async fn run(mut self) {
        let event = match self.follow().await {
            Ok(event) => event,
            Err(source) => Some(Event::Failed(ReadError::Shard {
                stream: self.stream.clone(),
                shard_id: self.shard_id.clone(),
                source,
            })),
        };
        if let Some(event) = event {
            // Nobody listens any more: there is nobody to tell.
            let _ = self.events.send(event).await;
        }
    }

    async fn follow(&mut self) -> Result<Option<Event>, CallError> {
        let mut iterator = self.new_iterator().await?;
        loop {
            let asked_at = now();
            let Some(mut answer) = self.read(&iterator).await? else {
                iterator = self.new_iterator().await?;
                continue;
            };
            let is_at_end = answer.millis_behind_latest == Some(0);
            let next = answer.next_shard_iterator.clone();
            let is_past = self.leave_out_later(&mut answer);
            if !self.hand_over(answer).await {
                return Ok(None);
            }
            let is_caught_up = next.is_some() && self.options.is_finite && is_at_end && self.is_reached(asked_at);
            if is_past || is_caught_up {
                return Ok(Some(Event::CaughtUp { shard_id: self.shard_id.clone() }));
            }
            let Some(next) = next else { return Ok(Some(Event::Closed { shard_id: self.shard_id.clone() })) };
            iterator = next;
            if is_at_end {
                tokio::time::sleep(self.options.idle_pause).await;
            }
        }
    }

    /// Whether nothing more is wanted of what was not there at this time.
    fn is_reached(&self, time: Timestamp) -> bool {
        self.options.until.is_none_or(|until| time >= until)
    }

    /// Removes the records that arrived too late for the caller; whether the last one did.
    fn leave_out_later(&self, answer: &mut GetRecordsOutput) -> bool {
        let is_late = |record: &Record| {
            record.approximate_arrival_timestamp.zip(self.options.until).is_some_and(|(at, until)| at >= until)
        };
        let is_past = answer.records.last().is_some_and(is_late);
        answer.records.retain(|record| !is_late(record));
        is_past
    }

    /// One answer, or `None` if the iterator has expired.
    async fn read(&mut self, iterator: &str) -> Result<Option<GetRecordsOutput>, CallError> {
        loop {
            match self.client.get_records(iterator, self.options.record_count_max).await {
                Ok(answer) => {
                    self.backoff.progressed();
                    return Ok(Some(answer));
                }
                Err(source) if source.code() == Some("ExpiredIteratorException") => return Ok(None),
                Err(source) => self.pause_after(source).await?,
            }
        }
    }

    async fn new_iterator(&mut self) -> Result<String, CallError> {
        loop {
            let asked_at = now();
            match self.client.shard_iterator(&self.stream, &self.shard_id, &self.position).await {
                Ok(iterator) => {
                    if self.position == Position::Latest {
                        // Should this iterator expire before a record came, "latest" would then skip what arrived since.
                        self.position = Position::AtTimestamp { time: asked_at };
                    }
                    return Ok(iterator);
                }
                Err(source) => self.pause_after(source).await?,
            }
        }
    }

    async fn pause_after(&mut self, source: CallError) -> Result<(), CallError> {
        if !source.is_retryable() {
            return Err(source);
        }
        tracing::debug!(shard = self.shard_id, error = %source, "call is repeated");
        self.backoff.pause().await.map_err(|_| source)
    }

    /// Gives the records to the reader; `false` if nobody listens any more.
    async fn hand_over(&mut self, answer: GetRecordsOutput) -> bool {
        let Some(last) = answer.records.last() else { return true };
        self.position = Position::AfterSequenceNumber { sequence_number: last.sequence_number.clone() };
        let batch = Batch { shard_id: self.shard_id.clone(), records: answer.records };
        self.events.send(Event::Records(batch)).await.is_ok()
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
