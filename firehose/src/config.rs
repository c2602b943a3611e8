//! The options of delivery streams, as they stand in a configuration file under `[firehose]`.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

pub use crate::endpoint::Options as EndpointOptions;
use crate::limits::COLUMNS_MAX;
use crate::schema::{ClashPolicy, Field, Schema, Type, TypeError};

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
    /// The columns of tables that a SchemaConfiguration may name and that the Glue catalog does not have, by
    /// `DATABASE.TABLE`.
    pub tables: BTreeMap<String, Table>,
    /// How HTTP endpoints, Splunk and OpenSearch are called.
    pub endpoints: EndpointOptions,
    /// What differs for the delivery streams of a name, in every account and region.
    pub streams: BTreeMap<String, StreamOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enforce: true,
            memory_budget: ByteSize::mib(512),
            on_clash: ClashPolicy::default(),
            tables: BTreeMap::new(),
            endpoints: EndpointOptions::default(),
            streams: BTreeMap::new(),
        }
    }
}

/// What differs for one delivery stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StreamOptions {
    /// Overrides [`Options::enforce`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce: Option<bool>,
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
    fn all_problems_are_told_at_once() {
        let text = r#"{"memory-budget":"1 MiB","tables":{"a.b":{"columns":[{"name":"x","type":"bigger"}]},
            "c.d":{"columns":[]},"e.f":{"columns":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}}}"#;
        let options: Options = serde_json::from_str(text).unwrap();
        assert_eq!(options.problems().len(), 4, "{:?}", options.problems());
    }
}
