//! `GetTables`: a page of the tables of a database, those whose whole name matches an expression if there is one.

use ingest_core::fault::glue;
use ingest_core::{Context, Fault, Validator};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::told::{self, TableAttributes};
use crate::catalog::Catalog;
use crate::door::place;
use crate::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_CHARS_MAX};
use crate::model::{List, Refused, Table};
use crate::validate::SINGLE_LINE;
use crate::{page, validate};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    expression: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
    transaction_id: Option<Refused>,
    query_as_of_time: Option<Refused>,
    resource_share_type: Option<String>,
    attributes_to_get: Option<List<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    table_list: Vec<Table>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Source: Glue Web API Reference, "GetTables".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    let expression = validator.member("expression", input.expression.as_deref());
    expression.length(0, EXPRESSION_CHARS_MAX).pattern(SINGLE_LINE);
    page::validate(&mut validator, input.max_results);
    let share = validator.member("resourceShareType", input.resource_share_type.as_deref());
    let share = share.one_of(&["FEDERATED", "ALL"]).value();
    let attributes = TableAttributes::read(&mut validator, input.attributes_to_get.as_ref());
    validator.finish()?;
    validate::refuse(&[("TransactionId", input.transaction_id), ("QueryAsOfTime", input.query_as_of_time)])?;
    attributes.check()?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    let request = page::request(input.max_results, input.next_token.as_deref())?;
    let expression = input.expression.filter(|text| !text.is_empty()).as_deref().map(compile).transpose()?;
    // Of the tables of other catalogs there are none.
    let is_wanted = |name: &str| share != Some("FEDERATED") && expression.as_ref().is_none_or(|it| it.is_match(name));
    let page = catalog.tables(&place, &database, &request, is_wanted)?;
    let next_token = page.next_token();
    let told = page.items.into_iter().map(|stored| attributes.of(told::table(&place, &database, stored)));
    Ok(Output { table_list: told.collect(), next_token })
}

/// An expression that a whole name must match. Names are in lower case, so an expression may be in any.
fn compile(expression: &str) -> Result<Regex, Fault> {
    let build = |text: &str| RegexBuilder::new(text).case_insensitive(true).size_limit(EXPRESSION_BYTES_MAX).build();
    // By itself first: its parentheses are not to be those around it.
    let compiled = build(expression).and_then(|_| build(&format!("^(?:{expression})$")));
    compiled.map_err(|_| glue::invalid(format!("The expression {expression} is not a regular expression.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_matches_whole_names() {
        let matches = |expression: &str, name: &str| compile(expression).unwrap().is_match(name);
        assert!(matches("clicks", "clicks") && matches("CLI.*", "clicks") && matches("a|clicks", "clicks"));
        assert!(!matches("click", "clicks") && !matches("a|lick", "clicks"));
    }

    #[test]
    fn an_expression_that_is_none_or_too_large_is_refused() {
        for expression in ["(", ")(", "*", r"(\w{100}){1000}"] {
            assert_eq!(compile(expression).unwrap_err().code().name(), "InvalidInputException", "{expression}");
        }
    }
}
