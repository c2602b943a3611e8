//! One invocation, bounded in time and memory whatever the function does.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use super::PAYLOAD_BYTES_MAX;
use crate::config::{EndpointOptions, Options};
use crate::endpoint::client::{self, Client, parse_url};
use crate::record::Reason;

/// Bytes of an error's body that are told.
const SHOWN_BYTES_MAX: usize = 500;

/// What Lambda sets if the function itself failed. Source: Lambda API Reference, "Invoke".
const FUNCTION_ERROR: &str = "x-amz-function-error";

/// Calls one function.
#[derive(Debug)]
pub(super) struct Invoker {
    client: Client,
    url: Url,
}

/// There is no answer of the function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Client(#[from] client::Failure),
    #[error("it answered with status {status}: {text}")]
    Status { status: u16, text: String },
    #[error("the function failed: {0}")]
    Function(String),
}

impl Failure {
    /// Whether it may be different the next time.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Client(failure) => !matches!(failure, client::Failure::TooLong { .. }),
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::Function(_) => false,
        }
    }

    /// What the error records say, with AWS's codes.
    pub(super) fn reason(&self) -> Reason {
        let code = match self {
            Self::Client(client::Failure::TimedOut) => "Lambda.FunctionRequestTimedOut",
            Self::Status { status: 401 | 403, .. } => "Lambda.InvokeAccessDenied",
            Self::Status { status: 404, .. } => "Lambda.ResourceNotFound",
            Self::Status { status: 429, .. } => "Lambda.InvokeLimitExceeded",
            Self::Client(_) | Self::Status { .. } | Self::Function(_) => "Lambda.FunctionError",
        };
        Reason::processing_failed(code, &format!("The function was not called or failed: {self}."))
    }
}

impl Invoker {
    /// Makes no connection yet. `is_trusted` is a URL of the configuration, which may be without TLS.
    ///
    /// # Errors
    /// What is wrong with the URL, or with the certificates that are configured.
    pub(super) fn new(url: &str, is_trusted: bool, options: &Options) -> Result<Self, String> {
        let endpoints = &options.endpoints;
        let options = EndpointOptions {
            allow_http: is_trusted || endpoints.allow_http,
            request_timeout: options.function_timeout,
            ..endpoints.clone()
        };
        let url = parse_url(url, &options).map_err(|error| error.to_string())?;
        let client = Client::new(&url, &options).map_err(|error| error.to_string())?;
        Ok(Self { client, url })
    }

    /// Posts an event and reads the answer.
    pub(super) async fn invoke(&self, event: Bytes) -> Result<Bytes, Failure> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let answer = self.client.post(self.url.clone(), headers, event.into(), PAYLOAD_BYTES_MAX).await?;
        if answer.status != StatusCode::OK {
            let status = answer.status.as_u16();
            return Err(Failure::Status { status, text: answer.text(SHOWN_BYTES_MAX) });
        }
        if answer.headers.contains_key(FUNCTION_ERROR) {
            return Err(Failure::Function(answer.text(SHOWN_BYTES_MAX)));
        }
        Ok(answer.body)
    }
}
