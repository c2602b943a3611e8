//! Tables of a catalog, which give delivery streams their columns.
//!
//! A catalog is anything that implements [`Tables`]: the Glue front door's, and the tables of the configuration. They are
//! asked in turn, see [`TableSchemas`]. A delivery stream asks its [`TableSource`] for the schema before each delivery, so that it follows a table that changes, unless it was told a version to stay at.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use shard_store::error::CatalogError;
use shard_store::stream::StreamKey;

use super::Schema;
use crate::config::{Table, TableError};
use crate::definition::Definition;
use crate::error_output::CatalogTable;

/// The version that stands for whatever is the latest. Source: Firehose API Reference, "SchemaConfiguration".
pub const LATEST: &str = "LATEST";

/// A table of a catalog, and which of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableKey {
    /// The account whose catalog it is in.
    pub account: String,
    /// The region of the catalog.
    pub region: String,
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The version, as the catalog names it; the latest if there is none.
    pub version: Option<String>,
}

impl TableKey {
    /// The table that a delivery stream called `owner` names. Its catalog and region are the owner's unless they are given.
    pub fn new(table: &CatalogTable, owner: &StreamKey) -> Self {
        let or = |part: &Option<String>, default: &str| part.clone().unwrap_or_else(|| default.to_owned());
        Self {
            account: or(&table.catalog_id, &owner.account),
            region: or(&table.region, &owner.region),
            database: or(&table.database_name, ""),
            table: or(&table.table_name, ""),
            version: table.version_id.clone().filter(|version| version != LATEST),
        }
    }
}

impl fmt::Display for TableKey {
    /// The name under which the configuration has the table: `DATABASE.TABLE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

/// A table is not there, or its catalog cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TableLookupError {
    /// There is no such database.
    #[error("Database {database} not found.")]
    DatabaseNotFound {
        /// The database.
        database: String,
    },
    /// There is no such table in the database.
    #[error("Table {table} not found.")]
    TableNotFound {
        /// The table.
        table: String,
    },
    /// The table has no such version.
    #[error("Version {version} of table {table} not found.")]
    VersionNotFound {
        /// The table.
        table: String,
        /// The version.
        version: String,
    },
    /// The catalog is another account's, and nothing lets anybody else look into it.
    #[error(
        "Access was denied when calling Glue. Please ensure that the role specified in the data format conversion \
         configuration has the necessary permissions."
    )]
    Denied,
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// The schema of a table cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TableSchemaError {
    /// The table is not there, or its catalog cannot be read.
    #[error(transparent)]
    Lookup(#[from] TableLookupError),
    /// Its columns cannot be used.
    #[error(transparent)]
    Columns(#[from] TableError),
}

/// A catalog of tables.
pub trait Tables: Send + Sync + 'static {
    /// The columns of a table. May block on the disk.
    ///
    /// # Errors
    /// See [`TableLookupError`].
    fn columns(&self, key: &TableKey) -> Result<Table, TableLookupError>;
}

/// The tables of a configuration, by `DATABASE.TABLE`: the same ones in every account and region, without versions.
impl Tables for BTreeMap<String, Table> {
    fn columns(&self, key: &TableKey) -> Result<Table, TableLookupError> {
        match (self.get(&key.to_string()), &key.version) {
            (None, _) => Err(TableLookupError::TableNotFound { table: key.table.clone() }),
            (Some(table), None) => Ok(table.clone()),
            (Some(_), Some(version)) => {
                Err(TableLookupError::VersionNotFound { table: key.table.clone(), version: version.clone() })
            }
        }
    }
}

/// The catalogs that schemas come from.
#[derive(Clone)]
pub struct TableSchemas {
    catalog: Arc<dyn Tables>,
    configured: Arc<BTreeMap<String, Table>>,
    /// The delivery streams of which it was said that their table cannot be had: once is enough.
    missed: Arc<Mutex<HashSet<StreamKey>>>,
}

impl TableSchemas {
    /// The tables of `catalog`; where it has none of a name, those of the configuration.
    pub fn new(catalog: Arc<dyn Tables>, configured: BTreeMap<String, Table>) -> Self {
        Self { catalog, configured: Arc::new(configured), missed: Arc::default() }
    }

    /// The schema of a table as it is now, as version `version` of the delivery stream's, which belongs to `account`.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// See [`TableSchemaError`]. Of a table that is nowhere, the catalog's own error.
    pub fn schema(&self, key: &TableKey, account: &str, version: u32) -> Result<Schema, TableSchemaError> {
        let found = if key.account == account { self.catalog.columns(key) } else { Err(TableLookupError::Denied) };
        let columns = match found {
            Ok(columns) => columns,
            Err(error @ TableLookupError::Catalog(_)) => return Err(error.into()),
            Err(not_found) => self.configured.columns(key).map_err(|_| not_found)?,
        };
        Ok(columns.schema(version)?)
    }
}

/// The table that gives a delivery stream its columns.
pub struct TableSource {
    tables: TableSchemas,
    key: TableKey,
    owner: StreamKey,
}

impl TableSource {
    /// The table that a delivery stream names, if it does.
    pub fn new(tables: &TableSchemas, definition: &Definition) -> Option<Self> {
        let table = definition.destination.conversion.as_ref()?.table.as_ref()?;
        let (key, owner) = (TableKey::new(table, &definition.key), definition.key.clone());
        Some(Self { tables: tables.clone(), key, owner })
    }

    /// The table's name.
    pub fn key(&self) -> &TableKey {
        &self.key
    }

    /// The schema of the table as it is now, as version `version`. Blocks on the disk.
    ///
    /// # Errors
    /// See [`TableSchemaError`].
    pub fn schema(&self, version: u32) -> Result<Schema, TableSchemaError> {
        self.tables.schema(&self.key, &self.owner.account, version)
    }

    /// The schema to make the next objects with: `last` if the table has the same columns still, otherwise its successor.
    /// It is `last` as well if the table cannot be had any more, which is logged. Blocks on the disk.
    ///
    /// The result is to be stored under [`Definition::schema_key`] if it is not `last`, and in the intent whose objects
    /// are made with it, so that they are made with it again.
    pub fn current(&self, last: &Schema) -> Schema {
        let found = self.schema(last.version.saturating_add(1));
        let is_news = match &found {
            Ok(_) => self.tables.missed.lock().remove(&self.owner),
            Err(_) => self.tables.missed.lock().insert(self.owner.clone()),
        };
        match found {
            Ok(found) if found.fields == last.fields => last.clone(),
            Ok(found) => {
                tracing::info!(delivery_stream = %self.owner, table = %self.key, version = found.version, "took the table's columns");
                found
            }
            Err(error) if !is_news => {
                tracing::debug!(delivery_stream = %self.owner, table = %self.key, %error, "the table is still missing");
                last.clone()
            }
            Err(error) => {
                tracing::warn!(
                    delivery_stream = %self.owner, table = %self.key, %error,
                    "the table's columns cannot be had any more; going on with those it had"
                );
                last.clone()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Column;

    fn table(columns: &[(&str, &str)]) -> Table {
        let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: (*kind).to_owned() };
        Table { columns: columns.iter().map(column).collect() }
    }

    fn named(database: &str, table: &str) -> CatalogTable {
        CatalogTable {
            catalog_id: None,
            database_name: Some(database.to_owned()),
            table_name: Some(table.to_owned()),
            region: None,
            version_id: Some(LATEST.to_owned()),
        }
    }

    fn owner() -> StreamKey {
        StreamKey::new("123456789012", "us-east-1", "clicks")
    }

    /// A catalog of one table that changes.
    #[derive(Default)]
    struct One(Mutex<Option<Table>>);

    impl Tables for One {
        fn columns(&self, key: &TableKey) -> Result<Table, TableLookupError> {
            let found = self.0.lock().clone().filter(|_| key.to_string() == "web.clicks");
            found.ok_or_else(|| TableLookupError::TableNotFound { table: key.table.clone() })
        }
    }

    #[test]
    fn catalog_and_region_are_the_owners_unless_given() {
        let key = TableKey::new(&named("web", "clicks"), &owner());
        assert_eq!((key.account.as_str(), key.region.as_str()), ("123456789012", "us-east-1"));
        assert_eq!((key.to_string().as_str(), key.version), ("web.clicks", None));
        let elsewhere = CatalogTable {
            catalog_id: Some("000000000001".to_owned()),
            region: Some("eu-west-1".to_owned()),
            version_id: Some("7".to_owned()),
            ..named("web", "clicks")
        };
        let key = TableKey::new(&elsewhere, &owner());
        assert_eq!((key.account.as_str(), key.region.as_str()), ("000000000001", "eu-west-1"));
        assert_eq!(key.version.as_deref(), Some("7"));
    }

    #[test]
    fn the_catalog_comes_before_the_configuration() {
        let catalog = Arc::new(One(Mutex::new(Some(table(&[("a", "int")])))));
        let configured = [("web.clicks", table(&[("b", "int")])), ("web.views", table(&[("c", "int")]))];
        let configured = configured.map(|(name, table)| (name.to_owned(), table)).into();
        let tables = TableSchemas::new(Arc::clone(&catalog) as Arc<dyn Tables>, configured);
        let first = |name: &str, account: &str| {
            let key = TableKey::new(&named("web", name), &owner());
            let schema = tables.schema(&key, account, 1);
            schema.map(|schema| schema.fields[0].name.clone()).map_err(|error| error.to_string())
        };
        assert_eq!(first("clicks", "123456789012").as_deref(), Ok("a"));
        assert_eq!(first("views", "123456789012").as_deref(), Ok("c"));
        assert_eq!(first("orders", "123456789012").unwrap_err(), "Table orders not found.");
        *catalog.0.lock() = None;
        assert_eq!(first("clicks", "123456789012").as_deref(), Ok("b"));
    }

    #[test]
    fn the_catalog_of_another_account_is_closed() {
        let catalog = Arc::new(One(Mutex::new(Some(table(&[("a", "int")])))));
        let configured = [("web.clicks".to_owned(), table(&[("b", "int")]))].into();
        let closed = TableSchemas::new(Arc::clone(&catalog) as Arc<dyn Tables>, BTreeMap::new());
        let open = TableSchemas::new(catalog, configured);
        let key = TableKey::new(&named("web", "clicks"), &owner());
        let denied = closed.schema(&key, "000000000001", 1).unwrap_err();
        assert!(denied.to_string().starts_with("Access was denied when calling Glue."), "{denied}");
        assert_eq!(
            open.schema(&key, "000000000001", 1).unwrap().fields[0].name,
            "b",
            "the configuration is everybody's"
        );
    }

    #[test]
    fn a_configured_table_has_no_versions() {
        let tables =
            TableSchemas::new(Arc::new(BTreeMap::new()), [("web.clicks".to_owned(), table(&[("a", "int")]))].into());
        let pinned = CatalogTable { version_id: Some("0".to_owned()), ..named("web", "clicks") };
        assert!(tables.schema(&TableKey::new(&pinned, &owner()), "123456789012", 1).is_err());
    }

    #[test]
    fn a_schema_follows_its_table_and_outlives_it() {
        let catalog = Arc::new(One(Mutex::new(Some(table(&[("a", "int")])))));
        let source = TableSource {
            tables: TableSchemas::new(Arc::clone(&catalog) as Arc<dyn Tables>, BTreeMap::new()),
            key: TableKey::new(&named("web", "clicks"), &owner()),
            owner: owner(),
        };
        let first = source.current(&Schema::default());
        assert_eq!((first.version, first.fields.len()), (1, 1));
        assert_eq!(source.current(&first), first, "the same columns are the same schema");
        *catalog.0.lock() = Some(table(&[("a", "int"), ("b", "string")]));
        let second = source.current(&first);
        assert_eq!((second.version, second.fields.len()), (2, 2));
        for columns in [None, Some(table(&[("a", "no such type")]))] {
            *catalog.0.lock() = columns;
            assert_eq!(source.current(&second), second, "what cannot be had changes nothing");
        }
        *catalog.0.lock() = Some(table(&[("a", "int")]));
        assert_eq!(source.current(&second).version, 3);
    }
}
