//! What is private to this crate and yet worth fuzzing: for `ingest/fuzz`. Compiled with the feature `fuzzing` only.

use crate::convert::RecordError;
use crate::error_output::FailedRecord;
use crate::prefix::{Partition, Prefixes};
use crate::record::ErrorOutputType;

/// The prefix of objects, and that of error objects.
pub fn prefixes_of(prefixes: &Prefixes, arrival_ms: u64, random: &str) -> [String; 2] {
    [
        prefixes.data_prefix(&Partition::default(), arrival_ms, random),
        prefixes.error_prefix(arrival_ms, random, ErrorOutputType::FormatConversionFailed),
    ]
}

/// The line of an error object for `data`.
pub fn error_line(data: &[u8], error: &RecordError) -> Vec<u8> {
    let mut line = Vec::new();
    let sequence_number = String::from("1");
    FailedRecord { arrival_ms: 1, attempt_ended_ms: 2, error, data, sequence_number, table: None }
        .write_line(&mut line);
    line
}
