//! `StartDeliveryStreamEncryption`: what is put from now on is encrypted at rest with a key of the server's keyring.
//!
//! It is so when the call is answered; there is no ENABLING state.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use super::encryption;
use crate::door::{Firehose, key};
use crate::model::{EncryptionInput, Nothing};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    delivery_stream_name: Option<String>,
    delivery_stream_encryption_configuration_input: Option<EncryptionInput>,
}

/// Source: Firehose API Reference, "StartDeliveryStreamEncryption".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    let asked = input.delivery_stream_encryption_configuration_input.as_ref();
    validate::encryption(&mut validator, asked);
    validator.finish()?;
    let name = encryption::key_name(asked)?;
    let stream = door.find_direct_put(&context, input.delivery_stream_name.as_deref().unwrap_or_default())?;
    let key = key(&context, &stream.definition().key.name);
    door.blocking(move |streams| {
        let encryption = encryption::find_key(streams, &name)?;
        Ok(streams.set_encryption(&key, Some(encryption))?)
    })
    .await?;
    Ok(Nothing {})
}
