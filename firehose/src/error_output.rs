//! The lines of an error object: what Firehose writes about each record that did not convert.
//!
//! Source: Firehose Developer Guide, "Handling errors for data format conversion".

use serde::{Deserialize, Serialize};

use crate::convert::RecordError;

/// The table that the schema came from. Source: as the module's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogTable {
    /// The Glue catalog, usually the account.
    pub catalog_id: Option<String>,
    /// The database.
    pub database_name: Option<String>,
    /// The table.
    pub table_name: Option<String>,
    /// The region of the catalog.
    pub region: Option<String>,
    /// The version of the table.
    pub version_id: Option<String>,
}

/// One record that did not convert.
pub(crate) struct FailedRecord<'a> {
    pub(crate) arrival_ms: u64,
    pub(crate) attempt_ended_ms: u64,
    pub(crate) error: &'a RecordError,
    pub(crate) data: &'a [u8],
    /// Its sequence number in the source stream, or its number in the delivery stream.
    pub(crate) sequence_number: String,
    pub(crate) table: Option<&'a CatalogTable>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    attempts_made: u32,
    arrival_timestamp: u64,
    last_error_code: String,
    last_error_message: &'a str,
    attempt_ending_timestamp: u64,
    raw_data: String,
    sequence_number: &'a str,
    sub_sequence_number: Option<u64>,
    data_catalog_table: Option<&'a CatalogTable>,
}

impl FailedRecord<'_> {
    /// Appends the record's line, its newline included.
    pub(crate) fn write_line(&self, object: &mut Vec<u8>) {
        let line = Line {
            attempts_made: 1,
            arrival_timestamp: self.arrival_ms,
            last_error_code: self.error.code.to_string(),
            last_error_message: &self.error.message,
            attempt_ending_timestamp: self.attempt_ended_ms,
            raw_data: base64_simd::STANDARD.encode_to_string(self.data),
            sequence_number: &self.sequence_number,
            sub_sequence_number: None,
            data_catalog_table: self.table,
        };
        let json = serde_json::to_vec(&line).expect("a line has string keys only and is written to memory");
        object.extend_from_slice(&json);
        object.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::RecordErrorCode;

    #[test]
    fn a_line_has_the_members_of_the_guide_in_its_order() {
        let error = RecordError { code: RecordErrorCode::ParseError, message: "No JSON.".to_owned() };
        let failed = FailedRecord {
            arrival_ms: 1,
            attempt_ended_ms: 2,
            error: &error,
            data: b"\xff{",
            sequence_number: "495".to_owned(),
            table: None,
        };
        let mut object = Vec::new();
        failed.write_line(&mut object);
        let expected = concat!(
            r#"{"attemptsMade":1,"arrivalTimestamp":1,"lastErrorCode":"DataFormatConversion.ParseError","#,
            r#""lastErrorMessage":"No JSON.","attemptEndingTimestamp":2,"rawData":"/3s=","sequenceNumber":"495","#,
            r#""subSequenceNumber":null,"dataCatalogTable":null}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(object).unwrap(), expected);
    }
}
