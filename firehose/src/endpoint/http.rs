//! HTTP endpoints.
//!
//! A batch is one request, or several if it is beyond the protocol's limits: each with an id that follows from the batch
//! and the records in it, so that the same records are sent under the same id however often, and other records never are.
//! An endpoint that remembers ids gets each record exactly once.
//!
//! Where this is kinder than AWS: an answer may have members that the protocol does not know, parameters behind its
//! content type, and no `Content-Length`; and what is refused with 413 goes to the error prefix rather than nowhere.
//!
//! Source: Firehose Developer Guide, "Understand HTTP endpoint delivery request and response specifications" and
//! "Troubleshoot HTTP endpoints".

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use shard_store::log::BoxFuture;
use url::Url;
use uuid::Uuid;

use super::body::{self, Cursor, PIECE_BYTES, Pieces};
use super::client::{self, Answer, Client, Failure};
use super::group::{self, Limits, Outcome, SendGroup};
use super::{Batch, Endpoint, EndpointContext, EndpointError, Verdict};
use crate::definition;
use crate::record::{ErrorOutputType, Reason, Record};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-firehose-request-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("x-amz-firehose-protocol-version");
const SOURCE_ARN: HeaderName = HeaderName::from_static("x-amz-firehose-source-arn");
const ACCESS_KEY: HeaderName = HeaderName::from_static("x-amz-firehose-access-key");
const COMMON_ATTRIBUTES: HeaderName = HeaderName::from_static("x-amz-firehose-common-attributes");

/// 10,000 records and 64 MiB before compression, of which 1 KiB is for what stands around the records.
const LIMITS: Limits = Limits { record_count: 10_000, byte_count: 64 * 1024 * 1024 - 1024 };

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The longest part of an answer that an error record tells. Source: as the module's (`errorMessage`).
const MESSAGE_BYTES_MAX: usize = 8192;

/// An HTTP endpoint.
pub(super) struct HttpEndpoint {
    client: Client,
    url: Url,
    /// What every request has.
    headers: HeaderMap,
    is_gzip: bool,
}

impl HttpEndpoint {
    pub(super) fn open(settings: &definition::HttpEndpoint, context: &EndpointContext) -> Result<Self, EndpointError> {
        let url = client::parse_url(&settings.url, &context.options)?;
        let client = Client::new(&url, &context.options)?;
        Ok(Self { client, url, headers: open_headers(settings, context)?, is_gzip: settings.is_gzip })
    }
}

fn open_headers(settings: &definition::HttpEndpoint, context: &EndpointContext) -> Result<HeaderMap, EndpointError> {
    let value = |setting: &'static str, text: &str| {
        HeaderValue::from_bytes(text.as_bytes())
            .map_err(|error| EndpointError::Setting { setting, reason: error.to_string() })
    };
    let mut headers = HeaderMap::new();
    headers.insert(PROTOCOL_VERSION, HeaderValue::from_static("1.0"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(SOURCE_ARN, value("the ARN of the delivery stream", &context.delivery_stream_arn())?);
    if let Some(key) = &settings.access_key {
        let mut key = value("the access key", &key.0)?;
        key.set_sensitive(true);
        headers.insert(ACCESS_KEY, key);
    }
    if !settings.common_attributes.is_empty() {
        headers.insert(COMMON_ATTRIBUTES, value("the common attributes", &attributes(&settings.common_attributes))?);
    }
    if settings.is_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(headers)
}

/// The common attributes as JSON, in their order, and in ASCII, as headers are.
fn attributes(attributes: &[(String, String)]) -> String {
    let members: serde_json::Map<String, serde_json::Value> =
        attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let json = serde_json::json!({ "commonAttributes": members }).to_string();
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

impl Endpoint for HttpEndpoint {
    fn send<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Vec<Verdict>> {
        Box::pin(async move {
            let mut verdicts = vec![Verdict::Delivered; batch.records.len()];
            let sizes = batch.records.iter().map(|record| entry_bytes(&record.data)).enumerate();
            let groups = group::plan(sizes, LIMITS);
            group::settle(groups, &mut verdicts, &Sending { endpoint: self, batch }).await;
            verdicts
        })
    }
}

struct Sending<'a> {
    endpoint: &'a HttpEndpoint,
    batch: &'a Batch<'a>,
}

impl SendGroup for Sending<'_> {
    async fn send_group(&self, group: &[usize]) -> Outcome {
        let records: Vec<&Record> = group.iter().filter_map(|place| self.batch.records.get(*place)).collect();
        let id = request_id(self.batch.id, &records);
        let pieces = Json::new(id, self.batch.now_ms, records.iter().map(|record| record.data.clone()).collect());
        let HttpEndpoint { client, url, headers, is_gzip } = self.endpoint;
        let mut headers = headers.clone();
        headers.insert(REQUEST_ID, HeaderValue::try_from(id.to_string()).expect("an id is ASCII"));
        let body = if *is_gzip { body::gzipped(pieces) } else { body::plain(pieces) };
        match client.post(url.clone(), headers, body, ANSWER_BYTES_MAX).await {
            Ok(answer) => judge(id, &answer, group.len()),
            Err(failure) => Outcome::Down(explain(&failure)),
        }
    }
}

/// The id of the request that holds `records`. Any other records make another id: an endpoint that forgets what it has
/// seen already must not forget what it has not.
fn request_id(batch: Uuid, records: &[&Record]) -> Uuid {
    let mut name = Vec::with_capacity(records.len() * 21);
    for Record { origin, .. } in records {
        name.extend_from_slice(&origin.log.0.to_be_bytes());
        name.extend_from_slice(&origin.ordinal.to_be_bytes());
        name.push(u8::from(origin.sub.is_some()));
        name.extend_from_slice(&origin.sub.unwrap_or_default().to_be_bytes());
    }
    Uuid::new_v5(&batch, &name)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    #[serde(borrow)]
    request_id: Option<Cow<'a, str>>,
    timestamp: Option<serde_json::Number>,
    #[serde(rename = "errorMessage")]
    _error_message: Option<IgnoredAny>,
}

/// What an answer says of the records of its request.
fn judge(id: Uuid, answer: &Answer, record_count: usize) -> Outcome {
    let all = |verdict: Verdict| Outcome::Settled(vec![verdict; record_count]);
    match answer.status {
        StatusCode::OK => match check(id, answer) {
            Ok(()) => all(Verdict::Delivered),
            Err(problem) => all(Verdict::Again(invalid(id, answer, problem))),
        },
        StatusCode::PAYLOAD_TOO_LARGE => all(Verdict::Refused(exception(answer))),
        StatusCode::TOO_MANY_REQUESTS => Outcome::Down(exception(answer)),
        status if status.is_server_error() => Outcome::Down(exception(answer)),
        status if status.is_success() || status.is_client_error() => all(Verdict::Again(exception(answer))),
        _ => all(Verdict::Again(invalid(id, answer, "has a status code outside of 2XX, 4XX and 5XX"))),
    }
}

/// Whether an answer with the status 200 means what it says.
fn check(id: Uuid, answer: &Answer) -> Result<(), &'static str> {
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err("has no content type application/json");
    }
    if answer.headers.contains_key(CONTENT_ENCODING) {
        return Err("is encoded");
    }
    let reply: Reply<'_> = serde_json::from_slice(&answer.body).map_err(|_| "is not recognized as valid JSON")?;
    let Some(request_id) = reply.request_id else { return Err("has no requestId") };
    if request_id != id.to_string() {
        return Err("has a requestId that does not match");
    }
    if reply.timestamp.is_none() { Err("has no timestamp") } else { Ok(()) }
}

fn fault(code: &str, message: String) -> Arc<Reason> {
    group::reason(ErrorOutputType::HttpEndpointFailed, code, message)
}

fn exception(answer: &Answer) -> Arc<Reason> {
    let message = format!(
        "The following response was received from the endpoint destination. {}: {}",
        answer.status.as_u16(),
        answer.text(MESSAGE_BYTES_MAX)
    );
    fault("HttpEndpoint.DestinationException", message)
}

fn invalid(id: Uuid, answer: &Answer, problem: &str) -> Arc<Reason> {
    let message = format!(
        "The response received from the specified endpoint is invalid. Contact the owner of the endpoint to resolve the \
         issue. Response for request {id} {problem}. Raw response received: {} {}",
        answer.status.as_u16(),
        answer.text(MESSAGE_BYTES_MAX)
    );
    fault("HttpEndpoint.InvalidResponseFromDestination", message)
}

/// AWS's code and text for a request without an answer, and what happened.
fn explain(failure: &Failure) -> Arc<Reason> {
    let owner = "Contact the owner of the endpoint to resolve this issue.";
    let (code, text) = match failure {
        Failure::Unreachable(_) => {
            ("HttpEndpoint.ConnectionFailed", format!("Unable to connect to the destination endpoint. {owner}"))
        }
        Failure::Handshake { .. } => (
            "HttpEndpoint.SSLHandshakeFailure",
            format!("Unable to complete an SSL Handshake with the endpoint. {owner}"),
        ),
        Failure::Reset(_) => {
            ("HttpEndpoint.ConnectionReset", format!("Unable to maintain connection with the endpoint. {owner}"))
        }
        Failure::TimedOut => (
            "HttpEndpoint.RequestTimeout",
            "The delivery timed out before a response was received and will be retried.".to_owned(),
        ),
        Failure::TooLong { .. } => {
            ("HttpEndpoint.ResponseTooLarge", format!("The response received from the endpoint is too large. {owner}"))
        }
    };
    fault(code, format!("{text} ({failure})"))
}

/// The bytes of a record in a body, its comma included.
fn entry_bytes(data: &[u8]) -> u64 {
    (ENTRY_HEAD.len() + data.len().div_ceil(3) * 4 + ENTRY_TAIL.len() + 1) as u64
}

const ENTRY_HEAD: &[u8] = br#"{"data":""#;
const ENTRY_TAIL: &[u8] = br#""}"#;
const TAIL: &[u8] = b"]}";

/// The body of a request.
struct Json {
    head: Vec<u8>,
    records: Vec<Bytes>,
    cursor: Cursor,
    is_done: bool,
}

impl Json {
    fn new(id: Uuid, timestamp_ms: u64, records: Vec<Bytes>) -> Self {
        let head = format!(r#"{{"requestId":"{id}","timestamp":{timestamp_ms},"records":["#).into_bytes();
        Self { head, records, cursor: Cursor::default(), is_done: false }
    }
}

impl Pieces for Json {
    fn fill(&mut self, piece: &mut Vec<u8>) {
        piece.append(&mut self.head);
        while let Some(data) = self.records.get(self.cursor.item()) {
            if piece.len() >= PIECE_BYTES {
                return;
            }
            if self.cursor.is_at_start() {
                if self.cursor.item() > 0 {
                    piece.push(b',');
                }
                piece.extend_from_slice(ENTRY_HEAD);
            }
            // Whole groups of three bytes, so that the parts join without padding in between.
            let room = (PIECE_BYTES.saturating_sub(piece.len()) / 4).max(1) * 3;
            let (part, is_last) = self.cursor.take(data, room);
            base64_simd::STANDARD.encode_append(part, piece);
            if is_last {
                piece.extend_from_slice(ENTRY_TAIL);
                self.cursor.advance();
            }
        }
        if !self.is_done {
            piece.extend_from_slice(TAIL);
            self.is_done = true;
        }
    }

    fn byte_count(&self) -> u64 {
        let entries: u64 = self.records.iter().map(|data| entry_bytes(data)).sum();
        let commas_too_many = u64::from(!self.records.is_empty());
        self.head.len() as u64 + entries - commas_too_many + TAIL.len() as u64
    }
}

#[cfg(test)]
mod tests;
