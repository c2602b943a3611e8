//! The catalog in redb, an embedded ACID database.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

use crate::catalog::{Catalog, Change};
use crate::error::CatalogError;

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("catalog");
/// The catalog holds definitions and checkpoints, so a small cache is enough.
const CACHE_BYTES: usize = 16 << 20;

/// The catalog of a data directory.
pub(crate) struct RedbCatalog {
    database: Database,
}

impl RedbCatalog {
    /// Opens or creates the database at `path`, repairing it after a crash.
    ///
    /// # Errors
    /// `Storage` as the database says.
    pub(crate) fn open(path: &Path) -> Result<Self, CatalogError> {
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(failed)?;
        let transaction = database.begin_write().map_err(failed)?;
        transaction.open_table(TABLE).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Self { database })
    }
}

fn failed(error: impl std::error::Error) -> CatalogError {
    CatalogError::Storage { reason: error.to_string() }
}

impl Catalog for RedbCatalog {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CatalogError> {
        let table = self.database.begin_read().map_err(failed)?.open_table(TABLE).map_err(failed)?;
        Ok(table.get(key).map_err(failed)?.map(|value| value.value().to_vec()))
    }

    fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, CatalogError> {
        let table = self.database.begin_read().map_err(failed)?.open_table(TABLE).map_err(failed)?;
        let mut rows = Vec::new();
        for row in table.range(prefix..).map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            if !key.value().starts_with(prefix) {
                break;
            }
            rows.push((key.value().to_owned(), value.value().to_vec()));
        }
        Ok(rows)
    }

    fn commit(&self, changes: &[Change]) -> Result<(), CatalogError> {
        let transaction = self.database.begin_write().map_err(failed)?;
        {
            let mut table = transaction.open_table(TABLE).map_err(failed)?;
            for change in changes {
                match change {
                    Change::Put { key, value } => table.insert(key.as_str(), value.as_slice()).map_err(failed)?,
                    Change::Delete { key } => table.remove(key.as_str()).map_err(failed)?,
                };
            }
        }
        transaction.commit().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_found_again_and_scans_stay_within_their_prefix() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.redb");
        let catalog = RedbCatalog::open(&path).unwrap();
        catalog.commit(&[Change::put("a/1", &1), Change::put("a/2", &2), Change::put("b/1", &3)]).unwrap();
        catalog.commit(&[Change::delete("a/1"), Change::delete("missing"), Change::put("a/3", &4)]).unwrap();
        drop(catalog);
        let catalog = RedbCatalog::open(&path).unwrap();
        let rows: Vec<(String, u32)> = crate::catalog::scan(&catalog, "a/").unwrap();
        assert_eq!(rows, [("a/2".to_owned(), 2), ("a/3".to_owned(), 4)]);
        assert_eq!(catalog.get("a/1").unwrap(), None);
        assert_eq!(crate::catalog::get::<u32>(&catalog, "b/1").unwrap(), Some(3));
    }
}
