//! `ReplayDeliveryStream`: what was delivered is delivered again, in new objects, as far as its source still keeps it.
//!
//! It is an operation of ours: AWS has none of the kind. It is signed and answered as the others are.

use std::sync::Arc;

use firehose::engine::ReplayFrom;
use ingest_core::{Code, Context, Fault, Validator};
use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};

use crate::door::{Firehose, key};
use crate::validate;

/// Characters of a sequence number or a record id. Ours.
const SEQUENCE_CHARS_MAX: usize = 128;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReplayDeliveryStreamInput {
    delivery_stream_name: Option<String>,
    from: Option<From>,
}

/// Where to begin: one of the members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct From {
    timestamp: Option<Timestamp>,
    sequence_number: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReplayDeliveryStreamOutput {
    /// How many records are delivered again.
    record_count: u64,
}

pub(crate) async fn run(
    door: Arc<Firehose>,
    context: Context,
    input: ReplayDeliveryStreamInput,
) -> Result<ReplayDeliveryStreamOutput, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validator.member("from", input.from.as_ref().map(|_| "")).required();
    let from = input.from.unwrap_or_default();
    validator.member("from.sequenceNumber", from.sequence_number.as_deref()).length(1, SEQUENCE_CHARS_MAX);
    validator.finish()?;
    let from = match (from.timestamp, from.sequence_number) {
        (Some(timestamp), None) => ReplayFrom::Timestamp(u64::try_from(timestamp.unix_millis()).unwrap_or(0)),
        (None, Some(number)) => ReplayFrom::Sequence(number),
        _ => return Err(Fault::new(Code::InvalidArgument, "From must have either Timestamp or SequenceNumber.")),
    };
    let key = key(&context, input.delivery_stream_name.as_deref().unwrap_or_default());
    let record_count = door.streams.replay(&key, from).await?;
    tracing::info!(delivery_stream = %key, record_count, "delivery stream replayed");
    Ok(ReplayDeliveryStreamOutput { record_count })
}
