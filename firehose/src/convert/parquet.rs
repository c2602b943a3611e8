//! Rows become a Parquet file.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression as ParquetCompression, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion as ParquetVersion};
use serde::{Deserialize, Serialize};

use super::ConvertError;

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
    /// Zstandard at level 3, our default: smaller than GZIP at the speed of Snappy.
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

/// How a Parquet file is written. Source: Firehose API Reference, "ParquetSerDe".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParquetOptions {
    /// The compression of the pages.
    pub compression: Compression,
    /// The version of the data pages.
    pub version: WriterVersion,
    /// Whether columns are dictionary-encoded while that makes them smaller.
    pub is_dictionary_enabled: bool,
    /// Bytes of a row group, encoded.
    pub block_bytes: usize,
    /// Bytes of a page before compression.
    pub page_bytes: usize,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            version: WriterVersion::default(),
            is_dictionary_enabled: true,
            block_bytes: 256 * 1024 * 1024,
            page_bytes: 1024 * 1024,
        }
    }
}

const ZSTD_LEVEL: i32 = 3;

impl ParquetOptions {
    fn properties(&self) -> Result<WriterProperties, ConvertError> {
        let compression = match self.compression {
            Compression::Uncompressed => ParquetCompression::UNCOMPRESSED,
            Compression::Gzip => ParquetCompression::GZIP(GzipLevel::default()),
            Compression::Snappy => ParquetCompression::SNAPPY,
            Compression::Zstd => ParquetCompression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?),
        };
        let version = match self.version {
            WriterVersion::V1 => ParquetVersion::PARQUET_1_0,
            WriterVersion::V2 => ParquetVersion::PARQUET_2_0,
        };
        Ok(WriterProperties::builder()
            .set_created_by(concat!("headwater version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(compression)
            .set_writer_version(version)
            .set_dictionary_enabled(self.is_dictionary_enabled)
            .set_max_row_group_bytes(Some(self.block_bytes))
            .set_data_page_size_limit(self.page_bytes)
            // Statistics of each page double their cost, and the engines that read these files skip by row group.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .build())
    }
}

/// A Parquet file in the making: whole row groups are in the output, the one being filled is in memory, encoded.
pub(crate) struct ParquetFile<W: Write + Send> {
    schema: SchemaRef,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetFile<W> {
    pub(crate) fn new(output: W, schema: SchemaRef, options: &ParquetOptions) -> Result<Self, ConvertError> {
        let options = ArrowWriterOptions::new().with_properties(options.properties()?).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(output, Arc::clone(&schema), options)?;
        Ok(Self { schema, writer })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn write(&mut self, chunk: &RecordBatch) -> Result<(), ConvertError> {
        Ok(self.writer.write(chunk)?)
    }

    /// Ends the file, and hands its output back.
    pub(crate) fn finish(self) -> Result<W, ConvertError> {
        Ok(self.writer.into_inner()?)
    }
}
