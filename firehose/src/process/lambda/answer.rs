//! Answers: what a function made of the records.
//!
//! Source: Firehose Developer Guide, "Required parameters for data transformation" and "Understand partitioning keys" (`metadata`);
//! "Route incoming records to different Iceberg tables" (`otfMetadata`). The codes are those of "Monitor with CloudWatch Logs".

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::PAYLOAD_BYTES_MAX;
use crate::record::Reason;

/// Records in an answer: more than any event has, so that an answer of empty ones costs no memory.
const ANSWER_RECORDS_MAX: usize = 100_000;

/// What a function made of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok { data: Vec<u8>, keys: BTreeMap<String, String> },
    Dropped,
    Failed(Reason),
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    records: Records<'a>,
}

struct Records<'a>(Vec<AnswerRecord<'a>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerRecord<'a> {
    #[serde(borrow)]
    record_id: Cow<'a, str>,
    #[serde(borrow, default)]
    result: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kafka_record_value: Option<Cow<'a, str>>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    partition_keys: Option<BTreeMap<String, Scalar>>,
    /// For Iceberg: which table a record goes to, and what is done with it.
    otf_metadata: Option<BTreeMap<String, Scalar>>,
}

/// The value of a partition key. AWS's examples have texts; numbers and booleans are taken as they are written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Boolean(bool),
    Number(serde_json::Number),
    Null,
}

impl<'de: 'a, 'a> Deserialize<'de> for Records<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RecordsVisitor)
    }
}

struct RecordsVisitor;

impl<'de> Visitor<'de> for RecordsVisitor {
    type Value = Records<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Records<'de>, A::Error> {
        let mut records = Vec::new();
        while let Some(record) = seq.next_element()? {
            if records.len() >= ANSWER_RECORDS_MAX {
                return Err(A::Error::custom("there are too many records"));
            }
            records.push(record);
        }
        Ok(Records(records))
    }
}

/// Reads an answer: an outcome for each of `ids`, in their order.
///
/// # Errors
/// It is no answer.
pub(super) fn read(answer: &[u8], ids: &[String]) -> Result<Vec<Outcome>, Reason> {
    let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|error| {
        unreadable(&format!("{error}, in an answer of {} of at most {PAYLOAD_BYTES_MAX} bytes", answer.len()))
    })?;
    let mut by_id: HashMap<&str, Vec<&AnswerRecord<'_>>> = HashMap::new();
    for record in &answer.records.0 {
        by_id.entry(&record.record_id).or_default().push(record);
    }
    let outcome = |id: &String| match by_id.get(id.as_str()).map(Vec::as_slice) {
        None | Some([]) => Outcome::Failed(missing()),
        Some([record]) => outcome(record).unwrap_or_else(Outcome::Failed),
        Some(_) => Outcome::Failed(duplicated()),
    };
    Ok(ids.iter().map(outcome).collect())
}

fn outcome(record: &AnswerRecord<'_>) -> Result<Outcome, Reason> {
    match &*record.result {
        "Ok" => {}
        "Dropped" => return Ok(Outcome::Dropped),
        "ProcessingFailed" => {
            let message = "ProcessingFailed status set for record";
            return Err(Reason::processing_failed("Lambda.ProcessingFailedStatus", message));
        }
        other => {
            let shown: String = other.chars().take(100).collect();
            return Err(unreadable(&format!("the result {shown:?} is not Ok, Dropped or ProcessingFailed")));
        }
    }
    let data = record.data.as_ref().or(record.kafka_record_value.as_ref());
    let data = data.ok_or_else(|| unreadable("a record that is Ok has no data"))?;
    let data = base64_simd::STANDARD.decode_to_vec(data.as_bytes());
    let data = data.map_err(|_| unreadable("the data of a record is not base64"))?;
    Ok(Outcome::Ok { data, keys: keys(record.metadata.as_ref()) })
}

/// The partition keys of a record. A null is left out, and so refuses the record if its prefix needs it.
fn keys(metadata: Option<&Metadata>) -> BTreeMap<String, String> {
    let maps = metadata.into_iter().flat_map(|metadata| [&metadata.otf_metadata, &metadata.partition_keys]);
    let members = maps.flatten().flatten();
    let text = |value: &Scalar| match value {
        Scalar::Text(text) => Some(text.clone()),
        Scalar::Boolean(boolean) => Some(boolean.to_string()),
        Scalar::Number(number) => Some(number.to_string()),
        Scalar::Null => None,
    };
    members.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

fn unreadable(what: &str) -> Reason {
    let message = format!(
        "There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the \
         status model required by Amazon Data Firehose: {what}."
    );
    Reason::processing_failed("Lambda.JsonProcessingException", &message)
}

fn missing() -> Reason {
    let message =
        "One or more record IDs were not returned. Ensure that the Lambda function returns all received record IDs.";
    Reason::processing_failed("Lambda.MissingRecordId", message)
}

fn duplicated() -> Reason {
    let message = "Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique \
                   record IDs for each record.";
    Reason::processing_failed("Lambda.DuplicatedRecordId", message)
}
