//! `UpdateStreamRecordDistributionStrategy`: holds for the puts that begin after the call is answered.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;
use shard_store::stream::RecordDistribution;

use crate::door::Kinesis;
use crate::model::{AUTO, Nothing, USER_PARTITION_KEY};
use crate::reference::StreamReference;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    record_distribution_strategy: Option<String>,
}

/// Source: Kinesis Data Streams API Reference, "UpdateStreamRecordDistributionStrategy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let reference = StreamReference { name: None, arn: input.stream_arn.as_deref(), id: input.stream_id.as_deref() };
    let mut validator = Validator::new();
    validator.member("streamARN", reference.arn).required();
    reference.validate(&mut validator);
    let strategy = validator.member("recordDistributionStrategy", input.record_distribution_strategy.as_deref());
    strategy.required().one_of(&[AUTO, USER_PARTITION_KEY]);
    validator.finish()?;
    let key = reference.resolve(&door.streams, &context)?.key().clone();
    let distribution = distribution_of(input.record_distribution_strategy.as_deref());
    door.blocking(move |streams| streams.set_distribution(&key, distribution)).await?;
    Ok(Nothing {})
}

/// The strategy of a valid input.
pub(crate) fn distribution_of(strategy: Option<&str>) -> RecordDistribution {
    if strategy == Some(AUTO) { RecordDistribution::Auto } else { RecordDistribution::UserPartitionKey }
}
