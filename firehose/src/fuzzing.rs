//! What is private to this crate and yet worth fuzzing: for `ingest/fuzz`. Compiled with the feature `fuzzing` only.

use bytes::Bytes;
use shard_store::log::LogId;

use crate::convert::RecordError;
use crate::error_output::{FailedRecord, FailureContext};
use crate::prefix::{Partition, Prefixes};
use crate::record::{ErrorOutputType, Origin, Reason};

/// The prefix of objects, and that of error objects.
pub fn prefixes_of(prefixes: &Prefixes, arrival_ms: u64, random: &str) -> [String; 2] {
    [
        prefixes.data_prefix(&Partition::default(), arrival_ms, random),
        prefixes.error_prefix(arrival_ms, random, ErrorOutputType::FormatConversionFailed),
    ]
}

/// The records that `data` holds as the message of a KPL aggregate, as JSON objects, and between delimiters.
pub fn sub_records(data: &[u8], delimiter: &[u8]) -> [Option<Vec<Bytes>>; 3] {
    crate::process::sub_records(&Bytes::copy_from_slice(data), delimiter)
}

/// The prefix of a record that has these values for all keys; `None` if they cannot stand in one.
///
/// # Panics
/// A value led out of the folder that stands before it.
pub fn prefix_of_values(value: &str, event_ms: u64) -> Option<String> {
    crate::prefix::prefix_of_values(value, event_ms)
}

/// The line of an error object for `data`.
pub fn error_line(data: &[u8], error: &RecordError) -> Vec<u8> {
    let output_type = ErrorOutputType::FormatConversionFailed;
    let reason = Reason { output_type, code: error.code.to_string(), message: error.message.clone() };
    let context = FailureContext {
        attempt_ended_ms: 2,
        attempt_count: 1,
        sequence_number: String::from("1"),
        table: None,
        function: None,
        document: None,
    };
    let origin = Origin { log: LogId(1), ordinal: 0, sub: None, arrival_ms: 1 };
    let mut line = Vec::new();
    FailedRecord { data, origin, reason: &reason }.write_line(&context, &mut line);
    line
}
