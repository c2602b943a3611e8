//! `UpdateShardCount`: the shards have their new number, and ranges of equal width, when the call is answered.

use std::num::NonZeroU32;
use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Validator};
use serde::{Deserialize, Serialize};
use shard_store::stream::limits::SHARDS_PER_STREAM_MAX;

use crate::door::Kinesis;
use crate::model::{refer_to_stream, stream_arn};

const UNIFORM_SCALING: &str = "UNIFORM_SCALING";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    target_shard_count: Option<i64>,
    scaling_type: Option<String>,
}

refer_to_stream!(Input);

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    current_shard_count: usize,
    target_shard_count: u32,
}

/// Source: Kinesis Data Streams API Reference, "UpdateShardCount".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validator.member("targetShardCount", input.target_shard_count).required().range(1, i64::MAX);
    validator.member("scalingType", input.scaling_type.as_deref()).required().one_of(&[UNIFORM_SCALING]);
    validator.finish()?;

    let stream = input.stream().resolve(&door.streams, &context)?;
    let current_shard_count = stream.open_shard_count();
    let asked = input.target_shard_count.unwrap_or_default();
    let target = u32::try_from(asked).ok().filter(|target| *target <= SHARDS_PER_STREAM_MAX).and_then(NonZeroU32::new);
    let target = target.ok_or_else(|| {
        let message = format!(
            "Target shard count or number of open shards cannot be greater than {SHARDS_PER_STREAM_MAX}. Current open \
             shard count: {current_shard_count}, Target shard count: {asked}"
        );
        Fault::new(Code::LimitExceeded, message)
    })?;
    let key = stream.key().clone();
    let resharded = door.blocking(move |streams| streams.update_shard_count(&key, target)).await?;
    tracing::info!(stream = %resharded.key(), shard_count = resharded.open_shard_count(), "shard count updated");
    Ok(Output {
        stream_name: stream.key().name.clone(),
        stream_arn: stream_arn(stream.key()),
        current_shard_count,
        target_shard_count: target.get(),
    })
}
