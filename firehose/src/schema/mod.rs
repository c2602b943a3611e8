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
    /// `decimal(precision,scale)`: so many decimal digits, `scale` of them behind the point.
    Decimal {
        /// 1 to 38.
        precision: u8,
        /// 0 to the precision.
        scale: u8,
    },
    /// `string`: UTF-8 text.
    String,
    /// `varchar(length)`: text, cut to so many characters.
    Varchar(u16),
    /// `char(length)`: likewise, without the blanks at its end.
    Char(u16),
    /// `binary`: bytes, which JSON has in base64.
    Binary,
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
    /// `map<key,value>`: a JSON object with any keys. A key is of a primitive type.
    Map(Box<Type>, Box<Type>),
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
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX))
            }
            Self::String | Self::Varchar(_) | Self::Char(_) | Self::Json => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Struct(fields) => DataType::Struct(arrow_fields(fields)),
            Self::Array(element) => DataType::List(Arc::new(ArrowField::new("element", element.to_arrow(), true))),
            Self::Map(key, value) => {
                // The names that the Parquet format asks for; a key is never null.
                let key = ArrowField::new("key", key.to_arrow(), false);
                let value = ArrowField::new("value", value.to_arrow(), true);
                let entries = DataType::Struct(ArrowFields::from(vec![key, value]));
                DataType::Map(Arc::new(ArrowField::new("key_value", entries, false)), false)
            }
        }
    }

    /// The number of leaf columns that hold a value of this type.
    pub(crate) fn leaf_count(&self) -> usize {
        match self {
            Self::Struct(fields) => fields.iter().map(|field| field.kind.leaf_count()).sum(),
            Self::Array(element) => element.leaf_count(),
            Self::Map(key, value) => key.leaf_count() + value.leaf_count(),
            _ => 1,
        }
    }

    /// Whether a column is in it whose values are read from their own text: those that the parser skips over first.
    pub(crate) fn is_read_raw(&self) -> bool {
        match self {
            Self::Json | Self::Decimal { .. } => true,
            Self::Struct(fields) => fields.iter().any(|field| field.kind.is_read_raw()),
            Self::Array(element) => element.is_read_raw(),
            Self::Map(_, value) => value.is_read_raw(),
            _ => false,
        }
    }

    /// Whether values have no values in them.
    pub(crate) fn is_primitive(&self) -> bool {
        !matches!(self, Self::Json | Self::Struct(_) | Self::Array(_) | Self::Map(..))
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
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::String => f.write_str("string"),
            Self::Varchar(length) => write!(f, "varchar({length})"),
            Self::Char(length) => write!(f, "char({length})"),
            Self::Binary => f.write_str("binary"),
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
            Self::Map(key, value) => write!(f, "map<{key},{value}>"),
        }
    }
}
