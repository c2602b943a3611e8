//! Columns in the making: values, validity and offsets that rows are written into, and that Arrow arrays take over.
//!
//! A row's JSON is parsed straight into the columns; there is no tree in between.
//!
//! | module | what is in it |
//! |---|---|
//! | `fields`, `naming` | the columns of a row, found by key |
//! | `record`, `value`, `map`, `skip` | the visitors that carry JSON into the columns, or drop it |
//! | `reading` | the rules and bounds of one reading, and what stopped it |
//! | `scalar`, `text`, `time`, `pattern`, `decimal` | what texts and numbers say in the type of a column |
//!
//! What makes this work:
//!
//! - **Padding is lazy.** A column that a row does not mention is not touched; it is filled up with nulls when it is next
//!   written, or at the end. So a new column costs nothing to add, and a wide schema costs a row only what the row holds.
//! - **Rolling back is truncating.** A row that fails half way leaves values behind; cutting each column back to the length
//!   it had at the row's start undoes them.
//! - **Keys come in the same order** in nearly every record, so the next expected column is tried before the hash map.
//!
//! What this does not do: decide what becomes of a row that fails (see [`crate::convert`]).

mod decimal;
mod fields;
mod map;
mod naming;
mod pattern;
mod reading;
mod record;
mod scalar;
mod skip;
mod text;
mod time;
mod value;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, NullBufferBuilder, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field as ArrowField};
use arrow::error::ArrowError;
use std::sync::Arc;

pub(crate) use decimal::PRECISION_MAX;
pub(crate) use fields::Fields;
use map::Entries;
pub use naming::Naming;
pub use pattern::{TimestampFormat, TimestampFormatError};
pub(crate) use reading::{Failure, Reading, Rules, Unknown};
pub(crate) use record::RecordSeed;
use text::{Length, Texts};
pub(crate) use time::parse_timestamp;

use crate::schema::{Type, arrow_fields};

/// Bits of an integer column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntegerWidth {
    Bits8,
    Bits16,
    Bits32,
    Bits64,
}

impl IntegerWidth {
    /// Whether `value` can be told in so many bits.
    fn holds(self, value: i64) -> bool {
        match self {
            Self::Bits8 => i8::try_from(value).is_ok(),
            Self::Bits16 => i16::try_from(value).is_ok(),
            Self::Bits32 => i32::try_from(value).is_ok(),
            Self::Bits64 => true,
        }
    }
}

/// The values of one column. A null has a value too, whatever it is, so that positions agree.
pub(crate) enum Values {
    Booleans(BooleanBufferBuilder),
    Integers {
        width: IntegerWidth,
        values: Vec<i64>,
    },
    Reals {
        is_single: bool,
        values: Vec<f64>,
    },
    Decimals {
        precision: u8,
        scale: u8,
        /// In units of 10^-`scale`.
        values: Vec<i128>,
    },
    Texts(Texts),
    Json(Texts),
    Binary(Texts),
    /// Days since the epoch.
    Dates(Vec<i32>),
    /// Microseconds since the epoch.
    Timestamps(Vec<i64>),
    Struct(Box<Fields>),
    List {
        ends: Vec<i32>,
        elements: Box<Column>,
    },
    Map(Box<Entries>),
}

/// One column in the making.
pub(crate) struct Column {
    pub(crate) values: Values,
    validity: NullBufferBuilder,
}

impl Column {
    /// An empty column.
    pub(crate) fn new(kind: &Type, naming: &Naming) -> Self {
        let values = match kind {
            Type::Boolean => Values::Booleans(BooleanBufferBuilder::new(0)),
            Type::TinyInt => Values::Integers { width: IntegerWidth::Bits8, values: Vec::new() },
            Type::SmallInt => Values::Integers { width: IntegerWidth::Bits16, values: Vec::new() },
            Type::Int => Values::Integers { width: IntegerWidth::Bits32, values: Vec::new() },
            Type::BigInt => Values::Integers { width: IntegerWidth::Bits64, values: Vec::new() },
            Type::Float => Values::Reals { is_single: true, values: Vec::new() },
            Type::Double => Values::Reals { is_single: false, values: Vec::new() },
            Type::Decimal { precision, scale } => {
                Values::Decimals { precision: *precision, scale: *scale, values: Vec::new() }
            }
            Type::String => Values::Texts(Texts::default()),
            Type::Varchar(length) => Values::Texts(Texts::new(Length::Varchar(usize::from(*length)))),
            Type::Char(length) => Values::Texts(Texts::new(Length::Char(usize::from(*length)))),
            Type::Json => Values::Json(Texts::default()),
            Type::Binary => Values::Binary(Texts::default()),
            Type::Date => Values::Dates(Vec::new()),
            Type::Timestamp => Values::Timestamps(Vec::new()),
            Type::Struct(fields) => Values::Struct(Box::new(Fields::new(fields, naming))),
            Type::Array(element) => Values::List { ends: Vec::new(), elements: Box::new(Self::new(element, naming)) },
            Type::Map(key, value) => {
                Values::Map(Box::new(Entries::new(Self::new(key, naming), Self::new(value, naming))))
            }
        };
        Self { values, validity: NullBufferBuilder::new(0) }
    }

    /// The number of rows written.
    pub(crate) fn len(&self) -> usize {
        self.validity.len()
    }

    /// The type of the column, for messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.values {
            Values::Booleans(_) => "boolean",
            Values::Integers { width: IntegerWidth::Bits8, .. } => "tinyint",
            Values::Integers { width: IntegerWidth::Bits16, .. } => "smallint",
            Values::Integers { width: IntegerWidth::Bits32, .. } => "int",
            Values::Integers { width: IntegerWidth::Bits64, .. } => "bigint",
            Values::Reals { is_single: true, .. } => "float",
            Values::Reals { is_single: false, .. } => "double",
            Values::Decimals { .. } => "decimal",
            Values::Texts(texts) => match texts.length() {
                Length::Any => "string",
                Length::Varchar(_) => "varchar",
                Length::Char(_) => "char",
            },
            Values::Json(_) => "json",
            Values::Binary(_) => "binary",
            Values::Dates(_) => "date",
            Values::Timestamps(_) => "timestamp",
            Values::Struct(_) => "struct",
            Values::List { .. } => "array",
            Values::Map(_) => "map",
        }
    }

    /// Bytes that one more row of this column takes in memory, texts and elements not counted.
    pub(crate) fn row_bytes(&self) -> usize {
        match &self.values {
            Values::Struct(fields) => fields.row_bytes(),
            Values::Decimals { .. } => 17,
            _ => 9,
        }
    }

    /// Marks the value just written as one.
    pub(crate) fn append_valid(&mut self) {
        self.validity.append_non_null();
    }

    /// Fills up with nulls to `row_count` rows.
    pub(crate) fn pad(&mut self, row_count: usize) {
        let missing = row_count.saturating_sub(self.len());
        if missing == 0 {
            return;
        }
        match &mut self.values {
            Values::Booleans(values) => values.append_n(missing, false),
            Values::Integers { values, .. } | Values::Timestamps(values) => values.resize(row_count, 0),
            Values::Reals { values, .. } => values.resize(row_count, 0.0),
            Values::Decimals { values, .. } => values.resize(row_count, 0),
            Values::Texts(texts) | Values::Json(texts) | Values::Binary(texts) => texts.pad(row_count),
            Values::Dates(values) => values.resize(row_count, 0),
            Values::Struct(fields) => fields.set_row_count(row_count),
            Values::List { ends, .. } => ends.resize(row_count, ends.last().copied().unwrap_or(0)),
            Values::Map(entries) => entries.pad(row_count),
        }
        self.validity.append_n_nulls(missing);
    }

    /// Drops all rows from `row_count` on, also those that were only half written.
    pub(crate) fn truncate(&mut self, row_count: usize) {
        match &mut self.values {
            Values::Booleans(values) => values.truncate(row_count.min(values.len())),
            Values::Integers { values, .. } | Values::Timestamps(values) => values.truncate(row_count),
            Values::Reals { values, .. } => values.truncate(row_count),
            Values::Decimals { values, .. } => values.truncate(row_count),
            Values::Texts(texts) | Values::Json(texts) | Values::Binary(texts) => texts.truncate(row_count),
            Values::Dates(values) => values.truncate(row_count),
            Values::Struct(fields) => fields.truncate(row_count),
            Values::List { ends, elements } => {
                ends.truncate(row_count);
                elements.truncate(ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0)));
            }
            Values::Map(entries) => entries.truncate(row_count),
        }
        if self.validity.len() > row_count {
            self.validity.truncate(row_count);
        }
    }

    /// Takes the type `kind`, to which this column's own has evolved: integers become reals, structs gain members.
    pub(crate) fn evolve(&mut self, kind: &Type, naming: &Naming) {
        match (&mut self.values, kind) {
            (Values::Integers { values, .. }, Type::Double) => {
                let values = values.iter().map(|value| *value as f64).collect();
                self.values = Values::Reals { is_single: false, values };
            }
            (Values::Struct(members), Type::Struct(fields)) => members.evolve(fields, naming),
            (Values::List { elements, .. }, Type::Array(element)) => elements.evolve(element, naming),
            (Values::Map(entries), Type::Map(_, value)) => entries.values_mut().evolve(value, naming),
            _ => {}
        }
    }

    /// Hands the rows over as an array of `kind`, and is empty again.
    pub(crate) fn finish(&mut self, kind: &Type, row_count: usize) -> Result<ArrayRef, ArrowError> {
        self.pad(row_count);
        let nulls = self.validity.finish();
        Ok(match &mut self.values {
            Values::Booleans(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Integers { width, values } => {
                let values = std::mem::take(values);
                match width {
                    IntegerWidth::Bits8 => Arc::new(Int8Array::new(narrow(&values), nulls)),
                    IntegerWidth::Bits16 => Arc::new(Int16Array::new(narrow(&values), nulls)),
                    IntegerWidth::Bits32 => Arc::new(Int32Array::new(narrow(&values), nulls)),
                    IntegerWidth::Bits64 => Arc::new(Int64Array::new(values.into(), nulls)),
                }
            }
            Values::Reals { is_single: true, values } => {
                let values: ScalarBuffer<f32> = std::mem::take(values).into_iter().map(|value| value as f32).collect();
                Arc::new(Float32Array::new(values, nulls))
            }
            Values::Reals { values, .. } => Arc::new(Float64Array::new(std::mem::take(values).into(), nulls)),
            Values::Decimals { precision, scale, values } => {
                let array = Decimal128Array::try_new(std::mem::take(values).into(), nulls)?;
                Arc::new(array.with_precision_and_scale(*precision, i8::try_from(*scale).unwrap_or(i8::MAX))?)
            }
            Values::Texts(texts) | Values::Json(texts) => Arc::new(texts.finish(nulls)?),
            Values::Binary(texts) => Arc::new(texts.finish_bytes(nulls)?),
            Values::Dates(values) => Arc::new(Date32Array::new(std::mem::take(values).into(), nulls)),
            Values::Timestamps(values) => {
                let values = std::mem::take(values).into();
                Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone("UTC"))
            }
            Values::Struct(members) => {
                let Type::Struct(fields) = kind else { return Err(not_of(kind)) };
                let arrays = members.finish(fields)?;
                Arc::new(StructArray::try_new_with_length(arrow_fields(fields), arrays, nulls, row_count)?)
            }
            Values::List { ends, elements } => {
                let (Type::Array(element), DataType::List(field)) = (kind, kind.to_arrow()) else {
                    return Err(not_of(kind));
                };
                let field: Arc<ArrowField> = field;
                let mut offsets = Vec::with_capacity(row_count + 1);
                offsets.push(0);
                offsets.append(ends);
                let element_count = elements.len();
                let elements = elements.finish(element, element_count)?;
                Arc::new(ListArray::try_new(field, OffsetBuffer::new(offsets.into()), elements, nulls)?)
            }
            Values::Map(entries) => entries.finish(kind, nulls)?,
        })
    }
}

/// The values in fewer bits; [`IntegerWidth::holds`] has let no other in.
fn narrow<T: TryFrom<i64> + Default + arrow::datatypes::ArrowNativeType>(values: &[i64]) -> ScalarBuffer<T> {
    values.iter().map(|value| T::try_from(*value).unwrap_or_default()).collect()
}

fn not_of(kind: &Type) -> ArrowError {
    ArrowError::SchemaError(format!("the column is not of the type {kind} that its schema gives it"))
}
