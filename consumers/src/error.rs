//! What can go wrong, by what the caller was doing.

use std::time::Duration;

/// The endpoint, region or credentials cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The endpoint is not a URL that can be called.
    #[error("the endpoint {url} is not an http:// or https:// URL with a host: {reason}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server elsewhere needs credentials, and there are none.
    #[error("no credentials for {url}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")]
    NoCredentials {
        /// The URL that would be called.
        url: String,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {reason}")]
    Setup {
        /// What it said.
        reason: String,
    },
}

/// A call was not answered, or answered with an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The server answered with an error of its own.
    #[error("{code}: {message} (HTTP {status}, request {request_id})")]
    Service {
        /// The AWS error code, such as `ResourceNotFoundException`.
        code: String,
        /// What the server says about it.
        message: String,
        /// The HTTP status.
        status: u16,
        /// The server's request id; empty if it sent none.
        request_id: String,
    },
    /// No connection could be made: the request was not sent.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// The endpoint.
        endpoint: String,
        /// Why not.
        reason: String,
    },
    /// The connection broke, or the time was up, before the answer was complete: the request may have been carried out.
    #[error("the answer of {endpoint} did not arrive: {reason}")]
    Interrupted {
        /// The endpoint.
        endpoint: String,
        /// Why not.
        reason: String,
    },
    /// The request or the answer is not what the API describes.
    #[error("{operation}: {reason}")]
    Malformed {
        /// The operation.
        operation: String,
        /// What is wrong.
        reason: String,
    },
}

impl CallError {
    /// The AWS error code, if the server sent one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Service { code, .. } => Some(code),
            Self::Unreachable { .. } | Self::Interrupted { .. } | Self::Malformed { .. } => None,
        }
    }

    /// Whether the same call may succeed later: throttling, a server's own failure, a connection that failed.
    ///
    /// Source: AWS SDKs and Tools Reference Guide, "Retry behavior".
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Service { code, status, .. } => *status >= 500 || is_throttle(code),
            Self::Unreachable { .. } | Self::Interrupted { .. } => true,
            Self::Malformed { .. } => false,
        }
    }
}

/// Whether an error code asks the caller to slow down and try again.
pub(crate) fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "LimitExceededException"
            | "KMSThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
    )
}

/// Records could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// The record can never be accepted.
    #[error(
        "a record of {byte_count} bytes with its partition key is more than the {byte_count_max} that Kinesis takes"
    )]
    TooLarge {
        /// The bytes of data and partition key.
        byte_count: usize,
        /// The most that are taken.
        byte_count_max: usize,
    },
    /// The server refuses the request, and would again.
    #[error("the server refuses the records: {0}")]
    Refused(#[source] CallError),
    /// Nothing was accepted for so long that the producer stopped trying.
    #[error("{record_count} records were not accepted within {waited:?}; the last answer was: {reason}")]
    GaveUp {
        /// The records that are still not accepted.
        record_count: usize,
        /// How long nothing was accepted.
        waited: Duration,
        /// The last answer.
        reason: String,
    },
    /// The task that sends a request ended without a result.
    #[error("the sending task failed: {reason}")]
    Task {
        /// What happened to it.
        reason: String,
    },
}

/// A stream could not be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The shards could not be listed.
    #[error("the shards of {stream} cannot be listed: {source}")]
    ListShards {
        /// The stream.
        stream: String,
        /// The failed call.
        source: CallError,
    },
    /// A shard could not be read.
    #[error("{shard_id} of {stream} cannot be read: {source}")]
    Shard {
        /// The stream.
        stream: String,
        /// The shard.
        shard_id: String,
        /// The failed call.
        source: CallError,
    },
    /// The task that reads a shard ended without a result.
    #[error("the reading task failed: {reason}")]
    Task {
        /// What happened to it.
        reason: String,
    },
}
