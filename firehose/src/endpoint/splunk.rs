//! Splunk's HTTP event collector (HEC).
//!
//! Records are sent in requests of about 1 MB over one channel, which lives as long as the endpoint. Once all are sent the
//! indexer's acknowledgements are asked for, until all are there or the acknowledgement timeout is over. An event that HEC
//! names as invalid is refused, and the others of its request are sent again; HEC does not say whether it keeps those
//! before it, so they may be indexed twice.
//!
//! As events, records are checked here first: one that is no JSON would spoil what follows it. As raw text, records that do
//! not end with a newline get one, unlike at AWS, so that two never become one event.
//!
//! Source: Firehose Developer Guide, "Understand data delivery in Amazon Data Firehose" and "Splunk data delivery errors";
//! Splunk, "Troubleshoot HTTP Event Collector" (status codes) and "About HTTP Event Collector Indexer Acknowledgment".

mod hec;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use shard_store::log::BoxFuture;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use self::hec::Code;
use super::body::{self, Cursor, PIECE_BYTES, Pieces};
use super::client::{self, Answer, Client, Failure};
use super::group::{self, Limits, Outcome, SendGroup};
use super::{Batch, Endpoint, EndpointContext, EndpointError, Verdict};
use crate::definition;
use crate::record::Reason;

const CHANNEL: HeaderName = HeaderName::from_static("x-splunk-request-channel");

/// 1 MB is the most that older servers take (`max_content_length`).
const LIMITS: Limits = Limits { record_count: 10_000, byte_count: 1_000_000 };

/// The longest answer; that of a poll has some 20 bytes for each acknowledgement.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The pause before the first poll; each is twice the one before, up to the longest.
const POLL_PAUSE_FIRST: Duration = Duration::from_millis(100);
const POLL_PAUSE_MAX: Duration = Duration::from_secs(5);

/// A Splunk HTTP event collector.
pub(super) struct SplunkEndpoint {
    client: Client,
    send_url: Url,
    ack_url: Url,
    headers: HeaderMap,
    is_event: bool,
    acknowledgment_timeout: Duration,
}

impl SplunkEndpoint {
    pub(super) fn open(
        settings: &definition::SplunkEndpoint,
        context: &EndpointContext,
    ) -> Result<Self, EndpointError> {
        let base = client::parse_url(&settings.url, &context.options)?;
        let client = Client::new(&base, &context.options)?;
        let channel = Uuid::new_v4().to_string();
        let path = if settings.is_event { "services/collector/event" } else { "services/collector/raw" };
        let mut token = HeaderValue::from_bytes(format!("Splunk {}", settings.token.0).as_bytes())
            .map_err(|error| EndpointError::Setting { setting: "the HEC token", reason: error.to_string() })?;
        token.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, token),
            (CHANNEL, HeaderValue::try_from(&channel).expect("an id is ASCII")),
        ]);
        Ok(Self {
            client,
            send_url: open_url(&base, path, &channel),
            ack_url: open_url(&base, "services/collector/ack", &channel),
            headers,
            is_event: settings.is_event,
            acknowledgment_timeout: Duration::from_secs(settings.acknowledgment_seconds),
        })
    }
}

fn open_url(base: &Url, path: &str, channel: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.query_pairs_mut().append_pair("channel", channel);
    url
}

impl Endpoint for SplunkEndpoint {
    fn send<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Vec<Verdict>> {
        Box::pin(async move {
            let mut verdicts = vec![Verdict::Delivered; batch.records.len()];
            let event_counts = self.check(batch, &mut verdicts);
            let sizes = batch.records.iter().enumerate().filter(|(place, record)| {
                // There is nothing to index of a record without data.
                !record.data.is_empty() && verdicts.get(*place) == Some(&Verdict::Delivered)
            });
            let groups = group::plan(sizes.map(|(place, record)| (place, record.data.len() as u64 + 1)), LIMITS);
            let sending = Sending { endpoint: self, batch, event_counts, pending: Mutex::default() };
            group::settle(groups, &mut verdicts, &sending).await;
            self.await_acknowledgements(sending.pending.into_inner(), &mut verdicts).await;
            verdicts
        })
    }
}

/// Records whose acknowledgement is outstanding.
struct Pending {
    ack_id: u64,
    places: Vec<usize>,
}

struct Sending<'a> {
    endpoint: &'a SplunkEndpoint,
    batch: &'a Batch<'a>,
    /// By place; empty if records are raw text.
    event_counts: Vec<u32>,
    pending: Mutex<Vec<Pending>>,
}

impl SplunkEndpoint {
    /// Refuses what are no events. Gives the number of events of each record.
    fn check(&self, batch: &Batch<'_>, verdicts: &mut [Verdict]) -> Vec<u32> {
        if !self.is_event {
            return Vec::new();
        }
        let reason = hec::fault("Splunk.InvalidDataFormat", "the record is no JSON of events with a member \"event\"");
        let counts: Vec<u32> = batch.records.iter().map(|record| hec::count_events(&record.data)).collect();
        for (verdict, _) in verdicts.iter_mut().zip(&counts).filter(|(_, count)| **count == 0) {
            *verdict = Verdict::Refused(Arc::clone(&reason));
        }
        counts
    }

    async fn post(&self, url: &Url, media_type: &'static str, body: reqwest::Body) -> Result<Answer, Failure> {
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.client.post(url.clone(), headers, body, ANSWER_BYTES_MAX).await
    }

    /// Asks for acknowledgements until all are there or their time is over.
    async fn await_acknowledgements(&self, mut pending: Vec<Pending>, verdicts: &mut [Verdict]) {
        let deadline = Instant::now() + self.acknowledgment_timeout;
        let mut pause = POLL_PAUSE_FIRST;
        let mut reason = None;
        while !pending.is_empty() && reason.is_none() {
            tokio::time::sleep_until(deadline.min(Instant::now() + pause)).await;
            pause = (pause * 2).min(POLL_PAUSE_MAX);
            // What is asked in time is waited for as long as any request.
            let is_last = Instant::now() >= deadline;
            match self.poll(&pending).await {
                Poll::Acknowledged(acked) => {
                    pending.retain(|pending| !acked.get(&pending.ack_id.to_string()).copied().unwrap_or(false));
                }
                Poll::Later => {}
                Poll::Never(never) => reason = Some(never),
            }
            if is_last && reason.is_none() {
                reason = Some(hec::fault("Splunk.AckTimeout", ""));
            }
        }
        let Some(reason) = reason else { return };
        for place in pending.iter().flat_map(|pending| &pending.places) {
            if let Some(verdict) = verdicts.get_mut(*place) {
                *verdict = Verdict::Again(Arc::clone(&reason));
            }
        }
    }

    async fn poll(&self, pending: &[Pending]) -> Poll {
        #[derive(Deserialize)]
        struct Reply {
            acks: HashMap<String, bool>,
        }
        let ids: Vec<u64> = pending.iter().map(|pending| pending.ack_id).collect();
        let body = serde_json::json!({ "acks": ids }).to_string();
        let Ok(answer) = self.post(&self.ack_url, "application/json", body.into()).await else { return Poll::Later };
        if answer.status == StatusCode::OK {
            let reply = serde_json::from_slice::<Reply>(&answer.body);
            return reply.map_or(Poll::Later, |reply| Poll::Acknowledged(reply.acks));
        }
        if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
            return Poll::Later;
        }
        Poll::Never(match hec::Reply::read(&answer).map(|reply| reply.code()) {
            // Another node than the one that took the data does not know the channel.
            Some(Code::Channel) => hec::fault("Splunk.ProxyWithoutStickySessions", &hec::told(&answer)),
            _ => hec::explain_answer(&answer),
        })
    }
}

/// What became of a poll.
enum Poll {
    /// By id, as text.
    Acknowledged(HashMap<String, bool>),
    Later,
    Never(Arc<Reason>),
}

impl SendGroup for Sending<'_> {
    async fn send_group(&self, group: &[usize]) -> Outcome {
        let records = group.iter().filter_map(|place| self.batch.records.get(*place));
        let pieces = Lines::new(records.map(|record| record.data.clone()).collect(), !self.endpoint.is_event);
        let media_type = if self.endpoint.is_event { "application/json" } else { "text/plain" };
        match self.endpoint.post(&self.endpoint.send_url, media_type, body::plain(pieces)).await {
            Ok(answer) => self.judge(group, &answer),
            Err(failure) => Outcome::Down(hec::explain_failure(&failure)),
        }
    }
}

impl Sending<'_> {
    fn judge(&self, group: &[usize], answer: &Answer) -> Outcome {
        let reason = || hec::explain_answer(answer);
        let reply = hec::Reply::read(answer);
        if answer.status == StatusCode::OK {
            return match reply.and_then(|reply| reply.ack_id) {
                Some(ack_id) => {
                    self.pending.lock().push(Pending { ack_id, places: group.to_vec() });
                    Outcome::Settled(vec![Verdict::Delivered; group.len()])
                }
                // It is indexed or not; nobody will ever say.
                None => Outcome::Settled(vec![Verdict::Again(reason()); group.len()]),
            };
        }
        let named = reply.as_ref().and_then(|reply| reply.invalid_event).and_then(|event| self.record_of(group, event));
        match (reply.map(|reply| reply.code()), named) {
            (Some(Code::Format | Code::Index), Some(place)) => Outcome::Without(place, reason()),
            (Some(Code::Format), None) => Outcome::TooMuch(reason()),
            _ if answer.status == StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooMuch(reason()),
            _ => Outcome::Down(reason()),
        }
    }

    /// The record of a group, as a place in it, that holds the event of a number, from 0.
    fn record_of(&self, group: &[usize], event: u64) -> Option<usize> {
        let mut event_count = 0;
        group.iter().position(|place| {
            event_count += u64::from(self.event_counts.get(*place).copied().unwrap_or(1));
            event < event_count
        })
    }
}

/// The body of a request: records one after the other.
struct Lines {
    records: Vec<Bytes>,
    /// Records that do not end with a newline get one.
    has_newlines: bool,
    cursor: Cursor,
}

impl Lines {
    fn new(records: Vec<Bytes>, has_newlines: bool) -> Self {
        Self { records, has_newlines, cursor: Cursor::default() }
    }

    fn lacks_newline(&self, data: &[u8]) -> bool {
        self.has_newlines && !data.ends_with(b"\n")
    }
}

impl Pieces for Lines {
    fn fill(&mut self, piece: &mut Vec<u8>) {
        while let Some(data) = self.records.get(self.cursor.item()).filter(|_| piece.len() < PIECE_BYTES) {
            let (part, is_last) = self.cursor.take(data, PIECE_BYTES - piece.len());
            piece.extend_from_slice(part);
            if is_last {
                if self.lacks_newline(data) {
                    piece.push(b'\n');
                }
                self.cursor.advance();
            }
        }
    }

    fn byte_count(&self) -> u64 {
        self.records.iter().map(|data| data.len() as u64 + u64::from(self.lacks_newline(data))).sum()
    }
}

#[cfg(test)]
mod tests;
