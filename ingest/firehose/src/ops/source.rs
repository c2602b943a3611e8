//! Where the records of a delivery stream come from: the members of `CreateDeliveryStream` that say so, and their
//! description.
//!
//! Source: Firehose API Reference, "CreateDeliveryStream" and "SourceDescription".

use firehose::NewSource;
use firehose::definition::{Definition, Settings, Source};
use ingest_core::{Arn, Fault, Validator};
use ingest_wire::Timestamp;
use shard_store::stream::StreamKey;

use super::destination::{invalid, unsupported};
use super::msk;
use crate::attributes::Attributes;
use crate::limits::{ARN_CHARS_MAX, THROUGHPUT_HINT_MAX};
use crate::model::{CreateDeliveryStreamInput, DirectPutSource, KinesisStreamSourceDescription, SourceDescription};
use crate::validate::{ROLE_ARN, STREAM_ARN, at};

const DIRECT_PUT: &str = "DirectPut";
const KINESIS_STREAM_AS_SOURCE: &str = "KinesisStreamAsSource";
const MSK_AS_SOURCE: &str = "MSKAsSource";

/// The types of delivery streams.
pub(crate) const TYPES: &[&str] = &[DIRECT_PUT, KINESIS_STREAM_AS_SOURCE, MSK_AS_SOURCE, "DatabaseAsSource"];

/// Puts the model's constraints upon the members.
pub(crate) fn validate(validator: &mut Validator, input: &CreateDeliveryStreamInput) {
    validator.member("deliveryStreamType", input.delivery_stream_type.as_deref()).one_of(TYPES);
    if let Some(source) = &input.direct_put_source_configuration {
        let path = "directPutSourceConfiguration";
        let hint = validator.member(at(path, "throughputHintInMBs"), source.throughput_hint_in_mbs);
        hint.required().range(1, THROUGHPUT_HINT_MAX);
    }
    if let Some(source) = &input.kinesis_stream_source_configuration {
        let path = "kinesisStreamSourceConfiguration";
        let arn = validator.member(at(path, "kinesisStreamARN"), source.kinesis_stream_arn.as_deref());
        arn.required().pattern(STREAM_ARN).length(1, ARN_CHARS_MAX);
        let role = validator.member(at(path, "roleARN"), source.role_arn.as_deref());
        role.required().pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
    }
    if let Some(source) = &input.msk_source_configuration {
        msk::validate(validator, source);
    }
}

/// The source that valid members ask for.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn plan(input: &CreateDeliveryStreamInput) -> Result<NewSource, Fault> {
    let kind = input.delivery_stream_type.as_deref().unwrap_or(DIRECT_PUT);
    let members = [
        ("DirectPutSourceConfiguration", DIRECT_PUT, input.direct_put_source_configuration.is_some()),
        (
            "KinesisStreamSourceConfiguration",
            KINESIS_STREAM_AS_SOURCE,
            input.kinesis_stream_source_configuration.is_some(),
        ),
        ("MSKSourceConfiguration", MSK_AS_SOURCE, input.msk_source_configuration.is_some()),
    ];
    if let Some((member, of, _)) = members.into_iter().find(|(_, of, is_there)| *is_there && *of != kind) {
        return Err(invalid(format!("{member} can only be given for a DeliveryStreamType of {of}.")));
    }
    if input.database_source_configuration.is_some() {
        return Err(unsupported("DatabaseSourceConfiguration"));
    }
    if let (MSK_AS_SOURCE, Some(source)) = (kind, &input.msk_source_configuration) {
        return Ok(msk::plan(source));
    }
    match (kind, &input.kinesis_stream_source_configuration) {
        (MSK_AS_SOURCE, _) => {
            Err(invalid("MSKSourceConfiguration must be given for a DeliveryStreamType of MSKAsSource."))
        }
        (DIRECT_PUT, _) => Ok(NewSource::DirectPut),
        (KINESIS_STREAM_AS_SOURCE, Some(source)) => {
            let arn = source.kinesis_stream_arn.as_deref().unwrap_or_default();
            let arn = Arn::parse(arn).map_err(|error| invalid(format!("KinesisStreamARN is {error}")))?;
            let name = arn.resource_name("stream").unwrap_or_default();
            Ok(NewSource::Stream(StreamKey::new(arn.account, arn.region, name)))
        }
        (KINESIS_STREAM_AS_SOURCE, None) => Err(invalid(
            "KinesisStreamSourceConfiguration must be given for a DeliveryStreamType of KinesisStreamAsSource.",
        )),
        (other, _) => Err(unsupported(&format!("DeliveryStreamType {other}"))),
    }
}

/// The type of delivery stream that has this source.
pub(crate) fn type_of(source: &Source) -> &'static str {
    match source {
        Source::DirectPut { .. } => DIRECT_PUT,
        Source::Stream { .. } => KINESIS_STREAM_AS_SOURCE,
        Source::Topic { .. } => MSK_AS_SOURCE,
    }
}

/// How a source is described, if it is.
pub(crate) fn describe(
    definition: &Definition,
    settings: &Settings,
    attributes: &Attributes,
) -> Option<SourceDescription> {
    match &definition.source {
        Source::DirectPut { .. } => {
            let throughput_hint_in_mbs = Some(i64::from(settings.put_mib_per_second?));
            Some(SourceDescription::DirectPut(DirectPutSource { throughput_hint_in_mbs }))
        }
        Source::Stream { started_ms, .. } => {
            let description = KinesisStreamSourceDescription {
                kinesis_stream_arn: attributes.source_arn.clone().unwrap_or_default(),
                role_arn: attributes.source_role_arn.clone().unwrap_or_default(),
                delivery_start_timestamp: timestamp(*started_ms),
            };
            Some(SourceDescription::KinesisStream(description))
        }
        Source::Topic { started_ms, .. } => {
            let configuration = attributes.msk_source.as_ref()?;
            Some(SourceDescription::Msk(msk::describe(definition, configuration, *started_ms)))
        }
    }
}

/// A time of the library, as it is answered.
pub(crate) fn timestamp(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
