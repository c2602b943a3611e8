//! What can go wrong, and the words of Glue for it.

use ingest_core::Fault;
use ingest_core::fault::glue;
use shard_store::error::CatalogError;

/// Something was not done. Nothing is partly done.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("database {name} does not exist")]
    DatabaseNotFound { name: String },
    #[error("database {name} already exists")]
    DatabaseExists { name: String },
    #[error("table {name} does not exist")]
    TableNotFound { name: String },
    #[error("table {name} already exists")]
    TableExists { name: String },
    #[error("table {name} has no version {version}")]
    VersionNotFound { name: String, version: String },
    #[error("version {version} of table {name} is its latest")]
    VersionIsLatest { name: String, version: u64 },
    #[error("table {name} is not at version {expected}")]
    Changed { name: String, expected: String },
    #[error("there are {limit} resources of the kind {kind}, the most there may be")]
    TooMany { kind: &'static str, limit: usize },
    #[error("the data catalog holds {limit} bytes, the most it may hold")]
    Full { limit: u64 },
    #[error("the description of a {kind} takes more than {limit} bytes")]
    TooLarge { kind: &'static str, limit: usize },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseNotFound { name } => glue::database_not_found(&name),
            Error::DatabaseExists { .. } => glue::database_exists(),
            Error::TableNotFound { name } => glue::table_not_found(&name),
            Error::TableExists { .. } => glue::table_exists(),
            Error::VersionNotFound { .. } => glue::version_not_found(),
            Error::VersionIsLatest { name, version } => glue::invalid(format!(
                "Version {version} of table {name} is its latest and cannot be deleted. Delete the table instead."
            )),
            Error::Changed { .. } => glue::concurrent_update(),
            Error::TooMany { kind, limit } => glue::too_many(kind, limit),
            Error::Full { limit } => glue::too_many("byte", limit),
            Error::TooLarge { kind, limit } => {
                glue::invalid(format!("The {kind} takes more than the {limit} bytes that this server stores of one."))
            }
            Error::Catalog(error) => Self::internal(error),
        }
    }
}
