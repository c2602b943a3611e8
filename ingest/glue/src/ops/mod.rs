//! The operations, one file for each; `told.rs` is how databases and tables are told.

pub(crate) mod batch_delete_table;
pub(crate) mod batch_delete_table_version;
pub(crate) mod create_database;
pub(crate) mod create_table;
pub(crate) mod delete_database;
pub(crate) mod delete_table;
pub(crate) mod delete_table_version;
pub(crate) mod get_database;
pub(crate) mod get_databases;
pub(crate) mod get_table;
pub(crate) mod get_table_version;
pub(crate) mod get_table_versions;
pub(crate) mod get_tables;
mod told;
pub(crate) mod update_database;
pub(crate) mod update_table;
