//! The Glue front door: databases, tables and their versions, enough of Glue's data catalog to describe a table with any
//! AWS SDK and have delivery streams convert to its columns.
//!
//! [`Catalog`] keeps them in the store; it is a [`firehose::schema::Tables`], which is how delivery streams find their
//! columns. [`Glue`] is mounted into an [`ingest_core::Router`]; [`operations`](Glue) is the table of the operations, each
//! of which has a file in `ops`. What is stored is told again as it was given; a member that would have no effect here
//! (Lake Formation, federation, views) is an `InvalidInputException` that names it.
//!
//! What this does not do: crawl, run jobs, or look at the data that tables are about.

mod catalog;
mod door;
mod limits;
mod metrics;
mod model;
mod operations;
mod ops;
mod page;
mod validate;

pub use catalog::Catalog;
pub use door::Glue;
