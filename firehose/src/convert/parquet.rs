//! Rows become a Parquet file.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression as ParquetCompression, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion as ParquetVersion};
use parquet::schema::types::{ColumnPath, SchemaDescriptor};

use super::sort::Order;
use super::{Compression, ConvertError, ParquetOptions, WriterVersion};

fn properties(
    options: &ParquetOptions,
    leaves: &SchemaDescriptor,
    order: Option<&Order>,
) -> Result<WriterProperties, ConvertError> {
    let tuning = &options.tuning;
    let compression = match options.compression {
        Compression::Uncompressed => ParquetCompression::UNCOMPRESSED,
        Compression::Gzip => ParquetCompression::GZIP(GzipLevel::default()),
        Compression::Snappy => ParquetCompression::SNAPPY,
        Compression::Zstd => ParquetCompression::ZSTD(ZstdLevel::try_new(tuning.zstd_level)?),
    };
    let version = match options.version {
        WriterVersion::V1 => ParquetVersion::PARQUET_1_0,
        WriterVersion::V2 => ParquetVersion::PARQUET_2_0,
    };
    // Statistics of each page double their cost, and most engines that read these files skip by row group.
    let statistics = if tuning.page_index { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("headwater version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(compression)
        .set_writer_version(version)
        .set_dictionary_enabled(options.is_dictionary_enabled)
        .set_max_row_group_bytes(Some(options.block_bytes))
        .set_max_row_group_row_count(Some(tuning.row_group_rows))
        .set_data_page_size_limit(options.page_bytes)
        .set_statistics_enabled(statistics)
        .set_offset_index_disabled(!tuning.page_index)
        .set_sorting_columns(order.map(Order::sorting_columns));
    for path in bloom_filter_paths(&tuning.bloom_filter_columns, leaves) {
        builder = builder.set_column_bloom_filter_enabled(path, true);
    }
    Ok(builder.build())
}

/// The leaf columns that `names` lead to: a name has no word for the levels that Parquet puts into lists and maps.
fn bloom_filter_paths(names: &[String], leaves: &SchemaDescriptor) -> Vec<ColumnPath> {
    let name_of = |path: &ColumnPath| {
        let name = path.parts().join(".").replace(".list.element", "");
        name.replace(".key_value.", ".")
    };
    let paths = leaves.columns().iter().map(|leaf| leaf.path().clone());
    paths.filter(|path| names.contains(&name_of(path))).collect()
}

/// A Parquet file in the making: whole row groups are in the output, the one being filled is in memory, encoded.
pub(crate) struct ParquetFile<W: Write + Send> {
    schema: SchemaRef,
    order: Option<Order>,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetFile<W> {
    pub(crate) fn new(output: W, schema: SchemaRef, options: &ParquetOptions) -> Result<Self, ConvertError> {
        let leaves = ArrowSchemaConverter::new().convert(&schema)?;
        let order = Order::new(&options.tuning.sort_by, &schema, &leaves);
        let properties = properties(options, &leaves, order.as_ref())?;
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(output, SchemaRef::clone(&schema), options)?;
        Ok(Self { schema, order, writer })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn write(&mut self, chunk: &RecordBatch) -> Result<(), ConvertError> {
        let Some(order) = &self.order else { return Ok(self.writer.write(chunk)?) };
        // One sorted chunk after the other is not sorted, so that each is a row group of its own, or several.
        self.writer.write(&order.sort(chunk)?)?;
        Ok(self.writer.flush()?)
    }

    /// Ends the file, and hands its output back.
    pub(crate) fn finish(self) -> Result<W, ConvertError> {
        Ok(self.writer.into_inner()?)
    }
}
