//! `PutRecords`: up to 500 records. A malformed one fails the whole call and nothing is written; one that a shard's
//! throughput limit refuses fails by itself.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use ingest_core::fault::kinesis;
use ingest_core::records::BoundedList;
use ingest_core::{Code, Context, Fault, Validator};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use shard_store::log::NewRecord;
use shard_store::stream::error::PutError;
use shard_store::stream::{PendingAppend, SequenceNumber, Stream};

use super::put::{Entry, counted_bytes, put_fault};
use crate::door::Kinesis;
use crate::limits::{BYTES_PER_PUT_MAX, RECORDS_PER_PUT_MAX};
use crate::model::ENCRYPTED;
use crate::reference::StreamReference;
use crate::text::{SequenceText, ShardText, Text};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    #[serde(borrow)]
    records: Option<BoundedList<Entry<'a>, RECORDS_PER_PUT_MAX>>,
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    stream_id: Option<Text<'a>>,
}

/// Source: Kinesis Data Streams API Reference, "PutRecords".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    let (pending, stream, byte_counts) = append(&door, &context, &body).await?;
    // The records are copied; the body's memory need not be held while the disk works.
    drop(body);
    let results = pending.settle().await;
    let answer = Answer::of(&stream, results)?;
    answer.count(&door, &byte_counts);
    context.encode(&answer)
}

/// Checks the whole request and sends its records to their shards. Also returns the size of each.
async fn append(
    door: &Kinesis,
    context: &Context,
    body: &[u8],
) -> Result<(PendingAppend, Arc<Stream>, Vec<u32>), Fault> {
    let input: Input<'_> = context.decode(body)?;
    let entries = input.records.as_ref().map_or(&[][..], |entries| &entries.kept);
    for (index, entry) in entries.iter().enumerate() {
        entry.check_base64(format_args!("Records[{index}]."))?;
    }
    let reference = StreamReference {
        name: input.stream_name.as_deref(),
        arn: input.stream_arn.as_deref(),
        id: input.stream_id.as_deref(),
    };
    let mut validator = Validator::new();
    validator.member("records", input.records.as_ref()).required().length(1, RECORDS_PER_PUT_MAX);
    let is_key_required = entries.iter().any(|entry| !entry.has_key()) && !reference.is_auto(&door.streams, context);
    for (number, entry) in (1..).zip(entries) {
        entry.validate(&mut validator, MemberOf(number), is_key_required);
    }
    reference.validate(&mut validator);
    validator.finish()?;

    let stream = reference.resolve(&door.streams, context)?;
    let entries = (1..).zip(entries).map(|(number, entry)| entry.record(&stream, MemberOf(number)));
    let records = entries.collect::<Result<Vec<_>, _>>()?;
    let byte_counts = count_bytes(&records)?;
    let pending = door.streams.append(&stream, &records, door.now_ms()).await;
    Ok((pending, stream, byte_counts))
}

/// Displays what stands before the members of the record with this number, counted from 1, in AWS's messages.
#[derive(Clone, Copy)]
struct MemberOf(usize);

impl fmt::Display for MemberOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "records.{}.member.", self.0)
    }
}

/// The size of each record, if they fit one request together.
fn count_bytes(records: &[NewRecord<'_>]) -> Result<Vec<u32>, Fault> {
    let byte_counts: Vec<_> = records.iter().map(counted_bytes).collect();
    if byte_counts.iter().sum::<usize>() > BYTES_PER_PUT_MAX {
        let message = format!(
            "Records size exceeds 10 MB limit: data and partition keys may take {BYTES_PER_PUT_MAX} bytes together."
        );
        return Err(Fault::new(Code::InvalidArgument, message));
    }
    Ok(byte_counts.into_iter().map(|byte_count| u32::try_from(byte_count).unwrap_or(u32::MAX)).collect())
}

/// What became of each record, in the order of the request.
struct Answer<'a> {
    stream: &'a Stream,
    results: Vec<Result<SequenceNumber, PutError>>,
    failed_count: usize,
}

impl<'a> Answer<'a> {
    /// The answer of a request to `stream`.
    ///
    /// # Errors
    /// `ResourceNotFoundException` if the stream was deleted before a record could be stored.
    fn of(stream: &'a Stream, results: Vec<Result<SequenceNumber, PutError>>) -> Result<Self, Fault> {
        let failed_count = results.iter().filter(|result| result.is_err()).count();
        let lost = results.iter().find_map(|result| match result {
            Err(error @ PutError::Append(_)) => Some(error),
            _ => None,
        });
        // Also logs the failure, once for all the records that share it.
        let fault = lost.map(|error| put_fault(stream, error));
        match fault {
            Some(fault) if fault.code() == Code::ResourceNotFound && failed_count == results.len() => Err(fault),
            _ => Ok(Self { stream, results, failed_count }),
        }
    }

    fn count(&self, door: &Kinesis, byte_counts: &[u32]) {
        let (mut stored_count, mut stored_bytes, mut throttled_count) = (0, 0, 0);
        for (result, byte_count) in self.results.iter().zip(byte_counts) {
            match result {
                Ok(_) => {
                    stored_count += 1;
                    stored_bytes += u64::from(*byte_count);
                }
                Err(PutError::Throttled { .. }) => throttled_count += 1,
                Err(PutError::Append(_)) => {}
            }
        }
        let metrics = &door.metrics.put_records;
        metrics.count_records(stored_count, stored_bytes);
        metrics.count_throttled(throttled_count);
    }
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_encrypted = self.stream.encryption().is_some();
        let mut answer = serializer.serialize_struct("PutRecordsOutput", 2 + usize::from(is_encrypted))?;
        answer.serialize_field("FailedRecordCount", &self.failed_count)?;
        answer.serialize_field("Records", &ResultEntries(self))?;
        if is_encrypted {
            answer.serialize_field("EncryptionType", ENCRYPTED)?;
        }
        answer.end()
    }
}

struct ResultEntries<'a>(&'a Answer<'a>);

impl Serialize for ResultEntries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.results.iter().map(|result| ResultEntry { stream: self.0.stream, result }))
    }
}

struct ResultEntry<'a> {
    stream: &'a Stream,
    result: &'a Result<SequenceNumber, PutError>,
}

impl Serialize for ResultEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("PutRecordsResultEntry", 2)?;
        match self.result {
            Ok(sequence) => {
                entry.serialize_field("SequenceNumber", &SequenceText(*sequence))?;
                entry.serialize_field("ShardId", &ShardText(sequence.shard()))?;
            }
            Err(error) => {
                let fault = kinesis::put(self.stream.key(), error);
                // AWS promises that a record fails with one of two codes.
                let code = match error {
                    PutError::Throttled { .. } => Code::ProvisionedThroughputExceeded,
                    PutError::Append(_) => Code::InternalFailure,
                };
                entry.serialize_field("ErrorCode", code.name())?;
                entry.serialize_field("ErrorMessage", fault.message())?;
            }
        }
        entry.end()
    }
}
