//! [`Catalog`]: databases and tables, kept in the store.
//!
//! Names are in lower case, as Glue folds them; whoever asks may write them in any. A change is durable when it returns,
//! and whole or not at all. What describes a table stays on the disk; an index of names is in memory. The index is locked
//! while the disk is asked, so that what a caller sees is what was there at one moment. Methods block on the disk.
//!
//! An update makes a new version and keeps the one before, unless it is told not to; the latest version is the table.

mod databases;
mod error;
mod index;
mod key;
mod lookup;
mod record;
mod tables;
#[cfg(test)]
mod tests;
mod versions;

use parking_lot::{Mutex, RwLock};
use prometheus_client::registry::Registry;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shard_store::Store;
use shard_store::catalog::{self, Change};
use shard_store::error::CatalogError;

pub(crate) use error::Error;
use index::{DatabaseEntry, Index, TableEntry, Totals};
use key::key;
use record::StoredTable;
pub(crate) use record::{Snapshot, StoredDatabase};
pub(crate) use tables::{TableUpdate, VersionCheck};

use crate::limits::{ENTITY_BYTES_MAX, PAGE_BYTES_MAX, Quotas};
use crate::metrics::Metrics;
use crate::page::{Page, PageRequest};

const DATABASE: &str = "database";
const TABLE: &str = "table";
const VERSION: &str = "table-version";

/// An account and a region: each has databases of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
}

impl Place {
    fn parts(&self) -> [&str; 2] {
        [&self.account, &self.region]
    }
}

/// The data catalog of a store: databases, tables and the versions of tables, by account and region.
pub struct Catalog {
    store: Store,
    quotas: Quotas,
    index: RwLock<Index>,
    /// How much there is, in step with the index.
    totals: Mutex<Totals>,
    metrics: Metrics,
}

impl Catalog {
    /// Opens the data catalog of a store. Blocks on the disk.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(store: Store, registry: &mut Registry) -> Result<Self, CatalogError> {
        Self::open_with(store, Quotas::default(), registry)
    }

    fn open_with(store: Store, quotas: Quotas, registry: &mut Registry) -> Result<Self, CatalogError> {
        let (mut index, mut totals) = (Index::default(), Totals::default());
        for (key, value) in store.catalog().scan(&key(DATABASE, [""]))? {
            let parts: Option<[String; 3]> = key::parts(DATABASE, &key).and_then(|parts| parts.try_into().ok());
            let Some([account, region, name]) = parts else {
                return Err(CatalogError::Malformed { key, reason: "it names no database".to_owned() });
            };
            let place = Place { account, region };
            let tables = open_tables(&store, &place, &name)?;
            let entry = DatabaseEntry { byte_count: value.len() as u64, tables };
            totals.add(entry.totals());
            index.databases.entry(place).or_default().insert(name, entry);
        }
        let metrics = Metrics::register(registry);
        let catalog = Self { store, quotas, index: RwLock::new(index), totals: Mutex::new(totals), metrics };
        catalog.tell(totals);
        Ok(catalog)
    }

    fn now_ms(&self) -> u64 {
        self.store.clock().unix_millis()
    }

    /// A record that must be there, since the index has it.
    fn read<T: DeserializeOwned>(&self, key: &str) -> Result<T, Error> {
        let found = catalog::get(&**self.store.catalog(), key)?;
        let missing = || CatalogError::Malformed { key: key.to_owned(), reason: "it is gone".to_owned() };
        Ok(found.ok_or_else(missing)?)
    }

    /// Makes changes durable, after which there is `gained` more and `lost` less.
    ///
    /// # Errors
    /// `Full` if there would be too much, `Catalog` if the changes could not be made. Nothing is changed then.
    fn commit(&self, changes: &[Change], gained: Totals, lost: Totals) -> Result<(), Error> {
        let mut totals = self.totals.lock();
        let mut changed = *totals;
        changed.add(gained);
        changed.bytes = changed.bytes.saturating_sub(lost.bytes);
        // What makes it smaller is always taken.
        if changed.bytes > self.quotas.bytes && gained.bytes > lost.bytes {
            return Err(Error::Full { limit: self.quotas.bytes });
        }
        changed.databases = changed.databases.saturating_sub(lost.databases);
        changed.tables = changed.tables.saturating_sub(lost.tables);
        self.store.catalog().commit(changes)?;
        *totals = changed;
        self.tell(changed);
        Ok(())
    }

    fn tell(&self, totals: Totals) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.metrics.databases.set(gauge(totals.databases));
        self.metrics.tables.set(gauge(totals.tables));
        self.metrics.stored_bytes.set(gauge(totals.bytes));
    }
}

impl Totals {
    fn add(&mut self, more: Self) {
        self.databases += more.databases;
        self.tables += more.tables;
        self.bytes += more.bytes;
    }
}

fn open_tables(
    store: &Store,
    place: &Place,
    database: &str,
) -> Result<std::collections::BTreeMap<String, TableEntry>, CatalogError> {
    let [account, region] = place.parts();
    let rows = store.catalog().scan(&key(TABLE, [account, region, database, ""]))?;
    let entry = |(key, value): (String, Vec<u8>)| {
        let malformed = |reason: String| CatalogError::Malformed { key: key.clone(), reason };
        let name = key::parts(TABLE, &key).and_then(|mut parts| parts.pop());
        let name = name.ok_or_else(|| malformed("it names no table".to_owned()))?;
        let table: StoredTable = serde_json::from_slice(&value).map_err(|error| malformed(error.to_string()))?;
        Ok((name, TableEntry::new(&table, value.len() as u64)))
    };
    rows.into_iter().map(entry).collect()
}

/// The change that stores a record, and how many bytes it takes.
fn put<T: Serialize>(key: String, record: &T) -> (Change, u64) {
    let change = Change::put(key, record);
    let byte_count = match &change {
        Change::Put { value, .. } => value.len(),
        Change::Delete { .. } => 0,
    };
    (change, byte_count as u64)
}

/// Checks that what describes something of a kind is not too large to be stored.
///
/// # Errors
/// `TooLarge`.
fn check_size<T: Serialize>(kind: &'static str, input: &T) -> Result<(), Error> {
    match serde_json::to_vec(input).map(|text| text.len()) {
        Ok(0..=ENTITY_BYTES_MAX) => Ok(()),
        _ => Err(Error::TooLarge { kind, limit: ENTITY_BYTES_MAX }),
    }
}

/// The page of `candidates`, each with its name and its bytes: those behind where the last page ended.
fn page<N: ToString, T>(
    candidates: impl Iterator<Item = (N, u64)>,
    request: &PageRequest,
    mut read: impl FnMut(&N) -> Result<T, Error>,
) -> Result<Page<T>, Error> {
    let (mut items, mut byte_count, mut last) = (Vec::new(), 0, None);
    for (name, bytes) in candidates {
        byte_count += bytes;
        if items.len() >= request.limit || (byte_count > PAGE_BYTES_MAX && !items.is_empty()) {
            return Ok(Page { items, last });
        }
        items.push(read(&name)?);
        last = Some(name.to_string());
    }
    Ok(Page { items, last: None })
}
