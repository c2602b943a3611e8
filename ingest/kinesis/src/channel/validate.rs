//! What must hold of the configuration of a channel: the constraints of the model, all failures at once, and then what its
//! members have to do with each other.
//!
//! Source: Kinesis Data Streams API Reference, "CreateChannel"; Developer Guide, "Delivery quotas and limits".

use std::fmt::Display;

use ingest_core::{Arn, Code, Context, Fault, Validator};

use super::pattern::{
    ACCOUNT, BUCKET_ARN, COLUMN_NAME, ERROR_PREFIX, KEY_TEMPLATE, LOG_GROUP, LOG_STREAM, ROLE_ARN, SCHEMA_ARN,
    TABLE_BUCKET_ARN, TABLE_NAME,
};
use super::{
    CloudWatchLogs, Configuration, DeadLetterQueue, EncryptionConfiguration, LoggingConfiguration, RecordConfiguration,
    S3Destination, S3Storage, S3Table, S3TablesDestination, StreamConfiguration,
};
use crate::limits::{
    CHANNEL_FRESHNESS_SECONDS, CHANNEL_LIST_MAX, ERROR_PREFIX_CHARS_MAX, KEY_ID_CHARS_MAX, KEY_TEMPLATE_CHARS_MAX,
    LOG_NAME_CHARS_MAX, PARTITION_FIELDS_MAX, ROLE_ARN_CHARS_MAX, SCHEMA_ARN_CHARS_MAX, STREAM_ARN_CHARS_MAX,
    TABLE_NAME_CHARS_MAX,
};
use crate::validate::STREAM_ARN;

const GSR_JSON: &str = "GSR_JSON";
const RECORD_FORMATS: [&str; 4] = [GSR_JSON, "JSON", "STRING", "BYTE_ARRAY"];
const S3_COMPRESSIONS: [&str; 3] = ["NONE", "GZIP", "ZSTD"];
const TABLE_COMPRESSIONS: [&str; 3] = ["NONE", "ZSTD", "SNAPPY"];
const STORAGE_CLASSES: [&str; 3] = ["STANDARD", "INTELLIGENT_TIERING", "GLACIER_IR"];

/// The alias of the service's own key, which channels cannot use.
const SERVICE_KEY_ALIAS: &str = "alias/aws/kinesis";

/// Notes that a member is missing. Returns it if it is there.
fn required<'a, T>(validator: &mut Validator, path: impl Display, value: Option<&'a T>) -> Option<&'a T> {
    if value.is_none() {
        validator.member(path, None::<&str>).required();
    }
    value
}

impl Configuration {
    /// Puts the model's constraints upon the members.
    pub(crate) fn validate(&self, validator: &mut Validator) {
        let role = validator.member("serviceExecutionRoleARN", self.service_execution_role_arn.as_deref());
        role.required().pattern(ROLE_ARN).length(1, ROLE_ARN_CHARS_MAX);
        let streams = self.stream_configuration_list.as_deref();
        validator.member("streamConfigurationList", streams).required().length(1, CHANNEL_LIST_MAX);
        for (number, stream) in (1..).zip(streams.unwrap_or_default()) {
            stream.validate(validator, format!("streamConfigurationList.{number}.member"));
        }
        if let Some(s3) = &self.s3_destination_configuration {
            s3.validate(validator);
        }
        if let Some(tables) = &self.s3_tables_destination_configuration {
            tables.validate(validator);
        }
        if let Some(encryption) = &self.encryption_configuration {
            encryption.validate(validator);
        }
        if let Some(logging) = &self.logging_configuration {
            logging.validate(validator);
        }
    }

    /// Checks what the members of a valid configuration have to do with each other, and with who asks.
    ///
    /// # Errors
    /// `InvalidArgumentException`.
    pub(crate) fn check(&self, context: &Context) -> Result<(), Fault> {
        let (s3, tables) = (&self.s3_destination_configuration, &self.s3_tables_destination_configuration);
        if s3.is_some() == tables.is_some() {
            return Err(invalid(
                "Either S3DestinationConfiguration or S3TablesDestinationConfiguration must be given.",
            ));
        }
        let [stream] = self.stream_configuration_list.as_deref().unwrap_or_default() else {
            return Err(invalid("A channel has one stream."));
        };
        let format = stream.record_configuration.as_ref();
        check_format(format, tables.is_some())?;
        check_freshness(s3.as_ref().and_then(|s3| s3.data_freshness_in_seconds))?;
        if let Some(tables) = tables {
            check_freshness(tables.data_freshness_in_seconds)?;
            check_tables(tables, format, context)?;
        }
        let key = self.encryption_configuration.as_ref().and_then(|encryption| encryption.key_id.as_deref());
        if key.is_some_and(|key| key.ends_with(SERVICE_KEY_ALIAS)) {
            return Err(invalid("A channel cannot use the key of the service, aws/kinesis."));
        }
        Ok(())
    }
}

fn invalid(message: &'static str) -> Fault {
    Fault::new(Code::InvalidArgument, message)
}

fn check_format(record: Option<&RecordConfiguration>, is_table: bool) -> Result<(), Fault> {
    let format = record.and_then(|record| record.record_format_type.as_deref()).unwrap_or_default();
    let schema = record.and_then(|record| record.gsr_schema_arn.as_ref());
    match (format, is_table) {
        (GSR_JSON, false) => Err(invalid("RecordFormatType GSR_JSON is for streaming tables only.")),
        ("STRING" | "BYTE_ARRAY", true) => {
            Err(invalid("RecordFormatType STRING and BYTE_ARRAY are for general purpose Amazon S3 buckets only."))
        }
        (_, true) if schema.is_none() => Err(invalid("GSRSchemaARN is required where a streaming table is written.")),
        _ => Ok(()),
    }
}

/// Checks how old undelivered data may become.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn check_freshness(seconds: Option<i64>) -> Result<(), Fault> {
    let (min, max) = CHANNEL_FRESHNESS_SECONDS;
    if seconds.is_some_and(|seconds| !(min..=max).contains(&seconds)) {
        let message = format!("DataFreshnessInSeconds must be between {min} and {max}.");
        return Err(Fault::new(Code::InvalidArgument, message));
    }
    Ok(())
}

/// Tables, their schema and the stream are of one account and region.
fn check_tables(
    tables: &S3TablesDestination,
    record: Option<&RecordConfiguration>,
    context: &Context,
) -> Result<(), Fault> {
    let [table] = tables.s3_tables_configuration_list.as_deref().unwrap_or_default() else {
        return Err(invalid("A channel has one table."));
    };
    let schema = record.and_then(|record| record.gsr_schema_arn.as_deref());
    for text in [table.table_bucket_arn.as_deref(), schema].into_iter().flatten() {
        let is_ours =
            Arn::parse(text).is_ok_and(|arn| arn.account == &*context.account && arn.region == &*context.region);
        if !is_ours {
            return Err(invalid("The stream, the table bucket and the schema must be in the same account and Region."));
        }
    }
    Ok(())
}

impl StreamConfiguration {
    fn validate(&self, validator: &mut Validator, path: impl Display) {
        let arn = validator.member(format!("{path}.streamARN"), self.stream_arn.as_deref());
        arn.required().pattern(STREAM_ARN).length(1, STREAM_ARN_CHARS_MAX);
        let path = format!("{path}.recordConfiguration");
        if let Some(record) = required(validator, &path, self.record_configuration.as_ref()) {
            let format = validator.member(format!("{path}.recordFormatType"), record.record_format_type.as_deref());
            format.required().one_of(&RECORD_FORMATS);
            let schema = validator.member(format!("{path}.gSRSchemaARN"), record.gsr_schema_arn.as_deref());
            schema.pattern(SCHEMA_ARN).length(1, SCHEMA_ARN_CHARS_MAX);
        }
    }
}

impl S3Destination {
    fn validate(&self, validator: &mut Validator) {
        let path = "s3DestinationConfiguration";
        if let Some(dead) = &self.dead_letter_queue_s3_configuration {
            dead.validate(validator, path);
        }
        let path = "s3DestinationConfiguration.storageConfiguration";
        if let Some(storage) = required(validator, path, self.storage_configuration.as_ref()) {
            storage.validate(validator, path);
        }
    }
}

impl S3Storage {
    fn validate(&self, validator: &mut Validator, path: &str) {
        validate_bucket(validator, path, self.bucket_arn.as_deref(), self.expected_bucket_owner.as_deref());
        let template = validator.member(format!("{path}.outputKeyTemplate"), self.output_key_template.as_deref());
        template.pattern(KEY_TEMPLATE).length(1, KEY_TEMPLATE_CHARS_MAX);
        let class = validator.member(format!("{path}.storageClass"), self.storage_class.as_deref());
        class.one_of(&STORAGE_CLASSES);
        let compression = validator.member(format!("{path}.compressionType"), self.compression_type.as_deref());
        compression.required().one_of(&S3_COMPRESSIONS);
    }
}

impl DeadLetterQueue {
    fn validate(&self, validator: &mut Validator, path: &str) {
        let path = format!("{path}.deadLetterQueueS3Configuration");
        validate_bucket(validator, &path, self.bucket_arn.as_deref(), self.expected_bucket_owner.as_deref());
        let prefix = validator.member(format!("{path}.errorOutputPrefix"), self.error_output_prefix.as_deref());
        prefix.pattern(ERROR_PREFIX).length(1, ERROR_PREFIX_CHARS_MAX);
    }
}

fn validate_bucket(validator: &mut Validator, path: impl Display, arn: Option<&str>, owner: Option<&str>) {
    let arn = validator.member(format!("{path}.bucketARN"), arn);
    arn.required().pattern(BUCKET_ARN).length(1, STREAM_ARN_CHARS_MAX);
    validator.member(format!("{path}.expectedBucketOwner"), owner).required().pattern(ACCOUNT).length(12, 12);
}

impl S3TablesDestination {
    fn validate(&self, validator: &mut Validator) {
        let path = "s3TablesDestinationConfiguration";
        let dead = self.dead_letter_queue_s3_configuration.as_ref();
        if let Some(dead) = required(validator, format!("{path}.deadLetterQueueS3Configuration"), dead) {
            dead.validate(validator, path);
        }
        let tables = self.s3_tables_configuration_list.as_deref();
        let list = validator.member(format!("{path}.s3TablesConfigurationList"), tables);
        list.required().length(1, CHANNEL_LIST_MAX);
        for (number, table) in (1..).zip(tables.unwrap_or_default()) {
            table.validate(validator, format!("{path}.s3TablesConfigurationList.{number}.member"));
        }
    }
}

impl S3Table {
    fn validate(&self, validator: &mut Validator, path: impl Display) {
        let bucket = validator.member(format!("{path}.tableBucketARN"), self.table_bucket_arn.as_deref());
        bucket.required().pattern(TABLE_BUCKET_ARN).length(1, STREAM_ARN_CHARS_MAX);
        for (member, name) in [("namespace", &self.namespace), ("tableName", &self.table_name)] {
            let name = validator.member(format!("{path}.{member}"), name.as_deref());
            name.required().pattern(TABLE_NAME).length(1, TABLE_NAME_CHARS_MAX);
        }
        let compression = validator.member(format!("{path}.compressionType"), self.compression_type.as_deref());
        compression.required().one_of(&TABLE_COMPRESSIONS);
        let Some(spec) = &self.partition_spec else { return };
        let fields = spec.partition_fields.as_deref();
        let path = format!("{path}.partitionSpec.partitionFields");
        validator.member(&path, fields).required().length(1, PARTITION_FIELDS_MAX);
        for (number, field) in (1..).zip(fields.unwrap_or_default()) {
            let transform = validator.member(format!("{path}.{number}.member.transform"), field.transform.as_deref());
            transform.required().one_of(&["TIME_HOUR"]);
            let source = validator.member(format!("{path}.{number}.member.sourceName"), field.source_name.as_deref());
            source.required().pattern(COLUMN_NAME).length(1, TABLE_NAME_CHARS_MAX);
        }
    }
}

impl EncryptionConfiguration {
    fn validate(&self, validator: &mut Validator) {
        let kind = validator.member("encryptionConfiguration.encryptionType", self.encryption_type.as_deref());
        kind.required().one_of(&["KMS"]);
        let key = validator.member("encryptionConfiguration.keyId", self.key_id.as_deref());
        key.required().length(1, KEY_ID_CHARS_MAX);
    }
}

impl LoggingConfiguration {
    /// Puts the model's constraints upon the members.
    pub(crate) fn validate(&self, validator: &mut Validator) {
        let path = "loggingConfiguration.cloudWatchLogs";
        let Some(logs) = required(validator, path, self.cloud_watch_logs.as_ref()) else { return };
        let CloudWatchLogs { enabled, log_group_name, log_stream_name } = logs;
        required(validator, format!("{path}.enabled"), enabled.as_ref());
        let group = validator.member(format!("{path}.logGroupName"), log_group_name.as_deref());
        group.pattern(LOG_GROUP).length(1, LOG_NAME_CHARS_MAX);
        let stream = validator.member(format!("{path}.logStreamName"), log_stream_name.as_deref());
        stream.pattern(LOG_STREAM).length(1, LOG_NAME_CHARS_MAX);
    }
}
