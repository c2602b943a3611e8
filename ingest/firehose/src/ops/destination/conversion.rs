//! Data format conversion.
//!
//! Source: Firehose API Reference, "DataFormatConversionConfiguration" and the shapes it holds; the refusals are in the words
//! that AWS was observed to use, where it was.

use std::collections::BTreeMap;

use firehose::convert::{Compression, WriterVersion};
use firehose::definition::ConversionSettings;
use firehose::error_output::CatalogTable;
use firehose::schema::LATEST;
use ingest_core::Fault;

use super::form::Form;
use super::location::{GZIP, UNCOMPRESSED};
use super::{invalid, unsupported};
use crate::limits::{
    BLOCK_BYTES_DEFAULT, BLOCK_BYTES_MIN, INTEGER_MAX, PAGE_BYTES_DEFAULT, PAGE_BYTES_MIN, SCHEMA_CHARS_MAX,
};
use crate::model::conversion::{DataFormatConversion, Deserialiser, Parquet, SchemaConfiguration};
use crate::validate::{NO_BLANKS, NOT_BLANK};

/// Puts the model's constraints upon the members.
pub(crate) fn validate(form: &mut Form<'_>, conversion: Option<&DataFormatConversion>) {
    let Some(conversion) = conversion else { return };
    let mut form = form.inner("dataFormatConversionConfiguration");
    if let Some(schema) = &conversion.schema_configuration {
        let mut form = form.inner("schemaConfiguration");
        let members = [
            ("roleARN", &schema.role_arn),
            ("catalogId", &schema.catalog_id),
            ("databaseName", &schema.database_name),
            ("tableName", &schema.table_name),
            ("region", &schema.region),
            ("versionId", &schema.version_id),
        ];
        for (name, value) in members {
            form.text(name, value.as_deref()).pattern(NO_BLANKS).length(1, SCHEMA_CHARS_MAX);
        }
    }
    for (number, format) in (1..).zip(timestamp_formats(conversion)) {
        let name = format!("inputFormatConfiguration.deserializer.hiveJsonSerDe.timestampFormats.{number}.member");
        form.text(&name, Some(format.as_str())).length(1, SCHEMA_CHARS_MAX).pattern(NOT_BLANK);
    }
    let Some(parquet) = parquet(conversion) else { return };
    let mut form = form.inner("outputFormatConfiguration.serializer.parquetSerDe");
    form.number("blockSizeBytes", parquet.block_size_bytes).range(BLOCK_BYTES_MIN, INTEGER_MAX);
    form.number("pageSizeBytes", parquet.page_size_bytes).range(PAGE_BYTES_MIN, INTEGER_MAX);
    form.number("maxPaddingBytes", parquet.max_padding_bytes).range(0, INTEGER_MAX);
    form.text("compression", parquet.compression.as_deref()).one_of(&[UNCOMPRESSED, GZIP, "SNAPPY", "ZSTD"]);
    form.text("writerVersion", parquet.writer_version.as_deref()).one_of(&["V1", "V2"]);
}

fn parquet(conversion: &DataFormatConversion) -> Option<&Parquet> {
    conversion.output_format_configuration.as_ref()?.serializer.as_ref()?.parquet.as_ref()
}

fn deserialiser(conversion: &DataFormatConversion) -> Option<&Deserialiser> {
    conversion.input_format_configuration.as_ref()?.deserializer.as_ref()
}

fn timestamp_formats(conversion: &DataFormatConversion) -> &[String] {
    let hive = deserialiser(conversion).and_then(|deserialiser| deserialiser.hive.as_ref());
    hive.and_then(|hive| hive.timestamp_formats.as_deref()).unwrap_or_default()
}

/// Whether objects are converted: they are unless it is switched off.
pub(crate) fn is_on(conversion: Option<&DataFormatConversion>) -> bool {
    conversion.is_some_and(|conversion| conversion.enabled != Some(false))
}

/// What a valid conversion that is switched on means.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn plan(conversion: &DataFormatConversion) -> Result<ConversionSettings, Fault> {
    let missing = |member: &str| invalid(format!("{member} must not be null"));
    let output = conversion.output_format_configuration.as_ref();
    let output = output.ok_or_else(|| missing("OutputFormatConfiguration"))?;
    let serialiser = output.serializer.as_ref().ok_or_else(|| missing("Serializer"))?;
    if serialiser.orc.is_some() {
        let both = invalid("More than one serializer specified. Only one may be chosen.");
        let orc = unsupported("OutputFormatConfiguration.Serializer.OrcSerDe");
        return Err(if serialiser.parquet.is_some() { both } else { orc });
    }
    let parquet = serialiser.parquet.as_ref().ok_or_else(|| missing("Serializer"))?;
    if parquet.max_padding_bytes.is_some_and(|bytes| bytes != 0) {
        return Err(unsupported("ParquetSerDe.MaxPaddingBytes"));
    }
    let input = conversion.input_format_configuration.as_ref();
    let input = input.ok_or_else(|| missing("InputFormatConfiguration"))?;
    let deserialiser = input.deserializer.as_ref().ok_or_else(|| missing("Deserializer"))?;
    let table = conversion.schema_configuration.as_ref().map(plan_table).transpose()?;
    plan_deserialiser(deserialiser, plan_serialiser(parquet, table))
}

fn plan_serialiser(parquet: &Parquet, table: Option<CatalogTable>) -> ConversionSettings {
    let bytes = |given: Option<i64>, default: i64| u64::try_from(given.unwrap_or(default)).unwrap_or_default();
    ConversionSettings {
        table,
        is_lenient: true,
        timestamp_formats: Vec::new(),
        is_case_insensitive: true,
        converts_dots: false,
        keys_by_column: BTreeMap::new(),
        compression: match parquet.compression.as_deref() {
            Some(UNCOMPRESSED) => Compression::Uncompressed,
            Some(GZIP) => Compression::Gzip,
            Some("SNAPPY") => Compression::Snappy,
            _ => Compression::Zstd,
        },
        version: if parquet.writer_version.as_deref() == Some("V2") { WriterVersion::V2 } else { WriterVersion::V1 },
        is_dictionary_enabled: parquet.enable_dictionary_compression != Some(false),
        block_bytes: bytes(parquet.block_size_bytes, BLOCK_BYTES_DEFAULT),
        page_bytes: bytes(parquet.page_size_bytes, PAGE_BYTES_DEFAULT),
    }
}

fn plan_deserialiser(deserialiser: &Deserialiser, settings: ConversionSettings) -> Result<ConversionSettings, Fault> {
    match (&deserialiser.openx, &deserialiser.hive) {
        (Some(openx), None) => Ok(ConversionSettings {
            is_case_insensitive: openx.case_insensitive.unwrap_or(true),
            converts_dots: openx.convert_dots_in_json_keys_to_underscores.unwrap_or(false),
            keys_by_column: openx.column_to_json_key_mappings.clone().unwrap_or_default(),
            ..settings
        }),
        (None, Some(hive)) => {
            let timestamp_formats = hive.timestamp_formats.clone().unwrap_or_default();
            Ok(ConversionSettings { is_lenient: false, timestamp_formats, ..settings })
        }
        (Some(_), Some(_)) => Err(invalid("More than one deserializer specified. Only one may be chosen.")),
        (None, None) => Err(invalid("Deserializer must not be null")),
    }
}

fn plan_table(schema: &SchemaConfiguration) -> Result<CatalogTable, Fault> {
    let required =
        [("RoleARN", &schema.role_arn), ("DatabaseName", &schema.database_name), ("TableName", &schema.table_name)];
    if let Some((name, _)) = required.into_iter().find(|(_, value)| value.is_none()) {
        return Err(invalid(format!("SchemaConfiguration.{name} must be given.")));
    }
    Ok(CatalogTable {
        catalog_id: schema.catalog_id.clone(),
        database_name: schema.database_name.clone(),
        table_name: schema.table_name.clone(),
        region: schema.region.clone(),
        version_id: Some(schema.version_id.clone().unwrap_or_else(|| LATEST.to_owned())),
    })
}
