//! Texts back to back, with the end of each.

use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::error::ArrowError;

/// The values of a text column.
#[derive(Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<i32>,
}

impl Texts {
    /// Appends one text. Returns false, and appends nothing, if the column would outgrow its 32-bit offsets.
    pub(crate) fn push(&mut self, text: &str) -> bool {
        let Ok(end) = i32::try_from(self.bytes.len() + text.len()) else { return false };
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(end);
        true
    }

    /// Fills up with empty texts.
    pub(crate) fn pad(&mut self, row_count: usize) {
        self.ends.resize(row_count, self.ends.last().copied().unwrap_or(0));
    }

    /// Drops all texts from `row_count` on.
    pub(crate) fn truncate(&mut self, row_count: usize) {
        self.ends.truncate(row_count);
        self.bytes.truncate(self.ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0)));
    }

    /// Hands the texts over, and is empty again.
    pub(crate) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<StringArray, ArrowError> {
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        StringArray::try_new(OffsetBuffer::new(offsets.into()), bytes, nulls)
    }
}
