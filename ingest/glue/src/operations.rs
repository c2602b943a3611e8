//! The table: the operations of botocore 1.44's Glue model that are about the data catalog, present or absent.
//!
//! The model has some 290 more, about jobs, crawlers, schema registries and other things that this is not a part of; they
//! are unknown here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use ingest_core::fault::glue;
use ingest_core::{Context, Fault, Operations};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::catalog::Catalog;
use crate::door::Glue;
use crate::limits::BODY_BYTES_MAX;
use crate::ops::{
    batch_delete_table, batch_delete_table_version, create_database, create_table, delete_database, delete_table,
    delete_table_version, get_database, get_databases, get_table, get_table_version, get_table_versions, get_tables,
    update_database, update_table,
};

/// The operations on databases, tables, partitions and tags that are in the model but not here.
const ABSENT: &[&str] = &[
    "BatchCreatePartition",
    "BatchDeletePartition",
    "BatchGetPartition",
    "BatchGetTableOptimizer",
    "BatchUpdatePartition",
    "CreateCatalog",
    "CreatePartition",
    "CreatePartitionIndex",
    "CreateTableOptimizer",
    "CreateUserDefinedFunction",
    "DeleteCatalog",
    "DeleteColumnStatisticsForPartition",
    "DeleteColumnStatisticsForTable",
    "DeletePartition",
    "DeletePartitionIndex",
    "DeleteResourcePolicy",
    "DeleteTableOptimizer",
    "DeleteUserDefinedFunction",
    "GetCatalog",
    "GetCatalogImportStatus",
    "GetCatalogs",
    "GetColumnStatisticsForPartition",
    "GetColumnStatisticsForTable",
    "GetDataCatalogEncryptionSettings",
    "GetPartition",
    "GetPartitionIndexes",
    "GetPartitions",
    "GetResourcePolicies",
    "GetResourcePolicy",
    "GetTableOptimizer",
    "GetTags",
    "GetUnfilteredPartitionMetadata",
    "GetUnfilteredPartitionsMetadata",
    "GetUnfilteredTableMetadata",
    "GetUserDefinedFunction",
    "GetUserDefinedFunctions",
    "ImportCatalogToGlue",
    "ListTableOptimizerRuns",
    "PutDataCatalogEncryptionSettings",
    "PutResourcePolicy",
    "SearchTables",
    "TagResource",
    "UntagResource",
    "UpdateCatalog",
    "UpdateColumnStatisticsForPartition",
    "UpdateColumnStatisticsForTable",
    "UpdatePartition",
    "UpdateTableOptimizer",
    "UpdateUserDefinedFunction",
];

/// The table of the door.
pub(crate) fn table() -> Operations<Glue> {
    Operations::new()
        .raw("BatchDeleteTable", blocking(batch_delete_table::run))
        .raw("BatchDeleteTableVersion", blocking(batch_delete_table_version::run))
        .raw("CreateDatabase", blocking(create_database::run))
        .raw("CreateTable", blocking(create_table::run))
        .raw("DeleteDatabase", blocking(delete_database::run))
        .raw("DeleteTable", blocking(delete_table::run))
        .raw("DeleteTableVersion", blocking(delete_table_version::run))
        .raw("GetDatabase", blocking(get_database::run))
        .raw("GetDatabases", blocking(get_databases::run))
        .raw("GetTable", blocking(get_table::run))
        .raw("GetTables", blocking(get_tables::run))
        .raw("GetTableVersion", blocking(get_table_version::run))
        .raw("GetTableVersions", blocking(get_table_versions::run))
        .raw("UpdateDatabase", blocking(update_database::run))
        .raw("UpdateTable", blocking(update_table::run))
        .absent(ABSENT)
}

type Answer = Pin<Box<dyn Future<Output = Result<Bytes, Fault>> + Send>>;

/// An operation that runs on a blocking thread, from the body to the answer: descriptions are large, and on the disk. It
/// runs to its end even if the client goes away.
fn blocking<I, O>(
    run: fn(&Catalog, &Context, I) -> Result<O, Fault>,
) -> impl Fn(Arc<Glue>, Context, Bytes) -> Answer + Send + Sync + 'static
where
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
{
    move |door, context, body| {
        Box::pin(async move {
            if body.len() > BODY_BYTES_MAX {
                return Err(glue::invalid(format!("The request has more than {BODY_BYTES_MAX} bytes.")));
            }
            let answered = tokio::task::spawn_blocking(move || {
                let input: I = context.decode(&body)?;
                drop(body);
                context.encode(&run(&door.catalog, &context, input)?)
            });
            answered.await.map_err(Fault::internal)?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_of_every_operation_what_the_table_does() {
        assert_eq!(table().told_wrongly(include_str!("../README.md")), Vec::<String>::new());
        assert_eq!(table().told_wrongly("").len(), 15 + ABSENT.len());
    }
}
