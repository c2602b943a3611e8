//! Schemas: the named, typed, nullable columns of a Parquet object.
//!
//! A schema is that of a table ([`Tables`]), in the type language of Hive and Glue (`bigint`, `array<struct<a:int>>`), or
//! inferred from the records and evolved ([`Inference`]). It is kept in the catalog as JSON with its version; every change
//! makes a new version. What inference changes only ever adds columns, so that old and new objects are read together; a
//! table changes as its owner likes.
//!
//! What this does not do: hold values (see [`crate::columns`]), or keep tables, which `ingest/glue` does.

mod infer;
mod parse;
mod table;

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields as ArrowFields, Schema as ArrowSchema, TimeUnit};
use serde::{Deserialize, Serialize};

pub use infer::{Clash, ClashPolicy, Inference};
pub use parse::TypeError;
pub use table::{LATEST, TableKey, TableLookupError, TableSchemaError, TableSchemas, TableSource, Tables};

/// The type of a column, of a member of a struct or of an element of an array. Every value may be null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// `boolean`.
    Boolean,
    /// `tinyint`: 8 bits.
    TinyInt,
    /// `smallint`: 16 bits.
    SmallInt,
    /// `int`: 32 bits.
    Int,
    /// `bigint`: 64 bits.
    BigInt,
    /// `float`: 32 bits.
    Float,
    /// `double`: 64 bits.
    Double,
    /// `string`: UTF-8 text.
    String,
    /// `date`: a day without a time zone.
    Date,
    /// `timestamp`: an instant, to the microsecond, UTC.
    Timestamp,
    /// `json`, an addition to the types of Hive: the text of any JSON value, as it was sent.
    Json,
    /// `struct<name:type,…>`.
    Struct(Vec<Field>),
    /// `array<type>`.
    Array(Box<Type>),
}

/// A named column, or a member of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The name, unique among its siblings.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: Type,
}

impl Field {
    /// A column `name` of the type `kind`.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Self { name: name.into(), kind }
    }

    fn to_arrow(&self) -> ArrowField {
        ArrowField::new(&self.name, self.kind.to_arrow(), true)
    }
}

/// The columns of a Parquet object, with the version they have in their delivery stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Counts the changes; 0 is a schema that nothing was ever added to.
    pub version: u32,
    /// The columns, in their order in the file.
    pub fields: Vec<Field>,
}

impl Schema {
    /// The same columns as Arrow names them; all of them nullable.
    pub fn to_arrow(&self) -> Arc<ArrowSchema> {
        Arc::new(ArrowSchema::new(arrow_fields(&self.fields)))
    }

    /// The number of leaf columns, those of structs and arrays included.
    pub fn leaf_count(&self) -> usize {
        self.fields.iter().map(|field| field.kind.leaf_count()).sum()
    }
}

/// The members of a struct (or the columns of a file) as Arrow names them.
pub(crate) fn arrow_fields(fields: &[Field]) -> ArrowFields {
    fields.iter().map(Field::to_arrow).collect()
}

impl Type {
    pub(crate) fn to_arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::String | Self::Json => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Struct(fields) => DataType::Struct(arrow_fields(fields)),
            Self::Array(element) => DataType::List(Arc::new(ArrowField::new("element", element.to_arrow(), true))),
        }
    }

    /// The number of leaf columns that hold a value of this type.
    pub(crate) fn leaf_count(&self) -> usize {
        match self {
            Self::Struct(fields) => fields.iter().map(|field| field.kind.leaf_count()).sum(),
            Self::Array(element) => element.leaf_count(),
            _ => 1,
        }
    }

    /// Whether a `json` column is in it.
    pub(crate) fn holds_json(&self) -> bool {
        match self {
            Self::Json => true,
            Self::Struct(fields) => fields.iter().any(|field| field.kind.holds_json()),
            Self::Array(element) => element.holds_json(),
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::TinyInt => f.write_str("tinyint"),
            Self::SmallInt => f.write_str("smallint"),
            Self::Int => f.write_str("int"),
            Self::BigInt => f.write_str("bigint"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Json => f.write_str("json"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (position, field) in fields.iter().enumerate() {
                    let separator = if position == 0 { "" } else { "," };
                    write!(f, "{separator}{}:{}", field.name, field.kind)?;
                }
                f.write_str(">")
            }
            Self::Array(element) => write!(f, "array<{element}>"),
        }
    }
}
