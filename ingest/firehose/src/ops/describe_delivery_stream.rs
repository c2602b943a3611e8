//! `DescribeDeliveryStream`: what was asked for, with the defaults that were filled in.

use std::sync::Arc;

use firehose::definition::{Definition, Source};
use ingest_core::{Context, Fault, Validator};
use ingest_wire::Timestamp;

use super::list_delivery_streams::type_of;
use crate::door::Firehose;
use crate::limits::{DESTINATION_ID_CHARS_MAX, PAGE_SIZE_MAX};
use crate::model::{
    Attributes, DeliveryStreamDescription, DescribeDeliveryStreamInput, DescribeDeliveryStreamOutput,
    DestinationDescription, EncryptionStatus, KinesisStreamSourceDescription, SourceDescription,
};
use crate::validate::{self, DESTINATION_ID};

/// The id of a delivery stream's only destination.
const THE_DESTINATION: &str = "destinationId-000000000001";

/// Source: Firehose API Reference, "DescribeDeliveryStream".
pub(crate) async fn run(
    door: Arc<Firehose>,
    context: Context,
    input: DescribeDeliveryStreamInput,
) -> Result<DescribeDeliveryStreamOutput, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validator.member("limit", input.limit).range(1, PAGE_SIZE_MAX);
    let start = input.exclusive_start_destination_id.as_deref();
    let start = validator.member("exclusiveStartDestinationId", start);
    let start = start.pattern(DESTINATION_ID).length(1, DESTINATION_ID_CHARS_MAX).value();
    validator.finish()?;

    let stream = door.find(&context, input.delivery_stream_name.as_deref().unwrap_or_default())?;
    let definition = stream.definition();
    let attributes: Attributes = serde_json::from_value(definition.attributes.clone()).map_err(Fault::internal)?;
    let source = source(definition, &attributes);
    let destination = attributes.destination;
    let destination = DestinationDescription {
        destination_id: THE_DESTINATION,
        s3_destination_description: destination.common.clone(),
        extended_s3_destination_description: destination,
    };
    let is_behind_start = start.is_none_or(|start| start < THE_DESTINATION);
    Ok(DescribeDeliveryStreamOutput {
        delivery_stream_description: DeliveryStreamDescription {
            delivery_stream_arn: context.arn("firehose", format_args!("deliverystream/{}", definition.key.name)),
            delivery_stream_name: definition.key.name.clone(),
            delivery_stream_status: "ACTIVE",
            delivery_stream_encryption_configuration: EncryptionStatus { status: "DISABLED" },
            delivery_stream_type: type_of(&definition.source),
            version_id: definition.version.to_string(),
            create_timestamp: timestamp(definition.created_ms),
            source,
            destinations: if is_behind_start { vec![destination] } else { Vec::new() },
            has_more_destinations: false,
        },
    })
}

fn source(definition: &Definition, attributes: &Attributes) -> Option<SourceDescription> {
    let Source::Stream { started_ms, .. } = &definition.source else { return None };
    Some(SourceDescription {
        kinesis_stream_source_description: KinesisStreamSourceDescription {
            kinesis_stream_arn: attributes.source_arn.clone().unwrap_or_default(),
            role_arn: attributes.source_role_arn.clone().unwrap_or_default(),
            delivery_start_timestamp: timestamp(*started_ms),
        },
    })
}

fn timestamp(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
