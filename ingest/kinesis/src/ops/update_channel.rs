//! `UpdateChannel`: how old undelivered data may become, and logging. Nothing else of a channel can be changed.

use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Validator};
use serde::Deserialize;

use super::describe_channel::validate_arn;
use crate::channel::{self, Configuration, DescriptionOutput, LoggingConfiguration, check_freshness};
use crate::door::Kinesis;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "ChannelARN")]
    channel_arn: Option<String>,
    s3_destination_configuration: Option<Freshness>,
    s3_tables_destination_configuration: Option<Freshness>,
    logging_configuration: Option<LoggingConfiguration>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Freshness {
    data_freshness_in_seconds: Option<i64>,
}

impl Freshness {
    fn validate(self, validator: &mut Validator, path: &'static str) {
        let path = format_args!("{path}.dataFreshnessInSeconds");
        validator.member(path, self.data_freshness_in_seconds).required();
    }
}

/// Source: Kinesis Data Streams API Reference, "UpdateChannel".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<DescriptionOutput, Fault> {
    let Input { channel_arn, s3_destination_configuration: s3, s3_tables_destination_configuration: tables, .. } =
        &input;
    let mut validator = Validator::new();
    validate_arn(&mut validator, channel_arn.as_deref());
    if let Some(s3) = s3 {
        s3.validate(&mut validator, "s3DestinationConfiguration");
    }
    if let Some(tables) = tables {
        tables.validate(&mut validator, "s3TablesDestinationConfiguration");
    }
    if let Some(logging) = &input.logging_configuration {
        logging.validate(&mut validator);
    }
    validator.finish()?;
    if s3.is_none() && tables.is_none() && input.logging_configuration.is_none() {
        return Err(Fault::new(Code::InvalidArgument, "There is nothing to update."));
    }
    for freshness in [s3, tables].into_iter().flatten() {
        check_freshness(freshness.data_freshness_in_seconds)?;
    }
    let key = channel::key(&context, channel_arn.as_deref().unwrap_or_default())?;
    let change = move |configuration: &mut Configuration| apply(configuration, input);
    let channel = door
        .blocking(move |streams| {
            streams.change_channel(&key, |channel| {
                let mut configuration = Configuration::of(channel)?;
                change(&mut configuration)?;
                channel.configuration = configuration.to_stored()?;
                Ok::<_, Fault>(())
            })
        })
        .await?;
    DescriptionOutput::of(&channel)
}

/// Changes a configuration as a valid input asks for.
fn apply(configuration: &mut Configuration, input: Input) -> Result<(), Fault> {
    let Configuration { s3_destination_configuration: s3, s3_tables_destination_configuration: tables, .. } =
        configuration;
    let other = || Fault::new(Code::InvalidArgument, "The channel does not deliver to such a destination.");
    if let Some(asked) = input.s3_destination_configuration {
        s3.as_mut().ok_or_else(other)?.data_freshness_in_seconds = asked.data_freshness_in_seconds;
    }
    if let Some(asked) = input.s3_tables_destination_configuration {
        tables.as_mut().ok_or_else(other)?.data_freshness_in_seconds = asked.data_freshness_in_seconds;
    }
    if let Some(logging) = input.logging_configuration {
        configuration.logging_configuration = Some(logging);
    }
    Ok(())
}
