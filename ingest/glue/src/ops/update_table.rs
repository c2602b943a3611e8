//! `UpdateTable`: replaces what describes a table, which makes a new version. Its name stays.

use ingest_core::fault::glue;
use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::catalog::{Catalog, TableUpdate, VersionCheck};
use crate::door::place;
use crate::model::{Nothing, Refused, TableInput};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    name: Option<String>,
    table_input: Option<TableInput>,
    skip_archive: Option<bool>,
    transaction_id: Option<Refused>,
    version_id: Option<String>,
    view_update_action: Option<Refused>,
    force: Option<Refused>,
    update_open_table_format_input: Option<Refused>,
}

/// Source: Glue Web API Reference, "UpdateTable".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Nothing, Fault> {
    validate::refuse(&[
        ("UpdateOpenTableFormatInput", input.update_open_table_format_input),
        ("ViewUpdateAction", input.view_update_action),
        ("Force", input.force),
        ("TransactionId", input.transaction_id),
    ])?;
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    validate::name(&mut validator, "name", input.name.as_deref());
    validate::table(&mut validator, "table", input.table_input.as_ref());
    validate::name(&mut validator, "versionId", input.version_id.as_deref());
    validator.finish()?;
    let mut description = input.table_input.unwrap_or_default();
    validate::refuse_of_table(&description)?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    description.name = description.name.map(|name| name.to_lowercase());
    let name = description.name.clone().unwrap_or_default();
    if input.name.is_some_and(|given| given.to_lowercase() != name) {
        return Err(glue::unsupported("TableInput.Name other than Name"));
    }
    let update = TableUpdate {
        input: description,
        check: input.version_id.map_or(VersionCheck::Any, VersionCheck::Is),
        archives: !input.skip_archive.unwrap_or(false),
    };
    catalog.update_table(&place, &database, &name, update)?;
    Ok(Nothing {})
}
