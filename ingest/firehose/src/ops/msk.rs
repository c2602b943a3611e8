//! A Kafka topic as a source: `MSKSourceConfiguration`.
//!
//! Where the cluster is, the configuration says (`[kafka.clusters]`), and how it is spoken to; the role and the connectivity are
//! told again.
//!
//! Source: Firehose API Reference, "MSKSourceConfiguration" and "MSKSourceDescription".

use firehose::NewSource;
use firehose::definition::Definition;
use firehose::topic::Topic;
use ingest_core::Validator;

use super::source::timestamp;
use crate::limits::{ARN_CHARS_MAX, TOPIC_NAME_CHARS_MAX};
use crate::model::{MskSourceConfiguration, MskSourceDescription};
use crate::validate::{ANY_ARN, ROLE_ARN, TOPIC_NAME, at};

const CONNECTIVITIES: &[&str] = &["PUBLIC", "PRIVATE"];

/// Puts the model's constraints upon the members.
pub(crate) fn validate(validator: &mut Validator, source: &MskSourceConfiguration) {
    let path = "mSKSourceConfiguration";
    let cluster = validator.member(at(path, "mSKClusterARN"), source.msk_cluster_arn.as_deref());
    cluster.required().pattern(ANY_ARN).length(1, ARN_CHARS_MAX);
    let topic = validator.member(at(path, "topicName"), source.topic_name.as_deref());
    topic.required().pattern(TOPIC_NAME).length(1, TOPIC_NAME_CHARS_MAX);
    let path = "mSKSourceConfiguration.authenticationConfiguration";
    validator.member(path, source.authentication_configuration.as_ref().map(|_| "")).required();
    if let Some(authentication) = &source.authentication_configuration {
        let role = validator.member(at(path, "roleARN"), authentication.role_arn.as_deref());
        role.required().pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
        let connectivity = validator.member(at(path, "connectivity"), authentication.connectivity.as_deref());
        connectivity.required().one_of(CONNECTIVITIES);
    }
}

/// The source that valid members ask for.
pub(crate) fn plan(source: &MskSourceConfiguration) -> NewSource {
    NewSource::Topic {
        topic: Topic {
            cluster: source.msk_cluster_arn.clone().unwrap_or_default(),
            name: source.topic_name.clone().unwrap_or_default(),
        },
        read_from_ms: source.read_from_timestamp.map(|time| u64::try_from(time.unix_millis()).unwrap_or(0)),
    }
}

/// How the source is described that reads from `started_ms` on.
pub(crate) fn describe(
    definition: &Definition,
    configuration: &MskSourceConfiguration,
    started_ms: u64,
) -> MskSourceDescription {
    MskSourceDescription {
        configuration: MskSourceConfiguration {
            read_from_timestamp: Some(timestamp(started_ms)),
            ..configuration.clone()
        },
        delivery_start_timestamp: timestamp(definition.created_ms),
    }
}
