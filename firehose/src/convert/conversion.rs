//! How records become rows and rows become a file.

use super::ParquetOptions;
use crate::columns::{Naming, TimestampFormat, TimestampFormatError};
use crate::config::Options;
use crate::definition::ConversionSettings;
use crate::schema::ClashPolicy;

/// Where the columns come from.
#[derive(Clone, Debug)]
pub enum Columns {
    /// They are given; members without a column are left out, as AWS does.
    Given,
    /// They are inferred and evolved.
    Inferred(ClashPolicy),
}

/// How records become rows and rows become a file.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Where the columns come from.
    pub columns: Columns,
    /// Scalars are converted to the type of a given column where that loses nothing, as OpenX does.
    pub is_lenient: bool,
    /// Which column a key belongs to.
    pub naming: Naming,
    /// How the texts of dates and timestamps are read, tried in order, before the spellings that are always read.
    pub timestamp_formats: Vec<TimestampFormat>,
    /// How the file is written.
    pub parquet: ParquetOptions,
}

impl Conversion {
    /// What the definition of the delivery stream `name` asks for, with what the configuration adds.
    pub(crate) fn new(
        settings: &ConversionSettings,
        name: &str,
        options: &Options,
    ) -> Result<Self, TimestampFormatError> {
        let mut naming = Naming {
            is_case_insensitive: settings.is_case_insensitive,
            converts_dots: settings.converts_dots,
            ..Naming::default()
        };
        let mappings = settings.keys_by_column.iter();
        naming.columns_by_key = mappings.map(|(column, key)| (naming.fold(key).into_owned(), column.clone())).collect();
        let formats = settings.timestamp_formats.iter();
        Ok(Self {
            columns: if settings.table.is_some() { Columns::Given } else { Columns::Inferred(options.on_clash) },
            is_lenient: settings.is_lenient,
            naming,
            timestamp_formats: formats.map(|format| format.parse()).collect::<Result<_, _>>()?,
            parquet: ParquetOptions {
                compression: settings.compression,
                version: settings.version,
                is_dictionary_enabled: settings.is_dictionary_enabled,
                block_bytes: usize::try_from(settings.block_bytes).unwrap_or(usize::MAX),
                page_bytes: usize::try_from(settings.page_bytes).unwrap_or(usize::MAX),
                tuning: options.parquet.with(&options.stream(name).parquet),
            },
        })
    }
}
