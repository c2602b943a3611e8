//! How a Parquet file is written, as the definition of a delivery stream and the configuration say.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The compression of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Compression {
    /// None.
    Uncompressed,
    /// GZIP.
    Gzip,
    /// Snappy, the default of AWS.
    Snappy,
    /// Zstandard, our default: smaller than GZIP at the speed of Snappy.
    #[default]
    Zstd,
}

/// The version of the data pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriterVersion {
    /// Version 1, which every reader knows.
    #[default]
    V1,
    /// Version 2.
    V2,
}

/// How a Parquet file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParquetOptions {
    /// The compression of the pages. Source, with the next four: Firehose API Reference, "ParquetSerDe".
    pub compression: Compression,
    /// The version of the data pages.
    pub version: WriterVersion,
    /// Whether columns are dictionary-encoded while that makes them smaller.
    pub is_dictionary_enabled: bool,
    /// Bytes of a row group, encoded.
    pub block_bytes: usize,
    /// Bytes of a page before compression.
    pub page_bytes: usize,
    /// What AWS has no word for.
    pub tuning: ParquetTuning,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            version: WriterVersion::default(),
            is_dictionary_enabled: true,
            block_bytes: 256 * 1024 * 1024,
            page_bytes: 1024 * 1024,
            tuning: ParquetTuning::default(),
        }
    }
}

/// How Parquet files are written beyond what AWS's API can say: `[firehose.parquet]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ParquetTuning {
    /// The level of Zstandard: 1 to 22.
    pub zstd_level: i32,
    /// Rows of a row group, at most.
    pub row_group_rows: usize,
    /// Whether each page has its statistics and place in an index at the end of the file.
    pub page_index: bool,
    /// Columns that row groups have a Bloom filter of; dots lead into structs. A column that a file does not have is left out.
    pub bloom_filter_columns: Vec<String>,
    /// Columns of a file that the rows of each row group are sorted by, each perhaps with ` desc` behind it. Nulls come last.
    /// Sorted row groups have at most 65,536 rows, as so many are sorted at a time.
    pub sort_by: Vec<SortColumn>,
}

impl Default for ParquetTuning {
    fn default() -> Self {
        Self {
            zstd_level: 3,
            row_group_rows: 1024 * 1024,
            page_index: false,
            bloom_filter_columns: Vec::new(),
            sort_by: Vec::new(),
        }
    }
}

/// What of [`ParquetTuning`] differs for one delivery stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ParquetOverrides {
    /// Overrides [`ParquetTuning::zstd_level`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zstd_level: Option<i32>,
    /// Overrides [`ParquetTuning::row_group_rows`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_group_rows: Option<usize>,
    /// Overrides [`ParquetTuning::page_index`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_index: Option<bool>,
    /// Overrides [`ParquetTuning::bloom_filter_columns`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bloom_filter_columns: Option<Vec<String>>,
    /// Overrides [`ParquetTuning::sort_by`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<Vec<SortColumn>>,
}

impl ParquetTuning {
    /// These, with what differs.
    pub(crate) fn with(&self, overrides: &ParquetOverrides) -> Self {
        let ParquetOverrides { zstd_level, row_group_rows, page_index, bloom_filter_columns, sort_by } =
            overrides.clone();
        Self {
            zstd_level: zstd_level.unwrap_or(self.zstd_level),
            row_group_rows: row_group_rows.unwrap_or(self.row_group_rows),
            page_index: page_index.unwrap_or(self.page_index),
            bloom_filter_columns: bloom_filter_columns.unwrap_or_else(|| self.bloom_filter_columns.clone()),
            sort_by: sort_by.unwrap_or_else(|| self.sort_by.clone()),
        }
    }

    /// What is wrong, each as a sentence that begins with the key below `section`.
    pub(crate) fn problems(&self, section: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=22).contains(&self.zstd_level) {
            problems.push(format!("{section}.zstd-level is {}; it must be from 1 to 22", self.zstd_level));
        }
        if self.row_group_rows == 0 {
            problems.push(format!("{section}.row-group-rows is 0; it must be at least 1"));
        }
        if self.bloom_filter_columns.iter().any(String::is_empty) {
            problems.push(format!("{section}.bloom-filter-columns has an empty name"));
        }
        problems
    }
}

/// A column that rows are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SortColumn {
    /// The column.
    pub column: String,
    /// Whether the largest value comes first.
    pub is_descending: bool,
}

/// A text that is no [`SortColumn`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no column to sort by; give its name, with \" desc\" behind it for the largest first")]
pub struct SortColumnError {
    text: String,
}

impl FromStr for SortColumn {
    type Err = SortColumnError;

    fn from_str(text: &str) -> Result<Self, SortColumnError> {
        let (column, is_descending) = match text.strip_suffix(" desc") {
            Some(column) => (column, true),
            None => (text.strip_suffix(" asc").unwrap_or(text), false),
        };
        if column.trim() != column || column.is_empty() {
            return Err(SortColumnError { text: text.to_owned() });
        }
        Ok(Self { column: column.to_owned(), is_descending })
    }
}

impl TryFrom<String> for SortColumn {
    type Error = SortColumnError;

    fn try_from(text: String) -> Result<Self, SortColumnError> {
        text.parse()
    }
}

impl From<SortColumn> for String {
    fn from(column: SortColumn) -> Self {
        column.to_string()
    }
}

impl fmt::Display for SortColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.column, if self.is_descending { " desc" } else { "" })
    }
}
