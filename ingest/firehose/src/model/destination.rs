//! Shapes of destinations. The configuration of a new destination and an update of one have the same members, of which an
//! update requires none; where they are named differently, the name in an update is an alias.

use firehose::definition::Secret;
use serde::{Deserialize, Serialize};

use super::Unsupported;
use super::conversion::DataFormatConversion;

/// `ExtendedS3DestinationConfiguration`, of which `S3DestinationConfiguration` is a part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    pub(crate) processing_configuration: Option<ProcessingConfiguration>,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: Option<String>,
    #[serde(rename = "S3BackupConfiguration", alias = "S3BackupUpdate")]
    pub(crate) s3_backup_configuration: Option<Box<S3Configuration>>,
    pub(crate) data_format_conversion_configuration: Option<DataFormatConversion>,
    pub(crate) dynamic_partitioning_configuration: Option<DynamicPartitioning>,
    pub(crate) file_extension: Option<String>,
    pub(crate) custom_time_zone: Option<String>,
}

/// A configuration that may only be there switched off.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Switch {
    pub(crate) enabled: Option<bool>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EncryptionConfiguration {
    pub(crate) no_encryption_config: Option<String>,
    #[serde(rename = "KMSEncryptionConfig")]
    pub(crate) kms_encryption_config: Unsupported,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BufferingHints {
    #[serde(rename = "SizeInMBs")]
    pub(crate) size_in_mbs: Option<i64>,
    pub(crate) interval_in_seconds: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RetryOptions {
    pub(crate) duration_in_seconds: Option<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DynamicPartitioning {
    pub(crate) enabled: Option<bool>,
    pub(crate) retry_options: Option<RetryOptions>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProcessingConfiguration {
    pub(crate) enabled: Option<bool>,
    pub(crate) processors: Option<Vec<Processor>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Processor {
    #[serde(rename = "Type")]
    pub(crate) kind: Option<String>,
    pub(crate) parameters: Option<Vec<ProcessorParameter>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProcessorParameter {
    pub(crate) parameter_name: Option<String>,
    pub(crate) parameter_value: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HttpEndpointConfiguration {
    pub(crate) endpoint_configuration: Option<HttpEndpoint>,
    pub(crate) buffering_hints: Option<BufferingHints>,
    pub(crate) cloud_watch_logging_options: Option<Switch>,
    pub(crate) request_configuration: Option<HttpRequest>,
    pub(crate) processing_configuration: Option<ProcessingConfiguration>,
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
    pub(crate) retry_options: Option<RetryOptions>,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: Option<String>,
    #[serde(rename = "S3Configuration", alias = "S3Update")]
    pub(crate) s3_configuration: Option<S3Configuration>,
    pub(crate) secrets_manager_configuration: Option<Switch>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HttpEndpoint {
    pub(crate) url: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) access_key: Option<Secret>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HttpRequest {
    pub(crate) content_encoding: Option<String>,
    pub(crate) common_attributes: Option<Vec<CommonAttribute>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CommonAttribute {
    pub(crate) attribute_name: Option<String>,
    pub(crate) attribute_value: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SplunkConfiguration {
    #[serde(rename = "HECEndpoint")]
    pub(crate) hec_endpoint: Option<String>,
    #[serde(rename = "HECEndpointType")]
    pub(crate) hec_endpoint_type: Option<String>,
    #[serde(rename = "HECToken")]
    pub(crate) hec_token: Option<Secret>,
    #[serde(rename = "HECAcknowledgmentTimeoutInSeconds")]
    pub(crate) hec_acknowledgment_timeout_in_seconds: Option<i64>,
    pub(crate) retry_options: Option<RetryOptions>,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: Option<String>,
    #[serde(rename = "S3Configuration", alias = "S3Update")]
    pub(crate) s3_configuration: Option<S3Configuration>,
    pub(crate) processing_configuration: Option<ProcessingConfiguration>,
    pub(crate) cloud_watch_logging_options: Option<Switch>,
    pub(crate) buffering_hints: Option<BufferingHints>,
    pub(crate) secrets_manager_configuration: Option<Switch>,
}

/// `AmazonopensearchserviceDestinationConfiguration` and its older twin, `ElasticsearchDestinationConfiguration`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OpenSearchConfiguration {
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
    #[serde(rename = "DomainARN")]
    pub(crate) domain_arn: Option<String>,
    pub(crate) cluster_endpoint: Option<String>,
    pub(crate) index_name: Option<String>,
    pub(crate) type_name: Option<String>,
    pub(crate) index_rotation_period: Option<String>,
    pub(crate) buffering_hints: Option<BufferingHints>,
    pub(crate) retry_options: Option<RetryOptions>,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: Option<String>,
    #[serde(rename = "S3Configuration", alias = "S3Update")]
    pub(crate) s3_configuration: Option<S3Configuration>,
    pub(crate) processing_configuration: Option<ProcessingConfiguration>,
    pub(crate) cloud_watch_logging_options: Option<Switch>,
    pub(crate) vpc_configuration: Unsupported,
    pub(crate) document_id_options: Option<DocumentIdOptions>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DocumentIdOptions {
    pub(crate) default_document_id_format: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RedshiftConfiguration {
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
    #[serde(rename = "ClusterJDBCURL")]
    pub(crate) cluster_jdbc_url: Option<String>,
    pub(crate) copy_command: Option<CopyCommand>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) retry_options: Option<RetryOptions>,
    #[serde(rename = "S3Configuration", alias = "S3Update")]
    pub(crate) s3_configuration: Option<S3Configuration>,
    pub(crate) processing_configuration: Option<ProcessingConfiguration>,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: Option<String>,
    #[serde(rename = "S3BackupConfiguration", alias = "S3BackupUpdate")]
    pub(crate) s3_backup_configuration: Option<S3Configuration>,
    pub(crate) cloud_watch_logging_options: Option<Switch>,
    pub(crate) secrets_manager_configuration: Option<Switch>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CopyCommand {
    pub(crate) data_table_name: Option<String>,
    pub(crate) data_table_columns: Option<String>,
    pub(crate) copy_options: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IcebergConfiguration {
    pub(crate) destination_table_configuration_list: Option<Vec<DestinationTable>>,
    pub(crate) schema_evolution_configuration: Option<Switch>,
    pub(crate) table_creation_configuration: Option<Switch>,
    pub(crate) buffering_hints: Option<BufferingHints>,
    pub(crate) cloud_watch_logging_options: Option<Switch>,
    pub(crate) processing_configuration: Option<ProcessingConfiguration>,
    #[serde(rename = "S3BackupMode")]
    pub(crate) s3_backup_mode: Option<String>,
    pub(crate) retry_options: Option<RetryOptions>,
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
    pub(crate) append_only: Option<bool>,
    pub(crate) catalog_configuration: Option<CatalogConfiguration>,
    #[serde(rename = "S3Configuration")]
    pub(crate) s3_configuration: Option<S3Configuration>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DestinationTable {
    pub(crate) destination_table_name: Option<String>,
    pub(crate) destination_database_name: Option<String>,
    pub(crate) unique_keys: Option<Vec<String>>,
    pub(crate) partition_spec: Option<PartitionSpec>,
    #[serde(rename = "S3ErrorOutputPrefix")]
    pub(crate) s3_error_output_prefix: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PartitionSpec {
    pub(crate) identity: Option<Vec<PartitionField>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PartitionField {
    pub(crate) source_name: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CatalogConfiguration {
    #[serde(rename = "CatalogARN")]
    pub(crate) catalog_arn: Option<String>,
    pub(crate) warehouse_location: Option<String>,
}
