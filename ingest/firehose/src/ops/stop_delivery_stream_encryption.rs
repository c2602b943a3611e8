//! `StopDeliveryStreamEncryption`: what is put from now on is not encrypted; what is encrypted stays so, and readable.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};

use crate::door::{Firehose, key};
use crate::model::{NameInput, Nothing};
use crate::validate;

/// Source: Firehose API Reference, "StopDeliveryStreamEncryption".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, input: NameInput) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validator.finish()?;
    let stream = door.find_direct_put(&context, input.delivery_stream_name.as_deref().unwrap_or_default())?;
    let key = key(&context, &stream.definition().key.name);
    door.blocking(move |streams| Ok(streams.set_encryption(&key, None)?)).await?;
    Ok(Nothing {})
}
