//! `UpdateStreamWarmThroughput`: the shards are there when the call is answered.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};
use shard_store::stream::Stream;

use crate::door::Kinesis;
use crate::model::{WarmThroughput, refer_to_stream, stream_arn};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_name: Option<String>,
    stream_id: Option<String>,
    #[serde(rename = "WarmThroughputMiBps")]
    warm_throughput_mibps: Option<i64>,
}

refer_to_stream!(Input);

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_name: String,
    warm_throughput: WarmThroughput,
}

impl Output {
    fn of(stream: &Stream) -> Self {
        let key = stream.key();
        Self { stream_arn: stream_arn(key), stream_name: key.name.clone(), warm_throughput: WarmThroughput::of(stream) }
    }
}

/// Source: Kinesis Data Streams API Reference, "UpdateStreamWarmThroughput".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    let mibps =
        validator.member("warmThroughputMiBps", input.warm_throughput_mibps).required().range(0, i64::MAX).value();
    validator.finish()?;
    let key = input.stream().resolve(&door.streams, &context)?.key().clone();
    let mibps = mibps_of(mibps.unwrap_or_default());
    let stream = door.blocking(move |streams| streams.set_warm_throughput(&key, mibps)).await?;
    tracing::info!(stream = %stream.key(), mibps, shard_count = stream.open_shard_count(), "warm throughput set");
    Ok(Output::of(&stream))
}

/// The MiB a second of a valid input. More than a number can be is more than any stream may have, and is refused as such.
pub(crate) fn mibps_of(asked: i64) -> u32 {
    u32::try_from(asked).unwrap_or(u32::MAX)
}
