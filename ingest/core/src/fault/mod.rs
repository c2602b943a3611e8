//! The one table of AWS errors, and the way into it from each domain.
//!
//! [`Code`] is the table: every error code that any door answers with, its HTTP status, whether a client may try again.
//! A [`Fault`] is a code and a sentence. The errors of the libraries below become faults in one file for each domain,
//! by an exhaustive match without a wildcard, so that a new failure cannot ship unmapped.
//!
//! Nothing here renders: `ingest-wire` does.

pub mod access;
mod code;
pub mod firehose;
pub mod glue;
pub mod kinesis;
pub mod queues;
mod wire;

use std::borrow::Cow;
use std::fmt;

pub use code::Code;

/// What an operation answers with when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: Code,
    message: Cow<'static, str>,
}

impl Fault {
    /// A fault with this code and this explanation for the caller.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// A failure of the server itself. The reason is logged, and not told to the caller.
    pub fn internal(reason: impl fmt::Display) -> Self {
        tracing::error!(%reason, "an operation failed unexpectedly");
        Self::new(
            Code::InternalFailure,
            "The request processing has failed because of an unknown error, exception or failure.",
        )
    }

    /// The error code, with its status.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The explanation for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Fault {}
