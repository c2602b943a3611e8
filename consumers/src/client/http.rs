//! JSON 1.1 calls over HTTP, signed.

use std::error::Error as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Uri};
use ingest_wire::{ReceivedError, header, json_1_1, sigv4};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Kinesis;
use super::endpoint::Endpoint;
use crate::error::{CallError, EndpointError};
use crate::limits::RESPONSE_BYTES_MAX;
use crate::model::{GetRecordsOutput, GetShardIteratorOutput, ListShardsOutput, Position, PutRecordsOutput};
use crate::request::PutRecordsRequest;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for a complete answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// A service that speaks JSON 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in the credential scope of a signature.
    name: &'static str,
    /// What stands before the operation in `X-Amz-Target`.
    target_prefix: &'static str,
}

impl Service {
    /// Kinesis Data Streams.
    pub const KINESIS: Self = Self { name: "kinesis", target_prefix: "Kinesis_20131202" };
    /// Data Firehose.
    pub const FIREHOSE: Self = Self { name: "firehose", target_prefix: "Firehose_20150804" };
}

/// A client over HTTP. Cloning lends another handle to the same connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    http: reqwest::Client,
    endpoint: Endpoint,
    /// The endpoint's URL as the signature needs it.
    uri: Uri,
}

impl HttpClient {
    /// A client of `endpoint`. No connection is made yet.
    ///
    /// # Errors
    /// [`EndpointError::Url`]; [`EndpointError::Setup`], for example if the system has no root certificates and the endpoint is `https://`.
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(CALL_TIMEOUT);
        if endpoint.url().scheme() == "http" {
            // Without TLS no root certificates are needed, and a bare machine has none.
            builder = builder.tls_certs_only([]);
        }
        if endpoint.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|source| EndpointError::Setup { reason: chain(&source) })?;
        let url = endpoint.url().as_str();
        let uri = url.parse().map_err(|source: http::uri::InvalidUri| EndpointError::Url {
            url: url.to_owned(),
            reason: source.to_string(),
        })?;
        Ok(Self { http, endpoint, uri })
    }

    /// The endpoint that is called.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Makes one call, without retries.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<Output: DeserializeOwned>(
        &self,
        service: Service,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<Output, CallError> {
        let body = json_1_1::encode(input).map_err(|source| malformed(operation, &source.to_string()))?;
        let answer = self.exchange(service, operation, Bytes::from(body)).await?;
        parse(operation, &answer)
    }

    /// Sends one body and returns the body of a successful answer.
    async fn exchange(&self, service: Service, operation: &str, body: Bytes) -> Result<Bytes, CallError> {
        let headers = self.signed_headers(service, operation, &body)?;
        let request = self.http.post(self.endpoint.url().clone()).headers(headers).body(body);
        let mut response = request.send().await.map_err(|source| self.failure(&source))?;
        let status = response.status();
        let mut answer = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| self.failure(&source))? {
            if answer.len() + chunk.len() > RESPONSE_BYTES_MAX {
                return Err(malformed(operation, "the answer is longer than any that the API describes"));
            }
            answer.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(answer.freeze());
        }
        let request_id = response.headers().get(header::REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        Err(service_error(status.as_u16(), request_id, &answer))
    }

    fn signed_headers(&self, service: Service, operation: &str, body: &[u8]) -> Result<HeaderMap, CallError> {
        let unusable = |source: http::header::InvalidHeaderValue| malformed(operation, &source.to_string());
        let target = HeaderValue::try_from(format!("{}.{operation}", service.target_prefix)).map_err(unusable)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(json_1_1::CONTENT_TYPE));
        headers.insert(header::TARGET, target);
        let credentials = self.endpoint.credentials();
        let credentials = sigv4::Credentials {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret_access_key,
            session_token: credentials.session_token.as_deref(),
        };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
        let scope = sigv4::SigningScope { region: self.endpoint.region(), service: service.name, unix_seconds };
        sigv4::sign(&Method::POST, &self.uri, &mut headers, body, credentials, scope).map_err(unusable)?;
        Ok(headers)
    }

    fn failure(&self, source: &reqwest::Error) -> CallError {
        let endpoint = self.endpoint.url().to_string();
        let reason = chain(source);
        if source.is_connect() {
            CallError::Unreachable { endpoint, reason }
        } else {
            CallError::Interrupted { endpoint, reason }
        }
    }
}

impl Kinesis for HttpClient {
    async fn put_records(&self, request: &PutRecordsRequest) -> Result<PutRecordsOutput, CallError> {
        let answer = self.exchange(Service::KINESIS, "PutRecords", request.body().clone()).await?;
        parse("PutRecords", &answer)
    }

    async fn list_shards(&self, stream: &str, next_token: Option<&str>) -> Result<ListShardsOutput, CallError> {
        // The API refuses a stream name beside a token, which already names the stream.
        let input = match next_token {
            Some(token) => json!({"NextToken": token}),
            None => json!({"StreamName": stream}),
        };
        self.call(Service::KINESIS, "ListShards", &input).await
    }

    async fn shard_iterator(&self, stream: &str, shard_id: &str, position: &Position) -> Result<String, CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            stream_name: &'a str,
            shard_id: &'a str,
            #[serde(flatten)]
            position: &'a Position,
        }
        let input = Input { stream_name: stream, shard_id, position };
        let output: GetShardIteratorOutput = self.call(Service::KINESIS, "GetShardIterator", &input).await?;
        Ok(output.shard_iterator)
    }

    async fn get_records(&self, iterator: &str, record_count_max: u32) -> Result<GetRecordsOutput, CallError> {
        let input = json!({"ShardIterator": iterator, "Limit": record_count_max});
        self.call(Service::KINESIS, "GetRecords", &input).await
    }
}

/// Reads an answer; operations without output answer with an empty body.
fn parse<Output: DeserializeOwned>(operation: &str, answer: &[u8]) -> Result<Output, CallError> {
    let answer = if answer.is_empty() { b"{}" } else { answer };
    json_1_1::decode(answer).map_err(|source| malformed(operation, &format!("the answer cannot be read: {source}")))
}

fn malformed(operation: &str, reason: &str) -> CallError {
    CallError::Malformed { operation: operation.to_owned(), reason: reason.to_owned() }
}

/// Reads the error of an answer; one that is no AWS error (a proxy's page, say) gets the code `UnknownError`.
fn service_error(status: u16, request_id: &str, answer: &[u8]) -> CallError {
    let received = json_1_1::decode::<ReceivedError>(answer).ok();
    let code = received.as_ref().map(ReceivedError::code).filter(|code| !code.is_empty()).unwrap_or("UnknownError");
    CallError::Service {
        code: code.to_owned(),
        message: received.as_ref().map(|received| received.message.clone()).unwrap_or_default(),
        status,
        request_id: request_id.to_owned(),
    }
}

/// An error with the errors that caused it, since reqwest's own text says little.
fn chain(source: &reqwest::Error) -> String {
    let mut text = source.to_string();
    let mut cause = source.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_code_is_read_with_and_without_a_namespace() {
        for body in [
            r#"{"__type":"ResourceNotFoundException","message":"no such stream"}"#,
            r#"{"__type":"com.amazonaws.kinesis#ResourceNotFoundException","Message":"no such stream"}"#,
        ] {
            let error = service_error(400, "id", body.as_bytes());
            assert_eq!(error.code(), Some("ResourceNotFoundException"));
            assert!(error.to_string().contains("no such stream"));
            assert!(!error.is_retryable());
        }
    }

    #[test]
    fn answer_that_is_no_json_is_still_a_service_error() {
        let error = service_error(502, "", b"<html>bad gateway</html>");
        assert_eq!((error.code(), error.is_retryable()), (Some("UnknownError"), true));
    }
}
