//! The configuration of an S3 destination: its constraints, and what it means to the library.
//!
//! Source: Firehose API Reference, "ExtendedS3DestinationConfiguration" and the shapes it holds.

use std::collections::BTreeMap;

use firehose::convert::{Compression, WriterVersion};
use firehose::definition::{BufferHints, ConversionSettings, Destination, ObjectCompression};
use firehose::error_output::CatalogTable;
use firehose::limits::{
    BUFFER_MIB_DEFAULT, BUFFER_MIB_MAX, BUFFER_SECONDS_DEFAULT, CONVERSION_BUFFER_MIB_DEFAULT,
    CONVERSION_BUFFER_MIB_MIN,
};
use firehose::schema::LATEST;
use ingest_core::{Code, Fault, Validator};

use crate::limits::{
    ARN_CHARS_MAX, BLOCK_BYTES_DEFAULT, BLOCK_BYTES_MIN, BUCKET_ARN_CHARS_MAX, FILE_EXTENSION_CHARS_MAX, INTEGER_MAX,
    PAGE_BYTES_DEFAULT, PAGE_BYTES_MIN, PREFIX_CHARS_MAX, SCHEMA_CHARS_MAX, TIME_ZONE_CHARS_MAX,
};
use crate::model::{
    BufferingHints, DataFormatConversion, ExtendedS3Description, NoEncryption, Parquet, S3Configuration, S3Description,
    SchemaConfiguration, Switch, SwitchedOff,
};
use crate::validate::{BUCKET_ARN, FILE_EXTENSION, NO_BLANKS, ROLE_ARN, TIME_ZONE, at};

const UNCOMPRESSED: &str = "UNCOMPRESSED";
const GZIP: &str = "GZIP";
const COMPRESSION_FORMATS: &[&str] = &[UNCOMPRESSED, GZIP, "ZIP", "Snappy", "HADOOP_SNAPPY"];
const DISABLED: &str = "Disabled";
const INTERVAL_SECONDS_MAX: i64 = 900;

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(Code::InvalidArgument, message.into())
}

/// A member that would be stored without effect.
pub(crate) fn unsupported(member: &str) -> Fault {
    invalid(format!("{member} is not supported by this server."))
}

/// Puts the model's constraints upon the members; `path` stands before their names.
pub(crate) fn validate(validator: &mut Validator, path: &str, s3: &S3Configuration) {
    let role = validator.member(at(path, "roleARN"), s3.role_arn.as_deref());
    role.required().pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
    let bucket = validator.member(at(path, "bucketARN"), s3.bucket_arn.as_deref());
    bucket.required().pattern(BUCKET_ARN).length(1, BUCKET_ARN_CHARS_MAX);
    validator.member(at(path, "prefix"), s3.prefix.as_deref()).length(0, PREFIX_CHARS_MAX);
    let error_prefix = validator.member(at(path, "errorOutputPrefix"), s3.error_output_prefix.as_deref());
    error_prefix.length(0, PREFIX_CHARS_MAX);
    if let Some(hints) = &s3.buffering_hints {
        let size = validator.member(at(path, "bufferingHints.sizeInMBs"), hints.size_in_mbs);
        size.range(1, i64::try_from(BUFFER_MIB_MAX).unwrap_or(i64::MAX));
        let interval = validator.member(at(path, "bufferingHints.intervalInSeconds"), hints.interval_in_seconds);
        interval.range(0, INTERVAL_SECONDS_MAX);
    }
    let format = validator.member(at(path, "compressionFormat"), s3.compression_format.as_deref());
    format.one_of(COMPRESSION_FORMATS);
    let mode = validator.member(at(path, "s3BackupMode"), s3.s3_backup_mode.as_deref());
    mode.one_of(&[DISABLED, "Enabled"]);
    if let Some(encryption) = &s3.encryption_configuration {
        validator
            .member(at(path, "encryptionConfiguration.noEncryptionConfig"), encryption.no_encryption_config.as_deref())
            .one_of(&["NoEncryption"]);
    }
    let extension = validator.member(at(path, "fileExtension"), s3.file_extension.as_deref());
    extension.pattern(FILE_EXTENSION).length(0, FILE_EXTENSION_CHARS_MAX);
    let zone = validator.member(at(path, "customTimeZone"), s3.custom_time_zone.as_deref());
    zone.pattern(TIME_ZONE).length(0, TIME_ZONE_CHARS_MAX);
    if let Some(conversion) = &s3.data_format_conversion_configuration {
        validate_conversion(validator, &format!("{path}.dataFormatConversionConfiguration"), conversion);
    }
}

fn validate_conversion(validator: &mut Validator, path: &str, conversion: &DataFormatConversion) {
    if let Some(schema) = &conversion.schema_configuration {
        let path = format!("{path}.schemaConfiguration");
        let members = [
            ("roleARN", &schema.role_arn),
            ("catalogId", &schema.catalog_id),
            ("databaseName", &schema.database_name),
            ("tableName", &schema.table_name),
            ("region", &schema.region),
            ("versionId", &schema.version_id),
        ];
        for (name, value) in members {
            let member = validator.member(at(&path, name), value.as_deref());
            member.pattern(NO_BLANKS).length(1, SCHEMA_CHARS_MAX);
        }
    }
    let Some(parquet) = parquet(conversion) else { return };
    let path = &format!("{path}.outputFormatConfiguration.serializer.parquetSerDe");
    let block = validator.member(at(path, "blockSizeBytes"), parquet.block_size_bytes);
    block.range(BLOCK_BYTES_MIN, INTEGER_MAX);
    let page = validator.member(at(path, "pageSizeBytes"), parquet.page_size_bytes);
    page.range(PAGE_BYTES_MIN, INTEGER_MAX);
    validator.member(at(path, "maxPaddingBytes"), parquet.max_padding_bytes).range(0, INTEGER_MAX);
    let compression = validator.member(at(path, "compression"), parquet.compression.as_deref());
    compression.one_of(&[UNCOMPRESSED, GZIP, "SNAPPY", "ZSTD"]);
    let version = validator.member(at(path, "writerVersion"), parquet.writer_version.as_deref());
    version.one_of(&["V1", "V2"]);
}

fn parquet(conversion: &DataFormatConversion) -> Option<&Parquet> {
    conversion.output_format_configuration.as_ref()?.serializer.as_ref()?.parquet.as_ref()
}

/// Refuses the members that `S3DestinationConfiguration` does not have.
pub(crate) fn refuse_extended_members(s3: &S3Configuration) -> Result<(), Fault> {
    let members = [
        ("ProcessingConfiguration", s3.processing_configuration.is_some()),
        ("S3BackupMode", s3.s3_backup_mode.is_some()),
        ("S3BackupConfiguration", s3.s3_backup_configuration.is_some()),
        ("DataFormatConversionConfiguration", s3.data_format_conversion_configuration.is_some()),
        ("DynamicPartitioningConfiguration", s3.dynamic_partitioning_configuration.is_some()),
        ("FileExtension", s3.file_extension.is_some()),
        ("CustomTimeZone", s3.custom_time_zone.is_some()),
    ];
    match members.into_iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => {
            Err(invalid(format!("S3DestinationConfiguration has no {name}; use ExtendedS3DestinationConfiguration.")))
        }
        None => Ok(()),
    }
}

fn refuse_unsupported(s3: &S3Configuration) -> Result<(), Fault> {
    let is_on = |switch: &Option<Switch>| switch.as_ref().is_some_and(|switch| switch.enabled != Some(false));
    let encryption = s3.encryption_configuration.as_ref();
    let members = [
        ("EncryptionConfiguration.KMSEncryptionConfig", encryption.is_some_and(|e| e.kms_encryption_config.is_some())),
        ("CloudWatchLoggingOptions", is_on(&s3.cloud_watch_logging_options)),
        ("ProcessingConfiguration", is_on(&s3.processing_configuration)),
        ("DynamicPartitioningConfiguration", is_on(&s3.dynamic_partitioning_configuration)),
        ("S3BackupMode Enabled", s3.s3_backup_mode.as_deref().is_some_and(|mode| mode != DISABLED)),
        ("S3BackupConfiguration", s3.s3_backup_configuration.is_some()),
    ];
    match members.into_iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => Err(unsupported(name)),
        None => Ok(()),
    }
}

/// What a valid configuration means, and how it is described.
pub(crate) fn plan(s3: S3Configuration) -> Result<(Destination, ExtendedS3Description), Fault> {
    refuse_unsupported(&s3)?;
    let conversion = s3.data_format_conversion_configuration.as_ref();
    let settings =
        conversion.filter(|conversion| conversion.enabled != Some(false)).map(plan_conversion).transpose()?;
    let compression = plan_compression(s3.compression_format.as_deref())?;
    if settings.is_some() && compression != ObjectCompression::Uncompressed {
        return Err(invalid("CompressionFormat must be UNCOMPRESSED when data format conversion is enabled."));
    }
    let buffer = plan_buffer(s3.buffering_hints.as_ref(), settings.is_some())?;
    let bucket_arn = s3.bucket_arn.unwrap_or_default();
    let destination = Destination {
        bucket: plan_bucket(&bucket_arn)?,
        prefix: s3.prefix.clone().unwrap_or_default(),
        error_prefix: s3.error_output_prefix.clone().unwrap_or_default(),
        time_zone: s3.custom_time_zone.clone().unwrap_or_default(),
        file_extension: s3.file_extension.clone().unwrap_or_default(),
        buffer,
        compression,
        conversion: settings,
        processors: Vec::new(),
        is_partitioned: false,
        backup: None,
        endpoint: None,
    };
    let common = S3Description {
        role_arn: s3.role_arn.unwrap_or_default(),
        bucket_arn,
        prefix: s3.prefix,
        error_output_prefix: s3.error_output_prefix,
        buffering_hints: BufferingHints {
            size_in_mbs: i64::try_from(buffer.size_mib).ok(),
            interval_in_seconds: i64::try_from(buffer.interval_seconds).ok(),
        },
        compression_format: s3.compression_format.unwrap_or_else(|| UNCOMPRESSED.to_owned()),
        encryption_configuration: NoEncryption { no_encryption_config: "NoEncryption".to_owned() },
        cloud_watch_logging_options: SwitchedOff::default(),
    };
    let description = ExtendedS3Description {
        common,
        processing_configuration: SwitchedOff::default(),
        s3_backup_mode: DISABLED.to_owned(),
        data_format_conversion_configuration: s3.data_format_conversion_configuration,
        file_extension: s3.file_extension,
        custom_time_zone: s3.custom_time_zone,
    };
    Ok((destination, description))
}

fn plan_compression(format: Option<&str>) -> Result<ObjectCompression, Fault> {
    match format {
        None | Some(UNCOMPRESSED) => Ok(ObjectCompression::Uncompressed),
        Some(GZIP) => Ok(ObjectCompression::Gzip),
        Some(other) => Err(unsupported(&format!("CompressionFormat {other}"))),
    }
}

fn plan_buffer(hints: Option<&BufferingHints>, is_converted: bool) -> Result<BufferHints, Fault> {
    let positive = |value: i64| u64::try_from(value).unwrap_or_default();
    let (size_mib, interval_seconds) = match hints.map(|hints| (hints.size_in_mbs, hints.interval_in_seconds)) {
        None | Some((None, None)) => {
            let size_mib = if is_converted { CONVERSION_BUFFER_MIB_DEFAULT } else { BUFFER_MIB_DEFAULT };
            (size_mib, BUFFER_SECONDS_DEFAULT)
        }
        Some((Some(size), Some(interval))) => (positive(size), positive(interval)),
        Some(_) => {
            return Err(invalid("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither."));
        }
    };
    if is_converted && size_mib < CONVERSION_BUFFER_MIB_MIN {
        return Err(invalid(format!(
            "BufferingHints.SizeInMBs must be at least {CONVERSION_BUFFER_MIB_MIN} when data format conversion is enabled."
        )));
    }
    Ok(BufferHints { size_mib, interval_seconds })
}

fn plan_bucket(arn: &str) -> Result<String, Fault> {
    match arn.rsplit(":::").next() {
        // They pass AWS's pattern, but no bucket can have such a name, and a directory must not.
        None | Some("." | "..") => Err(invalid(format!("BucketARN {arn} names no bucket."))),
        Some(bucket) => Ok(bucket.to_owned()),
    }
}

fn plan_conversion(conversion: &DataFormatConversion) -> Result<ConversionSettings, Fault> {
    let output = conversion.output_format_configuration.as_ref().and_then(|output| output.serializer.as_ref());
    let serializer = output.ok_or_else(|| {
        invalid("OutputFormatConfiguration.Serializer must be given when data format conversion is enabled.")
    })?;
    if serializer.orc.is_some() {
        return Err(unsupported("OutputFormatConfiguration.Serializer.OrcSerDe"));
    }
    let parquet = serializer
        .parquet
        .as_ref()
        .ok_or_else(|| invalid("OutputFormatConfiguration.Serializer must have a ParquetSerDe."))?;
    if parquet.max_padding_bytes.is_some_and(|bytes| bytes != 0) {
        return Err(unsupported("ParquetSerDe.MaxPaddingBytes"));
    }
    let bytes = |given: Option<i64>, default: i64| u64::try_from(given.unwrap_or(default)).unwrap_or_default();
    let settings = ConversionSettings {
        table: conversion.schema_configuration.as_ref().map(plan_table).transpose()?,
        is_lenient: true,
        timestamp_formats: Vec::new(),
        is_case_insensitive: true,
        converts_dots: false,
        keys_by_column: BTreeMap::new(),
        compression: match parquet.compression.as_deref() {
            Some(UNCOMPRESSED) => Compression::Uncompressed,
            Some(GZIP) => Compression::Gzip,
            Some("SNAPPY") => Compression::Snappy,
            _ => Compression::Zstd,
        },
        version: if parquet.writer_version.as_deref() == Some("V2") { WriterVersion::V2 } else { WriterVersion::V1 },
        is_dictionary_enabled: parquet.enable_dictionary_compression != Some(false),
        block_bytes: bytes(parquet.block_size_bytes, BLOCK_BYTES_DEFAULT),
        page_bytes: bytes(parquet.page_size_bytes, PAGE_BYTES_DEFAULT),
    };
    plan_deserializer(conversion, settings)
}

fn plan_deserializer(
    conversion: &DataFormatConversion,
    settings: ConversionSettings,
) -> Result<ConversionSettings, Fault> {
    let input = conversion.input_format_configuration.as_ref().and_then(|input| input.deserializer.as_ref());
    let deserializer = input.ok_or_else(|| {
        invalid("InputFormatConfiguration.Deserializer must be given when data format conversion is enabled.")
    })?;
    match (&deserializer.openx, &deserializer.hive) {
        (Some(openx), None) => Ok(ConversionSettings {
            is_case_insensitive: openx.case_insensitive.unwrap_or(true),
            converts_dots: openx.convert_dots_in_json_keys_to_underscores.unwrap_or(false),
            keys_by_column: openx.column_to_json_key_mappings.clone().unwrap_or_default(),
            ..settings
        }),
        (None, Some(hive)) if hive.timestamp_formats.as_ref().is_some_and(|formats| !formats.is_empty()) => {
            Err(unsupported("HiveJsonSerDe.TimestampFormats"))
        }
        (None, Some(_)) => Ok(ConversionSettings { is_lenient: false, ..settings }),
        _ => Err(invalid("InputFormatConfiguration.Deserializer must have either OpenXJsonSerDe or HiveJsonSerDe.")),
    }
}

fn plan_table(schema: &SchemaConfiguration) -> Result<CatalogTable, Fault> {
    let required =
        [("RoleARN", &schema.role_arn), ("DatabaseName", &schema.database_name), ("TableName", &schema.table_name)];
    if let Some((name, _)) = required.into_iter().find(|(_, value)| value.is_none()) {
        return Err(invalid(format!("SchemaConfiguration.{name} must be given.")));
    }
    Ok(CatalogTable {
        catalog_id: schema.catalog_id.clone(),
        database_name: schema.database_name.clone(),
        table_name: schema.table_name.clone(),
        region: schema.region.clone(),
        version_id: Some(schema.version_id.clone().unwrap_or_else(|| LATEST.to_owned())),
    })
}
