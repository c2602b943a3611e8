//! One record on its way from a source to a destination, and one that does not get there.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shard_store::log::LogId;

/// Where a record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The log.
    pub(crate) log: LogId,
    /// Its place in the log.
    pub(crate) ordinal: u64,
    /// Its place in the record of that ordinal, if that held several.
    pub(crate) sub: Option<u32>,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub(crate) arrival_ms: u64,
}

/// What a record says about the partition that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionKeys {
    /// For `!{partitionKeyFromQuery:NAME}`.
    pub(crate) query: BTreeMap<String, String>,
    /// For `!{partitionKeyFromLambda:NAME}`.
    pub(crate) lambda: BTreeMap<String, String>,
    /// For `!{partitionKeyFromColumn:PATH}`, beyond AWS.
    pub(crate) column: BTreeMap<String, String>,
    /// For `!{event-time:PATTERN}`, beyond AWS: milliseconds since the Unix epoch.
    pub(crate) event_ms: Option<u64>,
}

/// One record. Its data keeps alive what it lies in: a mapped file, mostly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) data: Bytes,
    pub(crate) origin: Origin,
    pub(crate) keys: PartitionKeys,
}

/// A record that goes to the error prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What the step was given that refused it: for one record of several, that one.
    pub(crate) data: Bytes,
    pub(crate) origin: Origin,
    pub(crate) reason: Reason,
    /// How often it was tried.
    pub(crate) attempt_count: u32,
}

/// Why a record goes to the error prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    /// What `!{firehose:error-output-type}` says.
    pub(crate) output_type: ErrorOutputType,
    /// `lastErrorCode`, or what stands in its place.
    pub(crate) code: String,
    /// `lastErrorMessage`, a sentence.
    pub(crate) message: String,
}

impl Reason {
    /// A step of processing refuses the record.
    pub(crate) fn processing_failed(code: &str, message: &str) -> Self {
        Self { output_type: ErrorOutputType::ProcessingFailed, code: code.to_owned(), message: message.to_owned() }
    }

    /// The record has no partition. AWS writes this code for it; its documentation does not name it.
    pub(crate) fn not_partitioned(message: &str) -> Self {
        Self::processing_failed("DynamicPartitioning.MetadataExtractionFailed", message)
    }
}

/// What `!{firehose:error-output-type}` says. Source: Firehose Developer Guide, "Understand custom prefixes for Amazon S3
/// objects".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "they say what failed, as AWS does")]
pub(crate) enum ErrorOutputType {
    ProcessingFailed,
    FormatConversionFailed,
    HttpEndpointFailed,
    SplunkFailed,
    OpenSearchFailed,
    /// Beyond AWS: a row that PostgreSQL refuses. Redshift takes or refuses a whole object.
    RedshiftFailed,
    IcebergFailed,
}

impl ErrorOutputType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ProcessingFailed => "processing-failed",
            Self::FormatConversionFailed => "format-conversion-failed",
            Self::HttpEndpointFailed => "http-endpoint-failed",
            Self::SplunkFailed => "splunk-failed",
            Self::OpenSearchFailed => "AmazonOpenSearchService_failed",
            Self::RedshiftFailed => "redshift-failed",
            Self::IcebergFailed => "iceberg-failed",
        }
    }
}
