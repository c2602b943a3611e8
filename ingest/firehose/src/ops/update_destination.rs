//! `UpdateDestination`: what is not delivered yet goes to the destination as it is when the call is answered.
//!
//! An update of a destination of the same kind is laid over its configuration; one of another kind takes its place.

use std::sync::Arc;

use firehose::definition::{Definition, Destination};
use ingest_core::fault::firehose::wrong_version;
use ingest_core::{Context, Fault, Validator};

use super::describe_delivery_stream::THE_DESTINATION;
use super::destination::{self, Configuration, invalid, unsupported};
use crate::attributes::Attributes;
use crate::door::{Firehose, key};
use crate::limits::{DESTINATION_ID_CHARS_MAX, VERSION_ID_CHARS_MAX};
use crate::model::{Nothing, UpdateDestinationInput};
use crate::validate::{self, DESTINATION_ID, VERSION_ID};

/// Source: Firehose API Reference, "UpdateDestination".
pub(crate) async fn run(
    door: Arc<Firehose>,
    context: Context,
    mut input: UpdateDestinationInput,
) -> Result<Nothing, Fault> {
    let given = take_updates(&mut input);
    validate(&input, &given)?;
    refuse_unsupported(&input)?;
    let stream = door.find(&context, input.delivery_stream_name.as_deref().unwrap_or_default())?;
    let key = key(&context, &stream.definition().key.name);
    let asked = input.current_delivery_stream_version_id.as_deref().unwrap_or_default();
    let version = stream.definition().version;
    if asked.parse() != Ok(version) {
        return Err(wrong_version(&key.name, version, asked));
    }
    let destination_id = input.destination_id.as_deref().unwrap_or_default();
    if destination_id != THE_DESTINATION {
        return Err(invalid(format!("Destination Id {destination_id} not found")));
    }
    let (member, update) = destination::only_one(given)?;
    if let ("S3DestinationUpdate", Configuration::S3(s3)) = (member, &update) {
        destination::refuse_extended_members(member, s3)?;
    }
    let attributes = Attributes::of(stream.definition())?;
    let configuration = plan(&attributes.configuration()?, member, &update)?;
    let destination = configuration.plan()?;
    check(stream.definition(), &attributes.configuration()?, &configuration, &destination)?;
    let attributes = attributes.updated(&configuration)?.to_value()?;
    door.streams.update(&key, version, destination, attributes).await?;
    tracing::info!(delivery_stream = %key, version = version + 1, "destination updated");
    Ok(Nothing {})
}

type Given = [(&'static str, Option<Configuration>); 8];

/// The updates of a request, by the names of their members.
fn take_updates(input: &mut UpdateDestinationInput) -> Given {
    [
        ("S3DestinationUpdate", Configuration::take(&mut input.s3_destination_update, Configuration::S3)),
        (
            "ExtendedS3DestinationUpdate",
            Configuration::take(&mut input.extended_s3_destination_update, Configuration::S3),
        ),
        (
            "RedshiftDestinationUpdate",
            Configuration::take(&mut input.redshift_destination_update, Configuration::Redshift),
        ),
        (
            "ElasticsearchDestinationUpdate",
            Configuration::take(&mut input.elasticsearch_destination_update, Configuration::Elasticsearch),
        ),
        (
            "AmazonopensearchserviceDestinationUpdate",
            Configuration::take(&mut input.amazonopensearchservice_destination_update, Configuration::OpenSearch),
        ),
        ("SplunkDestinationUpdate", Configuration::take(&mut input.splunk_destination_update, Configuration::Splunk)),
        (
            "HttpEndpointDestinationUpdate",
            Configuration::take(&mut input.http_endpoint_destination_update, Configuration::HttpEndpoint),
        ),
        (
            "IcebergDestinationUpdate",
            Configuration::take(&mut input.iceberg_destination_update, Configuration::Iceberg),
        ),
    ]
}

fn validate(input: &UpdateDestinationInput, given: &Given) -> Result<(), Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    let version = input.current_delivery_stream_version_id.as_deref();
    let version = validator.member("currentDeliveryStreamVersionId", version);
    version.required().pattern(VERSION_ID).length(1, VERSION_ID_CHARS_MAX);
    let id = validator.member("destinationId", input.destination_id.as_deref());
    id.required().pattern(DESTINATION_ID).length(1, DESTINATION_ID_CHARS_MAX);
    for (member, update) in given {
        if let Some(update) = update {
            update.validate(&mut validator, member, true);
        }
    }
    validator.finish()
}

/// Refuses the destinations that there are none of here.
fn refuse_unsupported(input: &UpdateDestinationInput) -> Result<(), Fault> {
    let members = [
        ("AmazonOpenSearchServerlessDestinationUpdate", &input.amazon_open_search_serverless_destination_update),
        ("SnowflakeDestinationUpdate", &input.snowflake_destination_update),
    ];
    match members.into_iter().find(|(_, member)| member.is_some()) {
        Some((name, _)) => Err(unsupported(name)),
        None => Ok(()),
    }
}

/// The configuration that a valid update, called `member` in the request, makes of the one before.
fn plan(before: &Configuration, member: &str, update: &Configuration) -> Result<Configuration, Fault> {
    if before.kind() == update.kind() {
        return before.merge(update);
    }
    if let Some(kind) = [before.kind(), update.kind()].into_iter().find(|kind| !kind.is_replaceable()) {
        return Err(invalid(format!(
            "Changing the destination type to or from {} is not supported at this time.",
            kind.name()
        )));
    }
    // Nothing is merged into another kind, so nothing may be left out.
    let mut validator = Validator::new();
    update.validate(&mut validator, member, false);
    validator.finish()?;
    Ok(update.clone())
}

/// Refuses what can only be said at creation, or not be taken back.
fn check(
    definition: &Definition,
    before: &Configuration,
    after: &Configuration,
    destination: &Destination,
) -> Result<(), Fault> {
    let is_partitioned = definition.destination.is_partitioned;
    if !is_partitioned && destination.is_partitioned {
        return Err(invalid("Dynamic Partitioning can only be enabled when a delivery stream is created."));
    }
    if before.kind() != after.kind() {
        return Ok(());
    }
    if is_partitioned && !destination.is_partitioned {
        return Err(invalid("Disabling Dynamic Partitioning is not currently supported."));
    }
    if definition.destination.backup.is_some() && destination.backup.is_none() {
        return Err(invalid("Disabling S3 backup is not currently supported."));
    }
    Ok(())
}
