//! `DeleteTableVersion`: a version that is not the latest is gone when the call is answered.

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::catalog::Catalog;
use crate::door::place;
use crate::model::Nothing;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    table_name: Option<String>,
    version_id: Option<String>,
}

/// Source: Glue Web API Reference, "DeleteTableVersion".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    validate::required_name(&mut validator, "tableName", input.table_name.as_deref());
    validate::required_name(&mut validator, "versionId", input.version_id.as_deref());
    validator.finish()?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    let name = input.table_name.unwrap_or_default().to_lowercase();
    catalog.delete_version(&place, &database, &name, &input.version_id.unwrap_or_default())?;
    Ok(Nothing {})
}
