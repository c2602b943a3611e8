//! `DeleteDeliveryStream`: the delivery stream is gone, with what it has not delivered, when the call is answered.
//!
//! `AllowForceDelete` is about keys of KMS, which there are none of, so it is read and has nothing to force.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};

use crate::door::{Firehose, key};
use crate::model::{NameInput, Nothing};
use crate::validate;

/// Source: Firehose API Reference, "DeleteDeliveryStream".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, input: NameInput) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validator.finish()?;
    let key = key(&context, input.delivery_stream_name.as_deref().unwrap_or_default());
    door.streams.delete(&key).await?;
    tracing::info!(delivery_stream = %key, "delivery stream deleted");
    Ok(Nothing {})
}
