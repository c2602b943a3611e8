//! Records become the data files of a table, one for each partition that they fall into.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use shard_store::map_file;

use super::failure::{Failure, reason};
use super::layout::Layout;
use crate::columns::{Naming, Rules, Unknown};
use crate::convert::{ParquetFile, ParquetOptions, Rows};
use crate::record::Reason;
use crate::spool::Spool;

/// Partitions of one batch, at most: each has a file that is being written.
const PARTITIONS_MAX: usize = 500;

/// Bytes of a row group, which is in memory while it is filled.
const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;

/// The value that a partition's records have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PartitionValue {
    Null,
    Boolean(bool),
    Int(i32),
    Long(i64),
    /// Days since the epoch.
    Date(i32),
    Text(String),
}

/// A data file.
#[derive(Debug)]
pub(super) struct DataFile {
    /// One for each column that files are divided by.
    pub(super) partition: Vec<PartitionValue>,
    pub(super) row_count: u64,
    pub(super) body: Bytes,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) struct Written {
    /// In the order of their partitions.
    pub(super) files: Vec<DataFile>,
    /// The records that are in none of them, by position.
    pub(super) refused: BTreeMap<usize, Arc<Reason>>,
}

/// Writes the data files of a batch. The same records and the same layout give the same bytes. Blocks and computes.
///
/// # Errors
/// Only what no record can cause, but for records of too many partitions.
pub(super) fn write(records: &[Bytes], layout: &Layout, spool: &Spool) -> Result<Written, Failure> {
    let rules = Rules {
        unknown: Unknown::Ignore,
        is_lenient: false,
        naming: Naming::default(),
        timestamp_formats: Default::default(),
    };
    let rows = Rows::new(layout.schema.clone(), None, rules);
    let mut writer =
        Writer { layout, spool, rows, owners: Vec::new(), outputs: BTreeMap::new(), refused: BTreeMap::new() };
    for (at, record) in records.iter().enumerate() {
        match writer.rows.append(record) {
            Ok(row_count) => writer.owners.extend(std::iter::repeat_n(at, row_count)),
            Err(error) => {
                writer.refused.insert(at, Arc::new(reason(&error.code.to_string(), &error.message)));
            }
        }
        if writer.rows.is_chunk_full() {
            writer.end_chunk()?;
        }
    }
    writer.end_chunk()?;
    writer.finish()
}

struct Writer<'a> {
    layout: &'a Layout,
    spool: &'a Spool,
    rows: Rows,
    /// The record of each row.
    owners: Vec<usize>,
    outputs: BTreeMap<Vec<PartitionValue>, Output>,
    refused: BTreeMap<usize, Arc<Reason>>,
}

struct Output {
    file: ParquetFile<File>,
    row_count: u64,
}

impl Writer<'_> {
    fn end_chunk(&mut self) -> Result<(), Failure> {
        let owners = std::mem::take(&mut self.owners);
        let Some(chunk) = self.rows.take_chunk()? else { return Ok(()) };
        let refused = self.refuse_nulls(&chunk, &owners);
        let columns: Vec<&ArrayRef> =
            self.layout.partitions.iter().filter_map(|partition| chunk.columns().get(partition.column)).collect();
        let mut groups: BTreeMap<Vec<PartitionValue>, Vec<u32>> = BTreeMap::new();
        for (row, _) in (0_u32..).zip(&owners).filter(|(_, owner)| !refused.contains(*owner)) {
            let values = columns.iter().map(|column| value(column, row as usize)).collect();
            groups.entry(values).or_default().push(row);
        }
        for (partition, rows) in groups {
            let is_whole = rows.len() == chunk.num_rows();
            let part = if is_whole { chunk.clone() } else { take_record_batch(&chunk, &UInt32Array::from(rows))? };
            self.write_part(partition, &part)?;
        }
        Ok(())
    }

    /// The records that lack a value that the table requires; a record is refused as a whole.
    fn refuse_nulls(&mut self, chunk: &RecordBatch, owners: &[usize]) -> BTreeSet<usize> {
        let mut refused = BTreeSet::new();
        for position in &self.layout.required {
            let Some(column) = chunk.columns().get(*position).filter(|column| column.null_count() > 0) else {
                continue;
            };
            let name = self.layout.arrow.field(*position).name();
            for (_, owner) in owners.iter().enumerate().filter(|(row, _)| column.is_null(*row)) {
                if refused.insert(*owner) {
                    let message = format!("Data does not match the schema. The column {name} is required.");
                    self.refused.insert(*owner, Arc::new(reason("DataFormatConversion.MalformedData", &message)));
                }
            }
        }
        refused
    }

    fn write_part(&mut self, partition: Vec<PartitionValue>, part: &RecordBatch) -> Result<(), Failure> {
        if !self.outputs.contains_key(&partition) {
            if self.outputs.len() >= PARTITIONS_MAX {
                return Err(Failure::Table(format!("The batch has records of more than {PARTITIONS_MAX} partitions.")));
            }
            let options = ParquetOptions { block_bytes: ROW_GROUP_BYTES, ..ParquetOptions::default() };
            let file = ParquetFile::new(self.spool.scratch()?, Arc::clone(&self.layout.arrow), &options)?;
            self.outputs.insert(partition.clone(), Output { file, row_count: 0 });
        }
        let Some(output) = self.outputs.get_mut(&partition) else { return Ok(()) };
        output.file.write(&without_zones(part, &self.layout.arrow)?)?;
        output.row_count += part.num_rows() as u64;
        Ok(())
    }

    fn finish(self) -> Result<Written, Failure> {
        let mut files = Vec::new();
        for (partition, Output { file, row_count }) in self.outputs {
            files.push(DataFile { partition, row_count, body: map_file(&file.finish()?)? });
        }
        Ok(Written { files, refused: self.refused })
    }
}

/// The same rows, with the timestamps of `schema` that have no zone.
fn without_zones(part: &RecordBatch, schema: &arrow::datatypes::Schema) -> Result<RecordBatch, Failure> {
    const NO_ZONE: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
    if schema.fields().iter().all(|field| field.data_type() != &NO_ZONE) {
        return Ok(part.clone());
    }
    let columns = schema.fields().iter().zip(part.columns()).map(|(field, column)| -> ArrayRef {
        match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(times) if field.data_type() == &NO_ZONE => Arc::new(times.clone().with_timezone_opt(None::<Arc<str>>)),
            _ => Arc::clone(column),
        }
    });
    let pairs: Vec<_> = schema.fields().iter().map(|field| field.name()).zip(columns).collect();
    Ok(RecordBatch::try_from_iter_with_nullable(pairs.into_iter().map(|(name, column)| (name, column, true)))?)
}

/// What stands in a row of a column that files are divided by.
fn value(column: &ArrayRef, row: usize) -> PartitionValue {
    if column.is_null(row) {
        return PartitionValue::Null;
    }
    match column.data_type() {
        DataType::Boolean => PartitionValue::Boolean(column.as_boolean().value(row)),
        DataType::Int32 => PartitionValue::Int(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => PartitionValue::Long(column.as_primitive::<Int64Type>().value(row)),
        DataType::Date32 => PartitionValue::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Utf8 => PartitionValue::Text(column.as_string::<i32>().value(row).to_owned()),
        // The layout lets no other type in.
        _ => PartitionValue::Null,
    }
}
