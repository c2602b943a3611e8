//! `CreateDeliveryStream`: the delivery stream takes records, or reads its source, when the call is answered.

use std::sync::Arc;

use firehose::definition::Settings;
use firehose::{NewDeliveryStream, NewSource};
use ingest_core::{Arn, Code, Context, Fault, Validator};
use shard_store::stream::StreamKey;

use super::destination;
use crate::door::{Firehose, key};
use crate::limits::ARN_CHARS_MAX;
use crate::model::{
    Attributes, CreateDeliveryStreamInput, CreateDeliveryStreamOutput, KinesisStreamSourceConfiguration,
};
use crate::validate::{self, ROLE_ARN, STREAM_ARN, at};

pub(crate) const DIRECT_PUT: &str = "DirectPut";
pub(crate) const KINESIS_STREAM_AS_SOURCE: &str = "KinesisStreamAsSource";
pub(crate) const MSK_AS_SOURCE: &str = "MSKAsSource";
pub(crate) const TYPES: &[&str] = &[DIRECT_PUT, KINESIS_STREAM_AS_SOURCE, MSK_AS_SOURCE, "DatabaseAsSource"];

/// Source: Firehose API Reference, "CreateDeliveryStream".
pub(crate) async fn run(
    door: Arc<Firehose>,
    context: Context,
    input: CreateDeliveryStreamInput,
) -> Result<CreateDeliveryStreamOutput, Fault> {
    validate(&input)?;
    refuse_unsupported(&input)?;
    let new = plan(&context, input)?;
    let arn = context.arn("firehose", format_args!("deliverystream/{}", new.key.name));
    let streams = Arc::clone(&door.streams);
    let created = tokio::task::spawn_blocking(move || streams.create(new)).await.map_err(Fault::internal)??;
    tracing::info!(delivery_stream = %created.definition().key, "delivery stream created");
    Ok(CreateDeliveryStreamOutput { delivery_stream_arn: arn })
}

fn validate(input: &CreateDeliveryStreamInput) -> Result<(), Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validator.member("deliveryStreamType", input.delivery_stream_type.as_deref()).one_of(TYPES);
    if let Some(source) = &input.kinesis_stream_source_configuration {
        let path = "kinesisStreamSourceConfiguration";
        let arn = validator.member(at(path, "kinesisStreamARN"), source.kinesis_stream_arn.as_deref());
        arn.required().pattern(STREAM_ARN).length(1, ARN_CHARS_MAX);
        let role = validator.member(at(path, "roleARN"), source.role_arn.as_deref());
        role.required().pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
    }
    if let Some(s3) = &input.s3_destination_configuration {
        destination::validate(&mut validator, "s3DestinationConfiguration", s3);
    }
    if let Some(s3) = &input.extended_s3_destination_configuration {
        destination::validate(&mut validator, "extendedS3DestinationConfiguration", s3);
    }
    validator.finish()
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(Code::InvalidArgument, message.into())
}

/// Refuses what would be stored without effect.
fn refuse_unsupported(input: &CreateDeliveryStreamInput) -> Result<(), Fault> {
    let members = [
        ("DirectPutSourceConfiguration", &input.direct_put_source_configuration),
        ("DeliveryStreamEncryptionConfigurationInput", &input.delivery_stream_encryption_configuration_input),
        ("RedshiftDestinationConfiguration", &input.redshift_destination_configuration),
        ("ElasticsearchDestinationConfiguration", &input.elasticsearch_destination_configuration),
        ("AmazonopensearchserviceDestinationConfiguration", &input.amazonopensearchservice_destination_configuration),
        ("SplunkDestinationConfiguration", &input.splunk_destination_configuration),
        ("HttpEndpointDestinationConfiguration", &input.http_endpoint_destination_configuration),
        ("Tags", &input.tags),
        (
            "AmazonOpenSearchServerlessDestinationConfiguration",
            &input.amazon_open_search_serverless_destination_configuration,
        ),
        ("MSKSourceConfiguration", &input.msk_source_configuration),
        ("SnowflakeDestinationConfiguration", &input.snowflake_destination_configuration),
        ("IcebergDestinationConfiguration", &input.iceberg_destination_configuration),
        ("DatabaseSourceConfiguration", &input.database_source_configuration),
    ];
    match members.into_iter().find(|(_, member)| member.is_some()) {
        Some((name, _)) => Err(destination::unsupported(name)),
        None => Ok(()),
    }
}

/// The delivery stream that a valid input asks for.
fn plan(context: &Context, input: CreateDeliveryStreamInput) -> Result<NewDeliveryStream, Fault> {
    let source = plan_source(&input)?;
    let s3 = match (input.s3_destination_configuration, input.extended_s3_destination_configuration) {
        (None, Some(s3)) => s3,
        (Some(s3), None) => {
            destination::refuse_extended_members(&s3)?;
            s3
        }
        _ => return Err(invalid("Exactly one destination configuration is supported for a Firehose")),
    };
    let (destination, description) = destination::plan(s3)?;
    let (source_arn, source_role_arn) = match input.kinesis_stream_source_configuration {
        Some(KinesisStreamSourceConfiguration { kinesis_stream_arn, role_arn }) => (kinesis_stream_arn, role_arn),
        None => (None, None),
    };
    let attributes = Attributes { source_role_arn, source_arn, destination: description };
    Ok(NewDeliveryStream {
        key: key(context, input.delivery_stream_name.as_deref().unwrap_or_default()),
        source: source.map_or(NewSource::DirectPut, NewSource::Stream),
        destination,
        attributes: serde_json::to_value(attributes).map_err(Fault::internal)?,
        settings: Settings::default(),
    })
}

fn plan_source(input: &CreateDeliveryStreamInput) -> Result<Option<StreamKey>, Fault> {
    let source = input.kinesis_stream_source_configuration.as_ref();
    match (input.delivery_stream_type.as_deref().unwrap_or(DIRECT_PUT), source) {
        (DIRECT_PUT, None) => Ok(None),
        (KINESIS_STREAM_AS_SOURCE, Some(source)) => {
            let arn = source.kinesis_stream_arn.as_deref().unwrap_or_default();
            let arn = Arn::parse(arn).map_err(|error| invalid(format!("KinesisStreamARN is {error}")))?;
            let name = arn.resource_name("stream").unwrap_or_default();
            Ok(Some(StreamKey::new(arn.account, arn.region, name)))
        }
        (KINESIS_STREAM_AS_SOURCE, None) => Err(invalid(
            "KinesisStreamSourceConfiguration must be given for a DeliveryStreamType of KinesisStreamAsSource.",
        )),
        (DIRECT_PUT, Some(_)) => Err(invalid(
            "KinesisStreamSourceConfiguration can only be given for a DeliveryStreamType of KinesisStreamAsSource.",
        )),
        (other, _) => Err(destination::unsupported(&format!("DeliveryStreamType {other}"))),
    }
}
