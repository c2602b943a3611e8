//! Faults of the data catalog, in the words of Glue.
//!
//! The catalog itself is in `ingest/glue`, which turns its errors into these.
//!
//! Source: Glue Web API Reference, "Errors" of each operation; the texts are observed ones where clients are known to read
//! them.

use std::fmt::Display;

use super::{Code, Fault};

/// There is no such database.
pub fn database_not_found(name: &str) -> Fault {
    Fault::new(Code::EntityNotFound, format!("Database {name} not found."))
}

/// There is no such table.
pub fn table_not_found(name: &str) -> Fault {
    Fault::new(Code::EntityNotFound, format!("Table {name} not found."))
}

/// The table has no such version.
pub fn version_not_found() -> Fault {
    Fault::new(Code::EntityNotFound, "Version not found.")
}

/// There is a database of this name.
pub fn database_exists() -> Fault {
    Fault::new(Code::AlreadyExists, "Database already exists.")
}

/// There is a table of this name.
pub fn table_exists() -> Fault {
    Fault::new(Code::AlreadyExists, "Table already exists.")
}

/// The table is no longer at the version that the caller has seen.
pub fn concurrent_update() -> Fault {
    Fault::new(Code::ConcurrentModification, "Update table failed due to concurrent modifications.")
}

/// There are as many resources of this kind (`TABLE`, `TABLE_VERSION`) as there may be.
pub fn too_many(kind: &str, limit: impl Display) -> Fault {
    Fault::new(
        Code::ResourceNumberLimitExceeded,
        format!("Number of {kind} resources exceeds the account limit {limit}"),
    )
}

/// A member's value is not acceptable.
pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(Code::InvalidInput, message.into())
}

/// A member would be stored without effect.
pub fn unsupported(member: &str) -> Fault {
    invalid(format!("{member} is not supported by this server."))
}
