//! `UpdateDatabase`: replaces what describes a database. Its name stays.

use ingest_core::fault::glue;
use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::catalog::Catalog;
use crate::door::place;
use crate::model::{DatabaseInput, Nothing};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    name: Option<String>,
    database_input: Option<DatabaseInput>,
}

/// Source: Glue Web API Reference, "UpdateDatabase".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "name", input.name.as_deref());
    validate::database(&mut validator, "databaseInput", input.database_input.as_ref());
    validator.finish()?;
    let mut description = input.database_input.unwrap_or_default();
    validate::refuse_of_database(&description)?;
    let place = place(context, input.catalog_id.as_deref())?;
    let name = input.name.unwrap_or_default().to_lowercase();
    description.name = description.name.map(|name| name.to_lowercase());
    if description.name.as_ref() != Some(&name) {
        return Err(glue::unsupported("DatabaseInput.Name other than Name"));
    }
    catalog.update_database(&place, &name, description)?;
    Ok(Nothing {})
}
