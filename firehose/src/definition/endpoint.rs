//! Destinations that are not object stores.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where records go that do not, or not only, become objects. What fails there goes to the destination's bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// An HTTP endpoint.
    Http(HttpEndpoint),
    /// A Splunk HTTP event collector.
    Splunk(SplunkEndpoint),
    /// An OpenSearch or Elasticsearch cluster.
    OpenSearch(OpenSearchEndpoint),
    /// A Redshift cluster, which copies from the destination's bucket; or a PostgreSQL server.
    Redshift(RedshiftEndpoint),
    /// Tables of an Iceberg catalog.
    Iceberg(IcebergEndpoint),
}

/// A text that never shows in logs.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Source: Firehose API Reference, "HttpEndpointDestinationConfiguration".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpEndpoint {
    /// The URL.
    pub url: String,
    /// A name for people.
    pub name: Option<String>,
    /// Sent as `X-Amz-Firehose-Access-Key`.
    pub access_key: Option<Secret>,
    /// Bodies are GZIP.
    pub is_gzip: bool,
    /// Sent in `X-Amz-Firehose-Common-Attributes`.
    pub common_attributes: Vec<(String, String)>,
    /// How long a delivery that fails is tried again.
    pub retry_seconds: u64,
}

/// Source: Firehose API Reference, "SplunkDestinationConfiguration".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplunkEndpoint {
    /// The URL of the collector, without a path.
    pub url: String,
    /// Records are events (`/services/collector`); otherwise raw text (`/services/collector/raw`).
    pub is_event: bool,
    /// The token.
    pub token: Secret,
    /// How long an acknowledgement is waited for.
    pub acknowledgment_seconds: u64,
    /// How long a delivery that fails is tried again.
    pub retry_seconds: u64,
}

/// How often an index gives way to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexRotation {
    /// Never.
    NoRotation,
    /// Every hour.
    OneHour,
    /// Every day.
    #[default]
    OneDay,
    /// Every week.
    OneWeek,
    /// Every month.
    OneMonth,
}

/// Source: Firehose API Reference, "AmazonopensearchserviceDestinationConfiguration".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSearchEndpoint {
    /// The URL of the cluster.
    pub url: String,
    /// The index, before rotation.
    pub index: String,
    /// How often it rotates.
    pub rotation: IndexRotation,
    /// The type of documents, for servers before version 7.
    pub type_name: Option<String>,
    /// Documents get an id of ours, so that sending one again does no harm.
    pub has_document_id: bool,
    /// How long a delivery that fails is tried again.
    pub retry_seconds: u64,
}

/// Source: Firehose API Reference, "RedshiftDestinationConfiguration".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedshiftEndpoint {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// The table.
    pub table: String,
    /// Its columns, separated by commas; empty for all.
    pub columns: String,
    /// The options of `COPY`.
    pub copy_options: String,
    /// The role that Redshift reads the bucket with.
    pub role_arn: String,
    /// How long a load that fails is tried again.
    pub retry_seconds: u64,
}

/// Source: Firehose API Reference, "IcebergDestinationConfiguration".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IcebergEndpoint {
    /// The catalog's ARN; its REST endpoint is configured.
    pub catalog_arn: String,
    /// Where the tables' files are, `s3://BUCKET/PREFIX`, for tables that are created.
    pub warehouse: Option<String>,
    /// The tables; with several, records name theirs by metadata extraction or their transformation.
    pub tables: Vec<IcebergTable>,
    /// Tables that are not there are created.
    pub creates_tables: bool,
    /// Columns that are not there are added.
    pub evolves_schemas: bool,
    /// How long a commit that fails is tried again.
    pub retry_seconds: u64,
}

/// Source: Firehose API Reference, "DestinationTableConfiguration".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IcebergTable {
    /// The database, the catalog's namespace.
    pub database: String,
    /// The table.
    pub name: String,
    /// Columns whose values divide the files of a table that is created.
    pub partition_columns: Vec<String>,
    /// The prefix of its failed records.
    pub error_prefix: String,
}

impl Endpoint {
    /// How long a delivery that fails is tried again, in seconds.
    pub fn retry_seconds(&self) -> u64 {
        match self {
            Self::Http(http) => http.retry_seconds,
            Self::Splunk(splunk) => splunk.retry_seconds,
            Self::OpenSearch(cluster) => cluster.retry_seconds,
            Self::Redshift(cluster) => cluster.retry_seconds,
            Self::Iceberg(catalog) => catalog.retry_seconds,
        }
    }
}
