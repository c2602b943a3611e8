//! The catalog as delivery streams see it: the columns of a table, in the version they ask for.
//!
//! Columns are those of the storage descriptor. Partition keys are not among them: they are in the names of objects, not in
//! the objects.

use firehose::config::{Column, Table};
use firehose::schema::{TableKey, TableLookupError, Tables};
use shard_store::error::CatalogError;

use super::{Catalog, Error, Place};

impl Tables for Catalog {
    fn columns(&self, key: &TableKey) -> Result<Table, TableLookupError> {
        let place = Place { account: key.account.clone(), region: key.region.clone() };
        let [database, table] = [&key.database, &key.table].map(|name| name.to_lowercase());
        let found = self.version(&place, &database, &table, key.version.as_deref()).map_err(lookup_error)?;
        let columns = found.input.storage_descriptor.and_then(|descriptor| descriptor.columns).unwrap_or_default();
        let column = |column: crate::model::Column| Column {
            name: column.name.unwrap_or_default(),
            kind: column.kind.unwrap_or_default(),
        };
        Ok(Table { columns: columns.0.into_iter().map(column).collect() })
    }
}

fn lookup_error(error: Error) -> TableLookupError {
    match error {
        Error::DatabaseNotFound { name } => TableLookupError::DatabaseNotFound { database: name },
        Error::TableNotFound { name } => TableLookupError::TableNotFound { table: name },
        Error::VersionNotFound { name, version } => TableLookupError::VersionNotFound { table: name, version },
        Error::Catalog(error) => TableLookupError::Catalog(error),
        other => TableLookupError::Catalog(CatalogError::Storage { reason: other.to_string() }),
    }
}
