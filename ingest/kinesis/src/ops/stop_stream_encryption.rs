//! `StopStreamEncryption`: what is put from now on is not encrypted; what is encrypted stays so, and readable.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::start_stream_encryption::Input;
use crate::door::Kinesis;
use crate::model::Nothing;

/// Source: Kinesis Data Streams API Reference, "StopStreamEncryption".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let name = input.key()?;
    let key = input.stream().resolve(&door.streams, &context)?.key().clone();
    door.blocking(move |streams| streams.stop_encryption(&key, &name)).await?;
    Ok(Nothing {})
}
