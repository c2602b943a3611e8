//! The members of `S3DestinationConfiguration`: a place in a bucket, which every destination has for its objects, its backup
//! or its failed records.
//!
//! Source: Firehose API Reference, "S3DestinationConfiguration".

use firehose::definition::{Backup, Destination, ObjectCompression};
use firehose::limits::{BUFFER_MIB_DEFAULT, BUFFER_MIB_MAX, BUFFER_SECONDS_DEFAULT, CONVERSION_BUFFER_MIB_DEFAULT};
use ingest_core::Fault;

use super::buffering::{self, Bounds};
use super::form::Form;
use super::{invalid, refuse_logging, unsupported};
use crate::limits::{ARN_CHARS_MAX, BUCKET_ARN_CHARS_MAX, INTERVAL_SECONDS_MAX, PREFIX_CHARS_MAX};
use crate::model::destination::{EncryptionConfiguration, S3Configuration, Switch};
use crate::validate::{BUCKET_ARN, ROLE_ARN};

pub(crate) const UNCOMPRESSED: &str = "UNCOMPRESSED";
pub(crate) const GZIP: &str = "GZIP";
const ZSTD: &str = "ZSTD";
const COMPRESSION_FORMATS: &[&str] = &[UNCOMPRESSED, GZIP, "ZIP", "Snappy", "HADOOP_SNAPPY", ZSTD];

#[expect(clippy::cast_possible_wrap, reason = "128")]
const BUFFER_MIB_BOUND: i64 = BUFFER_MIB_MAX as i64;

/// The bounds of S3's hints; objects that are converted or partitioned are large unless they are told not to be.
pub(crate) const fn bounds(is_large: bool) -> Bounds {
    Bounds {
        mib_max: BUFFER_MIB_BOUND,
        mib_default: if is_large { CONVERSION_BUFFER_MIB_DEFAULT } else { BUFFER_MIB_DEFAULT },
        seconds_max: INTERVAL_SECONDS_MAX,
        seconds_default: BUFFER_SECONDS_DEFAULT,
        is_both: true,
    }
}

/// Puts the model's constraints upon the members.
pub(crate) fn validate(form: &mut Form<'_>, s3: &S3Configuration) {
    form.required("roleARN", s3.role_arn.as_deref()).pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
    form.required("bucketARN", s3.bucket_arn.as_deref()).pattern(BUCKET_ARN).length(1, BUCKET_ARN_CHARS_MAX);
    form.text("prefix", s3.prefix.as_deref()).length(0, PREFIX_CHARS_MAX);
    form.text("errorOutputPrefix", s3.error_output_prefix.as_deref()).length(0, PREFIX_CHARS_MAX);
    bounds(false).validate(form, s3.buffering_hints.as_ref());
    form.text("compressionFormat", s3.compression_format.as_deref()).one_of(COMPRESSION_FORMATS);
    if let Some(encryption) = &s3.encryption_configuration {
        let mut form = form.inner("encryptionConfiguration");
        form.text("noEncryptionConfig", encryption.no_encryption_config.as_deref()).one_of(&["NoEncryption"]);
    }
}

/// As [`validate`], of the member `name`, which a new configuration must have.
pub(crate) fn validate_member(form: &mut Form<'_>, name: &str, s3: Option<&S3Configuration>) {
    match s3 {
        Some(s3) => validate(&mut form.inner(name), s3),
        None => form.missing(name),
    }
}

/// Refuses what `S3DestinationConfiguration` does not have; `member` is what the request calls it.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn refuse_extended_members(member: &str, s3: &S3Configuration) -> Result<(), Fault> {
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
        Some((name, _)) => Err(invalid(format!("{member} has no {name}; use ExtendedS3DestinationConfiguration."))),
        None => Ok(()),
    }
}

/// Fills in what is not given.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn fill(s3: &mut S3Configuration, is_large: bool) -> Result<(), Fault> {
    bounds(is_large).fill(&mut s3.buffering_hints)?;
    s3.compression_format.get_or_insert_with(|| UNCOMPRESSED.to_owned());
    let none = || EncryptionConfiguration {
        no_encryption_config: Some("NoEncryption".to_owned()),
        kms_encryption_config: None,
    };
    s3.encryption_configuration.get_or_insert_with(none);
    s3.cloud_watch_logging_options.get_or_insert(Switch { enabled: Some(false) });
    Ok(())
}

/// As [`fill`], of the place that a destination has beside its own, which has no more members than
/// `S3DestinationConfiguration`.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn fill_plain(member: &str, s3: Option<&mut S3Configuration>) -> Result<(), Fault> {
    let Some(s3) = s3 else { return Ok(()) };
    refuse_extended_members(member, s3)?;
    fill(s3, false)
}

/// A destination whose objects lie there.
///
/// # Errors
/// `InvalidArgumentException` for what would have no effect.
pub(crate) fn plan(s3: &S3Configuration) -> Result<Destination, Fault> {
    if s3.encryption_configuration.as_ref().is_some_and(|encryption| encryption.kms_encryption_config.is_some()) {
        return Err(unsupported("EncryptionConfiguration.KMSEncryptionConfig"));
    }
    refuse_logging(s3.cloud_watch_logging_options.as_ref())?;
    Ok(Destination {
        bucket: plan_bucket(s3.bucket_arn.as_deref().unwrap_or_default())?,
        prefix: s3.prefix.clone().unwrap_or_default(),
        error_prefix: s3.error_output_prefix.clone().unwrap_or_default(),
        time_zone: s3.custom_time_zone.clone().unwrap_or_default(),
        file_extension: s3.file_extension.clone().unwrap_or_default(),
        buffer: buffering::plan(s3.buffering_hints.as_ref()),
        compression: plan_compression(s3.compression_format.as_deref()),
        conversion: None,
        processors: Vec::new(),
        is_partitioned: false,
        backup: None,
        endpoint: None,
    })
}

/// As [`plan`], of a place that was found to be there.
///
/// # Errors
/// As [`plan`].
pub(crate) fn plan_member(s3: Option<&S3Configuration>) -> Result<Destination, Fault> {
    plan(s3.unwrap_or(&S3Configuration::default()))
}

/// A backup whose objects lie where those of `place` would.
pub(crate) fn backup(place: &Destination) -> Backup {
    Backup {
        bucket: place.bucket.clone(),
        prefix: place.prefix.clone(),
        error_prefix: place.error_prefix.clone(),
        compression: place.compression,
    }
}

fn plan_compression(format: Option<&str>) -> ObjectCompression {
    match format {
        Some(GZIP) => ObjectCompression::Gzip,
        Some("ZIP") => ObjectCompression::Zip,
        Some("Snappy") => ObjectCompression::Snappy,
        Some("HADOOP_SNAPPY") => ObjectCompression::HadoopSnappy,
        Some(ZSTD) => ObjectCompression::Zstd,
        _ => ObjectCompression::Uncompressed,
    }
}

fn plan_bucket(arn: &str) -> Result<String, Fault> {
    match arn.rsplit(":::").next() {
        // They pass AWS's pattern, but no bucket can have such a name, and a directory must not.
        None | Some("." | ".." | "") => Err(invalid(format!("BucketARN {arn} names no bucket."))),
        Some(bucket) => Ok(bucket.to_owned()),
    }
}
