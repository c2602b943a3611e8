//! `PutRecord`: one record, durable when the call is answered.
//!
//! `SequenceNumberForOrdering` is checked and otherwise without effect: the records of a shard are always in the order in
//! which their calls were answered.

use std::sync::Arc;

use bytes::Bytes;
use ingest_core::records::Data;
use ingest_core::{Code, Context, Fault, Validator};
use serde::{Deserialize, Serialize};
use shard_store::stream::error::PutError;
use shard_store::stream::{RecordDistribution, SequenceNumber, Stream};

use super::put::{Entry, counted_bytes, put_fault};
use crate::door::Kinesis;
use crate::model::ENCRYPTED;
use crate::reference::StreamReference;
use crate::text::{SequenceText, ShardText, Text};
use crate::validate::SEQUENCE_NUMBER;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    stream_id: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
    #[serde(borrow)]
    sequence_number_for_ordering: Option<Text<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    shard_id: ShardText,
    sequence_number: SequenceText,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_type: Option<&'static str>,
}

/// Source: Kinesis Data Streams API Reference, "PutRecord".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    let (pending, stream, byte_count) = append(&door, &context, &body).await?;
    // The record is copied; the body's memory need not be held while the disk works.
    drop(body);
    let sequence = pending.settle().await.map_err(|error| put_fault(&stream, &error))?;
    door.metrics.put_record.count_records(1, byte_count);
    context.encode(&Output {
        shard_id: ShardText(sequence.shard()),
        sequence_number: SequenceText(sequence),
        encryption_type: stream.encryption().map(|_| ENCRYPTED),
    })
}

async fn append(
    door: &Kinesis,
    context: &Context,
    body: &[u8],
) -> Result<(shard_store::stream::PendingRecord, Arc<Stream>, u64), Fault> {
    let input: Input<'_> = context.decode(body)?;
    let reference = StreamReference {
        name: input.stream_name.as_deref(),
        arn: input.stream_arn.as_deref(),
        id: input.stream_id.as_deref(),
    };
    let entry = Entry::new(input.data, input.partition_key, input.explicit_hash_key);
    entry.check_base64("")?;
    let ordering = input.sequence_number_for_ordering.as_deref();
    let mut validator = Validator::new();
    entry.validate(&mut validator, "", !entry.has_key() && !reference.is_auto(&door.streams, context));
    validator.member("sequenceNumberForOrdering", ordering).pattern(SEQUENCE_NUMBER);
    reference.validate(&mut validator);
    validator.finish()?;

    let stream = reference.resolve(&door.streams, context)?;
    check_ordering(&stream, ordering)?;
    let record = entry.record(&stream, "")?;
    let byte_count = counted_bytes(&record) as u64;
    let pending = door.streams.append_one(&stream, &record, door.now_ms()).await.map_err(|error| {
        if matches!(error, PutError::Throttled { .. }) {
            door.metrics.put_record.count_throttled(1);
        }
        put_fault(&stream, &error)
    })?;
    Ok((pending, stream, byte_count))
}

fn check_ordering(stream: &Stream, ordering: Option<&str>) -> Result<(), Fault> {
    match ordering {
        Some(_) if stream.distribution() == RecordDistribution::Auto => {
            let message = "SequenceNumberForOrdering cannot be given where RecordDistributionStrategy is AUTO.";
            Err(Fault::new(Code::InvalidArgument, message))
        }
        Some(text) if text.parse::<SequenceNumber>().is_err() => {
            let key = stream.key();
            let message = format!(
                "ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {} under account {} is invalid.",
                key.name, key.account
            );
            Err(Fault::new(Code::InvalidArgument, message))
        }
        _ => Ok(()),
    }
}
