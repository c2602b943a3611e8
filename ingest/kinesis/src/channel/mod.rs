//! Channels as requests, answers and the catalog have them: what is delivered from a stream to a bucket or a table, and how.
//!
//! The shapes of the configuration are the same in all three. Members are optional even where AWS requires them, so that a
//! missing one is reported by the validator; what is stored and described has been through [`Configuration::complete`].

pub(crate) mod pattern;
mod validate;

pub(crate) use validate::check_freshness;

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Arn, Code, Context, Fault};
use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use shard_store::stream::{Channel, ChannelDestination, ChannelKey, Streams};

use self::pattern::is_channel_arn;
use crate::model::{stream_arn, timestamp};

/// How old undelivered data may become where a request does not say, in seconds. Source: Kinesis Data Streams API Reference,
/// "S3DestinationConfiguration".
const FRESHNESS_SECONDS_DEFAULT: i64 = 300;

/// Where errors go in the destination bucket. AWS says that there is such a prefix, and not which.
const ERROR_PREFIX_DEFAULT: &str = "errors/";

/// The storage class of objects where a request does not say. Source: Kinesis Data Streams API Reference,
/// "S3StorageConfiguration".
const STORAGE_CLASS_DEFAULT: &str = "STANDARD";

/// The log stream where a request does not say. Source: Kinesis Data Streams API Reference, "CloudWatchLogs".
const LOG_STREAM_DEFAULT: &str = "DestinationDelivery";

/// The status of every channel there is.
const ACTIVE: &str = "ACTIVE";

/// Declares shapes that are read from requests and the catalog, and written to answers and the catalog.
macro_rules! shapes {
    ($($(#[$attribute:meta])* $name:ident { $($(#[$rename:meta])* $member:ident: $kind:ty,)+ })+) => {$(
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $name {
            $(
                $(#[$rename])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub(crate) $member: Option<$kind>,
            )+
        }
    )+};
}

shapes! {
    /// All that a channel is configured to do.
    Configuration {
        #[serde(rename = "ServiceExecutionRoleARN")]
        service_execution_role_arn: String,
        stream_configuration_list: Vec<StreamConfiguration>,
        s3_destination_configuration: S3Destination,
        s3_tables_destination_configuration: S3TablesDestination,
        encryption_configuration: EncryptionConfiguration,
        logging_configuration: LoggingConfiguration,
    }
    /// Where the records come from, and what they are.
    StreamConfiguration {
        #[serde(rename = "StreamARN")]
        stream_arn: String,
        record_configuration: RecordConfiguration,
    }
    RecordConfiguration {
        record_format_type: String,
        #[serde(rename = "GSRSchemaARN")]
        gsr_schema_arn: String,
    }
    /// A general purpose bucket.
    S3Destination {
        data_freshness_in_seconds: i64,
        dead_letter_queue_s3_configuration: DeadLetterQueue,
        storage_configuration: S3Storage,
    }
    S3Storage {
        #[serde(rename = "BucketARN")]
        bucket_arn: String,
        expected_bucket_owner: String,
        output_key_template: String,
        storage_class: String,
        compression_type: String,
    }
    DeadLetterQueue {
        #[serde(rename = "BucketARN")]
        bucket_arn: String,
        expected_bucket_owner: String,
        error_output_prefix: String,
    }
    /// A streaming table.
    S3TablesDestination {
        data_freshness_in_seconds: i64,
        dead_letter_queue_s3_configuration: DeadLetterQueue,
        s3_tables_configuration_list: Vec<S3Table>,
    }
    S3Table {
        #[serde(rename = "TableBucketARN")]
        table_bucket_arn: String,
        namespace: String,
        table_name: String,
        compression_type: String,
        partition_spec: PartitionSpec,
    }
    PartitionSpec {
        partition_fields: Vec<PartitionField>,
    }
    PartitionField {
        transform: String,
        source_name: String,
    }
    EncryptionConfiguration {
        encryption_type: String,
        key_id: String,
    }
    LoggingConfiguration {
        cloud_watch_logs: CloudWatchLogs,
    }
    CloudWatchLogs {
        enabled: bool,
        log_group_name: String,
        log_stream_name: String,
    }
}

impl Configuration {
    /// Where the records go, of a valid configuration.
    pub(crate) fn destination(&self) -> ChannelDestination {
        if self.s3_destination_configuration.is_some() { ChannelDestination::S3 } else { ChannelDestination::S3Tables }
    }

    /// Fills in the defaults.
    pub(crate) fn complete(&mut self) {
        if let Some(s3) = &mut self.s3_destination_configuration {
            s3.data_freshness_in_seconds.get_or_insert(FRESHNESS_SECONDS_DEFAULT);
            if let Some(storage) = &mut s3.storage_configuration {
                storage.storage_class.get_or_insert_with(|| STORAGE_CLASS_DEFAULT.to_owned());
                s3.dead_letter_queue_s3_configuration.get_or_insert_with(|| DeadLetterQueue {
                    bucket_arn: storage.bucket_arn.clone(),
                    expected_bucket_owner: storage.expected_bucket_owner.clone(),
                    error_output_prefix: Some(ERROR_PREFIX_DEFAULT.to_owned()),
                });
            }
        }
        if let Some(tables) = &mut self.s3_tables_destination_configuration {
            tables.data_freshness_in_seconds.get_or_insert(FRESHNESS_SECONDS_DEFAULT);
        }
        self.logging_configuration.get_or_insert(LoggingConfiguration {
            cloud_watch_logs: Some(CloudWatchLogs {
                enabled: Some(false),
                log_group_name: None,
                log_stream_name: None,
            }),
        });
    }

    /// The configuration of a channel.
    ///
    /// # Errors
    /// `InternalFailure` if it cannot be read, which an older version of this program could have come to.
    pub(crate) fn of(channel: &Channel) -> Result<Self, Fault> {
        serde_json::from_value(channel.configuration.clone()).map_err(Fault::internal)
    }

    /// As it is stored.
    ///
    /// # Errors
    /// None that a configuration could cause.
    pub(crate) fn to_stored(&self) -> Result<serde_json::Value, Fault> {
        serde_json::to_value(self).map_err(Fault::internal)
    }
}

/// A channel in an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Description {
    channel_name: String,
    #[serde(rename = "ChannelARN")]
    channel_arn: String,
    channel_id: String,
    channel_status: &'static str,
    channel_creation_timestamp: Timestamp,
    #[serde(rename = "ServiceExecutionRoleARN", skip_serializing_if = "Option::is_none")]
    service_execution_role_arn: Option<String>,
    stream_configuration_list: Vec<StreamDescription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_destination_configuration: Option<S3Destination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_tables_destination_configuration: Option<S3TablesDestination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_configuration: Option<EncryptionConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logging_configuration: Option<LoggingConfiguration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescription {
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_creation_timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_configuration: Option<RecordConfiguration>,
}

/// The answer of the operations that describe one channel.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescriptionOutput {
    channel_description: Description,
}

impl DescriptionOutput {
    /// Describes a channel.
    ///
    /// # Errors
    /// As [`Configuration::of`].
    pub(crate) fn of(channel: &Channel) -> Result<Self, Fault> {
        let Configuration {
            service_execution_role_arn,
            stream_configuration_list,
            s3_destination_configuration,
            s3_tables_destination_configuration,
            encryption_configuration,
            logging_configuration,
        } = Configuration::of(channel)?;
        let streams = stream_configuration_list.into_iter().flatten().map(|stream| StreamDescription {
            stream_arn: stream_arn(&channel.stream),
            stream_creation_timestamp: timestamp(channel.stream_created_ms),
            record_configuration: stream.record_configuration,
        });
        let channel_description = Description {
            channel_name: channel.key.name.clone(),
            channel_arn: channel_arn(&channel.key),
            channel_id: channel_id(channel),
            channel_status: ACTIVE,
            channel_creation_timestamp: timestamp(channel.created_ms),
            service_execution_role_arn,
            stream_configuration_list: streams.collect(),
            s3_destination_configuration,
            s3_tables_destination_configuration,
            encryption_configuration,
            logging_configuration: logging_configuration.map(|logging| logging.named(channel)),
        };
        Ok(Self { channel_description })
    }
}

impl LoggingConfiguration {
    /// With the names that are the defaults of a channel that logs.
    fn named(mut self, channel: &Channel) -> Self {
        if let Some(logs) = self.cloud_watch_logs.as_mut().filter(|logs| logs.enabled == Some(true)) {
            let group = || format!("/aws/kinesis/{}/{}", channel.key.name, channel_id(channel));
            logs.log_group_name.get_or_insert_with(group);
            logs.log_stream_name.get_or_insert_with(|| LOG_STREAM_DEFAULT.to_owned());
        }
        self
    }
}

/// A channel in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Summary {
    channel_name: String,
    #[serde(rename = "ChannelARN")]
    channel_arn: String,
    channel_id: String,
    channel_status: &'static str,
    channel_creation_timestamp: Timestamp,
    channel_destination_type: ChannelDestination,
    streams: [StreamDescription; 1],
}

impl Summary {
    pub(crate) fn of(channel: &Channel) -> Self {
        Self {
            channel_name: channel.key.name.clone(),
            channel_arn: channel_arn(&channel.key),
            channel_id: channel_id(channel),
            channel_status: ACTIVE,
            channel_creation_timestamp: timestamp(channel.created_ms),
            channel_destination_type: channel.destination,
            streams: [StreamDescription {
                stream_arn: stream_arn(&channel.stream),
                stream_creation_timestamp: timestamp(channel.stream_created_ms),
                record_configuration: None,
            }],
        }
    }
}

/// The channel of an ARN, if it is a channel's.
///
/// # Errors
/// As [`key`].
pub(crate) fn key_in(context: &Context, text: &str) -> Result<Option<ChannelKey>, Fault> {
    is_channel_arn(text).then(|| key(context, text)).transpose()
}

/// The channel of an ARN whose pattern was checked, which need not be there.
///
/// # Errors
/// `ResourceNotFoundException` if it is of another account or region.
pub(crate) fn key(context: &Context, text: &str) -> Result<ChannelKey, Fault> {
    let invalid = || Fault::new(Code::InvalidArgument, format!("{text} is not the ARN of a channel."));
    let arn = Arn::parse(text).map_err(|_| invalid())?;
    let name = arn.resource_name("channel").ok_or_else(invalid)?;
    if arn.account != &*context.account || arn.region != &*context.region {
        return Err(kinesis::channel_not_found(arn.account, name));
    }
    Ok(ChannelKey::new(arn.account, arn.region, name))
}

/// The channel of this name.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) fn find(streams: &Streams, key: &ChannelKey) -> Result<Arc<Channel>, Fault> {
    streams.channel(key).ok_or_else(|| kinesis::channel_not_found(&key.account, &key.name))
}

/// The ARN of a channel.
pub(crate) fn channel_arn(key: &ChannelKey) -> String {
    format!("arn:aws:kinesis:{}:{}:channel/{}", key.region, key.account, key.name)
}

fn channel_id(channel: &Channel) -> String {
    format!("channelId-{:012}", channel.id)
}
