//! Shapes of a Kafka topic as a source.

use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};

/// `MSKSourceConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MskSourceConfiguration {
    #[serde(rename = "MSKClusterARN")]
    pub(crate) msk_cluster_arn: Option<String>,
    pub(crate) topic_name: Option<String>,
    pub(crate) authentication_configuration: Option<AuthenticationConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) read_from_timestamp: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthenticationConfiguration {
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
    pub(crate) connectivity: Option<String>,
}

/// `MSKSourceDescription`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MskSourceDescription {
    /// As it was given, but for the time, which is there in any case.
    #[serde(flatten)]
    pub(crate) configuration: MskSourceConfiguration,
    pub(crate) delivery_start_timestamp: Timestamp,
}
