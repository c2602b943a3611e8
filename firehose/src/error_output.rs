//! The lines of an error object: what Firehose writes about each record that did not get to its destination.
//!
//! | error type | the line has |
//! |---|---|
//! | format-conversion-failed | `attemptsMade, arrivalTimestamp, lastErrorCode, lastErrorMessage, attemptEndingTimestamp, rawData, sequenceNumber, subSequenceNumber, dataCatalogTable` |
//! | all others | `attemptsMade, arrivalTimestamp, errorCode, errorMessage, attemptEndingTimestamp, rawData`, and |
//! | processing-failed | `lambdaArn`, if there is a function |
//! | http-endpoint-failed, splunk-failed | `EventId`: the sequence number, a dot, and the place of the record in one of several |
//! | AmazonOpenSearchService_failed | `esDocumentId, esIndexName, esTypeName` |
//!
//! Source: Firehose Developer Guide, "Handling errors for data format conversion", "Handle failure in data transformation" and
//! "Handle data delivery failures".

use serde::{Deserialize, Serialize};

use crate::endpoint::DocumentName;
use crate::record::{ErrorOutputType, Origin, Reason};

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
    /// How often it was tried.
    pub(crate) attempt_count: u32,
    /// Its sequence number in the source stream, or its number in the delivery stream.
    pub(crate) sequence_number: String,
    pub(crate) table: Option<&'a CatalogTable>,
    /// The function that transforms records, as it was asked for.
    pub(crate) function: Option<&'a str>,
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
struct ConversionMembers<'a> {
    attempts_made: u32,
    arrival_timestamp: u64,
    last_error_code: &'a str,
    last_error_message: &'a str,
    attempt_ending_timestamp: u64,
    raw_data: String,
    sequence_number: &'a str,
    sub_sequence_number: Option<u32>,
    data_catalog_table: Option<&'a CatalogTable>,
}

/// The members of all other lines, of which each kind has its own last ones.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    attempts_made: u32,
    arrival_timestamp: u64,
    error_code: &'a str,
    error_message: &'a str,
    attempt_ending_timestamp: u64,
    raw_data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lambda_arn: Option<&'a str>,
    #[serde(rename = "EventId", skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    document: Option<DocumentMembers<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentMembers<'a> {
    es_document_id: Option<&'a str>,
    es_index_name: &'a str,
    es_type_name: Option<&'a str>,
}

impl FailedRecord<'_> {
    /// Appends the record's line, its newline included.
    pub(crate) fn write_line(&self, context: &FailureContext<'_>, object: &mut Vec<u8>) {
        let json = match self.reason.output_type {
            ErrorOutputType::FormatConversionFailed => serde_json::to_vec(&self.conversion_members(context)),
            _ => serde_json::to_vec(&self.members(context)),
        };
        object.extend_from_slice(&json.expect("a line has string keys only and is written to memory"));
        object.push(b'\n');
    }

    fn raw_data(&self) -> String {
        base64_simd::STANDARD.encode_to_string(self.data)
    }

    fn conversion_members<'a>(&'a self, context: &'a FailureContext<'_>) -> ConversionMembers<'a> {
        ConversionMembers {
            attempts_made: context.attempt_count,
            arrival_timestamp: self.origin.arrival_ms,
            last_error_code: &self.reason.code,
            last_error_message: &self.reason.message,
            attempt_ending_timestamp: context.attempt_ended_ms,
            raw_data: self.raw_data(),
            sequence_number: &context.sequence_number,
            sub_sequence_number: self.origin.sub,
            data_catalog_table: context.table,
        }
    }

    fn members<'a>(&'a self, context: &'a FailureContext<'_>) -> Members<'a> {
        let kind = self.reason.output_type;
        let has_event_id = matches!(kind, ErrorOutputType::HttpEndpointFailed | ErrorOutputType::SplunkFailed);
        let event_id = || format!("{}.{}", context.sequence_number, self.origin.sub.unwrap_or(0));
        let document = context.document.as_ref().filter(|_| kind == ErrorOutputType::OpenSearchFailed);
        Members {
            attempts_made: context.attempt_count,
            arrival_timestamp: self.origin.arrival_ms,
            error_code: &self.reason.code,
            error_message: &self.reason.message,
            attempt_ending_timestamp: context.attempt_ended_ms,
            raw_data: self.raw_data(),
            lambda_arn: context.function.filter(|_| kind == ErrorOutputType::ProcessingFailed),
            event_id: has_event_id.then(event_id),
            document: document.map(|name| DocumentMembers {
                es_document_id: name.id.as_deref(),
                es_index_name: &name.index,
                es_type_name: name.type_name.as_deref(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use shard_store::log::LogId;

    use super::*;

    fn line(reason: &Reason, sub: Option<u32>) -> String {
        let document = DocumentName { index: "clicks-2026".to_owned(), id: Some("7".to_owned()), type_name: None };
        let context = FailureContext {
            attempt_ended_ms: 2,
            attempt_count: 4,
            sequence_number: "495".to_owned(),
            table: None,
            function: Some("arn:aws:lambda:us-east-1:000000000000:function:clean"),
            document: Some(document),
        };
        let origin = Origin { log: LogId(1), ordinal: 494, sub, arrival_ms: 1 };
        let mut object = Vec::new();
        FailedRecord { data: b"\xff{", origin, reason }.write_line(&context, &mut object);
        String::from_utf8(object).unwrap()
    }

    #[test]
    fn a_line_has_the_members_of_the_guide_in_its_order() {
        let reason = Reason {
            output_type: ErrorOutputType::FormatConversionFailed,
            code: "DataFormatConversion.ParseError".to_owned(),
            message: "No JSON.".to_owned(),
        };
        let expected = concat!(
            r#"{"attemptsMade":4,"arrivalTimestamp":1,"lastErrorCode":"DataFormatConversion.ParseError","#,
            r#""lastErrorMessage":"No JSON.","attemptEndingTimestamp":2,"rawData":"/3s=","sequenceNumber":"495","#,
            r#""subSequenceNumber":null,"dataCatalogTable":null}"#,
            "\n"
        );
        assert_eq!(line(&reason, None), expected);
        assert!(line(&reason, Some(3)).contains(r#""subSequenceNumber":3,"#));
    }

    #[test]
    fn each_error_type_has_members_of_its_own() {
        let common = concat!(
            r#"{"attemptsMade":4,"arrivalTimestamp":1,"errorCode":"Some.Code","errorMessage":"What.","#,
            r#""attemptEndingTimestamp":2,"rawData":"/3s=""#
        );
        for (output_type, own) in [
            (
                ErrorOutputType::ProcessingFailed,
                r#","lambdaArn":"arn:aws:lambda:us-east-1:000000000000:function:clean""#,
            ),
            (ErrorOutputType::HttpEndpointFailed, r#","EventId":"495.3""#),
            (ErrorOutputType::SplunkFailed, r#","EventId":"495.3""#),
            (ErrorOutputType::OpenSearchFailed, r#","esDocumentId":"7","esIndexName":"clicks-2026","esTypeName":null"#),
            (ErrorOutputType::IcebergFailed, ""),
        ] {
            let reason = Reason { output_type, code: "Some.Code".to_owned(), message: "What.".to_owned() };
            assert_eq!(line(&reason, Some(3)), format!("{common}{own}}}\n"));
        }
    }
}
