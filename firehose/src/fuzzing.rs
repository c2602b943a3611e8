//! What is private to this crate and yet worth fuzzing: for `ingest/fuzz`. Compiled with the feature `fuzzing` only.

use crate::convert::RecordError;
use crate::error_output::FailedRecord;

/// The line of an error object for `data`.
pub fn error_line(data: &[u8], error: &RecordError) -> Vec<u8> {
    let mut line = Vec::new();
    let sequence_number = String::from("1");
    FailedRecord { arrival_ms: 1, attempt_ended_ms: 2, error, data, sequence_number, table: None }
        .write_line(&mut line);
    line
}
