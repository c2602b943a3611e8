//! Sending many records: gathered into requests, several in flight, failed entries sent again.
//!
//! ```text
//! put ──> request being filled ──(full, or dispatched)──> up to `in_flight_max` tasks ──> PutRecords
//!                                                            └── failed entries again, with backoff
//! ```
//!
//! Memory is bounded by `in_flight_max + 1` requests of at most 5 MiB (a third more in base64, twice while a retry is copied);
//! [`Producer::put`] waits while they are all in flight.
//!
//! Delivery is at least once: when an answer is lost, the whole request is sent again. Order is kept within a request whose
//! entries all succeed at once, and not between requests. What this module does not do: aggregate several records into one.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::backoff::Backoff;
pub use crate::backoff::Retry;
use crate::client::Kinesis;
use crate::error::ProduceError;
use crate::limits::RECORD_BYTES_MAX;
use crate::model::PutRecordsOutput;
use crate::request::{Batch, PutRecordsRequest};

/// What one request took, for whoever keeps statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestReport {
    /// From sending to the end of the answer, or to its failure.
    pub latency: Duration,
    /// The records sent.
    pub record_count: usize,
    /// Those that were accepted.
    pub accepted_count: usize,
    /// The bytes sent, data and keys.
    pub record_bytes: usize,
}

/// Called after every request.
pub type Observer = Arc<dyn Fn(&RequestReport) + Send + Sync>;

/// How to send.
#[derive(Clone)]
pub struct Options {
    /// The requests in flight at once, at least 1.
    pub in_flight_max: usize,
    /// How failed entries are sent again.
    pub retry: Retry,
    /// Told of every request.
    pub observer: Observer,
}

impl Default for Options {
    fn default() -> Self {
        Self { in_flight_max: 8, retry: Retry::default(), observer: Arc::new(|_| ()) }
    }
}

/// What a producer has sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The records that were accepted.
    pub record_count: u64,
    /// Their bytes, data and keys.
    pub record_bytes: u64,
    /// The entries that were sent again.
    pub retried_count: u64,
}

/// Sends records to one stream. Dropping it abandons what is in flight; [`Producer::flush`] first.
pub struct Producer<C> {
    client: Arc<C>,
    stream: String,
    options: Options,
    batch: Batch,
    in_flight: JoinSet<Result<Totals, ProduceError>>,
    totals: Totals,
}

impl<C: Kinesis> Producer<C> {
    /// A producer for `stream`.
    pub fn new(client: Arc<C>, stream: &str, options: Options) -> Self {
        Self {
            client,
            stream: stream.to_owned(),
            options,
            batch: Batch::new(stream),
            in_flight: JoinSet::new(),
            totals: Totals::default(),
        }
    }

    /// Takes one record, and waits while too many requests are in flight.
    ///
    /// # Errors
    /// [`ProduceError::TooLarge`] for this record, which is not taken; otherwise the failure of an earlier request.
    pub async fn put(&mut self, partition_key: &str, data: &[u8]) -> Result<(), ProduceError> {
        let record_bytes = partition_key.len() + data.len();
        if record_bytes > RECORD_BYTES_MAX {
            return Err(ProduceError::TooLarge { byte_count: record_bytes, byte_count_max: RECORD_BYTES_MAX });
        }
        if !self.batch.has_room_for(record_bytes) {
            self.dispatch().await?;
        }
        self.batch.push(partition_key, data);
        Ok(())
    }

    /// Sends what was gathered, without waiting for the answer; for sources that pause.
    ///
    /// # Errors
    /// The failure of an earlier request.
    pub async fn dispatch(&mut self) -> Result<(), ProduceError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        while self.in_flight.len() >= self.options.in_flight_max.max(1) {
            self.reap().await?;
        }
        let request = std::mem::replace(&mut self.batch, Batch::new(&self.stream)).finish();
        let (client, options) = (Arc::clone(&self.client), self.options.clone());
        self.in_flight.spawn(deliver(client, request, options));
        Ok(())
    }

    /// Sends what was gathered and waits until every record is accepted.
    ///
    /// # Errors
    /// The first failure.
    pub async fn flush(&mut self) -> Result<Totals, ProduceError> {
        self.dispatch().await?;
        while !self.in_flight.is_empty() {
            self.reap().await?;
        }
        Ok(self.totals)
    }

    /// What was accepted so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    async fn reap(&mut self) -> Result<(), ProduceError> {
        let Some(ended) = self.in_flight.join_next().await else { return Ok(()) };
        let sent = ended.map_err(|source: JoinError| ProduceError::Task { reason: source.to_string() })??;
        self.totals.record_count += sent.record_count;
        self.totals.record_bytes += sent.record_bytes;
        self.totals.retried_count += sent.retried_count;
        Ok(())
    }
}

/// Sends one request until each of its entries is accepted.
async fn deliver<C: Kinesis>(
    client: Arc<C>,
    mut request: PutRecordsRequest,
    options: Options,
) -> Result<Totals, ProduceError> {
    let mut backoff = Backoff::new(options.retry);
    let mut totals = Totals {
        record_count: request.record_count() as u64,
        record_bytes: request.record_bytes() as u64,
        retried_count: 0,
    };
    loop {
        let Attempt { accepted_count, failure } = attempt(client.as_ref(), &request, &options.observer).await?;
        let Some(Failure { request: rest, reason }) = failure else { return Ok(totals) };
        if accepted_count > 0 {
            backoff.progressed();
        }
        request = rest;
        totals.retried_count += request.record_count() as u64;
        tracing::debug!(record_count = request.record_count(), reason, "records are sent again");
        let record_count = request.record_count();
        backoff.pause().await.map_err(|waited| ProduceError::GaveUp { record_count, waited, reason })?;
    }
}

/// What one attempt led to.
struct Attempt {
    accepted_count: usize,
    failure: Option<Failure>,
}

/// What has to be sent again, and why.
struct Failure {
    request: PutRecordsRequest,
    reason: String,
}

async fn attempt<C: Kinesis>(
    client: &C,
    request: &PutRecordsRequest,
    observer: &Observer,
) -> Result<Attempt, ProduceError> {
    let started = Instant::now();
    let answer = client.put_records(request).await;
    let latency = started.elapsed();
    let attempt = match answer {
        Ok(output) => judge(request, &output),
        Err(error) if error.is_retryable() => {
            let failure = Failure { request: request.clone(), reason: error.to_string() };
            Attempt { accepted_count: 0, failure: Some(failure) }
        }
        Err(error) => return Err(ProduceError::Refused(error)),
    };
    observer(&RequestReport {
        latency,
        record_count: request.record_count(),
        accepted_count: attempt.accepted_count,
        record_bytes: request.record_bytes(),
    });
    Ok(attempt)
}

/// Tells the accepted entries from those to send again. An entry that the answer does not mention was not accepted.
fn judge(request: &PutRecordsRequest, output: &PutRecordsOutput) -> Attempt {
    let is_accepted = |index: usize| {
        output.records.get(index).is_some_and(|result| result.error_code.is_none() && result.sequence_number.is_some())
    };
    let accepted_count = (0..request.record_count()).filter(|index| is_accepted(*index)).count();
    if accepted_count == request.record_count() {
        return Attempt { accepted_count, failure: None };
    }
    let reason = output
        .records
        .iter()
        .find_map(|result| {
            let message = result.error_message.as_deref().unwrap_or_default();
            Some(format!("{}: {message}", result.error_code.as_deref()?))
        })
        .unwrap_or_else(|| "the answer does not have a result for every entry".to_owned());
    let failure = Failure { request: request.retain(|index| !is_accepted(index)), reason };
    Attempt { accepted_count, failure: Some(failure) }
}
