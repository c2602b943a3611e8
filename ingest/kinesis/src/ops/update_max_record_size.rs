//! `UpdateMaxRecordSize`: holds for the puts that begin after the call is answered.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::door::Kinesis;
use crate::limits::RECORD_SIZE_KIB;
use crate::model::Nothing;
use crate::reference::StreamReference;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: Option<i64>,
}

/// Source: Kinesis Data Streams API Reference, "UpdateMaxRecordSize".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let reference = StreamReference { name: None, arn: input.stream_arn.as_deref(), id: input.stream_id.as_deref() };
    let (min, max) = RECORD_SIZE_KIB;
    let mut validator = Validator::new();
    reference.validate(&mut validator);
    validator.member("maxRecordSizeInKiB", input.max_record_size_in_kib).required().range(min, max);
    validator.finish()?;
    let key = reference.resolve(&door.streams, &context)?.key().clone();
    let kib = input.max_record_size_in_kib.and_then(|kib| u64::try_from(kib).ok()).unwrap_or_default();
    door.blocking(move |streams| streams.set_record_bytes_max(&key, kib * 1_024)).await?;
    Ok(Nothing {})
}
