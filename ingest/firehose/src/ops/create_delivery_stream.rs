//! `CreateDeliveryStream`: the delivery stream takes records, or reads its source, when the call is answered.

use std::sync::Arc;

use firehose::definition::Settings;
use firehose::{NewDeliveryStream, NewSource};
use ingest_core::fault::firehose::not_direct_put;
use ingest_core::{Context, Fault, Validator};

use super::destination::{self, Configuration, unsupported};
use super::{encryption, source, tag_delivery_stream};
use crate::attributes::Attributes;
use crate::door::{Firehose, key};
use crate::model::{CreateDeliveryStreamInput, CreateDeliveryStreamOutput};
use crate::validate;

/// Source: Firehose API Reference, "CreateDeliveryStream".
pub(crate) async fn run(
    door: Arc<Firehose>,
    context: Context,
    mut input: CreateDeliveryStreamInput,
) -> Result<CreateDeliveryStreamOutput, Fault> {
    let given = take_destinations(&mut input);
    validate(&input, &given)?;
    refuse_unsupported(&input)?;
    let (new, key_name) = plan(&context, input, given)?;
    let arn = context.arn("firehose", format_args!("deliverystream/{}", new.key.name));
    let name = new.key.clone();
    door.blocking(move |streams| {
        let encryption = key_name.map(|name| encryption::find_key(streams, &name)).transpose()?;
        let settings = Settings { encryption, ..new.settings };
        streams.create(NewDeliveryStream { settings, ..new })?;
        Ok(())
    })
    .await?;
    tracing::info!(delivery_stream = %name, "delivery stream created");
    Ok(CreateDeliveryStreamOutput { delivery_stream_arn: arn })
}

type Given = [(&'static str, Option<Configuration>); 8];

/// The destinations of a request, by the names of their members.
fn take_destinations(input: &mut CreateDeliveryStreamInput) -> Given {
    [
        ("S3DestinationConfiguration", Configuration::take(&mut input.s3_destination_configuration, Configuration::S3)),
        (
            "ExtendedS3DestinationConfiguration",
            Configuration::take(&mut input.extended_s3_destination_configuration, Configuration::S3),
        ),
        (
            "RedshiftDestinationConfiguration",
            Configuration::take(&mut input.redshift_destination_configuration, Configuration::Redshift),
        ),
        (
            "ElasticsearchDestinationConfiguration",
            Configuration::take(&mut input.elasticsearch_destination_configuration, Configuration::Elasticsearch),
        ),
        (
            "AmazonopensearchserviceDestinationConfiguration",
            Configuration::take(
                &mut input.amazonopensearchservice_destination_configuration,
                Configuration::OpenSearch,
            ),
        ),
        (
            "SplunkDestinationConfiguration",
            Configuration::take(&mut input.splunk_destination_configuration, Configuration::Splunk),
        ),
        (
            "HttpEndpointDestinationConfiguration",
            Configuration::take(&mut input.http_endpoint_destination_configuration, Configuration::HttpEndpoint),
        ),
        (
            "IcebergDestinationConfiguration",
            Configuration::take(&mut input.iceberg_destination_configuration, Configuration::Iceberg),
        ),
    ]
}

fn validate(input: &CreateDeliveryStreamInput, given: &Given) -> Result<(), Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    source::validate(&mut validator, input);
    validate::encryption(&mut validator, input.delivery_stream_encryption_configuration_input.as_ref());
    for (member, configuration) in given {
        if let Some(configuration) = configuration {
            configuration.validate(&mut validator, member, false);
        }
    }
    validate::tags(&mut validator, input.tags.as_deref(), false);
    validator.finish()
}

/// Refuses the destinations that there are none of here.
fn refuse_unsupported(input: &CreateDeliveryStreamInput) -> Result<(), Fault> {
    let members = [
        (
            "AmazonOpenSearchServerlessDestinationConfiguration",
            &input.amazon_open_search_serverless_destination_configuration,
        ),
        ("SnowflakeDestinationConfiguration", &input.snowflake_destination_configuration),
    ];
    match members.into_iter().find(|(_, member)| member.is_some()) {
        Some((name, _)) => Err(unsupported(name)),
        None => Ok(()),
    }
}

/// The delivery stream that a valid input asks for, and the name of the key that it is to be encrypted with.
fn plan(
    context: &Context,
    input: CreateDeliveryStreamInput,
    given: Given,
) -> Result<(NewDeliveryStream, Option<String>), Fault> {
    let source = source::plan(&input)?;
    let asked = input.delivery_stream_encryption_configuration_input.as_ref();
    let key_name = asked.map(|asked| encryption::key_name(Some(asked))).transpose()?;
    if key_name.is_some() && source != NewSource::DirectPut {
        return Err(not_direct_put());
    }
    let (member, configuration) = destination::only_one(given)?;
    if let ("S3DestinationConfiguration", Configuration::S3(s3)) = (member, &configuration) {
        destination::refuse_extended_members(member, s3)?;
    }
    let (source_arn, source_role_arn) = match input.kinesis_stream_source_configuration {
        Some(source) => (source.kinesis_stream_arn, source.role_arn),
        None => (None, None),
    };
    let hint = input.direct_put_source_configuration.and_then(|source| source.throughput_hint_in_mbs);
    let settings = Settings {
        tags: tag_delivery_stream::by_key(input.tags.unwrap_or_default())?,
        encryption: None,
        put_mib_per_second: hint.and_then(|hint| u32::try_from(hint).ok()),
    };
    let mut attributes = Attributes::new(source_arn, source_role_arn, &configuration)?;
    attributes.msk_source = input.msk_source_configuration;
    let new = NewDeliveryStream {
        key: key(context, input.delivery_stream_name.as_deref().unwrap_or_default()),
        source,
        destination: configuration.plan()?,
        attributes: attributes.to_value()?,
        settings,
    };
    Ok((new, key_name))
}
