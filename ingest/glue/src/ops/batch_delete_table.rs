//! `BatchDeleteTable`: each table is deleted, or told why not.

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::door::place;
use crate::limits::BATCH_MAX;
use crate::model::{ErrorDetail, List, Refused};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    tables_to_delete: Option<List<String>>,
    transaction_id: Option<Refused>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    errors: Vec<TableError>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableError {
    table_name: String,
    error_detail: ErrorDetail,
}

/// Source: Glue Web API Reference, "BatchDeleteTable".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    let tables = input.tables_to_delete.as_ref().map(|list| list.0.as_slice());
    validator.member("tablesToDelete", tables).required().length(0, BATCH_MAX);
    for (number, name) in (1..).zip(tables.unwrap_or_default()) {
        validate::name(&mut validator, format_args!("tablesToDelete.{number}.member"), Some(name));
    }
    validator.finish()?;
    validate::refuse(&[("TransactionId", input.transaction_id)])?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    catalog.database(&place, &database)?;
    let mut errors = Vec::new();
    for table_name in input.tables_to_delete.unwrap_or_default().0 {
        if let Err(error) = catalog.delete_table(&place, &database, &table_name.to_lowercase()) {
            errors.push(TableError { table_name, error_detail: ErrorDetail::from(Fault::from(error)) });
        }
    }
    Ok(Output { errors })
}
