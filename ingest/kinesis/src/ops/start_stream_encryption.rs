//! `StartStreamEncryption`: what is put from now on is encrypted at rest with a key of the server's keyring.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::door::Kinesis;
use crate::limits::KEY_ID_CHARS_MAX;
use crate::model::{ENCRYPTED, NO_ENCRYPTION, Nothing, refer_to_stream};

/// The input of both operations upon encryption.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    encryption_type: Option<String>,
    key_id: Option<String>,
}

refer_to_stream!(Input);

impl Input {
    /// Puts the model's constraints upon the members. Returns the key's id, alias or ARN.
    pub(crate) fn key(&self) -> Result<String, Fault> {
        let mut validator = Validator::new();
        self.stream().validate(&mut validator);
        let encryption_type = validator.member("encryptionType", self.encryption_type.as_deref());
        encryption_type.required().one_of(&[NO_ENCRYPTION, ENCRYPTED]);
        validator.member("keyId", self.key_id.as_deref()).required().length(1, KEY_ID_CHARS_MAX);
        validator.finish()?;
        if self.encryption_type.as_deref() == Some(NO_ENCRYPTION) {
            let message = "EncryptionType NONE is not a type of encryption to start or stop; it must be KMS.";
            return Err(Fault::new(ingest_core::Code::InvalidArgument, message));
        }
        Ok(self.key_id.clone().unwrap_or_default())
    }
}

/// Source: Kinesis Data Streams API Reference, "StartStreamEncryption".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let name = input.key()?;
    let key = input.stream().resolve(&door.streams, &context)?.key().clone();
    door.blocking(move |streams| streams.start_encryption(&key, name)).await?;
    Ok(Nothing {})
}
