//! What `CreateDeliveryStream` and the two operations upon encryption share.

use firehose::DeliveryStreams;
use firehose::definition::Settings;
use ingest_core::fault::firehose::key_fault;
use ingest_core::{Code, Fault};
use shard_store::keyring::DELIVERY_ALIAS;
use shard_store::stream::Encryption;

use crate::model::{EncryptionInput, EncryptionStatus};
use crate::validate::{CUSTOMER_KEY, OWNED_KEY};

/// The name of the key that a valid input asks for.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn key_name(input: Option<&EncryptionInput>) -> Result<String, Fault> {
    let key_arn = input.and_then(|input| input.key_arn.clone());
    let is_customer = input.is_some_and(|input| input.key_type.as_deref() == Some(CUSTOMER_KEY));
    let refusal = match (is_customer, key_arn) {
        (true, Some(arn)) => return Ok(arn),
        (false, None) => return Ok(DELIVERY_ALIAS.to_owned()),
        (true, None) => "KeyARN has to be specified when KeyType is CUSTOMER_MANAGED_CMK",
        (false, Some(_)) => "KeyARN cannot be specified when KeyType is AWS_OWNED_CMK",
    };
    Err(Fault::new(Code::InvalidArgument, refusal))
}

/// The key of this name. Blocks on the disk.
///
/// # Errors
/// `InvalidKMSResourceException`.
pub(crate) fn find_key(streams: &DeliveryStreams, name: &str) -> Result<Encryption, Fault> {
    streams.find_key(name).map_err(|error| key_fault(&error))
}

/// How encryption is described.
pub(crate) fn status(settings: &Settings) -> EncryptionStatus {
    match &settings.encryption {
        None => EncryptionStatus { status: "DISABLED", key_type: None, key_arn: None },
        Some(encryption) if encryption.name == DELIVERY_ALIAS => {
            EncryptionStatus { status: "ENABLED", key_type: Some(OWNED_KEY), key_arn: None }
        }
        Some(encryption) => {
            EncryptionStatus { status: "ENABLED", key_type: Some(CUSTOMER_KEY), key_arn: Some(encryption.name.clone()) }
        }
    }
}
