//! `CreateTable`: the table is there, at version 0, when the call is answered.

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::catalog::Catalog;
use crate::door::place;
use crate::model::{Nothing, Refused, TableInput};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    name: Option<Refused>,
    table_input: Option<TableInput>,
    partition_indexes: Option<Refused>,
    transaction_id: Option<Refused>,
    open_table_format_input: Option<Refused>,
}

/// Source: Glue Web API Reference, "CreateTable".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Nothing, Fault> {
    // Without a TableInput it is one of these that describes the table.
    validate::refuse(&[
        ("OpenTableFormatInput", input.open_table_format_input),
        ("Name", input.name),
        ("PartitionIndexes", input.partition_indexes),
        ("TransactionId", input.transaction_id),
    ])?;
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    validate::table(&mut validator, "table", input.table_input.as_ref());
    validator.finish()?;
    let mut description = input.table_input.unwrap_or_default();
    validate::refuse_of_table(&description)?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    description.name = description.name.map(|name| name.to_lowercase());
    catalog.create_table(&place, &database, description, &context.principal)?;
    Ok(Nothing {})
}
