//! The lines of an error object: what Firehose writes about each record that did not convert.
//!
//! Source: Firehose Developer Guide, "Handling errors for data format conversion".

use serde::{Deserialize, Serialize};

use crate::endpoint::DocumentName;
use crate::record::{Origin, Reason};

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

/// What the lines of an object have in common, and what a record does not know of itself.
pub(crate) struct FailureContext<'a> {
    pub(crate) attempt_ended_ms: u64,
    /// Its sequence number in the source stream, or its number in the delivery stream.
    pub(crate) sequence_number: String,
    pub(crate) table: Option<&'a CatalogTable>,
    /// The document that it was to become.
    pub(crate) document: Option<DocumentName>,
}

/// One record that did not get to its destination.
pub(crate) struct FailedRecord<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) origin: Origin,
    pub(crate) reason: &'a Reason,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    attempts_made: u32,
    arrival_timestamp: u64,
    last_error_code: &'a str,
    last_error_message: &'a str,
    attempt_ending_timestamp: u64,
    raw_data: String,
    sequence_number: &'a str,
    sub_sequence_number: Option<u64>,
    data_catalog_table: Option<&'a CatalogTable>,
}

impl FailedRecord<'_> {
    /// Appends the record's line, its newline included.
    pub(crate) fn write_line(&self, context: &FailureContext<'_>, object: &mut Vec<u8>) {
        let line = Line {
            attempts_made: 1,
            arrival_timestamp: self.origin.arrival_ms,
            last_error_code: &self.reason.code,
            last_error_message: &self.reason.message,
            attempt_ending_timestamp: context.attempt_ended_ms,
            raw_data: base64_simd::STANDARD.encode_to_string(self.data),
            sequence_number: &context.sequence_number,
            sub_sequence_number: None,
            data_catalog_table: context.table,
        };
        let json = serde_json::to_vec(&line).expect("a line has string keys only and is written to memory");
        object.extend_from_slice(&json);
        object.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use shard_store::log::LogId;

    use super::*;
    use crate::record::ErrorOutputType;

    #[test]
    fn a_line_has_the_members_of_the_guide_in_its_order() {
        let reason = Reason {
            output_type: ErrorOutputType::FormatConversionFailed,
            code: "DataFormatConversion.ParseError".to_owned(),
            message: "No JSON.".to_owned(),
        };
        let origin = Origin { log: LogId(1), ordinal: 494, sub: None, arrival_ms: 1 };
        let context =
            FailureContext { attempt_ended_ms: 2, sequence_number: "495".to_owned(), table: None, document: None };
        let mut object = Vec::new();
        FailedRecord { data: b"\xff{", origin, reason: &reason }.write_line(&context, &mut object);
        let expected = concat!(
            r#"{"attemptsMade":1,"arrivalTimestamp":1,"lastErrorCode":"DataFormatConversion.ParseError","#,
            r#""lastErrorMessage":"No JSON.","attemptEndingTimestamp":2,"rawData":"/3s=","sequenceNumber":"495","#,
            r#""subSequenceNumber":null,"dataCatalogTable":null}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(object).unwrap(), expected);
    }
}
