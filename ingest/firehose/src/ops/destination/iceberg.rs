//! A destination that is tables of an Iceberg catalog.
//!
//! Source: Firehose API Reference, "IcebergDestinationConfiguration".

use firehose::definition::{Destination, Endpoint, IcebergEndpoint, IcebergTable, Processor};
use ingest_core::{Fault, Pattern};

use super::form::Form;
use super::{Shape, buffering, invalid, location, plan_endpoint, processing, refuse_logging, unsupported};
use crate::limits::{ARN_CHARS_MAX, BUCKET_ARN_CHARS_MAX, PREFIX_CHARS_MAX, SCHEMA_CHARS_MAX, TABLE_NAME_CHARS_MAX};
use crate::model::destination::{DestinationTable, IcebergConfiguration, Switch};
use crate::validate::{CATALOG_ARN, NO_BLANKS, ROLE_ARN};

/// Source: Firehose API Reference, "RetryOptions"; the default is that of the console.
const RETRY_SECONDS_DEFAULT: i64 = 300;

const FAILED_ONLY: &str = "FailedDataOnly";
const ALL: &str = "AllData";

const TABLE_NAME: Pattern = Pattern {
    text: r"[a-zA-Z0-9\.\_]+",
    matches: |text| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_')
    },
};

const WAREHOUSE: Pattern = Pattern { text: r"s3:\/\/.*", matches: |text| text.starts_with("s3://") };

impl Shape for IcebergConfiguration {
    fn validate(&self, mut form: Form<'_>) {
        let tables = self.destination_table_configuration_list.as_deref().unwrap_or_default();
        for (number, table) in (1..).zip(tables) {
            validate_table(form.whole(&format!("destinationTableConfigurationList.{number}.member")), table);
        }
        location::bounds(false).validate(&mut form, self.buffering_hints.as_ref());
        processing::validate(&mut form, self.processing_configuration.as_ref());
        form.text("s3BackupMode", self.s3_backup_mode.as_deref()).one_of(&[FAILED_ONLY, ALL]);
        buffering::validate_retry(&mut form, self.retry_options.as_ref());
        form.required("roleARN", self.role_arn.as_deref()).pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
        match &self.catalog_configuration {
            Some(catalog) => {
                let mut form = form.inner("catalogConfiguration");
                form.text("catalogARN", catalog.catalog_arn.as_deref()).pattern(CATALOG_ARN).length(1, ARN_CHARS_MAX);
                let warehouse = form.text("warehouseLocation", catalog.warehouse_location.as_deref());
                warehouse.pattern(WAREHOUSE).length(1, BUCKET_ARN_CHARS_MAX);
            }
            None => form.missing("catalogConfiguration"),
        }
        location::validate_member(&mut form, "s3Configuration", self.s3_configuration.as_ref());
    }

    fn fill(&mut self) -> Result<(), Fault> {
        location::bounds(false).fill(&mut self.buffering_hints)?;
        processing::fill(&mut self.processing_configuration);
        buffering::fill_retry(&mut self.retry_options, RETRY_SECONDS_DEFAULT);
        self.s3_backup_mode.get_or_insert_with(|| FAILED_ONLY.to_owned());
        self.cloud_watch_logging_options.get_or_insert(Switch { enabled: Some(false) });
        self.append_only.get_or_insert(false);
        location::fill_plain("S3Configuration", self.s3_configuration.as_mut())
    }

    fn plan(&self) -> Result<Destination, Fault> {
        refuse_logging(self.cloud_watch_logging_options.as_ref())?;
        if self.s3_backup_mode.as_deref() == Some(ALL) {
            return Err(invalid("S3BackupMode.AllData is not supported for Iceberg as destination."));
        }
        let processing = self.processing_configuration.as_ref();
        let processors = processing::plan(processing, processing::INVOCATION_BYTES_DEFAULT)?;
        let is_routed = |step: &Processor| matches!(step, Processor::Lambda(_) | Processor::MetadataExtraction { .. });
        let given = self.destination_table_configuration_list.as_deref().unwrap_or_default();
        let tables: Vec<IcebergTable> = given.iter().map(plan_table).collect::<Result<_, _>>()?;
        if tables.len() != 1 && !processors.iter().any(is_routed) {
            return Err(invalid(
                "A single default destination table configuration must be provided when both Lambda and \
                 MetadataExtraction processors are not provided",
            ));
        }
        let is_on = |switch: &Option<Switch>| switch.as_ref().is_some_and(|switch| switch.enabled == Some(true));
        let catalog = self.catalog_configuration.clone().unwrap_or_default();
        let creates_tables = is_on(&self.table_creation_configuration);
        if creates_tables && catalog.warehouse_location.is_none() {
            return Err(invalid(
                "CatalogConfiguration.WarehouseLocation must be given when table creation is enabled.",
            ));
        }
        let required = || invalid("CatalogConfiguration.CatalogARN must be given.");
        let endpoint = IcebergEndpoint {
            catalog_arn: catalog.catalog_arn.ok_or_else(required)?,
            warehouse: catalog.warehouse_location,
            tables,
            creates_tables,
            evolves_schemas: is_on(&self.schema_evolution_configuration),
            retry_seconds: buffering::retry_seconds(self.retry_options.as_ref()),
        };
        let place = location::plan_member(self.s3_configuration.as_ref())?;
        plan_endpoint(place, self.buffering_hints.as_ref(), false, processors, Endpoint::Iceberg(endpoint))
    }
}

fn validate_table(mut form: Form<'_>, table: &DestinationTable) {
    let name = form.required("destinationTableName", table.destination_table_name.as_deref());
    name.pattern(TABLE_NAME).length(1, TABLE_NAME_CHARS_MAX);
    let database = form.required("destinationDatabaseName", table.destination_database_name.as_deref());
    database.pattern(TABLE_NAME).length(1, TABLE_NAME_CHARS_MAX);
    for (number, key) in (1..).zip(table.unique_keys.as_deref().unwrap_or_default()) {
        let key = form.text(&format!("uniqueKeys.{number}.member"), Some(key)).length(1, SCHEMA_CHARS_MAX);
        key.pattern(NO_BLANKS);
    }
    let fields = table.partition_spec.as_ref().and_then(|spec| spec.identity.as_deref()).unwrap_or_default();
    for (number, field) in (1..).zip(fields) {
        let name = format!("partitionSpec.identity.{number}.member.sourceName");
        form.required(&name, field.source_name.as_deref()).length(1, SCHEMA_CHARS_MAX).pattern(NO_BLANKS);
    }
    form.text("s3ErrorOutputPrefix", table.s3_error_output_prefix.as_deref()).length(0, PREFIX_CHARS_MAX);
}

fn plan_table(table: &DestinationTable) -> Result<IcebergTable, Fault> {
    if table.unique_keys.as_ref().is_some_and(|keys| !keys.is_empty()) {
        return Err(unsupported("DestinationTableConfigurationList.UniqueKeys"));
    }
    let fields = table.partition_spec.as_ref().and_then(|spec| spec.identity.as_deref()).unwrap_or_default();
    Ok(IcebergTable {
        database: table.destination_database_name.clone().unwrap_or_default(),
        name: table.destination_table_name.clone().unwrap_or_default(),
        partition_columns: fields.iter().filter_map(|field| field.source_name.clone()).collect(),
        error_prefix: table.s3_error_output_prefix.clone().unwrap_or_default(),
    })
}
