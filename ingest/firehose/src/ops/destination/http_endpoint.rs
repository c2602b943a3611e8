//! A destination that is an HTTP endpoint.
//!
//! Source: Firehose API Reference, "HttpEndpointDestinationConfiguration".

use std::collections::BTreeSet;

use firehose::definition::{Destination, Endpoint, HttpEndpoint};
use ingest_core::Fault;

use super::buffering::{self, Bounds};
use super::form::Form;
use super::url::{self, HTTP_URL};
use super::{Shape, invalid, location, plan_endpoint, processing, refuse_logging, refuse_secrets};
use crate::limits::{
    ACCESS_KEY_CHARS_MAX, ARN_CHARS_MAX, ATTRIBUTE_VALUE_CHARS_MAX, COMMON_ATTRIBUTES_MAX, ENDPOINT_NAME_CHARS_MAX,
    ENDPOINT_URL_CHARS_MAX,
};
use crate::model::destination::{CommonAttribute, HttpEndpointConfiguration, HttpRequest, Switch};
use crate::validate::{NOT_BLANK, ROLE_ARN};

/// Source: Firehose API Reference, "HttpEndpointBufferingHints".
const BOUNDS: Bounds = Bounds::up_to(64);

/// Source: Firehose Developer Guide, "Configure destination settings", "HTTP endpoint".
const RETRY_SECONDS_DEFAULT: i64 = 300;

const FAILED_ONLY: &str = "FailedDataOnly";
const ALL: &str = "AllData";
const NO_ENCODING: &str = "NONE";
const GZIP: &str = "GZIP";

impl Shape for HttpEndpointConfiguration {
    fn validate(&self, mut form: Form<'_>) {
        match &self.endpoint_configuration {
            Some(endpoint) => {
                let mut form = form.inner("endpointConfiguration");
                form.required("url", endpoint.url.as_deref()).length(1, ENDPOINT_URL_CHARS_MAX).pattern(HTTP_URL);
                form.text("name", endpoint.name.as_deref()).length(1, ENDPOINT_NAME_CHARS_MAX).pattern(NOT_BLANK);
                form.secret("accessKey", endpoint.access_key.as_ref()).length(0, ACCESS_KEY_CHARS_MAX);
            }
            None => form.missing("endpointConfiguration"),
        }
        BOUNDS.validate(&mut form, self.buffering_hints.as_ref());
        validate_request(&mut form, self.request_configuration.as_ref());
        processing::validate(&mut form, self.processing_configuration.as_ref());
        form.text("roleARN", self.role_arn.as_deref()).pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
        buffering::validate_retry(&mut form, self.retry_options.as_ref());
        form.text("s3BackupMode", self.s3_backup_mode.as_deref()).one_of(&[FAILED_ONLY, ALL]);
        location::validate_member(&mut form, "s3Configuration", self.s3_configuration.as_ref());
    }

    fn fill(&mut self) -> Result<(), Fault> {
        BOUNDS.fill(&mut self.buffering_hints)?;
        let request = self.request_configuration.get_or_insert_default();
        request.content_encoding.get_or_insert_with(|| NO_ENCODING.to_owned());
        request.common_attributes.get_or_insert_default();
        processing::fill(&mut self.processing_configuration);
        buffering::fill_retry(&mut self.retry_options, RETRY_SECONDS_DEFAULT);
        self.s3_backup_mode.get_or_insert_with(|| FAILED_ONLY.to_owned());
        self.cloud_watch_logging_options.get_or_insert(Switch { enabled: Some(false) });
        location::fill_plain("S3Configuration", self.s3_configuration.as_mut())
    }

    fn plan(&self) -> Result<Destination, Fault> {
        refuse_logging(self.cloud_watch_logging_options.as_ref())?;
        refuse_secrets(self.secrets_manager_configuration.as_ref())?;
        let endpoint = self.endpoint_configuration.clone().unwrap_or_default();
        let request = self.request_configuration.clone().unwrap_or_default();
        let url = endpoint.url.unwrap_or_default();
        if !url::is_url(&url) {
            return Err(invalid(format!("EndpointConfiguration.Url {url} is not a URL of a host.")));
        }
        let http = HttpEndpoint {
            url,
            name: endpoint.name,
            access_key: endpoint.access_key,
            is_gzip: request.content_encoding.as_deref() == Some(GZIP),
            common_attributes: plan_attributes(request.common_attributes)?,
            retry_seconds: buffering::retry_seconds(self.retry_options.as_ref()),
        };
        let processing = self.processing_configuration.as_ref();
        let processors = processing::plan(processing, processing::INVOCATION_BYTES_DEFAULT)?;
        let place = location::plan_member(self.s3_configuration.as_ref())?;
        let is_all = self.s3_backup_mode.as_deref() == Some(ALL);
        plan_endpoint(place, self.buffering_hints.as_ref(), is_all, processors, Endpoint::Http(http))
    }
}

fn validate_request(form: &mut Form<'_>, request: Option<&HttpRequest>) {
    let Some(request) = request else { return };
    let mut form = form.whole("requestConfiguration");
    form.text("contentEncoding", request.content_encoding.as_deref()).one_of(&[NO_ENCODING, GZIP]);
    let attributes = request.common_attributes.as_deref();
    form.list("commonAttributes", attributes).length(0, COMMON_ATTRIBUTES_MAX);
    for (number, attribute) in (1..).zip(attributes.unwrap_or_default()) {
        let mut form = form.whole(&format!("commonAttributes.{number}.member"));
        let name = form.required("attributeName", attribute.attribute_name.as_deref());
        name.length(1, ENDPOINT_NAME_CHARS_MAX).pattern(NOT_BLANK);
        let value = form.required("attributeValue", attribute.attribute_value.as_deref());
        value.length(0, ATTRIBUTE_VALUE_CHARS_MAX);
    }
}

fn plan_attributes(attributes: Option<Vec<CommonAttribute>>) -> Result<Vec<(String, String)>, Fault> {
    let mut names = BTreeSet::new();
    let mut planned = Vec::new();
    for attribute in attributes.unwrap_or_default() {
        let name = attribute.attribute_name.unwrap_or_default();
        if !names.insert(name.clone()) {
            return Err(invalid(format!("Http Endpoint Common Attributes have duplicate name {name}")));
        }
        planned.push((name, attribute.attribute_value.unwrap_or_default()));
    }
    Ok(planned)
}
