//! The options of delivery streams, as they stand in a configuration file under `[firehose]`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::convert::{ParquetOverrides, ParquetTuning};
pub use crate::endpoint::{CatalogOptions, DatabaseOptions, Options as EndpointOptions, TlsMode};
use crate::limits::COLUMNS_MAX;
pub use crate::notify::Options as NotifyOptions;
pub use crate::partitions::PartitionOptions;
use crate::schema::{ClashPolicy, Field, Schema, Type, TypeError};

/// The longest that one invocation of a function may take.
const FUNCTION_TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);

/// The options of all delivery streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// Whether the limits of direct puts are enforced: 2,000 calls, 5,000 records and 5 MiB a second. Switch it off for
    /// benchmarks, or where one machine should give all it has.
    pub enforce: bool,
    /// Memory that the objects in the making may take, of all delivery streams together.
    pub memory_budget: ByteSize,
    /// What becomes of a value whose type clashes with that of its inferred column: `error-prefix` or `json-column`.
    pub on_clash: ClashPolicy,
    /// How Parquet files are written, beyond what AWS's API can say.
    pub parquet: ParquetTuning,
    /// The columns of tables that a SchemaConfiguration may name and that the Glue catalog does not have, by
    /// `DATABASE.TABLE`.
    pub tables: BTreeMap<String, Table>,
    /// How HTTP endpoints, Splunk and OpenSearch are called.
    pub endpoints: EndpointOptions,
    /// The URLs of functions that transform records, by ARN or name.
    pub functions: BTreeMap<String, String>,
    /// How long one invocation of a function may take, from its first byte to the last of its answer.
    ///
    /// Source: Firehose Developer Guide, "Understand data transformation flow" (5 minutes).
    #[serde(with = "humantime_serde")]
    pub function_timeout: Duration,
    /// How the REST catalogs of Iceberg tables are reached, by their CatalogARN.
    pub iceberg: BTreeMap<String, CatalogOptions>,
    /// How Redshift clusters and PostgreSQL servers are connected to.
    pub redshift: DatabaseOptions,
    /// What differs for the delivery streams of a name, in every account and region.
    pub streams: BTreeMap<String, StreamOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enforce: true,
            memory_budget: ByteSize::mib(512),
            on_clash: ClashPolicy::default(),
            parquet: ParquetTuning::default(),
            tables: BTreeMap::new(),
            endpoints: EndpointOptions::default(),
            functions: BTreeMap::new(),
            function_timeout: Duration::from_secs(5 * 60),
            iceberg: BTreeMap::new(),
            redshift: DatabaseOptions::default(),
            streams: BTreeMap::new(),
        }
    }
}

/// What differs for one delivery stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StreamOptions {
    /// Overrides [`Options::enforce`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce: Option<bool>,
    /// Overrides members of [`Options::parquet`].
    #[serde(skip_serializing_if = "is_default")]
    pub parquet: ParquetOverrides,
    /// Where a JSON record has its event time, for `!{event-time:PATTERN}` and `lateness`: members of objects, with dots
    /// between them. A number is seconds, milliseconds or microseconds since the Unix epoch, by its magnitude; a text is
    /// RFC 3339 or `yyyy-MM-dd HH:mm:ss`, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time_column: Option<String>,
    /// A record goes to the late lane if its event time is further than this from its arrival, before or after.
    #[serde(with = "humantime_serde::option", skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Duration>,
    /// The prefix of objects of the late lane, with expressions; without one `late/` stands before the prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_prefix: Option<String>,
    /// What objects of data grow to, about: the buffer becomes as large as that takes, from its hint on, within half of
    /// [`Options::memory_budget`]. Its interval counts as ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_object_size: Option<ByteSize>,
    /// Where each object that lands is told, as S3 notifies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<NotifyOptions>,
    /// What becomes of a partition: its small objects are merged, and it is closed with a manifest and a marker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionOptions>,
}

fn is_default(overrides: &ParquetOverrides) -> bool {
    *overrides == ParquetOverrides::default()
}

impl StreamOptions {
    fn problems(&self, name: &str) -> Vec<String> {
        let has_time = self.event_time_column.is_some();
        let cases = [
            (self.lateness.is_some() && !has_time, "lateness", "needs event-time-column"),
            (self.late_prefix.is_some() && self.lateness.is_none(), "late-prefix", "needs lateness"),
            (self.event_time_column.as_deref() == Some(""), "event-time-column", "is empty"),
            (self.target_object_size == Some(ByteSize(0)), "target-object-size", "is 0"),
        ];
        let told = cases.into_iter().filter(|(is_wrong, ..)| *is_wrong);
        let mut problems: Vec<String> =
            told.map(|(_, key, problem)| format!("firehose.streams.{name:?}.{key} {problem}")).collect();
        for (place, options) in self.notify.iter().enumerate() {
            let told = options.problems().into_iter();
            problems.extend(told.map(|problem| format!("firehose.streams.{name:?}.notify[{place}] {problem}")));
        }
        for (key, problem) in self.partitions.iter().flat_map(PartitionOptions::problems) {
            let dot = if key.is_empty() { "" } else { "." };
            problems.push(format!("firehose.streams.{name:?}.partitions{dot}{key} {problem}"));
        }
        problems
    }
}

/// The columns of a table: of one of a catalog, or in place of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Table {
    /// Its columns, in their order.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as Hive writes it: `bigint`, `array<struct<a:int,b:string>>`; `json` keeps any value as text.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The columns of a table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A type cannot be read.
    #[error("column {column}: {error}")]
    Type {
        /// The column.
        column: String,
        /// What is wrong with its type.
        error: TypeError,
    },
    /// Two columns have one name.
    #[error("column {column} is there twice")]
    Twice {
        /// The column.
        column: String,
    },
    /// There is no column.
    #[error("it has no columns")]
    Empty,
    /// There are too many.
    #[error("it has more than {COLUMNS_MAX} columns, those of structs counted")]
    TooMany,
}

impl Table {
    /// The table's schema, as version `version`.
    ///
    /// # Errors
    /// What is wrong with its columns.
    pub fn schema(&self, version: u32) -> Result<Schema, TableError> {
        let mut fields: Vec<Field> = Vec::new();
        if self.columns.len() > COLUMNS_MAX {
            return Err(TableError::TooMany);
        }
        for Column { name, kind } in &self.columns {
            if fields.iter().any(|field| field.name == *name) {
                return Err(TableError::Twice { column: name.clone() });
            }
            let kind: Type = kind.parse().map_err(|error| TableError::Type { column: name.clone(), error })?;
            fields.push(Field::new(name, kind));
        }
        let schema = Schema { version, fields };
        match schema.leaf_count() {
            0 => Err(TableError::Empty),
            1..=COLUMNS_MAX => Ok(schema),
            _ => Err(TableError::TooMany),
        }
    }
}

impl Options {
    /// Whether the limits of direct puts hold for the delivery streams called `name`.
    pub(crate) fn enforces(&self, name: &str) -> bool {
        self.streams.get(name).and_then(|stream| stream.enforce).unwrap_or(self.enforce)
    }

    /// What differs for the delivery streams called `name`.
    pub(crate) fn stream(&self, name: &str) -> StreamOptions {
        self.streams.get(name).cloned().unwrap_or_default()
    }

    /// Everything that is wrong with the options, each as a sentence with its key.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self
            .tables
            .iter()
            .filter_map(|(name, table)| table.schema(1).err().map(|error| format!("firehose.tables.{name:?}: {error}")))
            .collect();
        if self.memory_budget < ByteSize::mib(64) {
            problems.push(format!("firehose.memory-budget is {}; it must be at least 64 MiB", self.memory_budget));
        }
        problems.extend(self.endpoints.problems());
        problems.extend(self.functions.iter().filter_map(|(name, url)| {
            let is_http =
                url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            (!is_http).then(|| format!("firehose.functions.{name:?} is no http:// or https:// address"))
        }));
        let timeout = self.function_timeout;
        if timeout.is_zero() || timeout > FUNCTION_TIMEOUT_MAX {
            let text = humantime_serde::re::humantime::format_duration(timeout);
            problems.push(format!("firehose.function-timeout is {text}; it must be more than 0 and at most 1h"));
        }
        problems.extend(self.redshift.problems());
        problems.extend(self.parquet.problems("firehose.parquet"));
        for (name, stream) in &self.streams {
            problems.extend(stream.problems(name));
            // What is wrong with all is told once.
            let own = ParquetTuning::default().with(&stream.parquet);
            problems.extend(own.problems(&format!("firehose.streams.{name:?}.parquet")));
        }
        problems.extend(self.iceberg.iter().flat_map(|(arn, catalog)| catalog.problems(arn)));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_overridden_by_name() {
        let text = r#"{"on-clash":"json-column","memory-budget":"1 GiB","streams":{"bench":{"enforce":false}},
            "tables":{"db.clicks":{"columns":[{"name":"id","type":"bigint"},{"name":"tags","type":"array<string>"}]}}}"#;
        let options: Options = serde_json::from_str(text).unwrap();
        assert!(options.enforces("other") && !options.enforces("bench"));
        assert_eq!(options.on_clash, ClashPolicy::JsonColumn);
        assert_eq!(options.tables["db.clicks"].schema(3).unwrap().fields.len(), 2);
        assert_eq!(options.problems(), Vec::<String>::new());
        assert!(serde_json::from_str::<Options>(r#"{"enforced":true}"#).is_err());
    }

    #[test]
    fn parquet_is_tuned_for_all_and_for_one() {
        let text = r#"{"parquet":{"zstd-level":9,"sort-by":["user","at desc"]},
            "streams":{"a":{"parquet":{"page-index":true,"zstd-level":1}},"b":{"parquet":{"zstd-level":30,"row-group-rows":0}}}}"#;
        let options: Options = serde_json::from_str(text).unwrap();
        let tuning = options.parquet.with(&options.stream("a").parquet);
        assert_eq!((tuning.zstd_level, tuning.page_index, tuning.sort_by.len()), (1, true, 2));
        assert!(tuning.sort_by[1].is_descending && tuning.sort_by[1].column == "at");
        assert_eq!(options.parquet.with(&options.stream("other").parquet), options.parquet);
        let expected = [
            "firehose.streams.\"b\".parquet.zstd-level is 30; it must be from 1 to 22",
            "firehose.streams.\"b\".parquet.row-group-rows is 0; it must be at least 1",
        ];
        assert_eq!(options.problems(), expected);
        let error = serde_json::from_str::<Options>(r#"{"parquet":{"sort-by":[" desc"]}}"#).unwrap_err().to_string();
        assert!(error.contains("is no column to sort by"), "{error}");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let text = r#"{"memory-budget":"1 MiB","tables":{"a.b":{"columns":[{"name":"x","type":"bigger"}]},
            "c.d":{"columns":[]},"e.f":{"columns":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}}}"#;
        let options: Options = serde_json::from_str(text).unwrap();
        assert_eq!(options.problems().len(), 4, "{:?}", options.problems());
        let text = r#"{"function-timeout":"0s","functions":{"clean":"ftp://here"},
            "streams":{"a":{"lateness":"1h"},"b":{"late-prefix":"late/"},"c":{"event-time-column":""}}}"#;
        let options: Options = serde_json::from_str(text).unwrap();
        assert_eq!(options.problems().len(), 5, "{:?}", options.problems());
    }
}
