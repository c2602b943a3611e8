//! Merging: small objects become one, in a scratch file.
//!
//! Streams follow one another as they are, which plain text, GZIP, Zstandard and both kinds of Snappy allow. Parquet files are
//! read a few rows at a time and written anew, so that what is in memory is those rows and the row group in the making.
//! The file is then compared with those it came from: it must have all their rows, and each column must be stored as it
//! was; else they are left alone.

use std::collections::HashMap;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::ledger::Format;
use super::unite::{fit, unite};
use crate::convert::{ConvertError, ParquetFile, ParquetOptions};
use crate::delivery::{Body, BodyWriter};
use crate::error::DeliveryError;
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_ROWS_MAX};
use crate::spool::Spool;

/// Rows that are read at a time.
const BATCH_ROWS_MAX: u64 = 1_024;

/// Merges objects of one format; `None` if they do not go together. Blocks on the disk and computes for a while.
///
/// # Errors
/// The spool has no room.
pub(super) fn merge(
    inputs: &[Bytes],
    format: Format,
    options: &ParquetOptions,
    spool: &Spool,
) -> Result<Option<Body>, DeliveryError> {
    match format {
        Format::Parquet => merge_parquet(inputs, options, spool),
        Format::Plain(_) => {
            let mut body = BodyWriter::new(spool)?;
            inputs.iter().try_for_each(|input| body.write_all(input))?;
            Ok(Some(body.finish()?))
        }
    }
}

fn metadata(file: &Bytes) -> Result<ArrowReaderMetadata, ParquetError> {
    ArrowReaderMetadata::load(file, ArrowReaderOptions::new())
}

/// An object that is not what it was when it landed is nothing to wait for.
fn tell_unreadable(error: &dyn std::error::Error) {
    tracing::warn!(%error, "a small object cannot be read");
}

fn merge_parquet(inputs: &[Bytes], options: &ParquetOptions, spool: &Spool) -> Result<Option<Body>, DeliveryError> {
    let files: Vec<ArrowReaderMetadata> = match inputs.iter().map(metadata).collect() {
        Ok(files) => files,
        Err(error) => {
            tell_unreadable(&error);
            return Ok(None);
        }
    };
    let Some(schema) = unite(files.iter().map(|file| file.schema().as_ref())) else { return Ok(None) };
    let failed = |error: ConvertError| DeliveryError::Build { reason: error.to_string() };
    let mut output = ParquetFile::new(BodyWriter::new(spool)?, schema.clone(), options).map_err(failed)?;
    let mut chunk = Chunk::default();
    for (input, file) in inputs.iter().zip(&files) {
        for batch in rows(input, file) {
            let Some(batch) = batch.and_then(|batch| fit(&batch, &schema)) else { return Ok(None) };
            chunk.push(batch);
            if chunk.is_full() {
                chunk.write_to(&mut output).map_err(failed)?;
            }
        }
    }
    chunk.write_to(&mut output).map_err(failed)?;
    let body = output.finish().map_err(failed)?.finish()?;
    let merged = metadata(&body.bytes).map_err(|error| failed(error.into()))?;
    Ok(is_faithful(merged.metadata(), &files).then_some(body))
}

/// Rows that are written together: those of a chunk are sorted, where that is asked for.
#[derive(Default)]
struct Chunk {
    batches: Vec<RecordBatch>,
    row_count: usize,
    byte_count: usize,
}

impl Chunk {
    fn push(&mut self, batch: RecordBatch) {
        self.row_count += batch.num_rows();
        self.byte_count += batch.get_array_memory_size();
        self.batches.push(batch);
    }

    fn is_full(&self) -> bool {
        self.row_count >= CHUNK_ROWS_MAX || self.byte_count >= CHUNK_BYTES_MAX
    }

    fn write_to<W: Write + Send>(&mut self, output: &mut ParquetFile<W>) -> Result<(), ConvertError> {
        let Self { batches, .. } = std::mem::take(self);
        if batches.is_empty() {
            return Ok(());
        }
        output.write(&concat_batches(output.schema(), &batches)?)
    }
}

/// The rows of a file, a few at a time; `None` where it is damaged.
fn rows(input: &Bytes, file: &ArrowReaderMetadata) -> impl Iterator<Item = Option<RecordBatch>> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input.clone(), file.clone());
    let (reader, damage) = match builder.with_batch_size(batch_rows(file.metadata())).build() {
        Ok(reader) => (Some(reader), None),
        Err(error) => {
            tell_unreadable(&error);
            (None, Some(None))
        }
    };
    let batches = reader.into_iter().flatten();
    damage.into_iter().chain(batches.map(|batch| batch.inspect_err(|error| tell_unreadable(error)).ok()))
}

/// So many rows as a chunk of memory has room for, by what they take unencoded on average.
fn batch_rows(file: &ParquetMetaData) -> usize {
    let mut byte_count = 0_u64;
    let mut row_count = 0_u64;
    for group in file.row_groups() {
        row_count += u64::try_from(group.num_rows()).unwrap_or(0);
        for column in group.columns() {
            // A dictionary holds a long text once, however many rows have it.
            let unencoded = column.unencoded_byte_array_data_bytes().unwrap_or(0);
            byte_count += u64::try_from(column.uncompressed_size().max(unencoded)).unwrap_or(0);
        }
    }
    let row_bytes = (byte_count / row_count.max(1)).max(1);
    usize::try_from((CHUNK_BYTES_MAX as u64 / row_bytes).clamp(1, BATCH_ROWS_MAX)).unwrap_or(1)
}

type Stored = (PhysicalType, Option<LogicalType>);

/// How each leaf column is stored, by its path.
fn columns(file: &ParquetMetaData) -> HashMap<String, Stored> {
    let schema = file.file_metadata().schema_descr();
    let columns = schema.columns().iter();
    columns
        .map(|column| (column.path().string(), (column.physical_type(), column.logical_type_ref().cloned())))
        .collect()
}

/// Whether the merged file has all rows, and stores each column as it was or as a wider number.
fn is_faithful(merged: &ParquetMetaData, files: &[ArrowReaderMetadata]) -> bool {
    let row_count: i64 = files.iter().map(|file| file.metadata().file_metadata().num_rows()).sum();
    let stored = columns(merged);
    let is_number = |kind: PhysicalType| {
        matches!(kind, PhysicalType::INT32 | PhysicalType::INT64 | PhysicalType::FLOAT | PhysicalType::DOUBLE)
    };
    let is_kept = |(path, before): (String, Stored)| {
        stored.get(&path).is_some_and(|after| {
            let is_plain = |kind: &Option<LogicalType>| matches!(kind, None | Some(LogicalType::Integer { .. }));
            *after == before || (is_number(after.0) && is_number(before.0) && is_plain(&after.1) && is_plain(&before.1))
        })
    };
    row_count == merged.file_metadata().num_rows()
        && files.iter().flat_map(|file| columns(file.metadata())).all(is_kept)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::definition::ObjectCompression;

    fn file(columns: Vec<(&str, ArrayRef)>) -> Bytes {
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let mut file = ParquetFile::new(Vec::new(), batch.schema(), &ParquetOptions::default()).unwrap();
        file.write(&batch).unwrap();
        file.finish().unwrap().into()
    }

    fn merged(inputs: &[Bytes], format: Format) -> Option<Bytes> {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path()).unwrap();
        merge(inputs, format, &ParquetOptions::default(), &spool).unwrap().map(|body| body.bytes)
    }

    fn ints(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    #[test]
    fn files_of_evolved_schemas_become_one_with_all_rows_and_columns() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let inputs = [file(vec![("id", ints(&[1, 2]))]), file(vec![("id", ints(&[3])), ("text", texts)])];
        let merged = merged(&inputs, Format::Parquet).unwrap();
        let rows = ParquetRecordBatchReaderBuilder::try_new(merged).unwrap().build().unwrap();
        let batches: Vec<RecordBatch> = rows.map(|batch| batch.unwrap()).collect();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].column(0).as_ref(), ints(&[1, 2, 3]).as_ref());
        let texts: ArrayRef = Arc::new(StringArray::from(vec![None, None, Some("x")]));
        assert_eq!(batches[0].column(1).as_ref(), texts.as_ref());
    }

    #[test]
    fn files_that_do_not_go_together_or_are_damaged_are_left_alone() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let numbers = file(vec![("id", ints(&[1]))]);
        assert_eq!(merged(&[numbers.clone(), file(vec![("id", texts)])], Format::Parquet), None);
        assert_eq!(merged(&[numbers.clone(), Bytes::from_static(b"no file")], Format::Parquet), None);
        let mut damaged = numbers.to_vec();
        damaged[4..20].fill(0xff);
        assert_eq!(merged(&[numbers, damaged.into()], Format::Parquet), None);
    }

    #[test]
    fn compressed_streams_follow_one_another() {
        let part = |text: &str, compression| {
            let mut part = Vec::new();
            crate::object::encode_to([text.as_bytes()].into_iter(), compression, "k", &mut part).unwrap();
            Bytes::from(part)
        };
        for compression in [ObjectCompression::Gzip, ObjectCompression::Zstd, ObjectCompression::Snappy] {
            let parts = [part("one\n", compression), part("two\n", compression)];
            let merged = merged(&parts, Format::Plain(compression)).unwrap();
            let mut text = String::new();
            let read = match compression {
                ObjectCompression::Gzip => flate2::read::MultiGzDecoder::new(&merged[..]).read_to_string(&mut text),
                ObjectCompression::Zstd => zstd::Decoder::new(&merged[..]).unwrap().read_to_string(&mut text),
                _ => snap::read::FrameDecoder::new(&merged[..]).read_to_string(&mut text),
            };
            read.unwrap();
            assert_eq!(text, "one\ntwo\n");
        }
    }
}
