//! `DeleteDatabase`: the database is gone, with its tables, when the call is answered.

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
    name: Option<String>,
}

/// Source: Glue Web API Reference, "DeleteDatabase".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "name", input.name.as_deref());
    validator.finish()?;
    let place = place(context, input.catalog_id.as_deref())?;
    catalog.delete_database(&place, &input.name.unwrap_or_default().to_lowercase())?;
    Ok(Nothing {})
}
