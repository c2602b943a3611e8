//! What is done to records between their source and their destination.

use serde::{Deserialize, Serialize};

/// One step of processing. The steps are done in the order of this enum, whatever their order in a request, as at AWS.
/// Source: Firehose API Reference, "Processor".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Processor {
    /// Records are GZIP; what is in them takes their place.
    Decompression,
    /// Records are CloudWatch Logs subscription messages; control messages are left out.
    CloudWatchLogs {
        /// Each log event's message becomes a record, rather than the message with all its events.
        extracts_messages: bool,
    },
    /// A record holds several.
    Deaggregation(SubRecords),
    /// An HTTP endpoint transforms records, with the contract of Firehose and Lambda.
    Lambda(Transform),
    /// A jq expression makes partition keys: an object, each of whose members is a key.
    MetadataExtraction {
        /// The expression, jq 1.6.
        query: String,
    },
    /// Each record gets a delimiter appended.
    Delimiter {
        /// The delimiter.
        text: String,
    },
}

/// How several records stand in one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubRecords {
    /// JSON objects one after the other, with or without newlines between them, or an array of them.
    Json,
    /// Texts with a delimiter between them.
    Delimited {
        /// The delimiter; never empty.
        delimiter: Vec<u8>,
    },
}

/// A transformation over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transform {
    /// The ARN of a function whose URL is configured, or the URL itself.
    pub function: String,
    /// How often an invocation that fails is tried again.
    pub retry_count: u32,
    /// Bytes of data in one invocation, at most.
    pub buffer_bytes: u64,
}
