//! One invocation, bounded in time and memory whatever the function does.

use bytes::{Bytes, BytesMut};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::PAYLOAD_BYTES_MAX;
use crate::config::Options;
use crate::record::Reason;

/// Bytes of an error's body that are told.
const SHOWN_BYTES_MAX: usize = 500;

/// What Lambda sets if the function itself failed. Source: Lambda API Reference, "Invoke".
const FUNCTION_ERROR: &str = "x-amz-function-error";

/// Calls one function.
#[derive(Debug)]
pub(super) struct Invoker {
    client: reqwest::Client,
    url: Url,
}

/// There is no answer of the function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("no connection: {0}")]
    NotReached(String),
    #[error("there was no answer in time")]
    TimedOut,
    #[error("it answered with status {status}: {text}")]
    Status { status: u16, text: String },
    #[error("the function failed: {0}")]
    Function(String),
    #[error("its answer is longer than {PAYLOAD_BYTES_MAX} bytes")]
    TooLong,
}

impl Failure {
    /// Whether it may be different the next time.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::NotReached(_) | Self::TimedOut => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::Function(_) | Self::TooLong => false,
        }
    }

    /// What the error records say, with AWS's codes.
    pub(super) fn reason(&self) -> Reason {
        let code = match self {
            Self::TimedOut => "Lambda.FunctionRequestTimedOut",
            Self::Status { status: 401 | 403, .. } => "Lambda.InvokeAccessDenied",
            Self::Status { status: 404, .. } => "Lambda.ResourceNotFound",
            Self::Status { status: 429, .. } => "Lambda.InvokeLimitExceeded",
            Self::NotReached(_) | Self::Status { .. } | Self::Function(_) | Self::TooLong => "Lambda.FunctionError",
        };
        Reason::processing_failed(code, &format!("The function was not called or failed: {self}."))
    }
}

impl Invoker {
    /// Makes no connection yet.
    ///
    /// # Errors
    /// What is wrong with the certificates that are configured.
    pub(super) fn new(url: Url, options: &Options) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(options.endpoints.connect_timeout)
            .timeout(options.function_timeout);
        if url.scheme() == "http" {
            // Without TLS no root certificates are needed, and a bare machine has none.
            builder = builder.tls_certs_only([]);
        } else if let Some(file) = &options.endpoints.ca_file {
            let unusable = |reason: String| format!("firehose.endpoints.ca-file {}: {reason}", file.display());
            let text = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
            let bundle = reqwest::Certificate::from_pem_bundle(&text).map_err(|error| unusable(error.to_string()))?;
            builder = builder.tls_certs_merge(bundle);
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, url })
    }

    /// Posts an event and reads the answer.
    pub(super) async fn invoke(&self, event: Bytes) -> Result<Bytes, Failure> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(event);
        let mut response = request.send().await.map_err(failure)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > PAYLOAD_BYTES_MAX {
                return Err(Failure::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let text = || String::from_utf8_lossy(body.get(..SHOWN_BYTES_MAX).unwrap_or(&body)).into_owned();
        if response.status() != StatusCode::OK {
            return Err(Failure::Status { status: response.status().as_u16(), text: text() });
        }
        if response.headers().contains_key(FUNCTION_ERROR) {
            return Err(Failure::Function(text()));
        }
        Ok(body.freeze())
    }
}

/// The URL stays out of it, since it may hold a password.
fn failure(error: reqwest::Error) -> Failure {
    if error.is_timeout() { Failure::TimedOut } else { Failure::NotReached(told(&error.without_url())) }
}

/// An error with the errors that caused it, since reqwest's own text says little.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", told(cause)),
        None => error.to_string(),
    }
}
