//! `DeleteTable`: the table is gone, with its versions, when the call is answered.

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::catalog::Catalog;
use crate::door::place;
use crate::model::{Nothing, Refused};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    name: Option<String>,
    transaction_id: Option<Refused>,
}

/// Source: Glue Web API Reference, "DeleteTable".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    validate::required_name(&mut validator, "name", input.name.as_deref());
    validator.finish()?;
    validate::refuse(&[("TransactionId", input.transaction_id)])?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    catalog.delete_table(&place, &database, &input.name.unwrap_or_default().to_lowercase())?;
    Ok(Nothing {})
}
