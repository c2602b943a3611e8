//! The order of the rows of a row group.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{SortColumn as SortKey, SortOptions, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Schema as ArrowSchema};
use arrow::error::ArrowError;
use parquet::file::metadata::SortingColumn;
use parquet::schema::types::SchemaDescriptor;

use super::SortColumn;

/// By which columns rows are sorted.
pub(super) struct Order {
    /// Positions of columns, most significant first.
    keys: Vec<(usize, SortOptions)>,
    sorting_columns: Vec<SortingColumn>,
}

impl Order {
    /// The order that `sort_by` asks for in a file of these columns. It ends before the first column that the file does not
    /// have, or whose values have no order; `None` if that is the first one.
    pub(super) fn new(sort_by: &[SortColumn], schema: &ArrowSchema, leaves: &SchemaDescriptor) -> Option<Self> {
        let mut order = Self { keys: Vec::new(), sorting_columns: Vec::new() };
        for SortColumn { column, is_descending } in sort_by {
            let Some((position, _)) = schema.fields().find(column).filter(|(_, field)| has_order(field.data_type()))
            else {
                break;
            };
            let is_leaf = |leaf: &usize| leaves.get_column_root_idx(*leaf) == position;
            let leaf = (0..leaves.num_columns()).find(is_leaf).and_then(|leaf| i32::try_from(leaf).ok())?;
            order.keys.push((position, SortOptions { descending: *is_descending, nulls_first: false }));
            order.sorting_columns.push(SortingColumn {
                column_idx: leaf,
                descending: *is_descending,
                nulls_first: false,
            });
        }
        (!order.keys.is_empty()).then_some(order)
    }

    /// What a row group says of its order.
    pub(super) fn sorting_columns(&self) -> Vec<SortingColumn> {
        self.sorting_columns.clone()
    }

    /// The rows in order. Rows that are equal in it come in an order that hangs on nothing but the rows.
    pub(super) fn sort(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let key = |(position, options): &(usize, SortOptions)| SortKey {
            values: ArrayRef::clone(rows.column(*position)),
            options: Some(*options),
        };
        let keys: Vec<SortKey> = self.keys.iter().map(key).collect();
        take_record_batch(rows, &lexsort_to_indices(&keys, None)?)
    }
}

fn has_order(kind: &DataType) -> bool {
    !matches!(kind, DataType::Struct(_) | DataType::List(_) | DataType::Map(..))
}
