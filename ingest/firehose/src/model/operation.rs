//! Shapes of operations.

use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unsupported;
use super::destination::{
    HttpEndpointConfiguration, IcebergConfiguration, OpenSearchConfiguration, RedshiftConfiguration, S3Configuration,
    SplunkConfiguration,
};
use super::msk::{MskSourceConfiguration, MskSourceDescription};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateDeliveryStreamInput {
    pub(crate) delivery_stream_name: Option<String>,
    pub(crate) delivery_stream_type: Option<String>,
    pub(crate) direct_put_source_configuration: Option<DirectPutSource>,
    pub(crate) kinesis_stream_source_configuration: Option<KinesisStreamSourceConfiguration>,
    pub(crate) delivery_stream_encryption_configuration_input: Option<EncryptionInput>,
    pub(crate) tags: Option<Vec<Tag>>,
    #[serde(rename = "S3DestinationConfiguration")]
    pub(crate) s3_destination_configuration: Option<S3Configuration>,
    #[serde(rename = "ExtendedS3DestinationConfiguration")]
    pub(crate) extended_s3_destination_configuration: Option<S3Configuration>,
    pub(crate) redshift_destination_configuration: Option<RedshiftConfiguration>,
    pub(crate) elasticsearch_destination_configuration: Option<OpenSearchConfiguration>,
    pub(crate) amazonopensearchservice_destination_configuration: Option<OpenSearchConfiguration>,
    pub(crate) splunk_destination_configuration: Option<SplunkConfiguration>,
    pub(crate) http_endpoint_destination_configuration: Option<HttpEndpointConfiguration>,
    pub(crate) iceberg_destination_configuration: Option<IcebergConfiguration>,
    pub(crate) amazon_open_search_serverless_destination_configuration: Unsupported,
    pub(crate) snowflake_destination_configuration: Unsupported,
    #[serde(rename = "MSKSourceConfiguration")]
    pub(crate) msk_source_configuration: Option<MskSourceConfiguration>,
    pub(crate) database_source_configuration: Unsupported,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateDestinationInput {
    pub(crate) delivery_stream_name: Option<String>,
    pub(crate) current_delivery_stream_version_id: Option<String>,
    pub(crate) destination_id: Option<String>,
    #[serde(rename = "S3DestinationUpdate")]
    pub(crate) s3_destination_update: Option<S3Configuration>,
    #[serde(rename = "ExtendedS3DestinationUpdate")]
    pub(crate) extended_s3_destination_update: Option<S3Configuration>,
    pub(crate) redshift_destination_update: Option<RedshiftConfiguration>,
    pub(crate) elasticsearch_destination_update: Option<OpenSearchConfiguration>,
    pub(crate) amazonopensearchservice_destination_update: Option<OpenSearchConfiguration>,
    pub(crate) splunk_destination_update: Option<SplunkConfiguration>,
    pub(crate) http_endpoint_destination_update: Option<HttpEndpointConfiguration>,
    pub(crate) iceberg_destination_update: Option<IcebergConfiguration>,
    pub(crate) amazon_open_search_serverless_destination_update: Unsupported,
    pub(crate) snowflake_destination_update: Unsupported,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DirectPutSource {
    #[serde(rename = "ThroughputHintInMBs")]
    pub(crate) throughput_hint_in_mbs: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KinesisStreamSourceConfiguration {
    #[serde(rename = "KinesisStreamARN")]
    pub(crate) kinesis_stream_arn: Option<String>,
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
}

/// `DeliveryStreamEncryptionConfigurationInput`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EncryptionInput {
    #[serde(rename = "KeyARN")]
    pub(crate) key_arn: Option<String>,
    pub(crate) key_type: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateDeliveryStreamOutput {
    #[serde(rename = "DeliveryStreamARN")]
    pub(crate) delivery_stream_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeDeliveryStreamInput {
    pub(crate) delivery_stream_name: Option<String>,
    pub(crate) limit: Option<i64>,
    pub(crate) exclusive_start_destination_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeDeliveryStreamOutput {
    pub(crate) delivery_stream_description: DeliveryStreamDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeliveryStreamDescription {
    pub(crate) delivery_stream_name: String,
    #[serde(rename = "DeliveryStreamARN")]
    pub(crate) delivery_stream_arn: String,
    pub(crate) delivery_stream_status: &'static str,
    pub(crate) delivery_stream_encryption_configuration: EncryptionStatus,
    pub(crate) delivery_stream_type: &'static str,
    pub(crate) version_id: String,
    pub(crate) create_timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_update_timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<SourceDescription>,
    /// Each with its id and the descriptions of its kind.
    pub(crate) destinations: Vec<Value>,
    pub(crate) has_more_destinations: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EncryptionStatus {
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_type: Option<&'static str>,
    #[serde(rename = "KeyARN", skip_serializing_if = "Option::is_none")]
    pub(crate) key_arn: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) enum SourceDescription {
    #[serde(rename = "KinesisStreamSourceDescription")]
    KinesisStream(KinesisStreamSourceDescription),
    #[serde(rename = "DirectPutSourceDescription")]
    DirectPut(DirectPutSource),
    #[serde(rename = "MSKSourceDescription")]
    Msk(MskSourceDescription),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KinesisStreamSourceDescription {
    #[serde(rename = "KinesisStreamARN")]
    pub(crate) kinesis_stream_arn: String,
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: String,
    pub(crate) delivery_start_timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListDeliveryStreamsInput {
    pub(crate) limit: Option<i64>,
    pub(crate) delivery_stream_type: Option<String>,
    pub(crate) exclusive_start_delivery_stream_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListDeliveryStreamsOutput {
    pub(crate) delivery_stream_names: Vec<String>,
    pub(crate) has_more_delivery_streams: bool,
}

/// The input of operations that are told no more than a name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NameInput {
    pub(crate) delivery_stream_name: Option<String>,
}

/// An answer without members.
#[derive(Debug, Serialize)]
pub(crate) struct Nothing {}
