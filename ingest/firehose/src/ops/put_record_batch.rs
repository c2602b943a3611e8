//! `PutRecordBatch`: up to 500 records. A malformed one fails the whole call and nothing is written; those beyond the
//! throughput limit fail by themselves.

use std::sync::Arc;

use bytes::Bytes;
use firehose::error::PutError;
use firehose::limits::{BATCH_BYTES_MAX, RECORDS_PER_BATCH_MAX};
use firehose::{DeliveryStream, PendingPut};
use ingest_core::records::BoundedList;
use ingest_core::{Code, Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use super::put::{Record, fault};
use crate::door::Firehose;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    delivery_stream_name: Option<String>,
    #[serde(borrow)]
    records: Option<BoundedList<Record<'a>, RECORDS_PER_BATCH_MAX>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    failed_put_count: usize,
    encrypted: bool,
    request_responses: Vec<ResponseEntry>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase", untagged)]
enum ResponseEntry {
    #[serde(rename_all = "PascalCase")]
    Put { record_id: String },
    #[serde(rename_all = "PascalCase")]
    Failed { error_code: &'static str, error_message: String },
}

impl ResponseEntry {
    fn failed(fault: &Fault) -> Self {
        Self::Failed { error_code: fault.code().name(), error_message: fault.message().to_owned() }
    }
}

/// Source: Firehose API Reference, "PutRecordBatch".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    let (stream, pending, record_count) = append(&door, &context, &body)?;
    let encrypted = stream.settings().encryption.is_some();
    // The records are copied; the body's memory need not be held while the disk works.
    drop(body);
    let throttled = || PutError::Throttled { key: stream.definition().key.clone() };
    let (ids, failure) = match pending {
        Some(pending) => match pending.record_ids().await {
            Ok(ids) => (ids, throttled()),
            Err(error) => (Vec::new(), error),
        },
        None => (Vec::new(), throttled()),
    };
    let failed_put_count = record_count - ids.len();
    let mut request_responses: Vec<_> = ids.into_iter().map(|record_id| ResponseEntry::Put { record_id }).collect();
    if failed_put_count > 0 {
        door.metrics.failed_batch_records.inc_by(failed_put_count as u64);
        request_responses.resize(record_count, ResponseEntry::failed(&fault(&stream, &failure)));
    }
    context.encode(&Output { failed_put_count, encrypted, request_responses })
}

/// Checks the whole request and puts its records; none is under way if all of them were throttled.
fn append(
    door: &Firehose,
    context: &Context,
    body: &[u8],
) -> Result<(Arc<DeliveryStream>, Option<PendingPut>, usize), Fault> {
    let input: Input<'_> = context.decode(body)?;
    let records = input.records.as_ref().map_or(&[][..], |records| &records.kept);
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validator.member("records", input.records.as_ref()).required().length(1, RECORDS_PER_BATCH_MAX);
    for (index, record) in records.iter().enumerate() {
        record.check_base64(format_args!("Records[{index}]"))?;
        record.validate(&mut validator, format_args!("records.{}.member", index + 1));
    }
    validator.finish()?;
    let records: Vec<_> = records.iter().map(Record::new_record).collect();
    let byte_count: usize = records.iter().map(|record| record.data.byte_count()).sum();
    if byte_count > BATCH_BYTES_MAX {
        return Err(Fault::new(Code::InvalidArgument, "Records size exceeds 4 MB limit"));
    }
    let stream = door.find(context, input.delivery_stream_name.as_deref().unwrap_or_default())?;
    match stream.put(&records) {
        Ok(pending) => Ok((stream, Some(pending), records.len())),
        Err(PutError::Throttled { .. }) => Ok((stream, None, records.len())),
        Err(error) => Err(fault(&stream, &error)),
    }
}
