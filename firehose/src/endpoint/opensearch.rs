//! OpenSearch and Elasticsearch clusters, through the bulk API.
//!
//! Records become documents, by `index` operations: with ids of ours, which follow from where a record came from, a
//! document that is sent again replaces itself, so that there is exactly one a record; without, there is at least one.
//!
//! A record that is no JSON object is refused here: inside a bulk request it would spoil what follows it. A newline inside
//! an object, which can only stand between its tokens, is sent as a space.
//!
//! Error codes are the status codes that the cluster answers with, and messages its texts; what has no answer is
//! `OS.ServiceException`. AWS says no more of it than that errors are passed on as they are returned.
//!
//! Source: Firehose Developer Guide, "Understand data delivery in Amazon Data Firehose", "Handle data delivery failures" and
//! "Configure index rotation for OpenSearch Service"; OpenSearch, "Bulk".

mod naming;
mod reply;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use parking_lot::Mutex;
use serde::de::IgnoredAny;
use shard_store::log::BoxFuture;
use url::Url;

use self::naming::Naming;
use self::reply::{Item, read_items};
use super::body::{self, Cursor, PIECE_BYTES, Pieces};
use super::client::{self, Answer, Client, Failure};
use super::group::{self, Limits, Outcome, SendGroup};
use super::{Batch, DocumentName, Endpoint, EndpointContext, EndpointError, Verdict};
use crate::definition;
use crate::record::{ErrorOutputType, Origin, Reason, Record};

/// Documents of one request: no more than whose results make an answer of some MiB. The smallest clusters take 10 MiB.
/// Source: OpenSearch Service Developer Guide, "Network limits".
const LIMITS: Limits = Limits { record_count: reply::ITEMS_MAX, byte_count: 10 * 1024 * 1024 };

/// The longest answer, and what of it one document may add.
const ANSWER_BYTES_MIN: usize = 64 * 1024;
const ANSWER_BYTES_PER_DOCUMENT: usize = 2 * 1024;

/// The longest part of an answer that an error record tells.
const MESSAGE_BYTES_MAX: usize = 1024;

/// Bytes of the texts about single documents of one batch; beyond them the texts are left out.
const MESSAGES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A cluster.
pub(super) struct OpenSearchEndpoint {
    client: Client,
    url: Url,
    naming: Arc<Naming>,
}

impl OpenSearchEndpoint {
    pub(super) fn open(
        settings: &definition::OpenSearchEndpoint,
        context: &EndpointContext,
    ) -> Result<Self, EndpointError> {
        let mut url = client::parse_url(&settings.url, &context.options)?;
        url.set_path(&format!("{}/_bulk", url.path().trim_end_matches('/')));
        let client = Client::new(&url, &context.options)?;
        Ok(Self { client, url, naming: Arc::new(Naming::new(settings, &context.id)) })
    }
}

impl Endpoint for OpenSearchEndpoint {
    fn send<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Vec<Verdict>> {
        Box::pin(async move {
            let mut verdicts = vec![Verdict::Delivered; batch.records.len()];
            let no_object = fault("400", "The record is not one JSON object in UTF-8; it was not sent.");
            for (verdict, record) in verdicts.iter_mut().zip(batch.records) {
                if !is_object(&record.data) {
                    *verdict = Verdict::Refused(Arc::clone(&no_object));
                }
            }
            let objects = batch.records.iter().enumerate();
            let objects = objects.filter(|(place, _)| verdicts.get(*place) == Some(&Verdict::Delivered));
            let sizes = objects.map(|(place, record)| (place, self.naming.entry_bytes(&record.origin, &record.data)));
            let groups = group::plan(sizes, LIMITS);
            let sending = Sending { endpoint: self, batch, messages: Mutex::new(Messages::default()) };
            group::settle(groups, &mut verdicts, &sending).await;
            verdicts
        })
    }

    fn document_name(&self, record: &Record) -> Option<DocumentName> {
        Some(self.naming.document_name(&record.origin))
    }
}

/// Whether data is one JSON object.
fn is_object(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    text.trim_ascii_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn fault(code: &str, message: impl Into<String>) -> Arc<Reason> {
    group::reason(ErrorOutputType::OpenSearchFailed, code, message)
}

struct Sending<'a> {
    endpoint: &'a OpenSearchEndpoint,
    batch: &'a Batch<'a>,
    messages: Mutex<Messages>,
}

impl SendGroup for Sending<'_> {
    async fn send_group(&self, group: &[usize]) -> Outcome {
        let OpenSearchEndpoint { client, url, naming } = self.endpoint;
        let records = group.iter().filter_map(|place| self.batch.records.get(*place));
        let documents: Vec<(Bytes, Origin)> = records.map(|record| (record.data.clone(), record.origin)).collect();
        let pieces = Bulk { documents, naming: Arc::clone(naming), cursor: Cursor::default() };
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))]);
        let byte_count_max = ANSWER_BYTES_MIN + ANSWER_BYTES_PER_DOCUMENT * group.len();
        match client.post(url.clone(), headers, body::plain(pieces), byte_count_max).await {
            Ok(answer) => self.judge(group, &answer),
            // Fewer documents have a shorter answer.
            Err(failure @ Failure::TooLong { .. }) if group.len() > 1 => Outcome::TooMuch(no_answer(&failure)),
            Err(failure) => Outcome::Down(no_answer(&failure)),
        }
    }
}

fn no_answer(failure: &Failure) -> Arc<Reason> {
    fault("OS.ServiceException", format!("No answer was received from the cluster: {failure}."))
}

impl Sending<'_> {
    fn judge(&self, group: &[usize], answer: &Answer) -> Outcome {
        let reason = || fault(answer.status.as_str(), answer.text(MESSAGE_BYTES_MAX));
        match answer.status {
            StatusCode::OK => match read_items(&answer.body) {
                Ok(items) if items.len() == group.len() => self.judge_items(group, &items),
                Ok(_) => self.nonsense(group, "it has results for another number of documents"),
                Err(problem) => self.nonsense(group, &problem),
            },
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooMuch(reason()),
            _ => Outcome::Down(reason()),
        }
    }

    fn nonsense(&self, group: &[usize], problem: &str) -> Outcome {
        let reason = fault("OS.ServiceException", format!("The answer is not one of the bulk API: {problem}."));
        Outcome::Settled(vec![Verdict::Again(reason); group.len()])
    }

    fn judge_items(&self, group: &[usize], items: &[Item<'_>]) -> Outcome {
        let origins = group.iter().filter_map(|place| self.batch.records.get(*place)).map(|record| &record.origin);
        let mut verdicts = Vec::with_capacity(group.len());
        for (item, origin) in items.iter().zip(origins) {
            let id = self.endpoint.naming.document_id(origin);
            if let (Some(sent), Some(told)) = (&id, &item.id)
                && sent != told
            {
                return self.nonsense(group, "it has results for other documents");
            }
            verdicts.push(self.judge_item(item, id.is_some()));
        }
        Outcome::Settled(verdicts)
    }

    fn judge_item(&self, item: &Item<'_>, has_id: bool) -> Verdict {
        match item.status {
            200..=299 => Verdict::Delivered,
            // Another request with the same id, and so the same document, was quicker.
            409 if has_id => Verdict::Delivered,
            409 | 429 | 500..=599 => Verdict::Again(self.messages.lock().reason(item)),
            _ => Verdict::Refused(self.messages.lock().reason(item)),
        }
    }
}

/// Makes the reasons of single documents, with texts of a bounded length altogether.
#[derive(Default)]
struct Messages {
    byte_count: usize,
    last: Option<Arc<Reason>>,
    without_text: HashMap<u16, Arc<Reason>>,
}

impl Messages {
    fn reason(&mut self, item: &Item<'_>) -> Arc<Reason> {
        let message = client::clip(item.error(), MESSAGE_BYTES_MAX);
        let code = item.status.to_string();
        if let Some(last) = self.last.as_ref().filter(|last| last.code == code && last.message == message) {
            return Arc::clone(last);
        }
        if self.byte_count + message.len() > MESSAGES_BYTES_MAX {
            let without = self.without_text.entry(item.status);
            let text = "What the cluster said is left out: it refused too many documents at once.";
            return Arc::clone(without.or_insert_with(|| fault(&code, text)));
        }
        self.byte_count += message.len();
        let reason = fault(&code, message);
        self.last = Some(Arc::clone(&reason));
        reason
    }
}

/// The body of a bulk request.
struct Bulk {
    documents: Vec<(Bytes, Origin)>,
    naming: Arc<Naming>,
    cursor: Cursor,
}

impl Pieces for Bulk {
    fn fill(&mut self, piece: &mut Vec<u8>) {
        while let Some((data, origin)) = self.documents.get(self.cursor.item()).filter(|_| piece.len() < PIECE_BYTES) {
            if self.cursor.is_at_start() {
                self.naming.append_action(origin, piece);
            }
            let (part, is_last) = self.cursor.take(data, PIECE_BYTES.saturating_sub(piece.len()).max(1));
            piece.extend(part.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
            if is_last {
                piece.push(b'\n');
                self.cursor.advance();
            }
        }
    }

    fn byte_count(&self) -> u64 {
        self.documents.iter().map(|(data, origin)| self.naming.entry_bytes(origin, data)).sum()
    }
}

#[cfg(test)]
mod tests;
