//! `PutRecord`: one record, durable when the call is answered.

use std::sync::Arc;

use bytes::Bytes;
use firehose::{DeliveryStream, PendingPut};
use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use super::put::{Record, fault};
use crate::door::Firehose;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    delivery_stream_name: Option<String>,
    #[serde(borrow)]
    record: Option<Record<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    record_id: String,
    encrypted: bool,
}

/// Source: Firehose API Reference, "PutRecord".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    let (stream, pending) = append(&door, &context, &body)?;
    let encrypted = stream.settings().encryption.is_some();
    // The record is copied; the body's memory need not be held while the disk works.
    drop(body);
    let ids = pending.record_ids().await.map_err(|error| fault(&stream, &error))?;
    let record_id = ids.into_iter().next().ok_or_else(|| Fault::internal("a record was put without an id"))?;
    context.encode(&Output { record_id, encrypted })
}

fn append(door: &Firehose, context: &Context, body: &[u8]) -> Result<(Arc<DeliveryStream>, PendingPut), Fault> {
    let input: Input<'_> = context.decode(body)?;
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    match &input.record {
        Some(record) => {
            record.check_base64("Record")?;
            record.validate(&mut validator, "record");
        }
        None => {
            validator.member("record", None::<&str>).required();
        }
    }
    validator.finish()?;
    let stream = door.find(context, input.delivery_stream_name.as_deref().unwrap_or_default())?;
    let records: Vec<_> = input.record.iter().map(Record::new_record).collect();
    let pending = stream.put(&records).map_err(|error| fault(&stream, &error))?;
    Ok((stream, pending))
}
