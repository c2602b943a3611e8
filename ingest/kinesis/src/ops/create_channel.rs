//! `CreateChannel`: the channel is there when the call is answered, and delivers nothing yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Pattern, Validator};
use serde::Deserialize;
use shard_store::stream::{ChannelKey, NewChannel};

use crate::channel::{
    Configuration, DescriptionOutput, EncryptionConfiguration, LoggingConfiguration, S3Destination,
    S3TablesDestination, StreamConfiguration,
};
use crate::door::Kinesis;
use crate::limits::{CHANNEL_NAME_CHARS_MAX, TAGS_MAX};
use crate::reference::StreamReference;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    channel_name: Option<String>,
    #[serde(rename = "ServiceExecutionRoleARN")]
    service_execution_role_arn: Option<String>,
    stream_configuration_list: Option<Vec<StreamConfiguration>>,
    s3_destination_configuration: Option<S3Destination>,
    s3_tables_destination_configuration: Option<S3TablesDestination>,
    encryption_configuration: Option<EncryptionConfiguration>,
    logging_configuration: Option<LoggingConfiguration>,
    tags: Option<BTreeMap<String, String>>,
}

/// Source: Kinesis Data Streams API Reference, "CreateChannel".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<DescriptionOutput, Fault> {
    let new = plan(&door, &context, input)?;
    let channel = door.blocking(move |streams| streams.create_channel(new)).await?;
    tracing::info!(channel = %channel.key, stream = %channel.stream, "channel created");
    DescriptionOutput::of(&channel)
}

/// The channel that a valid input asks for.
fn plan(door: &Kinesis, context: &Context, input: Input) -> Result<NewChannel, Fault> {
    let mut configuration = Configuration {
        service_execution_role_arn: input.service_execution_role_arn,
        stream_configuration_list: input.stream_configuration_list,
        s3_destination_configuration: input.s3_destination_configuration,
        s3_tables_destination_configuration: input.s3_tables_destination_configuration,
        encryption_configuration: input.encryption_configuration,
        logging_configuration: input.logging_configuration,
    };
    let mut validator = Validator::new();
    let name = validator.member("channelName", input.channel_name.as_deref());
    name.required().pattern(Pattern::NAME).length(1, CHANNEL_NAME_CHARS_MAX);
    configuration.validate(&mut validator);
    validate::tags(&mut validator, input.tags.as_ref(), false);
    validator.finish()?;
    configuration.check(context)?;
    let tags = input.tags.unwrap_or_default();
    validate::check_tags(&tags)?;
    if tags.len() > TAGS_MAX {
        return Err(Fault::new(Code::InvalidArgument, "A channel cannot have more than 50 tags."));
    }
    configuration.complete();
    let source = configuration.stream_configuration_list.iter().flatten().next();
    let arn = source.and_then(|stream| stream.stream_arn.as_deref());
    let encryption = configuration.encryption_configuration.as_ref();
    Ok(NewChannel {
        key: ChannelKey::new(&*context.account, &*context.region, input.channel_name.unwrap_or_default()),
        stream: StreamReference { name: None, arn, id: None }.resolve(&door.streams, context)?.key().clone(),
        destination: configuration.destination(),
        encryption_key: encryption.and_then(|encryption| encryption.key_id.clone()),
        configuration: configuration.to_stored()?,
        tags,
    })
}
