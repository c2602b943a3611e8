//! A destination that is a Splunk HTTP event collector.
//!
//! Source: Firehose API Reference, "SplunkDestinationConfiguration".

use firehose::definition::{Destination, Endpoint, SplunkEndpoint};
use ingest_core::Fault;

use super::buffering::{self, Bounds};
use super::form::Form;
use super::{Shape, invalid, location, plan_endpoint, processing, refuse_logging, refuse_secrets, url};
use crate::limits::HEC_CHARS_MAX;
use crate::model::destination::{SplunkConfiguration, Switch};

/// Source: Firehose API Reference, "SplunkBufferingHints".
const BOUNDS: Bounds = Bounds { mib_max: 5, mib_default: 5, seconds_max: 60, seconds_default: 60, is_both: false };

/// Source: Firehose API Reference, "SplunkRetryOptions".
const RETRY_SECONDS_DEFAULT: i64 = 3600;

/// Source: Firehose API Reference, "SplunkDestinationConfiguration".
const ACKNOWLEDGMENT_SECONDS: (i64, i64) = (180, 600);

const FAILED_ONLY: &str = "FailedEventsOnly";
const ALL: &str = "AllEvents";
const EVENT: &str = "Event";

impl Shape for SplunkConfiguration {
    fn validate(&self, mut form: Form<'_>) {
        form.required("hECEndpoint", self.hec_endpoint.as_deref()).length(0, HEC_CHARS_MAX);
        form.required("hECEndpointType", self.hec_endpoint_type.as_deref()).one_of(&["Raw", EVENT]);
        form.secret("hECToken", self.hec_token.as_ref()).length(0, HEC_CHARS_MAX);
        let (min, max) = ACKNOWLEDGMENT_SECONDS;
        form.number("hECAcknowledgmentTimeoutInSeconds", self.hec_acknowledgment_timeout_in_seconds).range(min, max);
        buffering::validate_retry(&mut form, self.retry_options.as_ref());
        form.text("s3BackupMode", self.s3_backup_mode.as_deref()).one_of(&[FAILED_ONLY, ALL]);
        location::validate_member(&mut form, "s3Configuration", self.s3_configuration.as_ref());
        processing::validate(&mut form, self.processing_configuration.as_ref());
        BOUNDS.validate(&mut form, self.buffering_hints.as_ref());
    }

    fn fill(&mut self) -> Result<(), Fault> {
        BOUNDS.fill(&mut self.buffering_hints)?;
        self.hec_acknowledgment_timeout_in_seconds.get_or_insert(ACKNOWLEDGMENT_SECONDS.0);
        processing::fill(&mut self.processing_configuration);
        buffering::fill_retry(&mut self.retry_options, RETRY_SECONDS_DEFAULT);
        self.s3_backup_mode.get_or_insert_with(|| FAILED_ONLY.to_owned());
        self.cloud_watch_logging_options.get_or_insert(Switch { enabled: Some(false) });
        location::fill_plain("S3Configuration", self.s3_configuration.as_mut())
    }

    fn plan(&self) -> Result<Destination, Fault> {
        refuse_logging(self.cloud_watch_logging_options.as_ref())?;
        refuse_secrets(self.secrets_manager_configuration.as_ref())?;
        let url = self.hec_endpoint.clone().unwrap_or_default();
        if !url::is_url(&url) {
            return Err(invalid("Invalid HECEndpoint. Supported endpoint format is https://<domain>:<port>."));
        }
        let token = self.hec_token.clone().filter(|token| !token.0.is_empty());
        let splunk = SplunkEndpoint {
            url,
            is_event: self.hec_endpoint_type.as_deref() == Some(EVENT),
            token: token.ok_or_else(|| invalid("HECToken is required for Splunk Destination"))?,
            acknowledgment_seconds: buffering::positive(self.hec_acknowledgment_timeout_in_seconds),
            retry_seconds: buffering::retry_seconds(self.retry_options.as_ref()),
        };
        let processing = self.processing_configuration.as_ref();
        let processors = processing::plan(processing, processing::SPLUNK_INVOCATION_BYTES_DEFAULT)?;
        let place = location::plan_member(self.s3_configuration.as_ref())?;
        let is_all = self.s3_backup_mode.as_deref() == Some(ALL);
        plan_endpoint(place, self.buffering_hints.as_ref(), is_all, processors, Endpoint::Splunk(splunk))
    }
}
