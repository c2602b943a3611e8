//! Shapes of requests and answers, as botocore's model has them.
//!
//! Members that are not acted on are read as [`Unsupported`], so that their presence is seen and refused by name. Members
//! that the model requires are optional here, so that the validator reports a missing one in AWS's words. The
//! configuration of a destination is kept as it was given and told again by `DescribeDeliveryStream`.

use std::collections::BTreeMap;

use ingest_wire::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A member that is there but not acted on.
pub(crate) type Unsupported = Option<IgnoredAny>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateDeliveryStreamInput {
    pub(crate) delivery_stream_name: Option<String>,
    pub(crate) delivery_stream_type: Option<String>,
    pub(crate) kinesis_stream_source_configuration: Option<KinesisStreamSourceConfiguration>,
    #[serde(rename = "S3DestinationConfiguration")]
    pub(crate) s3_destination_configuration: Option<S3Configuration>,
    #[serde(rename = "ExtendedS3DestinationConfiguration")]
    pub(crate) extended_s3_destination_configuration: Option<S3Configuration>,
    pub(crate) direct_put_source_configuration: Unsupported,
    pub(crate) delivery_stream_encryption_configuration_input: Unsupported,
    pub(crate) redshift_destination_configuration: Unsupported,
    pub(crate) elasticsearch_destination_configuration: Unsupported,
    pub(crate) amazonopensearchservice_destination_configuration: Unsupported,
    pub(crate) splunk_destination_configuration: Unsupported,
    pub(crate) http_endpoint_destination_configuration: Unsupported,
    pub(crate) tags: Unsupported,
    pub(crate) amazon_open_search_serverless_destination_configuration: Unsupported,
    #[serde(rename = "MSKSourceConfiguration")]
    pub(crate) msk_source_configuration: Unsupported,
    pub(crate) snowflake_destination_configuration: Unsupported,
    pub(crate) iceberg_destination_configuration: Unsupported,
    pub(crate) database_source_configuration: Unsupported,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KinesisStreamSourceConfiguration {
    #[serde(rename = "KinesisStreamARN")]
    pub(crate) kinesis_stream_arn: Option<String>,
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
}

/// `ExtendedS3DestinationConfiguration`, of which `S3DestinationConfiguration` is a part.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct S3Configuration {
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
    #[serde(rename = "BucketARN")]
    pub(crate) bucket_arn: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) error_output_prefix: Option<String>,
    pub(crate) buffering_hints: Option<BufferingHints>,
    pub(crate) compression_format: Option<String>,
    pub(crate) encryption_configuration: Option<EncryptionConfiguration>,
    pub(crate) cloud_watch_logging_options: Option<Switch>,
    pub(crate) processing_configuration: Option<Switch>,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: Option<String>,
    #[serde(rename = "S3BackupConfiguration")]
    pub(crate) s3_backup_configuration: Unsupported,
    pub(crate) data_format_conversion_configuration: Option<DataFormatConversion>,
    pub(crate) dynamic_partitioning_configuration: Option<Switch>,
    pub(crate) file_extension: Option<String>,
    pub(crate) custom_time_zone: Option<String>,
}

/// A configuration that may only be there switched off.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Switch {
    pub(crate) enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EncryptionConfiguration {
    pub(crate) no_encryption_config: Option<String>,
    #[serde(rename = "KMSEncryptionConfig")]
    pub(crate) kms_encryption_config: Unsupported,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BufferingHints {
    #[serde(rename = "SizeInMBs", skip_serializing_if = "Option::is_none")]
    pub(crate) size_in_mbs: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval_in_seconds: Option<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DataFormatConversion {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema_configuration: Option<SchemaConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_format_configuration: Option<InputFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_format_configuration: Option<OutputFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SchemaConfiguration {
    #[serde(rename = "RoleARN", skip_serializing_if = "Option::is_none")]
    pub(crate) role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) catalog_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) table_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InputFormat {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deserializer: Option<Deserialiser>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Deserialiser {
    #[serde(rename = "OpenXJsonSerDe", skip_serializing_if = "Option::is_none")]
    pub(crate) openx: Option<OpenXJson>,
    #[serde(rename = "HiveJsonSerDe", skip_serializing_if = "Option::is_none")]
    pub(crate) hive: Option<HiveJson>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OpenXJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) convert_dots_in_json_keys_to_underscores: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) case_insensitive: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column_to_json_key_mappings: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HiveJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp_formats: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OutputFormat {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serializer: Option<Serialiser>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Serialiser {
    #[serde(rename = "ParquetSerDe", skip_serializing_if = "Option::is_none")]
    pub(crate) parquet: Option<Parquet>,
    #[serde(rename = "OrcSerDe", skip_serializing)]
    pub(crate) orc: Unsupported,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Parquet {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) block_size_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page_size_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enable_dictionary_compression: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_padding_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) writer_version: Option<String>,
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
    pub(crate) source: Option<SourceDescription>,
    pub(crate) destinations: Vec<DestinationDescription>,
    pub(crate) has_more_destinations: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EncryptionStatus {
    pub(crate) status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SourceDescription {
    pub(crate) kinesis_stream_source_description: KinesisStreamSourceDescription,
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DestinationDescription {
    pub(crate) destination_id: &'static str,
    #[serde(rename = "S3DestinationDescription")]
    pub(crate) s3_destination_description: S3Description,
    #[serde(rename = "ExtendedS3DestinationDescription")]
    pub(crate) extended_s3_destination_description: ExtendedS3Description,
}

/// What `S3DestinationDescription` and `ExtendedS3DestinationDescription` have in common.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct S3Description {
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: String,
    #[serde(rename = "BucketARN")]
    pub(crate) bucket_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_output_prefix: Option<String>,
    pub(crate) buffering_hints: BufferingHints,
    pub(crate) compression_format: String,
    pub(crate) encryption_configuration: NoEncryption,
    pub(crate) cloud_watch_logging_options: SwitchedOff,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExtendedS3Description {
    #[serde(flatten)]
    pub(crate) common: S3Description,
    pub(crate) processing_configuration: SwitchedOff,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data_format_conversion_configuration: Option<DataFormatConversion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_extension: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_time_zone: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SwitchedOff {
    pub(crate) enabled: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NoEncryption {
    pub(crate) no_encryption_config: String,
}

/// What is kept with a delivery stream for its description: the request, as it was understood.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub(crate) source_role_arn: Option<String>,
    pub(crate) source_arn: Option<String>,
    pub(crate) destination: ExtendedS3Description,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteDeliveryStreamInput {
    pub(crate) delivery_stream_name: Option<String>,
}

/// An answer without members.
#[derive(Debug, Serialize)]
pub(crate) struct Nothing {}
