//! `DeleteResourcePolicy`: what the policy allowed or denied ends when the call is answered.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault};

use super::get_resource_policy::Input;
use crate::door::Kinesis;
use crate::model::Nothing;

/// Source: Kinesis Data Streams API Reference, "DeleteResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let (resource, arn) = input.resource(&door, &context)?;
    resource.policy(&door.streams)?.ok_or_else(|| kinesis::no_policy(&arn))?;
    door.blocking(move |streams| resource.set_policy(streams, None)).await?;
    Ok(Nothing {})
}
