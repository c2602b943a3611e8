//! Why a record, or a whole file, was not converted.

use std::fmt;
use std::io;

/// What Firehose calls the reason in `lastErrorCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordErrorCode {
    /// The record is not JSON.
    ParseError,
    /// The record is JSON that does not fit the schema.
    MalformedData,
}

impl fmt::Display for RecordErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ParseError => "DataFormatConversion.ParseError",
            Self::MalformedData => "DataFormatConversion.MalformedData",
        })
    }
}

/// A record does not convert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct RecordError {
    /// What Firehose calls the reason.
    pub code: RecordErrorCode,
    /// What Firehose writes as `lastErrorMessage`.
    pub message: String,
}

impl RecordError {
    pub(crate) fn parse(reason: impl fmt::Display) -> Self {
        Self { code: RecordErrorCode::ParseError, message: format!("Encountered malformed JSON. {reason}") }
    }

    pub(crate) fn malformed(reason: impl fmt::Display) -> Self {
        Self { code: RecordErrorCode::MalformedData, message: format!("Data does not match the schema. {reason}") }
    }
}

/// A file could not be made, for a reason that lies with no record.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// Arrow or Parquet refused; the text says what.
    #[error("cannot encode the rows as Parquet: {0}")]
    Encode(String),
    /// The output could not be made, or not be written.
    #[error("cannot write the rows: {0}")]
    Output(#[from] io::Error),
    /// A schema that was learnt from the records was not enough for the same records.
    #[error("the schema did not settle on the second reading of the records")]
    Unstable,
}

impl From<arrow::error::ArrowError> for ConvertError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Encode(error.to_string())
    }
}

impl From<::parquet::errors::ParquetError> for ConvertError {
    fn from(error: ::parquet::errors::ParquetError) -> Self {
        Self::Encode(error.to_string())
    }
}
