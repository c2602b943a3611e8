//! What is stored: records of the store's catalog, as JSON.
//!
//! | key | value |
//! |---|---|
//! | `glue/database/ACCOUNT/REGION/NAME` | [`StoredDatabase`] |
//! | `glue/table/ACCOUNT/REGION/DATABASE/NAME` | [`StoredTable`]: its latest version, and which others there are |
//! | `glue/table-version/ACCOUNT/REGION/DATABASE/NAME/VERSION` | [`Snapshot`] of a version that is not the latest |
//!
//! A newer version of this program may add members; an older one ignores what it does not know.

use serde::{Deserialize, Serialize};

use crate::model::{DatabaseInput, TableInput};

/// A database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredDatabase {
    /// When it was created, in milliseconds since the Unix epoch.
    pub(crate) created_ms: u64,
    /// What describes it.
    pub(crate) input: DatabaseInput,
}

/// A table as it is, or as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Counts its changes, from 0.
    pub(crate) version: u64,
    /// When the table was created, in milliseconds since the Unix epoch.
    pub(crate) created_ms: u64,
    /// When this version was made.
    pub(crate) updated_ms: u64,
    /// Who created the table.
    pub(crate) created_by: String,
    /// What describes it.
    pub(crate) input: TableInput,
}

/// A version that is stored by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Archived {
    pub(crate) version: u64,
    pub(crate) byte_count: u64,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredTable {
    /// Its latest version.
    pub(crate) latest: Snapshot,
    /// The others, in ascending order.
    pub(crate) archived: Vec<Archived>,
}
