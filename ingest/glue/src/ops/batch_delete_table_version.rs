//! `BatchDeleteTableVersion`: each version is deleted, or told why not.

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::door::place;
use crate::limits::BATCH_MAX;
use crate::model::{ErrorDetail, List};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    catalog_id: Option<String>,
    database_name: Option<String>,
    table_name: Option<String>,
    version_ids: Option<List<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    errors: Vec<TableVersionError>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableVersionError {
    table_name: String,
    version_id: String,
    error_detail: ErrorDetail,
}

/// Source: Glue Web API Reference, "BatchDeleteTableVersion".
pub(crate) fn run(catalog: &Catalog, context: &Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, "catalogId", input.catalog_id.as_deref());
    validate::required_name(&mut validator, "databaseName", input.database_name.as_deref());
    validate::required_name(&mut validator, "tableName", input.table_name.as_deref());
    let versions = input.version_ids.as_ref().map(|list| list.0.as_slice());
    validator.member("versionIds", versions).required().length(0, BATCH_MAX);
    for (number, version) in (1..).zip(versions.unwrap_or_default()) {
        validate::name(&mut validator, format_args!("versionIds.{number}.member"), Some(version));
    }
    validator.finish()?;
    let place = place(context, input.catalog_id.as_deref())?;
    let database = input.database_name.unwrap_or_default().to_lowercase();
    let name = input.table_name.unwrap_or_default().to_lowercase();
    catalog.table(&place, &database, &name)?;
    let mut errors = Vec::new();
    for version_id in input.version_ids.unwrap_or_default().0 {
        if let Err(error) = catalog.delete_version(&place, &database, &name, &version_id) {
            let error_detail = ErrorDetail::from(Fault::from(error));
            errors.push(TableVersionError { table_name: name.clone(), version_id, error_detail });
        }
    }
    Ok(Output { errors })
}
