//! How the program ends. Exit codes are decided here and used once, in [`crate::main`].

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use consumers::{CallError, EndpointError, ProduceError, ReadError};
use shard_store::error::KeyError;

use crate::config::ConfigError;
use crate::server::StartError;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it should.
    Done,
    /// It did its work, and the answer is no: damage was found, or events are missing.
    Negative,
    /// A signal stopped it before it was done.
    Interrupted,
}

impl Outcome {
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Negative => ExitCode::FAILURE,
            Self::Interrupted => ExitCode::from(130),
        }
    }
}

/// Why a command failed, in a sentence for the person who gave it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("{0}; is the server running, and is --endpoint right?")]
    Unreachable(CallError),
    #[error(transparent)]
    Call(CallError),
    #[error(
        "there is no stream {stream} at {endpoint} (ResourceNotFoundException); `headwater stream list` shows those that are there"
    )]
    NoStream { stream: String, endpoint: String },
    #[error("the stream {stream} is still {status}; `headwater stream describe {stream}` tells when it is ACTIVE")]
    Unsettled { stream: String, status: String },
    #[error(
        "there is no delivery stream {name} at {endpoint} (ResourceNotFoundException); `headwater delivery list` shows those that are there"
    )]
    NoDelivery { name: String, endpoint: String },
    #[error("the delivery stream {name} is still {status}; `headwater delivery describe {name}` tells when it is gone")]
    UnsettledDelivery { name: String, status: String },
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Shard(String),
    #[error("cannot write {path}: {source}")]
    OutputFile { path: PathBuf, source: io::Error },
    #[error("cannot read {path}: {source}")]
    Input { path: PathBuf, source: io::Error },
    #[error("{path}, line {line_number}: {reason}; the lines before it were sent")]
    Line { path: PathBuf, line_number: u64, reason: String },
    #[error(transparent)]
    Produce(#[from] ProduceError),
    #[error(transparent)]
    Read(Box<ReadError>),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[error("cannot {action}: {source}")]
    System { action: &'static str, source: io::Error },
    #[error("{0}")]
    Quickstart(String),
    #[error(transparent)]
    Verify(shard_store::error::OpenError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable { .. } => Self::Unreachable(error),
            CallError::Service { .. } | CallError::Interrupted { .. } | CallError::Malformed { .. } => {
                Self::Call(error)
            }
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            // Whoever reads our output has seen enough (`headwater tail … | head`).
            _ if self.is_silent() => ExitCode::SUCCESS,
            Self::Config(_) | Self::Endpoint(_) | Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    /// Whether there is anything to tell the person.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(
            self,
            Self::Output(error) | Self::OutputFile { source: error, .. } if error.kind() == io::ErrorKind::BrokenPipe
        )
    }
}
