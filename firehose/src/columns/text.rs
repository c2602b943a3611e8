//! Texts, or other bytes, back to back, with the end of each.

use arrow::array::{BinaryArray, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::error::ArrowError;

/// What becomes of a long text. Source: Apache Hive, "LanguageManual Types" (Varchar, Char).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Length {
    /// There is no bound.
    #[default]
    Any,
    /// It is cut to so many characters, silently, as Hive does.
    Varchar(usize),
    /// Likewise; and blanks at its end, which are padding, are left out.
    Char(usize),
}

/// The values of a column of texts or bytes.
#[derive(Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<i32>,
    length: Length,
}

impl Texts {
    /// No texts yet; later ones are at most so long.
    pub(crate) fn new(length: Length) -> Self {
        Self { length, ..Self::default() }
    }

    pub(crate) fn length(&self) -> Length {
        self.length
    }

    /// Appends one text. Returns false, and appends nothing, if the column would outgrow its 32-bit offsets.
    #[inline]
    pub(crate) fn push(&mut self, text: &str) -> bool {
        let text = match self.length {
            Length::Any => text,
            Length::Varchar(char_count) => beginning(text, char_count),
            Length::Char(char_count) => beginning(text, char_count).trim_end_matches(' '),
        };
        self.push_bytes(text.as_bytes())
    }

    /// As [`Self::push`], of bytes that need not be text.
    #[inline]
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) -> bool {
        let Ok(end) = i32::try_from(self.bytes.len() + bytes.len()) else { return false };
        self.bytes.extend_from_slice(bytes);
        self.ends.push(end);
        true
    }

    /// The text appended last.
    pub(crate) fn last(&self) -> &[u8] {
        let position = |end: Option<&i32>| end.map_or(0, |end| usize::try_from(*end).unwrap_or(0));
        let start = self.ends.len().checked_sub(2).map_or(0, |before| position(self.ends.get(before)));
        self.bytes.get(start..position(self.ends.last())).unwrap_or_default()
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
        let (offsets, bytes) = self.take();
        StringArray::try_new(offsets, bytes, nulls)
    }

    /// As [`Self::finish`], of bytes that need not be text.
    pub(crate) fn finish_bytes(&mut self, nulls: Option<NullBuffer>) -> Result<BinaryArray, ArrowError> {
        let (offsets, bytes) = self.take();
        BinaryArray::try_new(offsets, bytes, nulls)
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        (OffsetBuffer::new(offsets.into()), Buffer::from_vec(std::mem::take(&mut self.bytes)))
    }
}

/// The first `char_count` characters.
fn beginning(text: &str, char_count: usize) -> &str {
    if text.len() <= char_count {
        return text;
    }
    let end = text.char_indices().map(|(position, _)| position).nth(char_count);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}
