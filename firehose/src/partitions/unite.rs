//! Uniting: the columns of several files as those of one, and rows brought into them.
//!
//! Evolution adds columns, and a table may widen one; both are united. What cannot be brought over without a change of a
//! value is not, and the objects stay as they are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

/// The columns of all schemas, in the order in which they come up; `None` if one has two types that no type holds.
pub(super) fn unite<'a>(schemas: impl IntoIterator<Item = &'a Schema>) -> Option<SchemaRef> {
    let mut united = Fields::empty();
    for schema in schemas {
        united = unite_fields(&united, &schema.fields)?;
    }
    Some(Arc::new(Schema::new(united)))
}

fn unite_fields(known: &Fields, new: &Fields) -> Option<Fields> {
    let mut fields: Vec<FieldRef> = known.iter().cloned().collect();
    for field in new {
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            Some(known) => *known = unite_field(known, field)?,
            // Rows of the other files have no value for it.
            None => fields.push(Arc::new(field.as_ref().clone().with_nullable(true))),
        }
    }
    Some(fields.into())
}

fn unite_field(a: &FieldRef, b: &FieldRef) -> Option<FieldRef> {
    if a == b {
        return Some(Arc::clone(a));
    }
    let kind = unite_types(a.data_type(), b.data_type())?;
    Some(Arc::new(Field::clone(a).with_data_type(kind).with_nullable(a.is_nullable() || b.is_nullable())))
}

fn unite_types(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (DataType::Struct(a), DataType::Struct(b)) => Some(DataType::Struct(unite_fields(a, b)?)),
        (DataType::List(a), DataType::List(b)) => Some(DataType::List(unite_field(a, b)?)),
        _ if a.is_signed_integer() && b.is_signed_integer() => {
            Some(if a.primitive_width() > b.primitive_width() { a.clone() } else { b.clone() })
        }
        _ if is_number(a) && is_number(b) => Some(DataType::Float64),
        _ => None,
    }
}

fn is_number(kind: &DataType) -> bool {
    kind.is_signed_integer() || matches!(kind, DataType::Float32 | DataType::Float64)
}

/// The rows of `batch` in the columns of `schema`; `None` if a value would not be the same.
pub(super) fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Option<RecordBatch> {
    let columns: Option<Vec<ArrayRef>> = schema
        .fields()
        .iter()
        .map(|field| fit_child(batch.column_by_name(field.name()), field, batch.num_rows()))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options).ok()
}

fn fit_child(array: Option<&ArrayRef>, field: &Field, row_count: usize) -> Option<ArrayRef> {
    match array {
        Some(array) => fit_array(array, field.data_type()),
        None => Some(new_null_array(field.data_type(), row_count)),
    }
}

fn fit_array(array: &ArrayRef, kind: &DataType) -> Option<ArrayRef> {
    match (array.data_type(), kind) {
        (from, to) if from == to => Some(Arc::clone(array)),
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let from = array.as_struct();
            let children: Option<Vec<ArrayRef>> =
                fields.iter().map(|field| fit_child(from.column_by_name(field.name()), field, from.len())).collect();
            Some(Arc::new(StructArray::try_new(fields.clone(), children?, from.nulls().cloned()).ok()?))
        }
        (DataType::List(_), DataType::List(field)) => {
            let from = array.as_list::<i32>();
            let values = fit_array(from.values(), field.data_type())?;
            let (offsets, nulls) = (from.offsets().clone(), from.nulls().cloned());
            Some(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls).ok()?))
        }
        (from, to) => {
            let there = cast(array, to).ok()?;
            let back = cast(&there, from).ok()?;
            (back.as_ref() == array.as_ref()).then_some(there)
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
    }

    fn ints(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    #[test]
    fn columns_that_came_later_are_null_in_the_rows_before() {
        let a = batch(vec![("id", ints(&[1, 2]))]);
        let b = batch(vec![("name", Arc::new(StringArray::from(vec!["x"]))), ("id", ints(&[3]))]);
        let schema = unite([a.schema_ref().as_ref(), b.schema_ref()]).unwrap();
        assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["id", "name"]);
        assert_eq!(fit(&a, &schema).unwrap().column(1).null_count(), 2);
        assert_eq!(fit(&b, &schema).unwrap().column(0).as_ref(), ints(&[3]).as_ref());
    }

    #[test]
    fn members_of_structs_in_lists_are_united_too() {
        let list = |members: Vec<(&str, ArrayRef)>| -> ArrayRef {
            let values = StructArray::from(batch(members));
            let field = Arc::new(Field::new("element", values.data_type().clone(), true));
            let offsets = arrow::buffer::OffsetBuffer::from_lengths([1, 1]);
            Arc::new(ListArray::new(field, offsets, Arc::new(values), None))
        };
        let a = batch(vec![("items", list(vec![("id", ints(&[1, 2]))]))]);
        let b = batch(vec![("items", list(vec![("price", ints(&[3, 4])), ("id", ints(&[5, 6]))]))]);
        let schema = unite([a.schema_ref().as_ref(), b.schema_ref()]).unwrap();
        let fitted = fit(&a, &schema).unwrap();
        let members = fitted.column(0).as_list::<i32>().values().as_struct().clone();
        assert_eq!((members.column(0).as_ref(), members.column(1).null_count()), (ints(&[1, 2]).as_ref(), 2));
    }

    #[test]
    fn integers_become_doubles_only_if_no_value_changes() {
        let double: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
        let b = batch(vec![("x", double)]);
        for (value, fits) in [(1_i64 << 53, true), ((1 << 53) + 1, false)] {
            let a = batch(vec![("x", ints(&[value]))]);
            let schema = unite([a.schema_ref().as_ref(), b.schema_ref()]).unwrap();
            assert_eq!(schema.field(0).data_type(), &DataType::Float64);
            assert_eq!(fit(&a, &schema).is_some(), fits);
        }
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        assert_eq!(unite([b.schema_ref().as_ref(), batch(vec![("x", text)]).schema_ref()]), None);
    }
}
