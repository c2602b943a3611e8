//! The columns of a row, or the members of a struct.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;

use super::{Column, Naming};
use crate::schema::Field;

/// A column with the key that its values come under.
struct Named {
    name: String,
    /// The key as the records last spelt it. None if none was seen, and the column's own name is that of another's key.
    key: Option<String>,
    column: Column,
}

/// Columns of equal length, found by key.
pub(crate) struct Fields {
    columns: Vec<Named>,
    /// By the name as [`Naming::fold`] spells it.
    positions: HashMap<String, usize>,
    row_count: usize,
    /// The column whose key is expected next.
    expected: usize,
    row_bytes: usize,
}

impl Fields {
    /// Empty columns.
    pub(crate) fn new(fields: &[Field], naming: &Naming) -> Self {
        let mut new = Self { columns: Vec::new(), positions: HashMap::new(), row_count: 0, expected: 0, row_bytes: 0 };
        new.evolve(fields, naming);
        new
    }

    /// The number of whole rows.
    pub(crate) fn row_count(&self) -> usize {
        self.row_count
    }

    /// Bytes that one more row takes in memory, texts and elements not counted.
    pub(crate) fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Begins a row: the first column is expected first again.
    pub(crate) fn begin_row(&mut self) {
        self.expected = 0;
    }

    /// Ends a row; columns it did not mention stay behind until they are written or finished.
    pub(crate) fn end_row(&mut self) {
        self.row_count += 1;
    }

    /// Adds rows without values.
    pub(crate) fn set_row_count(&mut self, row_count: usize) {
        self.row_count = row_count;
    }

    /// Drops all rows from `row_count` on.
    pub(crate) fn truncate(&mut self, row_count: usize) {
        self.row_count = self.row_count.min(row_count);
        for named in &mut self.columns {
            named.column.truncate(row_count);
        }
    }

    /// The position of the column that `key` belongs to.
    #[inline]
    pub(crate) fn locate(&mut self, key: &str, naming: &Naming) -> Option<usize> {
        let expected = self.expected;
        if self.columns.get(expected).is_some_and(|named| named.key.as_deref() == Some(key)) {
            self.expected = expected + 1;
            return Some(expected);
        }
        self.locate_unexpected(key, naming)
    }

    fn locate_unexpected(&mut self, key: &str, naming: &Naming) -> Option<usize> {
        let name = naming.column_name(key, |name| self.positions.contains_key(name));
        let position = *self.positions.get(naming.fold(&name).as_ref())?;
        let named = self.columns.get_mut(position)?;
        if named.key.as_deref() != Some(key) {
            named.key = Some(key.to_owned());
        }
        self.expected = position + 1;
        Some(position)
    }

    /// The column at `position`, ready for the value of the row being written. A value it already has in this row is
    /// dropped, so that of a key that is there twice the last one counts.
    #[inline]
    pub(crate) fn writable(&mut self, position: usize) -> Option<(&str, &mut Column)> {
        let row = self.row_count;
        let named = self.columns.get_mut(position)?;
        if named.column.len() > row {
            named.column.truncate(row);
        } else if named.column.len() < row {
            named.column.pad(row);
        }
        Some((&named.name, &mut named.column))
    }

    /// Takes the columns of `fields`, which begin with those that are here; new ones are null in the rows so far.
    pub(crate) fn evolve(&mut self, fields: &[Field], naming: &Naming) {
        for (position, field) in fields.iter().enumerate() {
            match self.columns.get_mut(position) {
                Some(named) => named.column.evolve(&field.kind, naming),
                None => {
                    self.positions.insert(naming.fold(&field.name).into_owned(), position);
                    let column = Column::new(&field.kind, naming);
                    self.columns.push(Named { name: field.name.clone(), key: Some(field.name.clone()), column });
                }
            }
        }
        // What is expected must not say otherwise than the rules.
        let positions = &self.positions;
        for named in &mut self.columns {
            named.key = named.key.take().filter(|key| {
                let name = naming.column_name(key, |name| positions.contains_key(name));
                naming.fold(&name) == naming.fold(&named.name)
            });
        }
        self.row_bytes = self.columns.iter().map(|named| named.column.row_bytes()).sum();
    }

    /// Hands the rows over as arrays of `fields`, and is empty again.
    pub(crate) fn finish(&mut self, fields: &[Field]) -> Result<Vec<ArrayRef>, ArrowError> {
        let row_count = std::mem::take(&mut self.row_count);
        let pairs = self.columns.iter_mut().zip(fields);
        pairs.map(|(named, field)| named.column.finish(&field.kind, row_count)).collect()
    }
}
