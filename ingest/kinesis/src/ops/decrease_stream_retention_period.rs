//! `DecreaseStreamRetentionPeriod`: older records expire at once.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::increase_stream_retention_period::Input;
use crate::door::Kinesis;
use crate::model::Nothing;

/// Source: Kinesis Data Streams API Reference, "DecreaseStreamRetentionPeriod".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    input.validate()?;
    let key = input.stream().resolve(&door.streams, &context)?.key().clone();
    let hours = input.hours()?;
    door.blocking(move |streams| streams.lower_retention(&key, hours)).await?;
    Ok(Nothing {})
}
