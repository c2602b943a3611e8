//! `UpdateStreamMode`: the shards stay as they are at first, unless the stream is to be warm.

use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Validator};
use serde::Deserialize;
use shard_store::stream::StreamMode;

use super::update_stream_warm_throughput::mibps_of;
use crate::door::Kinesis;
use crate::model::{Nothing, ON_DEMAND, PROVISIONED, StreamModeDetails};
use crate::reference::StreamReference;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    stream_mode_details: Option<StreamModeDetails>,
    #[serde(rename = "WarmThroughputMiBps")]
    warm_throughput_mibps: Option<i64>,
}

/// Source: Kinesis Data Streams API Reference, "UpdateStreamMode".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let reference = StreamReference { name: None, arn: input.stream_arn.as_deref(), id: input.stream_id.as_deref() };
    let details = input.stream_mode_details.as_ref();
    let mut validator = Validator::new();
    validator.member("streamARN", reference.arn).required();
    reference.validate(&mut validator);
    match details {
        None => drop(validator.member("streamModeDetails", None::<&str>).required()),
        Some(details) => {
            let mode = validator.member("streamModeDetails.streamMode", details.stream_mode.as_deref());
            mode.required().one_of(&[PROVISIONED, ON_DEMAND]);
        }
    }
    validator.member("warmThroughputMiBps", input.warm_throughput_mibps).range(0, i64::MAX);
    validator.finish()?;
    let mode = details.map(StreamModeDetails::mode);
    if mode != Some(StreamMode::OnDemand) && input.warm_throughput_mibps.is_some() {
        let message = "WarmThroughputMiBps can be given when the mode is updated to ON_DEMAND only.";
        return Err(Fault::new(Code::InvalidArgument, message));
    }
    let key = reference.resolve(&door.streams, &context)?.key().clone();
    match (mode, input.warm_throughput_mibps.map(mibps_of)) {
        (_, Some(mibps)) => drop(door.blocking(move |streams| streams.set_on_demand_and_warm(&key, mibps)).await?),
        (Some(mode), None) => drop(door.blocking(move |streams| streams.set_mode(&key, mode)).await?),
        // The validator has refused that.
        (None, None) => {}
    }
    Ok(Nothing {})
}
