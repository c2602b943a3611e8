//! `DescribeDeliveryStream`: what was asked for, with the defaults that were filled in.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde_json::Value;

use super::{encryption, source};
use crate::attributes::Attributes;
use crate::door::Firehose;
use crate::limits::{DESTINATION_ID_CHARS_MAX, PAGE_SIZE_MAX};
use crate::model::{DeliveryStreamDescription, DescribeDeliveryStreamInput, DescribeDeliveryStreamOutput};
use crate::validate::{self, DESTINATION_ID};

/// The id of a delivery stream's only destination.
pub(crate) const THE_DESTINATION: &str = "destinationId-000000000001";

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
    let (definition, settings) = (stream.definition(), stream.settings());
    let attributes = Attributes::of(definition)?;
    let is_behind_start = start.is_none_or(|start| start < THE_DESTINATION);
    Ok(DescribeDeliveryStreamOutput {
        delivery_stream_description: DeliveryStreamDescription {
            delivery_stream_arn: context.arn("firehose", format_args!("deliverystream/{}", definition.key.name)),
            delivery_stream_name: definition.key.name.clone(),
            delivery_stream_status: "ACTIVE",
            delivery_stream_encryption_configuration: encryption::status(&settings),
            delivery_stream_type: source::type_of(&definition.source),
            version_id: definition.version.to_string(),
            create_timestamp: source::timestamp(definition.created_ms),
            last_update_timestamp: definition.updated_ms.map(source::timestamp),
            source: source::describe(definition, &settings, &attributes),
            destinations: if is_behind_start { vec![destination(&attributes)?] } else { Vec::new() },
            has_more_destinations: false,
        },
    })
}

fn destination(attributes: &Attributes) -> Result<Value, Fault> {
    let mut description = attributes.configuration()?.describe()?;
    description.insert("DestinationId".to_owned(), THE_DESTINATION.into());
    Ok(Value::Object(description))
}
