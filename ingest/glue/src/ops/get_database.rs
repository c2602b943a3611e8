//! `GetDatabase`.

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use super::told;
use crate::catalog::Catalog;
use crate::door::place;
use crate::model::Database;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    database: Database,
}

/// Source: Glue Web API Reference, "GetDatabase".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "name", input.name.as_deref());
    validator.finish()?;
    let place = place(context, input.catalog_id.as_deref())?;
    let stored = catalog.database(&place, &input.name.unwrap_or_default().to_lowercase())?;
    Ok(Output { database: told::database(&place, stored) })
}
