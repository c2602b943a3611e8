//! What is there, by name, without what describes it: enough to list, to count, and to find the records of what is deleted.

use std::collections::BTreeMap;

use super::record::{Archived, StoredTable};
use super::{Error, Place};

/// The databases and tables of all accounts.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) databases: BTreeMap<Place, BTreeMap<String, DatabaseEntry>>,
}

/// A database.
#[derive(Debug, Default)]
pub(super) struct DatabaseEntry {
    /// Of its own record.
    pub(super) byte_count: u64,
    pub(super) tables: BTreeMap<String, TableEntry>,
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct TableEntry {
    /// Of its own record.
    pub(super) byte_count: u64,
    pub(super) version: u64,
    pub(super) archived: Vec<Archived>,
}

impl TableEntry {
    pub(super) fn new(table: &StoredTable, byte_count: u64) -> Self {
        Self { byte_count, version: table.latest.version, archived: table.archived.clone() }
    }

    pub(super) fn total_bytes(&self) -> u64 {
        self.byte_count + self.archived.iter().map(|archived| archived.byte_count).sum::<u64>()
    }
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) databases: u64,
    pub(super) tables: u64,
    pub(super) bytes: u64,
}

impl DatabaseEntry {
    pub(super) fn totals(&self) -> Totals {
        let table_bytes = self.tables.values().map(TableEntry::total_bytes).sum::<u64>();
        Totals { databases: 1, tables: self.tables.len() as u64, bytes: self.byte_count + table_bytes }
    }

    pub(super) fn table(&self, name: &str) -> Result<&TableEntry, Error> {
        self.tables.get(name).ok_or_else(|| Error::TableNotFound { name: name.to_owned() })
    }
}

impl Index {
    pub(super) fn database(&self, place: &Place, name: &str) -> Result<&DatabaseEntry, Error> {
        let databases = self.databases.get(place);
        let database = databases.and_then(|databases| databases.get(name));
        database.ok_or_else(|| Error::DatabaseNotFound { name: name.to_owned() })
    }

    pub(super) fn database_mut(&mut self, place: &Place, name: &str) -> Result<&mut DatabaseEntry, Error> {
        let databases = self.databases.get_mut(place);
        let database = databases.and_then(|databases| databases.get_mut(name));
        database.ok_or_else(|| Error::DatabaseNotFound { name: name.to_owned() })
    }
}
