//! A destination that is an OpenSearch or Elasticsearch cluster.
//!
//! Source: Firehose API Reference, "AmazonopensearchserviceDestinationConfiguration" and
//! "ElasticsearchDestinationConfiguration", which have the same members.

use firehose::definition::{Destination, Endpoint, IndexRotation, OpenSearchEndpoint};
use ingest_core::Fault;

use super::buffering::{self, Bounds};
use super::form::Form;
use super::url::{self, CLUSTER_URL};
use super::{Shape, invalid, location, plan_endpoint, processing, refuse_logging, unsupported};
use crate::limits::{ARN_CHARS_MAX, INDEX_NAME_CHARS_MAX, TYPE_NAME_CHARS_MAX};
use crate::model::destination::{DocumentIdOptions, OpenSearchConfiguration, Switch};
use crate::validate::{DOMAIN_ARN, ROLE_ARN};

/// Source: Firehose API Reference, "AmazonopensearchserviceBufferingHints".
const BOUNDS: Bounds = Bounds { is_both: false, ..Bounds::up_to(100) };

/// Source: Firehose API Reference, "AmazonopensearchserviceRetryOptions".
const RETRY_SECONDS_DEFAULT: i64 = 300;

const FAILED_ONLY: &str = "FailedDocumentsOnly";
const ALL: &str = "AllDocuments";
const ONE_DAY: &str = "OneDay";
const ROTATIONS: &[&str] = &["NoRotation", "OneHour", ONE_DAY, "OneWeek", "OneMonth"];
const OUR_ID: &str = "FIREHOSE_DEFAULT";

impl Shape for OpenSearchConfiguration {
    fn validate(&self, mut form: Form<'_>) {
        form.required("roleARN", self.role_arn.as_deref()).pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
        form.text("domainARN", self.domain_arn.as_deref()).pattern(DOMAIN_ARN).length(1, ARN_CHARS_MAX);
        let endpoint = form.text("clusterEndpoint", self.cluster_endpoint.as_deref());
        endpoint.pattern(CLUSTER_URL).length(1, ARN_CHARS_MAX);
        form.required("indexName", self.index_name.as_deref()).length(1, INDEX_NAME_CHARS_MAX);
        form.text("typeName", self.type_name.as_deref()).length(0, TYPE_NAME_CHARS_MAX);
        form.text("indexRotationPeriod", self.index_rotation_period.as_deref()).one_of(ROTATIONS);
        BOUNDS.validate(&mut form, self.buffering_hints.as_ref());
        buffering::validate_retry(&mut form, self.retry_options.as_ref());
        form.text("s3BackupMode", self.s3_backup_mode.as_deref()).one_of(&[FAILED_ONLY, ALL]);
        location::validate_member(&mut form, "s3Configuration", self.s3_configuration.as_ref());
        processing::validate(&mut form, self.processing_configuration.as_ref());
        if let Some(options) = &self.document_id_options {
            let mut form = form.whole("documentIdOptions");
            let format = form.required("defaultDocumentIdFormat", options.default_document_id_format.as_deref());
            format.one_of(&[OUR_ID, "NO_DOCUMENT_ID"]);
        }
    }

    fn fill(&mut self) -> Result<(), Fault> {
        BOUNDS.fill(&mut self.buffering_hints)?;
        self.index_rotation_period.get_or_insert_with(|| ONE_DAY.to_owned());
        processing::fill(&mut self.processing_configuration);
        buffering::fill_retry(&mut self.retry_options, RETRY_SECONDS_DEFAULT);
        self.s3_backup_mode.get_or_insert_with(|| FAILED_ONLY.to_owned());
        self.cloud_watch_logging_options.get_or_insert(Switch { enabled: Some(false) });
        let ours = || DocumentIdOptions { default_document_id_format: Some(OUR_ID.to_owned()) };
        self.document_id_options.get_or_insert_with(ours);
        location::fill_plain("S3Configuration", self.s3_configuration.as_mut())
    }

    fn plan(&self) -> Result<Destination, Fault> {
        refuse_logging(self.cloud_watch_logging_options.as_ref())?;
        if self.vpc_configuration.is_some() {
            return Err(unsupported("VpcConfiguration"));
        }
        let id_format = self.document_id_options.as_ref().and_then(|ids| ids.default_document_id_format.as_deref());
        let cluster = OpenSearchEndpoint {
            url: plan_cluster(self)?,
            index: self.index_name.clone().unwrap_or_default(),
            rotation: plan_rotation(self.index_rotation_period.as_deref()),
            type_name: self.type_name.clone().filter(|name| !name.is_empty()),
            has_document_id: id_format == Some(OUR_ID),
            retry_seconds: buffering::retry_seconds(self.retry_options.as_ref()),
        };
        let processing = self.processing_configuration.as_ref();
        let processors = processing::plan(processing, processing::INVOCATION_BYTES_DEFAULT)?;
        let place = location::plan_member(self.s3_configuration.as_ref())?;
        let is_all = self.s3_backup_mode.as_deref() == Some(ALL);
        plan_endpoint(place, self.buffering_hints.as_ref(), is_all, processors, Endpoint::OpenSearch(cluster))
    }
}

fn plan_cluster(cluster: &OpenSearchConfiguration) -> Result<String, Fault> {
    match (&cluster.cluster_endpoint, &cluster.domain_arn) {
        (Some(_), Some(_)) => Err(invalid(
            "Cannot provide both Elasticsearch cluster endpoint and domain ARN. Provide either the cluster endpoint or \
             domain arn.",
        )),
        (None, None) => Err(invalid("Provide either the Elasticsearch cluster endpoint or domain arn.")),
        (None, Some(_)) => Err(invalid("DomainARN is not supported by this server; give the URL as ClusterEndpoint.")),
        (Some(url), None) if url::is_url(url) => Ok(url.clone()),
        (Some(url), None) => Err(invalid(format!("ClusterEndpoint {url} is not a URL of a host."))),
    }
}

fn plan_rotation(period: Option<&str>) -> IndexRotation {
    match period {
        Some("NoRotation") => IndexRotation::NoRotation,
        Some("OneHour") => IndexRotation::OneHour,
        Some("OneWeek") => IndexRotation::OneWeek,
        Some("OneMonth") => IndexRotation::OneMonth,
        _ => IndexRotation::OneDay,
    }
}
