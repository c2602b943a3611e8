//! The configuration of a destination: its constraints, what it means to the library, and how it is described.
//!
//! A file for each kind of destination, and one for each thing that several kinds have.

mod buffering;
mod conversion;
mod form;
mod http_endpoint;
mod iceberg;
mod location;
mod merge;
mod opensearch;
mod partitioning;
mod processing;
mod redshift;
mod s3;
mod splunk;
mod url;

use firehose::definition::{Destination, Endpoint, Processor};
use ingest_core::{Code, Fault, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::destination::{
    BufferingHints, HttpEndpointConfiguration, IcebergConfiguration, OpenSearchConfiguration, RedshiftConfiguration,
    S3Configuration, SplunkConfiguration, Switch,
};
use form::Form;

pub(crate) use location::refuse_extended_members;

const DISABLED: &str = "Disabled";
const ENABLED: &str = "Enabled";

/// What members of a description are called that are called otherwise in a configuration.
const DESCRIBED_AS: &[(&str, &str)] =
    &[("S3Configuration", "S3DestinationDescription"), ("S3BackupConfiguration", "S3BackupDescription")];

/// A fault of a configuration whose members do not fit.
pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(Code::InvalidArgument, message.into())
}

/// A member that would be stored without effect.
pub(crate) fn unsupported(member: &str) -> Fault {
    invalid(format!("{member} is not supported by this server."))
}

/// The configuration of one kind of destination.
trait Shape {
    /// Puts the model's constraints upon the members.
    fn validate(&self, form: Form<'_>);

    /// Fills in the defaults.
    fn fill(&mut self) -> Result<(), Fault>;

    /// What valid and filled members mean.
    fn plan(&self) -> Result<Destination, Fault>;
}

/// The kinds of destinations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A bucket. Configurations that were stored before there were others do not say so.
    #[default]
    S3,
    Redshift,
    Elasticsearch,
    OpenSearch,
    Splunk,
    HttpEndpoint,
    Iceberg,
}

impl Kind {
    /// The members of a `DestinationDescription` that describe it.
    fn described_as(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["S3DestinationDescription", "ExtendedS3DestinationDescription"],
            Self::Redshift => &["RedshiftDestinationDescription"],
            Self::Elasticsearch => &["ElasticsearchDestinationDescription"],
            Self::OpenSearch => &["AmazonopensearchserviceDestinationDescription"],
            Self::Splunk => &["SplunkDestinationDescription"],
            Self::HttpEndpoint => &["HttpEndpointDestinationDescription"],
            Self::Iceberg => &["IcebergDestinationDescription"],
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Redshift => "Redshift",
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "Amazonopensearchservice",
            Self::Splunk => "Splunk",
            Self::HttpEndpoint => "HttpEndpoint",
            Self::Iceberg => "Iceberg",
        }
    }

    /// Whether an update may put another of these in its place.
    pub(crate) fn is_replaceable(self) -> bool {
        matches!(self, Self::S3 | Self::Redshift | Self::Splunk)
    }
}

/// A configuration of a destination, or an update of one.
#[derive(Clone, Debug)]
pub(crate) enum Configuration {
    S3(Box<S3Configuration>),
    Redshift(Box<RedshiftConfiguration>),
    Elasticsearch(Box<OpenSearchConfiguration>),
    OpenSearch(Box<OpenSearchConfiguration>),
    Splunk(Box<SplunkConfiguration>),
    HttpEndpoint(Box<HttpEndpointConfiguration>),
    Iceberg(Box<IcebergConfiguration>),
}

impl Configuration {
    /// The configuration that a member of a request holds, if it is there.
    pub(crate) fn take<T>(member: &mut Option<T>, of_kind: fn(Box<T>) -> Self) -> Option<Self> {
        member.take().map(|configuration| of_kind(Box::new(configuration)))
    }

    /// A configuration as it was stored.
    ///
    /// # Errors
    /// `InternalFailure` if it is none of this kind.
    pub(crate) fn read(kind: Kind, stored: Value) -> Result<Self, Fault> {
        fn read<T: for<'de> Deserialize<'de>>(stored: Value) -> Result<Box<T>, Fault> {
            serde_json::from_value(stored).map(Box::new).map_err(Fault::internal)
        }
        Ok(match kind {
            Kind::S3 => Self::S3(read(stored)?),
            Kind::Redshift => Self::Redshift(read(stored)?),
            Kind::Elasticsearch => Self::Elasticsearch(read(stored)?),
            Kind::OpenSearch => Self::OpenSearch(read(stored)?),
            Kind::Splunk => Self::Splunk(read(stored)?),
            Kind::HttpEndpoint => Self::HttpEndpoint(read(stored)?),
            Kind::Iceberg => Self::Iceberg(read(stored)?),
        })
    }

    /// The configuration to store: what is given of it.
    ///
    /// # Errors
    /// `InternalFailure`, which no configuration brings about.
    pub(crate) fn to_value(&self) -> Result<Value, Fault> {
        let value = match self {
            Self::S3(s3) => serde_json::to_value(s3),
            Self::Redshift(redshift) => serde_json::to_value(redshift),
            Self::Elasticsearch(cluster) | Self::OpenSearch(cluster) => serde_json::to_value(cluster),
            Self::Splunk(splunk) => serde_json::to_value(splunk),
            Self::HttpEndpoint(http) => serde_json::to_value(http),
            Self::Iceberg(iceberg) => serde_json::to_value(iceberg),
        };
        value.map(without_nulls).map_err(Fault::internal)
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::S3(_) => Kind::S3,
            Self::Redshift(_) => Kind::Redshift,
            Self::Elasticsearch(_) => Kind::Elasticsearch,
            Self::OpenSearch(_) => Kind::OpenSearch,
            Self::Splunk(_) => Kind::Splunk,
            Self::HttpEndpoint(_) => Kind::HttpEndpoint,
            Self::Iceberg(_) => Kind::Iceberg,
        }
    }

    fn shape(&self) -> &dyn Shape {
        match self {
            Self::S3(s3) => &**s3,
            Self::Redshift(redshift) => &**redshift,
            Self::Elasticsearch(cluster) | Self::OpenSearch(cluster) => &**cluster,
            Self::Splunk(splunk) => &**splunk,
            Self::HttpEndpoint(http) => &**http,
            Self::Iceberg(iceberg) => &**iceberg,
        }
    }

    fn shape_mut(&mut self) -> &mut dyn Shape {
        match self {
            Self::S3(s3) => &mut **s3,
            Self::Redshift(redshift) => &mut **redshift,
            Self::Elasticsearch(cluster) | Self::OpenSearch(cluster) => &mut **cluster,
            Self::Splunk(splunk) => &mut **splunk,
            Self::HttpEndpoint(http) => &mut **http,
            Self::Iceberg(iceberg) => &mut **iceberg,
        }
    }

    /// Puts the model's constraints upon the members; `member` is the configuration's own name in the request.
    pub(crate) fn validate(&self, validator: &mut Validator, member: &str, is_update: bool) {
        let mut path = member.to_owned();
        path.get_mut(..1).map(str::make_ascii_lowercase);
        self.shape().validate(Form::new(validator, path, is_update));
    }

    /// What a valid configuration means.
    ///
    /// # Errors
    /// `InvalidArgumentException`.
    pub(crate) fn plan(&self) -> Result<Destination, Fault> {
        let mut filled = self.clone();
        filled.shape_mut().fill()?;
        filled.shape().plan()
    }

    /// Lays an update of the same kind over it.
    ///
    /// # Errors
    /// `InternalFailure`, which no configuration brings about.
    pub(crate) fn merge(&self, update: &Self) -> Result<Self, Fault> {
        let mut merged = self.to_value()?;
        merge::merge(&mut merged, update.to_value()?);
        Self::read(self.kind(), merged)
    }

    /// The members of a `DestinationDescription`: the configuration with the defaults, without its secrets.
    ///
    /// # Errors
    /// `InternalFailure`, which no stored configuration brings about.
    pub(crate) fn describe(&self) -> Result<Map<String, Value>, Fault> {
        let mut filled = self.clone();
        filled.shape_mut().fill()?;
        let mut value = filled.to_value()?;
        if let Value::Object(members) = &mut value {
            for (name, described_as) in DESCRIBED_AS {
                if let Some(member) = members.remove(*name) {
                    members.insert((*described_as).to_owned(), member);
                }
            }
            members.remove("Password");
            if let Some(Value::Object(endpoint)) = members.get_mut("EndpointConfiguration") {
                endpoint.remove("AccessKey");
            }
        }
        Ok(self.kind().described_as().iter().map(|name| ((*name).to_owned(), value.clone())).collect())
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(name, member)| (name, without_nulls(member))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The one destination that a request gives.
///
/// # Errors
/// `InvalidArgumentException` if there is none, or several.
pub(crate) fn only_one<const N: usize>(
    given: [(&'static str, Option<Configuration>); N],
) -> Result<(&'static str, Configuration), Fault> {
    let mut given = given.into_iter().filter_map(|(member, configuration)| Some((member, configuration?)));
    match (given.next(), given.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(invalid("Exactly one destination configuration is supported for a Firehose")),
    }
}

/// A destination that takes records, with the place of what it does not take.
fn plan_endpoint(
    place: Destination,
    hints: Option<&BufferingHints>,
    is_all_backed_up: bool,
    processors: Vec<Processor>,
    endpoint: Endpoint,
) -> Result<Destination, Fault> {
    let destination = Destination {
        buffer: buffering::plan(hints),
        backup: is_all_backed_up.then(|| location::backup(&place)),
        processors,
        endpoint: Some(endpoint),
        ..place
    };
    partitioning::check(&destination)?;
    Ok(destination)
}

/// Refuses the logging of delivery errors to CloudWatch: they are in the server's own log.
fn refuse_logging(options: Option<&Switch>) -> Result<(), Fault> {
    refuse_unless_off("CloudWatchLoggingOptions", options)
}

/// Refuses credentials that are kept elsewhere.
fn refuse_secrets(configuration: Option<&Switch>) -> Result<(), Fault> {
    refuse_unless_off("SecretsManagerConfiguration", configuration)
}

fn refuse_unless_off(member: &str, switch: Option<&Switch>) -> Result<(), Fault> {
    match switch {
        Some(switch) if switch.enabled != Some(false) => Err(unsupported(member)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
