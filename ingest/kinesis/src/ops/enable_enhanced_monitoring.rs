//! `EnableEnhancedMonitoring`: `/metrics` shows more of each shard of a stream.

use std::collections::BTreeSet;
use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};
use shard_store::stream::{MonitoringChange, ShardMetric};

use crate::door::Kinesis;
use crate::limits::SHARD_METRICS_PER_REQUEST_MAX;
use crate::model::{refer_to_stream, stream_arn};

/// Stands for every metric.
const ALL: &str = "ALL";

/// The names of the metrics, as the model lists them.
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

/// The input of both operations upon the monitoring.
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    stream_name: String,
    /// Those before the call.
    current_shard_level_metrics: BTreeSet<ShardMetric>,
    /// Those after it.
    desired_shard_level_metrics: BTreeSet<ShardMetric>,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

impl Input {
    /// Puts the model's constraints upon the input. Returns the metrics meant.
    fn validate(&self) -> Result<BTreeSet<ShardMetric>, Fault> {
        let names = self.shard_level_metrics.as_deref();
        let mut validator = Validator::new();
        self.stream().validate(&mut validator);
        validator.member("shardLevelMetrics", names).required().length(1, SHARD_METRICS_PER_REQUEST_MAX);
        let names = names.unwrap_or_default();
        for (number, name) in (1..).zip(names) {
            validator.member(format_args!("shardLevelMetrics.{number}.member"), Some(name.as_str())).one_of(&NAMES);
        }
        validator.finish()?;
        let of_name = NAMES.into_iter().zip(ShardMetric::ALL);
        let is_meant = |metric: &str| names.iter().any(|name| name == ALL || name == metric);
        Ok(of_name.filter(|(name, _)| is_meant(name)).map(|(_, metric)| metric).collect())
    }

    /// Shows more metrics, or fewer.
    pub(super) async fn apply(self, door: &Kinesis, context: &Context, is_enabled: bool) -> Result<Output, Fault> {
        let metrics = self.validate()?;
        let key = self.stream().resolve(&door.streams, context)?.key().clone();
        let change = door.blocking(move |streams| streams.monitor(&key, &metrics, is_enabled)).await?;
        let MonitoringChange { before, after, stream } = change;
        Ok(Output {
            stream_arn: stream_arn(&stream),
            stream_name: stream.name,
            current_shard_level_metrics: before,
            desired_shard_level_metrics: after,
        })
    }
}

/// Source: Kinesis Data Streams API Reference, "EnableEnhancedMonitoring".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    input.apply(&door, &context, true).await
}
