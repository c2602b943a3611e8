//! Records become rows of columns.
//!
//! A record that holds one JSON object which fits the columns is written straight into them. Everything else takes the
//! slow way: the record is split into its objects (there may be several, one after the other), and an object that does
//! not fit is parsed into a tree that the schema can learn from. A record converts as a whole or not at all.

use arrow::array::{RecordBatch, RecordBatchOptions};
use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::{Map, Value};

use super::{ConvertError, RecordError};
use crate::columns::{Failure, Fields, Reading, RecordSeed, Rules};
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_ROWS_MAX, NESTING_MAX, ROWS_PER_RECORD_MAX};
use crate::schema::{Inference, Schema};

/// Rows in the making.
pub(crate) struct Rows {
    fields: Fields,
    schema: Schema,
    inference: Option<Inference>,
    rules: Rules,
    is_read_raw: bool,
    /// Bytes of texts and elements in the columns, at most.
    variable_bytes: usize,
}

/// Why an object was not appended.
enum ObjectError {
    /// It is not JSON, or not only one object.
    Parse(String),
    Failure(Failure),
}

impl Rows {
    pub(crate) fn new(schema: Schema, inference: Option<Inference>, rules: Rules) -> Self {
        let fields = Fields::new(&schema.fields, &rules.naming);
        let is_read_raw = schema.fields.iter().any(|field| field.kind.is_read_raw());
        Self { fields, schema, inference, rules, is_read_raw, variable_bytes: 0 }
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn into_schema(self) -> Schema {
        self.schema
    }

    /// Whether the rows should be encoded before more come.
    pub(crate) fn is_chunk_full(&self) -> bool {
        let row_count = self.fields.row_count();
        let byte_count = self.variable_bytes + row_count.saturating_mul(self.fields.row_bytes());
        row_count >= CHUNK_ROWS_MAX || byte_count >= CHUNK_BYTES_MAX
    }

    /// Hands the rows over as one batch; `None` if there is none.
    pub(crate) fn take_chunk(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        let row_count = self.fields.row_count();
        if row_count == 0 {
            return Ok(None);
        }
        self.variable_bytes = 0;
        let arrays = self.fields.finish(&self.schema.fields)?;
        if arrays.is_empty() {
            return Ok(None);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(row_count));
        Ok(Some(RecordBatch::try_new_with_options(self.schema.to_arrow(), arrays, &options)?))
    }

    /// Appends the objects of one record, each as a row; returns how many there were.
    pub(crate) fn append(&mut self, record: &[u8]) -> Result<usize, RecordError> {
        let first_row = self.fields.row_count();
        let text = std::str::from_utf8(record).map_err(|error| RecordError::parse(sentence(&error.to_string())))?;
        if self.append_object(text).is_ok() {
            return Ok(1);
        }
        self.append_slowly(text, first_row).inspect_err(|_| self.fields.truncate(first_row))
    }

    fn append_slowly(&mut self, text: &str, first_row: usize) -> Result<usize, RecordError> {
        let mut start = 0;
        let mut objects = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        while let Some(object) = objects.next() {
            object.map_err(|error| RecordError::parse(sentence(&error.to_string())))?;
            let end = objects.byte_offset();
            let object = text.get(start..end).unwrap_or_default();
            start = end;
            if self.fields.row_count() - first_row >= ROWS_PER_RECORD_MAX {
                let reason = format!("A record holds at most {ROWS_PER_RECORD_MAX} JSON objects.");
                return Err(RecordError::malformed(reason));
            }
            self.append_or_learn(object)?;
        }
        match self.fields.row_count() - first_row {
            0 => Err(RecordError::parse("The record holds no JSON object.")),
            row_count => Ok(row_count),
        }
    }

    fn append_or_learn(&mut self, object: &str) -> Result<(), RecordError> {
        let error = match self.append_object(object) {
            Ok(()) => return Ok(()),
            Err(ObjectError::Parse(reason)) => return Err(RecordError::parse(reason)),
            Err(ObjectError::Failure(failure)) => failure,
        };
        let inference = match &mut self.inference {
            Some(inference) if error != Failure::TooDeep => inference,
            _ => return Err(describe(&error)),
        };
        let mut tree: Map<String, Value> =
            serde_json::from_str(object).map_err(|error| RecordError::malformed(sentence(&error.to_string())))?;
        let is_rewritten = inference
            .absorb(&mut tree, &self.rules.naming)
            .map_err(|clash| RecordError::malformed(sentence(&clash.to_string())))?;
        self.schema.clone_from(inference.schema());
        self.fields.evolve(&self.schema.fields, &self.rules.naming);
        self.is_read_raw = self.schema.fields.iter().any(|field| field.kind.is_read_raw());
        let rewritten = if is_rewritten { Value::Object(tree).to_string() } else { String::new() };
        let outcome = self.append_object(if is_rewritten { &rewritten } else { object });
        outcome.map_err(|error| match error {
            ObjectError::Parse(reason) => RecordError::parse(reason),
            ObjectError::Failure(failure) => describe(&failure),
        })
    }

    /// Appends `text`, which should hold one object and nothing else, as one row.
    fn append_object(&mut self, text: &str) -> Result<(), ObjectError> {
        if self.is_read_raw && is_nested_deeper(text.as_bytes(), NESTING_MAX) {
            return Err(ObjectError::Failure(Failure::TooDeep));
        }
        let first_row = self.fields.row_count();
        let reading = Reading::new(&self.rules);
        let mut deserializer = sonic_rs::Deserializer::from_str(text);
        let seed = RecordSeed { fields: &mut self.fields, reading: &reading };
        match seed.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
            Ok(()) => {
                self.variable_bytes += text.len() + reading.expanded_bytes();
                Ok(())
            }
            Err(error) => {
                self.fields.truncate(first_row);
                Err(match reading.take_failure() {
                    Some(failure) => ObjectError::Failure(failure),
                    None => ObjectError::Parse(sentence(&error.to_string())),
                })
            }
        }
    }
}

fn describe(failure: &Failure) -> RecordError {
    match failure {
        Failure::Mismatch { path, reason } if path.is_empty() => RecordError::malformed(sentence(reason)),
        Failure::Mismatch { path, reason } => RecordError::malformed(sentence(&format!("{path}: {reason}"))),
        Failure::TooDeep => RecordError::malformed(format!("The record is nested deeper than {NESTING_MAX} levels.")),
        Failure::Unknown => RecordError::malformed("The record has members that the schema does not take."),
    }
}

/// The first line of a message, as a sentence. The parser's further lines repeat the record.
fn sentence(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim_end_matches(['.', ' ']);
    let mut chars = line.chars();
    let first =
        chars.next().map(|first| if line.contains(':') { first.to_string() } else { first.to_uppercase().to_string() });
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

/// Whether objects and arrays are nested deeper than `depth_max`; for text that is not JSON the answer means nothing.
pub(crate) fn is_nested_deeper(text: &[u8], depth_max: usize) -> bool {
    let mut depth = 0_usize;
    let mut is_string = false;
    let mut is_escaped = false;
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => {
                depth += 1;
                if depth > depth_max {
                    return true;
                }
            }
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
