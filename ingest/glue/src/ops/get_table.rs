//! `GetTable`: a table in its latest version. `AuditContext` is for AWS's logs, and nothing here reads it.

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use super::told::{self, TableAttributes};
use crate::catalog::Catalog;
use crate::door::place;
use crate::model::{List, Refused, Table};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    name: Option<String>,
    transaction_id: Option<Refused>,
    query_as_of_time: Option<Refused>,
    attributes_to_get: Option<List<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    table: Table,
}

/// Source: Glue Web API Reference, "GetTable".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    validate::required_name(&mut validator, "name", input.name.as_deref());
    let attributes = TableAttributes::read(&mut validator, input.attributes_to_get.as_ref());
    validator.finish()?;
    validate::refuse(&[("TransactionId", input.transaction_id), ("QueryAsOfTime", input.query_as_of_time)])?;
    attributes.check()?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    let stored = catalog.table(&place, &database, &input.name.unwrap_or_default().to_lowercase())?;
    Ok(Output { table: attributes.of(told::table(&place, &database, stored)) })
}
