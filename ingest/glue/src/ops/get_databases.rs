//! `GetDatabases`: a page of the caller's databases. No other account shares any with it, so there are no foreign ones.

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use super::told::{self, DatabaseAttributes};
use crate::catalog::Catalog;
use crate::door::place;
use crate::model::{Database, List};
use crate::{page, validate};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
    resource_share_type: Option<String>,
    attributes_to_get: Option<List<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    database_list: Vec<Database>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Source: Glue Web API Reference, "GetDatabases".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    page::validate(&mut validator, input.max_results);
    let share = validator.member("resourceShareType", input.resource_share_type.as_deref());
    let share = share.one_of(&["FOREIGN", "ALL", "FEDERATED"]).value();
    let attributes = DatabaseAttributes::read(&mut validator, input.attributes_to_get.as_ref());
    validator.finish()?;
    let place = place(context, input.catalog_id.as_deref())?;
    let request = page::request(input.max_results, input.next_token.as_deref())?;
    if share.is_some_and(|share| share != "ALL") {
        return Ok(Output { database_list: Vec::new(), next_token: None });
    }
    let page = catalog.databases(&place, &request)?;
    let next_token = page.next_token();
    let told = page.items.into_iter().map(|stored| attributes.of(told::database(&place, stored)));
    Ok(Output { database_list: told.collect(), next_token })
}
