//! `GetTableVersions`: a page of the versions of a table, the latest first.

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use super::told;
use crate::catalog::Catalog;
use crate::door::place;
use crate::model::TableVersion;
use crate::{page, validate};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    table_name: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    table_versions: Vec<TableVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Source: Glue Web API Reference, "GetTableVersions".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    validate::required_name(&mut validator, "tableName", input.table_name.as_deref());
    page::validate(&mut validator, input.max_results);
    validator.finish()?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    let name = input.table_name.unwrap_or_default().to_lowercase();
    let request = page::request(input.max_results, input.next_token.as_deref())?;
    let page = catalog.versions(&place, &database, &name, &request)?;
    let next_token = page.next_token();
    let told = page.items.into_iter().map(|stored| told::version(&place, &database, stored));
    Ok(Output { table_versions: told.collect(), next_token })
}
