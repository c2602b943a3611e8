//! `DeleteResourcePolicy`: there must be one.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::get_resource_policy::Input;
use crate::door::Kinesis;
use crate::model::Nothing;
use crate::resource::Resource;

/// Source: Kinesis Data Streams API Reference, "DeleteResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let resource = input.resource(&context)?;
    door.blocking(move |streams| match resource {
        Resource::Stream(key) => streams.delete_policy(&key),
        Resource::Consumer(key) => streams.delete_consumer_policy(&key),
    })
    .await?;
    Ok(Nothing {})
}
