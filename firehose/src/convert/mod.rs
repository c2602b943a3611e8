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

mod error;
mod parquet;
mod rows;

pub use error::{ConvertError, RecordError, RecordErrorCode};
pub use parquet::{Compression, ParquetOptions, WriterVersion};

use parquet::ParquetFile;
use rows::Rows;

pub use crate::columns::Naming;
use crate::columns::{Rules, Unknown};
use crate::schema::{ClashPolicy, Inference, Schema};

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
    /// How the file is written.
    pub parquet: ParquetOptions,
}

/// What came out of a conversion.
#[derive(Debug)]
pub struct Converted {
    /// The Parquet file; `None` if no record converted.
    pub file: Option<Vec<u8>>,
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
/// # Errors
/// Only what no record can cause: the file could not be encoded.
pub fn convert<'a, I: Iterator<Item = R>, R: AsRef<[u8]> + 'a>(
    records: impl Fn() -> I,
    conversion: &Conversion,
    schema: &Schema,
    mut report: impl FnMut(Option<(&R, &RecordError)>),
) -> Result<Converted, ConvertError> {
    let mut pass = Pass::new(conversion, schema.clone())?;
    pass.run(records(), &mut report)?;
    if pass.is_outdated {
        let learnt = pass.rows.schema().clone();
        report(None);
        pass = Pass::new(conversion, learnt.clone())?;
        pass.run(records(), &mut report)?;
        if pass.rows.schema() != &learnt {
            return Err(ConvertError::Unstable);
        }
    }
    if pass.row_count > 0 && pass.rows.schema().fields.is_empty() {
        report(None);
        pass = Pass::new(conversion, schema.clone())?;
        pass.is_columnless = true;
        pass.run(records(), &mut report)?;
    }
    pass.finish()
}

/// One reading of all records.
struct Pass<'a> {
    conversion: &'a Conversion,
    rows: Rows,
    file: Option<ParquetFile>,
    row_count: u64,
    failed_count: u64,
    /// The schema grew after chunks were encoded; from then on nothing is encoded any more.
    is_outdated: bool,
    /// No record has a value to make a column of, and Parquet has no rows without columns.
    is_columnless: bool,
}

impl<'a> Pass<'a> {
    fn new(conversion: &'a Conversion, schema: Schema) -> Result<Self, ConvertError> {
        let (unknown, inference) = match conversion.columns {
            Columns::Given => (Unknown::Ignore, None),
            Columns::Inferred(policy) => (Unknown::Learn, Some(Inference::new(schema.clone(), policy))),
        };
        let is_lenient = conversion.is_lenient && matches!(conversion.columns, Columns::Given);
        let rules = Rules { unknown, is_lenient, naming: conversion.naming.clone() };
        let rows = Rows::new(schema, inference, rules);
        Ok(Self {
            conversion,
            rows,
            file: None,
            row_count: 0,
            failed_count: 0,
            is_outdated: false,
            is_columnless: false,
        })
    }

    fn run<R: AsRef<[u8]>>(
        &mut self,
        records: impl Iterator<Item = R>,
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
                self.end_chunk()?;
            }
        }
        self.end_chunk()
    }

    fn accept(&mut self, row_count: usize) -> Result<(), RecordError> {
        if self.is_columnless {
            return Err(RecordError::malformed("The record holds no value, and no column is known yet."));
        }
        self.row_count += row_count as u64;
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), ConvertError> {
        let Some(chunk) = self.rows.take_chunk()? else { return Ok(()) };
        match &mut self.file {
            _ if self.is_outdated => {}
            Some(file) if file.schema() != &chunk.schema() => self.is_outdated = true,
            Some(file) => file.write(&chunk)?,
            None => {
                let mut file = ParquetFile::new(chunk.schema(), &self.conversion.parquet)?;
                file.write(&chunk)?;
                self.file = Some(file);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Converted, ConvertError> {
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
