//! Why an append failed.

use crate::record::{ErrorOutputType, Reason};
use crate::sink::SinkError;

/// Why an append failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The catalog cannot be reached, or its answer makes no sense.
    #[error("{0}")]
    Catalog(String),
    /// The catalog refuses.
    #[error("{message} (status {status})")]
    Refused {
        /// The status.
        status: u16,
        /// Its text.
        message: String,
    },
    /// Somebody else has changed the table.
    #[error("the table was changed meanwhile: {0}")]
    Conflict(String),
    /// It is not known whether the catalog has committed.
    #[error("it is not known whether the records were committed: {0}")]
    Unknown(String),
    /// The table is of a kind that is not written here.
    #[error("{0}")]
    Table(String),
    /// A bucket refused.
    #[error("{0}")]
    Bucket(String),
    /// The files could not be made.
    #[error("{0}")]
    Encode(String),
}

impl Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused { status: 404, .. } => "Iceberg.NoSuchTable",
            Self::Refused { status: 401 | 403, .. } => "Iceberg.AccessDenied",
            Self::Catalog(_) | Self::Refused { .. } => "Iceberg.CatalogFailed",
            Self::Conflict(_) | Self::Unknown(_) => "Iceberg.CommitFailed",
            Self::Table(_) => "Iceberg.InvalidTable",
            Self::Bucket(_) => "Iceberg.S3Failed",
            Self::Encode(_) => "Iceberg.InternalError",
        }
    }

    pub(super) fn reason(&self) -> Reason {
        reason(self.code(), &self.to_string())
    }
}

/// A reason in the form that error records have.
pub(super) fn reason(code: &str, message: &str) -> Reason {
    Reason { output_type: ErrorOutputType::IcebergFailed, code: code.to_owned(), message: message.to_owned() }
}

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Self {
        Self::Bucket(error.to_string())
    }
}

impl From<arrow::error::ArrowError> for Failure {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Encode(error.to_string())
    }
}

impl From<crate::convert::ConvertError> for Failure {
    fn from(error: crate::convert::ConvertError) -> Self {
        Self::Encode(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Encode(error.to_string())
    }
}

impl From<apache_avro::Error> for Failure {
    fn from(error: apache_avro::Error) -> Self {
        Self::Encode(error.to_string())
    }
}
