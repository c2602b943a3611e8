//! Sending the events, and measuring it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use consumers::HttpClient;
use consumers::producer::{Options, Producer, RequestReport};
use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::STREAM;
use super::click::Clicks;
use super::progress::Progress;
use crate::failure::Failure;

/// The requests in flight: enough to keep two cores busy, few enough that latency is not just queueing.
const IN_FLIGHT_MAX: usize = 4;
/// The longest latency that is told apart, in microseconds.
const LATENCY_MICROS_MAX: u64 = 120_000_000;
/// How often the progress is shown, in events.
const PROGRESS_EVERY: u64 = 10_000;

/// What sending took.
pub(crate) struct Load {
    pub(crate) event_count: u64,
    /// The bytes of the JSON events.
    pub(crate) json_bytes: u64,
    pub(crate) elapsed: Duration,
    /// In microseconds, one entry a PutRecords call.
    pub(crate) latency: Histogram<u64>,
    pub(crate) retried_count: u64,
}

/// Sends `event_count` events and waits until all are acknowledged.
pub(crate) async fn send(client: HttpClient, event_count: u64) -> Result<Load, Failure> {
    let latency = Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3)
        .map_err(|error| Failure::Quickstart(format!("the latency histogram cannot be made: {error}")))?;
    let latency = Arc::new(Mutex::new(latency));
    let observed = Arc::clone(&latency);
    let observer = Arc::new(move |report: &RequestReport| {
        let micros = u64::try_from(report.latency.as_micros()).unwrap_or(u64::MAX);
        observed.lock().saturating_record(micros);
    });
    let options = Options { in_flight_max: IN_FLIGHT_MAX, observer, ..Options::default() };
    let mut producer = Producer::new(Arc::new(client), STREAM, options);

    let clicks = Clicks::new();
    let mut progress = Progress::new("sending", event_count);
    let mut json = String::new();
    let mut json_bytes = 0;
    let started = Instant::now();
    for event_number in 0..event_count {
        let click = clicks.event(event_number);
        click.write_json(&mut json);
        json_bytes += json.len() as u64;
        producer.put(&click.session_id, json.as_bytes()).await?;
        if event_number % PROGRESS_EVERY == 0 {
            progress.set(event_number);
        }
    }
    let totals = producer.flush().await?;
    let elapsed = started.elapsed();
    progress.set(event_count);
    let latency = latency.lock().clone();
    Ok(Load { event_count, json_bytes, elapsed, latency, retried_count: totals.retried_count })
}
