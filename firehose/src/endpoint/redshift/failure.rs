//! Why a load failed.

use std::fmt;

use tokio_postgres::error::SqlState;

use crate::record::{ErrorOutputType, Reason};

/// Characters of a server's text that are kept.
const MESSAGE_CHARS_MAX: usize = 500;

/// Why a load failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The server cannot be reached, or is gone.
    #[error("{0}")]
    Connection(String),
    /// The server does not answer.
    #[error("{what} took too long")]
    Timeout {
        /// What was waited for.
        what: &'static str,
    },
    /// The server said no.
    #[error("{message} (SQLSTATE {})", state.code())]
    Server {
        /// Its code.
        state: SqlState,
        /// Its text.
        message: String,
    },
    /// The bucket refused, or the object could not be made.
    #[error("{0}")]
    Bucket(String),
    /// What was asked for cannot be done.
    #[error("{0}")]
    Options(String),
    /// The server may or may not have done what it was told last.
    #[error("it is not known whether the records were loaded: {0}")]
    Unknown(String),
}

impl Failure {
    pub(super) fn connection(error: impl fmt::Display) -> Self {
        Self::Connection(error.to_string())
    }

    /// Whether the values of a row are to blame. Source: PostgreSQL Documentation, "PostgreSQL Error Codes": data exceptions,
    /// violated constraints, and limits that a row exceeds.
    pub(super) fn is_of_row(&self) -> bool {
        matches!(self, Self::Server { state, .. } if ["22", "23", "54"].iter().any(|class| state.code().starts_with(class)))
    }

    /// What `lastErrorCode` says. Source: Firehose Developer Guide, "Amazon Redshift data delivery errors".
    fn code(&self) -> &'static str {
        match self {
            Self::Connection(_) | Self::Timeout { .. } => "Redshift.ConnectionFailed",
            Self::Bucket(_) => "Redshift.S3BucketAccessDenied",
            Self::Options(_) => "Redshift.IncorrectCopyOptions",
            Self::Unknown(_) => "Redshift.InternalError",
            Self::Server { .. } if self.is_of_row() => "Redshift.DataLoadFailed",
            Self::Server { state, .. } => match state.code() {
                "42P01" => "Redshift.TableNotFound",
                "42703" => "Redshift.ColumnNotFound",
                "42601" => "Redshift.SyntaxError",
                "42501" => "Redshift.InsufficientPrivilege",
                "28000" | "28P01" => "Redshift.AuthenticationFailed",
                "3D000" => "Redshift.DatabaseNotFound",
                "53100" => "Redshift.DiskFull",
                "25006" => "Redshift.ReadOnlyCluster",
                _ => "Redshift.InternalError",
            },
        }
    }

    pub(super) fn reason(&self) -> Reason {
        reason(self.code(), &self.to_string())
    }
}

/// A reason in the form that error records have.
pub(super) fn reason(code: &str, message: &str) -> Reason {
    Reason { output_type: ErrorOutputType::RedshiftFailed, code: code.to_owned(), message: message.to_owned() }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => {
                let context = said.where_().map(|place| format!("; {place}")).unwrap_or_default();
                let message = format!("{}{context}", said.message());
                let message = message.chars().take(MESSAGE_CHARS_MAX).collect();
                Self::Server { state: said.code().clone(), message }
            }
            None => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                Self::Connection(format!("{error}{cause}"))
            }
        }
    }
}
