//! `IncreaseStreamRetentionPeriod`: records that have expired stay so.
//!
//! The present retention is accepted and changes nothing, as AWS does, although its text asks for more than that.

use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Validator};
use serde::Deserialize;
use shard_store::stream::limits::RETENTION_HOURS;

use crate::door::Kinesis;
use crate::model::{Nothing, refer_to_stream};

/// The input of both operations upon the retention.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    retention_period_hours: Option<i64>,
}

refer_to_stream!(Input);

impl Input {
    /// Puts the model's constraints upon the input.
    pub(super) fn validate(&self) -> Result<(), Fault> {
        let mut validator = Validator::new();
        self.stream().validate(&mut validator);
        validator.member("retentionPeriodHours", self.retention_period_hours).required();
        validator.finish()
    }

    /// The hours asked for.
    ///
    /// # Errors
    /// `InvalidArgumentException` if no stream may have such a retention.
    pub(super) fn hours(&self) -> Result<u32, Fault> {
        let asked = self.retention_period_hours.unwrap_or_default();
        let (min, max) = (RETENTION_HOURS.start(), RETENTION_HOURS.end());
        let (bound, comparison) = if asked < i64::from(*min) {
            (format!("Minimum allowed retention period is {min} hours"), "short")
        } else {
            (format!("Maximum allowed retention period is {max} hours"), "long")
        };
        u32::try_from(asked).ok().filter(|hours| RETENTION_HOURS.contains(hours)).ok_or_else(|| {
            let message = format!("{bound}. Requested retention period ({asked} hours) is too {comparison}.");
            Fault::new(Code::InvalidArgument, message)
        })
    }
}

/// Source: Kinesis Data Streams API Reference, "IncreaseStreamRetentionPeriod".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    input.validate()?;
    let key = input.stream().resolve(&door.streams, &context)?.key().clone();
    let hours = input.hours()?;
    door.blocking(move |streams| streams.raise_retention(&key, hours)).await?;
    Ok(Nothing {})
}
