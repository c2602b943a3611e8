//! What is done with the versions of tables.

use shard_store::catalog::Change;

use super::index::TableEntry;
use super::record::{Snapshot, StoredTable};
use super::tables::{table_key, version_key};
use super::{Catalog, Error, Place, Totals, page, put};
use crate::page::{Page, PageRequest};

impl Catalog {
    /// A version of a table; the latest unless one is asked for.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `TableNotFound`, `VersionNotFound`, `Catalog`.
    pub(crate) fn version(
        &self,
        place: &Place,
        database: &str,
        name: &str,
        version: Option<&str>,
    ) -> Result<Snapshot, Error> {
        let index = self.index.read();
        let entry = index.database(place, database)?.table(name)?;
        let version = version.map_or(Ok(entry.version), |version| entry.find(name, version))?;
        self.read_version(place, database, name, entry, version)
    }

    /// The versions of a table, the latest first.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `TableNotFound`, `Catalog`.
    pub(crate) fn versions(
        &self,
        place: &Place,
        database: &str,
        name: &str,
        request: &PageRequest,
    ) -> Result<Page<Snapshot>, Error> {
        let index = self.index.read();
        let entry = index.database(place, database)?.table(name)?;
        let archived = entry.archived.iter().rev().map(|archived| (archived.version, archived.byte_count));
        let all = std::iter::once((entry.version, entry.byte_count)).chain(archived);
        // A token that was made up leads to the first page or to an empty one.
        let after = request.after.as_deref().map_or(u64::MAX, |after| after.parse().unwrap_or(0));
        let behind = all.filter(|(version, _)| *version < after);
        page(behind, request, |version| self.read_version(place, database, name, entry, *version))
    }

    /// Deletes a version that is not the latest.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `TableNotFound`, `VersionNotFound`, `VersionIsLatest`, `Catalog`.
    pub(crate) fn delete_version(&self, place: &Place, database: &str, name: &str, version: &str) -> Result<(), Error> {
        let mut index = self.index.write();
        let tables = &mut index.database_mut(place, database)?;
        let entry = tables.table(name)?;
        let version = entry.find(name, version)?;
        if version == entry.version {
            return Err(Error::VersionIsLatest { name: name.to_owned(), version });
        }
        let mut record: StoredTable = self.read_table(place, database, name)?;
        record.archived.retain(|archived| archived.version != version);
        let (change, byte_count) = put(table_key(place, database, name), &record);
        let changes = [change, Change::delete(version_key(place, database, name, version))];
        let changed = TableEntry::new(&record, byte_count);
        let [gained, lost] = [&changed, entry].map(|entry| Totals { bytes: entry.total_bytes(), ..Totals::default() });
        self.commit(&changes, gained, lost)?;
        tables.tables.insert(name.to_owned(), changed);
        Ok(())
    }

    fn read_version(
        &self,
        place: &Place,
        database: &str,
        name: &str,
        entry: &TableEntry,
        version: u64,
    ) -> Result<Snapshot, Error> {
        match version == entry.version {
            true => Ok(self.read_table(place, database, name)?.latest),
            false => self.read(&version_key(place, database, name, version)),
        }
    }
}

impl TableEntry {
    /// The version that a text names.
    fn find(&self, name: &str, version: &str) -> Result<u64, Error> {
        let number = version.parse().ok().filter(|number: &u64| number.to_string() == version);
        let is_there = |number: &u64| {
            *number == self.version || self.archived.binary_search_by_key(number, |archived| archived.version).is_ok()
        };
        let not_found = || Error::VersionNotFound { name: name.to_owned(), version: version.to_owned() };
        number.filter(is_there).ok_or_else(not_found)
    }
}
