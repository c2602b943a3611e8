//! What is done with databases.

use std::ops::Bound;

use shard_store::catalog::Change;

use super::index::DatabaseEntry;
use super::record::StoredDatabase;
use super::{Catalog, DATABASE, Error, Place, TABLE, Totals, VERSION, check_size, key, page, put};
use crate::model::DatabaseInput;
use crate::page::{Page, PageRequest};

impl Catalog {
    /// Creates a database, whose description has its name.
    ///
    /// # Errors
    /// `DatabaseExists`, `TooMany`, `Full`, `TooLarge`, `Catalog`.
    pub(crate) fn create_database(&self, place: &Place, input: DatabaseInput) -> Result<(), Error> {
        let name = input.name.clone().unwrap_or_default();
        check_size("database", &input)?;
        let mut index = self.index.write();
        let databases = index.databases.get(place);
        if databases.is_some_and(|databases| databases.contains_key(&name)) {
            return Err(Error::DatabaseExists { name });
        }
        if databases.is_some_and(|databases| databases.len() >= self.quotas.databases) {
            return Err(Error::TooMany { kind: "DATABASE", limit: self.quotas.databases });
        }
        let record = StoredDatabase { created_ms: self.now_ms(), input };
        let (change, byte_count) = put(database_key(place, &name), &record);
        let entry = DatabaseEntry { byte_count, ..DatabaseEntry::default() };
        self.commit(&[change], entry.totals(), Totals::default())?;
        index.databases.entry(place.clone()).or_default().insert(name, entry);
        Ok(())
    }

    /// A database.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `Catalog`.
    pub(crate) fn database(&self, place: &Place, name: &str) -> Result<StoredDatabase, Error> {
        let index = self.index.read();
        index.database(place, name)?;
        self.read(&database_key(place, name))
    }

    /// The databases of a place, in the order of their names.
    ///
    /// # Errors
    /// `Catalog`.
    pub(crate) fn databases(&self, place: &Place, request: &PageRequest) -> Result<Page<StoredDatabase>, Error> {
        let index = self.index.read();
        let Some(databases) = index.databases.get(place) else { return Ok(Page { items: Vec::new(), last: None }) };
        let from = request.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let behind = databases.range::<str, _>((from, Bound::Unbounded));
        let candidates = behind.map(|(name, entry)| (name, entry.byte_count));
        page(candidates, request, |name| self.read(&database_key(place, name)))
    }

    /// Replaces what describes a database; its name stays.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `Full`, `TooLarge`, `Catalog`.
    pub(crate) fn update_database(&self, place: &Place, name: &str, input: DatabaseInput) -> Result<(), Error> {
        check_size("database", &input)?;
        let mut index = self.index.write();
        let entry = index.database_mut(place, name)?;
        let key = database_key(place, name);
        let stored: StoredDatabase = self.read(&key)?;
        let (change, byte_count) = put(key, &StoredDatabase { input, ..stored });
        let [gained, lost] = [byte_count, entry.byte_count].map(|bytes| Totals { bytes, ..Totals::default() });
        self.commit(&[change], gained, lost)?;
        entry.byte_count = byte_count;
        Ok(())
    }

    /// Deletes a database with its tables and their versions.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `Catalog`.
    pub(crate) fn delete_database(&self, place: &Place, name: &str) -> Result<(), Error> {
        let mut index = self.index.write();
        let entry = index.database(place, name)?;
        let mut changes = vec![Change::delete(database_key(place, name))];
        for (table, entry) in &entry.tables {
            changes.extend(deletions(place, name, table, entry.archived.iter().map(|archived| archived.version)));
        }
        self.commit(&changes, Totals::default(), entry.totals())?;
        if let Some(databases) = index.databases.get_mut(place) {
            databases.remove(name);
        }
        Ok(())
    }
}

/// The changes that delete a table with these versions beside its latest.
pub(super) fn deletions(
    place: &Place,
    database: &str,
    table: &str,
    versions: impl Iterator<Item = u64>,
) -> impl Iterator<Item = Change> {
    let [account, region] = place.parts();
    let table_change = Change::delete(key(TABLE, [account, region, database, table]));
    let version_change =
        move |version: u64| Change::delete(key(VERSION, [account, region, database, table, &version.to_string()]));
    std::iter::once(table_change).chain(versions.map(version_change))
}

fn database_key(place: &Place, name: &str) -> String {
    let [account, region] = place.parts();
    key(DATABASE, [account, region, name])
}
