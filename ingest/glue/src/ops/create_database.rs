//! `CreateDatabase`.

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::catalog::Catalog;
use crate::door::place;
use crate::model::{DatabaseInput, Nothing, Refused};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_input: Option<DatabaseInput>,
    tags: Option<Refused>,
}

/// Source: Glue Web API Reference, "CreateDatabase".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::database(&mut validator, "databaseInput", input.database_input.as_ref());
    validator.finish()?;
    let mut description = input.database_input.unwrap_or_default();
    validate::refuse_of_database(&description)?;
    validate::refuse(&[("Tags", input.tags)])?;
    let place = place(context, input.catalog_id.as_deref())?;
    description.name = description.name.map(|name| name.to_lowercase());
    catalog.create_database(&place, description)?;
    Ok(Nothing {})
}
