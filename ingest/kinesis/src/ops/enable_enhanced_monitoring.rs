//! `EnableEnhancedMonitoring`: the metrics' names are kept and described. There is no CloudWatch to send them to.

use std::collections::BTreeSet;
use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use crate::door::Kinesis;
use crate::limits::METRIC_NAMES_MAX;
use crate::model::{refer_to_stream, stream_arn};

const ALL: &str = "ALL";

/// The names, those that stand for one metric first.
const NAMES: [&str; 8] = [
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
    ALL,
];

/// The input of both operations upon enhanced monitoring.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    shard_level_metrics: Option<Vec<String>>,
}

refer_to_stream!(Input);

/// The output of both operations upon enhanced monitoring.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    stream_name: String,
    current_shard_level_metrics: BTreeSet<String>,
    desired_shard_level_metrics: BTreeSet<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

/// Source: Kinesis Data Streams API Reference, "EnableEnhancedMonitoring".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    switch(&door, &context, &input, true).await
}

/// Switches the metrics of a request on or off.
pub(super) async fn switch(door: &Kinesis, context: &Context, input: &Input, is_on: bool) -> Result<Output, Fault> {
    let names = input.shard_level_metrics.as_deref();
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validator.member("shardLevelMetrics", names).required().length(1, METRIC_NAMES_MAX);
    let names = names.unwrap_or_default();
    for (number, name) in (1..).zip(names) {
        let path = format_args!("shardLevelMetrics.{number}.member");
        validator.member(path, Some(name.as_str())).one_of(&NAMES);
    }
    validator.finish()?;
    let key = input.stream().resolve(&door.streams, context)?.key().clone();
    let is_meant = |name: &&str| *name != ALL && names.iter().any(|given| given == name || given == ALL);
    let meant: BTreeSet<_> = NAMES.into_iter().filter(is_meant).map(str::to_owned).collect();
    let (before, stream) = door.blocking(move |streams| streams.switch_shard_metrics(&key, &meant, is_on)).await?;
    Ok(Output {
        stream_name: stream.key().name.clone(),
        current_shard_level_metrics: before,
        desired_shard_level_metrics: stream.shard_metrics().clone(),
        stream_arn: stream_arn(stream.key()),
    })
}
