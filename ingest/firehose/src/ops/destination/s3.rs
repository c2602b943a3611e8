//! A destination that is a bucket.
//!
//! Source: Firehose API Reference, "ExtendedS3DestinationConfiguration".

use firehose::definition::Destination;
use firehose::limits::CONVERSION_BUFFER_MIB_MIN;
use ingest_core::Fault;

use super::form::Form;
use super::{DISABLED, ENABLED, Shape, buffering, conversion, invalid, location, partitioning, processing};
use crate::limits::{FILE_EXTENSION_CHARS_MAX, TIME_ZONE_CHARS_MAX};
use crate::model::destination::S3Configuration;
use crate::validate::{FILE_EXTENSION, TIME_ZONE};

/// Source: Firehose API Reference, "DynamicPartitioningConfiguration".
const RETRY_SECONDS_DEFAULT: i64 = 300;

fn is_partitioned(s3: &S3Configuration) -> bool {
    s3.dynamic_partitioning_configuration.as_ref().is_some_and(|partitioning| partitioning.enabled == Some(true))
}

fn is_converted(s3: &S3Configuration) -> bool {
    conversion::is_on(s3.data_format_conversion_configuration.as_ref())
}

impl Shape for S3Configuration {
    fn validate(&self, mut form: Form<'_>) {
        location::validate(&mut form, self);
        processing::validate(&mut form, self.processing_configuration.as_ref());
        form.text("s3BackupMode", self.s3_backup_mode.as_deref()).one_of(&[DISABLED, ENABLED]);
        if let Some(backup) = &self.s3_backup_configuration {
            location::validate(&mut form.inner("s3BackupConfiguration"), backup);
        }
        conversion::validate(&mut form, self.data_format_conversion_configuration.as_ref());
        if let Some(partitioning) = &self.dynamic_partitioning_configuration {
            let mut form = form.inner("dynamicPartitioningConfiguration");
            buffering::validate_retry(&mut form, partitioning.retry_options.as_ref());
        }
        let extension = form.text("fileExtension", self.file_extension.as_deref());
        extension.pattern(FILE_EXTENSION).length(0, FILE_EXTENSION_CHARS_MAX);
        let zone = form.text("customTimeZone", self.custom_time_zone.as_deref());
        zone.pattern(TIME_ZONE).length(0, TIME_ZONE_CHARS_MAX);
    }

    fn fill(&mut self) -> Result<(), Fault> {
        location::fill(self, is_converted(self) || is_partitioned(self))?;
        processing::fill(&mut self.processing_configuration);
        self.s3_backup_mode.get_or_insert_with(|| DISABLED.to_owned());
        location::fill_plain("S3BackupConfiguration", self.s3_backup_configuration.as_deref_mut())?;
        if let Some(partitioning) = &mut self.dynamic_partitioning_configuration {
            partitioning.enabled.get_or_insert(false);
            buffering::fill_retry(&mut partitioning.retry_options, RETRY_SECONDS_DEFAULT);
        }
        Ok(())
    }

    fn plan(&self) -> Result<Destination, Fault> {
        let mut destination = location::plan(self)?;
        if is_converted(self) {
            plan_conversion_check(self, &destination)?;
            destination.conversion =
                self.data_format_conversion_configuration.as_ref().map(conversion::plan).transpose()?;
        }
        let processing = self.processing_configuration.as_ref();
        destination.processors = processing::plan(processing, processing::INVOCATION_BYTES_DEFAULT)?;
        destination.is_partitioned = is_partitioned(self);
        partitioning::check(&destination)?;
        let backup = self.s3_backup_configuration.as_deref();
        destination.backup = plan_backup(self.s3_backup_mode.as_deref(), backup)?;
        Ok(destination)
    }
}

fn plan_conversion_check(s3: &S3Configuration, destination: &Destination) -> Result<(), Fault> {
    if s3.compression_format.as_deref() != Some(location::UNCOMPRESSED) {
        return Err(invalid(
            "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled",
        ));
    }
    if destination.buffer.size_mib < CONVERSION_BUFFER_MIB_MIN {
        return Err(invalid(format!(
            "BufferingHints.SizeInMBs must be at least {CONVERSION_BUFFER_MIB_MIN} when data format conversion is enabled."
        )));
    }
    Ok(())
}

/// The backup that a mode of [`ENABLED`] asks for.
///
/// # Errors
/// `InvalidArgumentException` if it is not said where to.
pub(crate) fn plan_backup(
    mode: Option<&str>,
    backup: Option<&S3Configuration>,
) -> Result<Option<firehose::definition::Backup>, Fault> {
    let place = backup.map(location::plan).transpose()?;
    if mode != Some(ENABLED) {
        return Ok(None);
    }
    let refusal = || invalid("S3 backup destination configuration is required when enabling S3 backup.");
    Ok(Some(location::backup(&place.ok_or_else(refusal)?)))
}
