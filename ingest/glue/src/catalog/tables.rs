//! What is done with tables.

use std::ops::Bound;

use super::databases::deletions;
use super::index::TableEntry;
use super::record::{Archived, Snapshot, StoredTable};
use super::{Catalog, Error, Place, TABLE, Totals, VERSION, check_size, key, page, put};
use crate::model::TableInput;
use crate::page::{Page, PageRequest};

/// What the latest version of a table must be for an update to be made.
#[derive(Clone, Debug)]
pub(crate) enum VersionCheck {
    /// Whatever it is.
    Any,
    /// This one.
    Is(String),
}

/// A change of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableUpdate {
    /// What describes it from now on; it has the table's name.
    pub(crate) input: TableInput,
    /// What version it replaces.
    pub(crate) check: VersionCheck,
    /// Whether the version it replaces is kept.
    pub(crate) archives: bool,
}

fn bytes(bytes: u64) -> Totals {
    Totals { bytes, ..Totals::default() }
}

impl Catalog {
    /// Creates a table, whose description has its name. `creator` is who asked for it.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `TableExists`, `TooMany`, `Full`, `TooLarge`, `Catalog`.
    pub(crate) fn create_table(
        &self,
        place: &Place,
        database: &str,
        input: TableInput,
        creator: &str,
    ) -> Result<(), Error> {
        check_size("table", &input)?;
        let name = input.name.clone().unwrap_or_default();
        let mut index = self.index.write();
        let entry = index.database_mut(place, database)?;
        if entry.tables.contains_key(&name) {
            return Err(Error::TableExists { name });
        }
        if entry.tables.len() >= self.quotas.tables {
            return Err(Error::TooMany { kind: "TABLE", limit: self.quotas.tables });
        }
        let now_ms = self.now_ms();
        let created_by = creator.to_owned();
        let latest = Snapshot { version: 0, created_ms: now_ms, updated_ms: now_ms, created_by, input };
        let record = StoredTable { latest, archived: Vec::new() };
        let (change, byte_count) = put(table_key(place, database, &name), &record);
        self.commit(&[change], Totals { databases: 0, tables: 1, bytes: byte_count }, Totals::default())?;
        entry.tables.insert(name, TableEntry::new(&record, byte_count));
        Ok(())
    }

    /// A table in its latest version.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `TableNotFound`, `Catalog`.
    pub(crate) fn table(&self, place: &Place, database: &str, name: &str) -> Result<Snapshot, Error> {
        let index = self.index.read();
        index.database(place, database)?.table(name)?;
        Ok(self.read_table(place, database, name)?.latest)
    }

    /// The tables of a database that `is_wanted`, in the order of their names. A page may be short, and even empty, though
    /// there are more: it looks at so many names and no more.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `Catalog`.
    pub(crate) fn tables(
        &self,
        place: &Place,
        database: &str,
        request: &PageRequest,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Page<Snapshot>, Error> {
        let index = self.index.read();
        let tables = &index.database(place, database)?.tables;
        let from = request.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let behind = || tables.range::<str, _>((from, Bound::Unbounded));
        let looked_at = behind().take(self.quotas.page_names);
        let wanted = looked_at.filter(|(name, _)| is_wanted(name)).map(|(name, entry)| (name, entry.byte_count));
        let read = |name: &&String| self.read_table(place, database, name).map(|table| table.latest);
        let mut page = page(wanted, request, read)?;
        if page.last.is_none() && behind().nth(self.quotas.page_names).is_some() {
            page.last = behind().take(self.quotas.page_names).last().map(|(name, _)| name.clone());
        }
        Ok(page)
    }

    /// Changes a table: a new version is its latest.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `TableNotFound`, `Changed`, `TooMany`, `Full`, `TooLarge`, `Catalog`.
    pub(crate) fn update_table(
        &self,
        place: &Place,
        database: &str,
        name: &str,
        update: TableUpdate,
    ) -> Result<(), Error> {
        check_size("table", &update.input)?;
        let mut index = self.index.write();
        let entry = index.database_mut(place, database)?;
        let before = entry.table(name)?.byte_count;
        let StoredTable { latest, mut archived } = self.read_table(place, database, name)?;
        if let VersionCheck::Is(expected) = update.check
            && expected != latest.version.to_string()
        {
            return Err(Error::Changed { name: name.to_owned(), expected });
        }
        let mut changes = Vec::new();
        let mut gained = 0;
        if update.archives {
            if archived.len() + 1 >= self.quotas.versions {
                return Err(Error::TooMany { kind: "TABLE_VERSION", limit: self.quotas.versions });
            }
            let (change, byte_count) = put(version_key(place, database, name, latest.version), &latest);
            archived.push(Archived { version: latest.version, byte_count });
            changes.push(change);
            gained += byte_count;
        }
        let (version, updated_ms) = (latest.version + 1, self.now_ms());
        let latest = Snapshot { version, updated_ms, input: update.input, ..latest };
        let record = StoredTable { latest, archived };
        let (change, byte_count) = put(table_key(place, database, name), &record);
        changes.push(change);
        self.commit(&changes, bytes(gained + byte_count), bytes(before))?;
        entry.tables.insert(name.to_owned(), TableEntry::new(&record, byte_count));
        Ok(())
    }

    /// Deletes a table with its versions.
    ///
    /// # Errors
    /// `DatabaseNotFound`, `TableNotFound`, `Catalog`.
    pub(crate) fn delete_table(&self, place: &Place, database: &str, name: &str) -> Result<(), Error> {
        let mut index = self.index.write();
        let tables = &mut index.database_mut(place, database)?;
        let entry = tables.table(name)?;
        let versions = entry.archived.iter().map(|archived| archived.version);
        let changes: Vec<_> = deletions(place, database, name, versions).collect();
        self.commit(&changes, Totals::default(), Totals { databases: 0, tables: 1, bytes: entry.total_bytes() })?;
        tables.tables.remove(name);
        Ok(())
    }

    pub(super) fn read_table(&self, place: &Place, database: &str, name: &str) -> Result<StoredTable, Error> {
        self.read(&table_key(place, database, name))
    }
}

pub(super) fn table_key(place: &Place, database: &str, name: &str) -> String {
    let [account, region] = place.parts();
    key(TABLE, [account, region, database, name])
}

pub(super) fn version_key(place: &Place, database: &str, name: &str, version: u64) -> String {
    let [account, region] = place.parts();
    key(VERSION, [account, region, database, name, &version.to_string()])
}
