//! Conversion: JSON records become the rows of one Parquet object, and those that do not convert the lines of an error
//! object.
//!
//! The records are written into columns, and the columns are encoded whenever a chunk is full, so that memory does not
//! grow with the object. A Parquet file has one schema, but an inferred one may grow in the middle of an object: once
//! chunks were encoded with a schema that is out of date, the rest of the records is only learnt from, and the object is
//! made again with the whole schema. The same records and the same schema to start from give the same bytes, which is what
//! redoing a delivery after a crash rests on.
//!
//! What this does not do: read logs, name objects, or upload them.

mod conversion;
mod error;
mod options;
mod parquet;
mod rows;
mod sort;

use std::io::{self, Write};

pub use conversion::{Columns, Conversion};
pub use error::{ConvertError, RecordError, RecordErrorCode};
pub use options::{
    Compression, ParquetOptions, ParquetOverrides, ParquetTuning, SortColumn, SortColumnError, WriterVersion,
};

pub(crate) use parquet::ParquetFile;
pub(crate) use rows::Rows;
pub(crate) use rows::is_nested_deeper;

pub use crate::columns::{Naming, TimestampFormat, TimestampFormatError};
use crate::columns::{Rules, Unknown};
use crate::schema::{Inference, Schema};

/// What came out of a conversion.
#[derive(Debug)]
pub struct Converted<W> {
    /// The output with the whole Parquet file in it; `None` if no record converted.
    pub file: Option<W>,
    /// Its rows.
    pub row_count: u64,
    /// Records that did not convert.
    pub failed_count: u64,
    /// The schema of the file, later than the one given if anything was learnt.
    pub schema: Schema,
}

/// Converts the records that `records` yields, each time in the same order, starting from the columns of `schema`.
/// `report` is told of each record that does not convert; a call of it with `None` takes all that was said back.
///
/// `make_output` gives an empty output for the file, and is not asked before the first row is there. It is asked again if
/// the file is begun anew; the output before was dropped by then, and nothing in it counts.
///
/// # Errors
/// Only what no record can cause: the file could not be encoded or written.
pub fn convert<'a, I: Iterator<Item = R>, R: AsRef<[u8]> + 'a, W: Write + Send>(
    records: impl Fn() -> I,
    conversion: &Conversion,
    schema: &Schema,
    mut make_output: impl FnMut() -> io::Result<W>,
    mut report: impl FnMut(Option<(&R, &RecordError)>),
) -> Result<Converted<W>, ConvertError> {
    let mut pass = Pass::new(conversion, schema.clone());
    pass.run(records(), &mut make_output, &mut report)?;
    if pass.is_outdated {
        let learnt = pass.into_schema();
        report(None);
        pass = Pass::new(conversion, learnt.clone());
        pass.run(records(), &mut make_output, &mut report)?;
        if pass.rows.schema() != &learnt {
            return Err(ConvertError::Unstable);
        }
    }
    if pass.row_count > 0 && pass.rows.schema().fields.is_empty() {
        report(None);
        pass = Pass::new(conversion, schema.clone());
        pass.is_columnless = true;
        pass.run(records(), &mut make_output, &mut report)?;
    }
    pass.finish()
}

/// One reading of all records.
struct Pass<'a, W: Write + Send> {
    conversion: &'a Conversion,
    rows: Rows,
    file: Option<ParquetFile<W>>,
    row_count: u64,
    failed_count: u64,
    /// The schema grew after chunks were encoded; from then on nothing is encoded any more.
    is_outdated: bool,
    /// No record has a value to make a column of, and Parquet has no rows without columns.
    is_columnless: bool,
}

impl<'a, W: Write + Send> Pass<'a, W> {
    fn new(conversion: &'a Conversion, schema: Schema) -> Self {
        let (unknown, inference) = match conversion.columns {
            Columns::Given => (Unknown::Ignore, None),
            Columns::Inferred(policy) => (Unknown::Learn, Some(Inference::new(schema.clone(), policy))),
        };
        let is_lenient = conversion.is_lenient && matches!(conversion.columns, Columns::Given);
        let rules = Rules {
            unknown,
            is_lenient,
            naming: conversion.naming.clone(),
            timestamp_formats: conversion.timestamp_formats.clone(),
        };
        let rows = Rows::new(schema, inference, rules);
        Self { conversion, rows, file: None, row_count: 0, failed_count: 0, is_outdated: false, is_columnless: false }
    }

    fn run<R: AsRef<[u8]>>(
        &mut self,
        records: impl Iterator<Item = R>,
        make_output: &mut impl FnMut() -> io::Result<W>,
        report: &mut impl FnMut(Option<(&R, &RecordError)>),
    ) -> Result<(), ConvertError> {
        for record in records {
            let outcome = self.rows.append(record.as_ref());
            match outcome.and_then(|row_count| self.accept(row_count)) {
                Ok(()) => {}
                Err(error) => {
                    self.failed_count += 1;
                    report(Some((&record, &error)));
                }
            }
            if self.rows.is_chunk_full() {
                self.end_chunk(make_output)?;
            }
        }
        self.end_chunk(make_output)
    }

    fn accept(&mut self, row_count: usize) -> Result<(), RecordError> {
        if self.is_columnless {
            return Err(RecordError::malformed("The record holds no value, and no column is known yet."));
        }
        self.row_count += row_count as u64;
        Ok(())
    }

    fn end_chunk(&mut self, make_output: &mut impl FnMut() -> io::Result<W>) -> Result<(), ConvertError> {
        let Some(chunk) = self.rows.take_chunk()? else { return Ok(()) };
        match &mut self.file {
            _ if self.is_outdated => {}
            Some(file) if file.schema() != &chunk.schema() => self.is_outdated = true,
            Some(file) => file.write(&chunk)?,
            None => {
                let mut file = ParquetFile::new(make_output()?, chunk.schema(), &self.conversion.parquet)?;
                file.write(&chunk)?;
                self.file = Some(file);
            }
        }
        Ok(())
    }

    fn into_schema(self) -> Schema {
        self.rows.into_schema()
    }

    fn finish(self) -> Result<Converted<W>, ConvertError> {
        Ok(Converted {
            file: self.file.map(ParquetFile::finish).transpose()?,
            row_count: self.row_count,
            failed_count: self.failed_count,
            schema: self.rows.into_schema(),
        })
    }
}

#[cfg(test)]
mod tests;
