//! A table's columns and partitions, in the terms of ours.
//!
//! Files name their columns by the ids of the table's fields, so that a column that is renamed later is still found.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef, TimeUnit};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use serde_json::Value;

use super::failure::Failure;
use super::metadata::Metadata;
use crate::limits::NESTING_MAX;
use crate::schema::{Field, Schema, Type};

/// What is written.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) schema_id: i32,
    pub(super) spec_id: i32,
    /// The columns as records are read.
    pub(super) schema: Schema,
    /// The columns as files have them, with their ids.
    pub(super) arrow: SchemaRef,
    /// The positions of columns that are never null.
    pub(super) required: Vec<usize>,
    /// The columns that files are divided by.
    pub(super) partitions: Vec<Partition>,
}

/// A column that files are divided by.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) name: String,
    pub(super) field_id: i32,
    /// The position of its column.
    pub(super) column: usize,
}

impl Layout {
    /// The layout of files with the schema `schema_id` of the table.
    pub(super) fn new(metadata: &Metadata, schema_id: i32) -> Result<Self, Failure> {
        if metadata.format_version != 2 {
            let version = metadata.format_version;
            return Err(Failure::Table(format!(
                "The table has format version {version}; tables of version 2 are written."
            )));
        }
        let schema = metadata.schema(schema_id)?;
        let columns = fields(schema, 0)?;
        if columns.is_empty() {
            return Err(Failure::Table("The table has no columns.".to_owned()));
        }
        let required = columns.iter().enumerate().filter(|(_, column)| column.is_required).map(|(at, _)| at).collect();
        let spec = metadata.spec()?;
        let mut partitions = Vec::new();
        for field in &spec.fields {
            if field.transform != "identity" {
                let (name, transform) = (&field.name, &field.transform);
                return Err(Failure::Table(format!(
                    "The partition {name} is {transform}; partitions of identity are written."
                )));
            }
            let found = columns.iter().position(|column| column.id == field.source_id);
            let column = found.ok_or_else(|| Failure::Table(format!("The partition {} has no column.", field.name)))?;
            let kind = columns.get(column).map(|column| &column.kind);
            if !matches!(kind, Some(Type::Boolean | Type::Int | Type::BigInt | Type::Date | Type::String)) {
                return Err(Failure::Table(format!(
                    "The partition {} is of a type that no files are divided by.",
                    field.name
                )));
            }
            partitions.push(Partition { name: field.name.clone(), field_id: field.field_id, column });
        }
        Ok(Self {
            schema_id,
            spec_id: spec.spec_id,
            arrow: Arc::new(ArrowSchema::new(columns.iter().map(|column| column.arrow.clone()).collect::<Vec<_>>())),
            schema: Schema {
                version: 1,
                fields: columns.into_iter().map(|column| Field::new(column.name, column.kind)).collect(),
            },
            required,
            partitions,
        })
    }
}

/// A field of a schema.
struct Column {
    id: i32,
    name: String,
    is_required: bool,
    kind: Type,
    arrow: ArrowField,
}

fn fields(structure: &Value, depth: usize) -> Result<Vec<Column>, Failure> {
    let fields = structure.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    fields.iter().map(|field| column(field, depth)).collect()
}

fn column(field: &Value, depth: usize) -> Result<Column, Failure> {
    let name = field.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let refuse = |reason: &str| Failure::Table(format!("The column {name:?} {reason}."));
    let id = field_id(field.get("id")).ok_or_else(|| refuse("has no id"))?;
    let is_required = field.get("required").and_then(Value::as_bool).unwrap_or(false);
    if is_required && depth > 0 {
        return Err(refuse("is required within another; such columns are not written"));
    }
    let (kind, data_type) = kind(field.get("type").unwrap_or(&Value::Null), &name, depth)?;
    let arrow = with_id(ArrowField::new(&name, data_type, !is_required), id);
    Ok(Column { id, name, is_required, kind, arrow })
}

/// The type of a field, as records are read and as files have it.
fn kind(kind: &Value, column: &str, depth: usize) -> Result<(Type, DataType), Failure> {
    let refuse = || Failure::Table(format!("The column {column:?} is of the type {kind}, which is not written."));
    if depth > NESTING_MAX {
        return Err(refuse());
    }
    let simple = |kind: Type| {
        let data_type = kind.to_arrow();
        Ok((kind, data_type))
    };
    match kind.as_str() {
        Some("boolean") => simple(Type::Boolean),
        Some("int") => simple(Type::Int),
        Some("long") => simple(Type::BigInt),
        Some("float") => simple(Type::Float),
        Some("double") => simple(Type::Double),
        Some("string") => simple(Type::String),
        Some("binary") => simple(Type::Binary),
        Some("date") => simple(Type::Date),
        Some("timestamptz") => simple(Type::Timestamp),
        // Without a zone the same microseconds are told; within others the zone cannot be taken off.
        Some("timestamp") if depth == 0 => Ok((Type::Timestamp, DataType::Timestamp(TimeUnit::Microsecond, None))),
        Some(text) => simple(decimal(text).ok_or_else(refuse)?),
        None => match kind.get("type").and_then(Value::as_str) {
            Some("struct") => {
                let members = fields(kind, depth + 1)?;
                let arrow = members.iter().map(|member| member.arrow.clone()).collect::<Vec<_>>();
                let members = members.into_iter().map(|member| Field::new(member.name, member.kind)).collect();
                Ok((Type::Struct(members), DataType::Struct(arrow.into())))
            }
            Some("list") => {
                let is_required = kind.get("element-required").and_then(Value::as_bool).unwrap_or(false);
                let id = field_id(kind.get("element-id")).filter(|_| !is_required).ok_or_else(refuse)?;
                let (element, data_type) = self::kind(kind.get("element").unwrap_or(&Value::Null), column, depth + 1)?;
                let arrow = with_id(ArrowField::new("element", data_type, true), id);
                Ok((Type::Array(Box::new(element)), DataType::List(Arc::new(arrow))))
            }
            Some("map") => {
                let is_required = kind.get("value-required").and_then(Value::as_bool).unwrap_or(false);
                let key_id = field_id(kind.get("key-id")).filter(|_| !is_required).ok_or_else(refuse)?;
                let value_id = field_id(kind.get("value-id")).ok_or_else(refuse)?;
                let (key, key_type) = self::kind(kind.get("key").unwrap_or(&Value::Null), column, depth + 1)?;
                let (value, value_type) = self::kind(kind.get("value").unwrap_or(&Value::Null), column, depth + 1)?;
                if !key.is_primitive() {
                    return Err(refuse());
                }
                let key_field = with_id(ArrowField::new("key", key_type, false), key_id);
                let value_field = with_id(ArrowField::new("value", value_type, true), value_id);
                let entries = DataType::Struct(vec![key_field, value_field].into());
                let arrow = DataType::Map(Arc::new(ArrowField::new("key_value", entries, false)), false);
                Ok((Type::Map(Box::new(key), Box::new(value)), arrow))
            }
            _ => Err(refuse()),
        },
    }
}

/// Reads `decimal(P, S)`, or `decimal(P,S)`.
fn decimal(text: &str) -> Option<Type> {
    let (precision, scale) = text.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(Type::Decimal { precision, scale })
}

fn field_id(value: Option<&Value>) -> Option<i32> {
    value.and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok())
}

fn with_id(field: ArrowField, id: i32) -> ArrowField {
    field.with_metadata(HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]))
}
