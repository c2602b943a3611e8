//! De-aggregation: the records in a record.
//!
//! JSON objects are found by their braces alone, in constant memory and whatever their nesting; whether they are JSON within
//! is for those to say who read them.
//!
//! Source: Firehose Developer Guide, "Apply dynamic partitioning to aggregated data".

use bytes::Bytes;
use memchr::memmem;

use crate::definition::SubRecords;
use crate::limits::SUB_RECORDS_MAX;
use crate::record::Reason;

/// Appends the records in `data` to `records`, which then has at most `count_max`.
pub(super) fn split(data: &Bytes, kind: &SubRecords, records: &mut Vec<Bytes>, count_max: usize) -> Result<(), Reason> {
    match kind {
        SubRecords::Json => Objects::new(data).try_for_each(|record| push(records, record?, count_max)),
        SubRecords::Delimited { delimiter } => {
            split_at(data, delimiter).try_for_each(|it| push(records, it, count_max))
        }
    }
}

fn push(records: &mut Vec<Bytes>, record: Bytes, count_max: usize) -> Result<(), Reason> {
    if records.len() >= count_max {
        return Err(too_many());
    }
    records.push(record);
    Ok(())
}

pub(super) fn too_many() -> Reason {
    failed(&format!("The record holds more than {SUB_RECORDS_MAX} records."))
}

/// The code is ours; AWS's documentation has none.
fn failed(message: &str) -> Reason {
    Reason::processing_failed("RecordDeAggregation.InvalidData", message)
}

/// The texts between delimiters, but the empty ones.
fn split_at<'a>(data: &'a Bytes, delimiter: &'a [u8]) -> impl Iterator<Item = Bytes> + 'a {
    let ends = memmem::find_iter(data, delimiter).chain(std::iter::once(data.len()));
    let mut start = 0;
    let pieces = ends.map(move |end| {
        let piece = data.slice(start.min(end)..end);
        start = end + delimiter.len();
        piece
    });
    pieces.filter(|piece| !piece.is_empty())
}

/// The objects of a text of JSON objects: one after the other, with or without space between them, or in an array.
struct Objects<'a> {
    data: &'a Bytes,
    at: usize,
    /// They are the elements of an array.
    is_array: bool,
    is_first: bool,
    is_over: bool,
}

impl<'a> Objects<'a> {
    fn new(data: &'a Bytes) -> Self {
        let mut objects = Self { data, at: 0, is_array: false, is_first: true, is_over: false };
        objects.skip_space();
        objects.is_array = objects.eat(b'[');
        objects
    }

    fn skip_space(&mut self) {
        let rest = self.data.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn find(&mut self) -> Result<Option<Bytes>, Reason> {
        self.skip_space();
        if self.is_array {
            if self.eat(b']') {
                self.skip_space();
                return if self.peek().is_none() { Ok(None) } else { Err(self.unexpected()) };
            }
            if !self.is_first && !self.eat(b',') {
                return Err(self.unexpected());
            }
            self.skip_space();
        } else if self.peek().is_none() {
            return Ok(None);
        }
        self.is_first = false;
        if self.peek() != Some(b'{') {
            return Err(self.unexpected());
        }
        let rest = self.data.get(self.at..).unwrap_or_default();
        let length = object_bytes(rest).ok_or_else(|| failed("The record ends within a JSON object."))?;
        let object = self.data.slice(self.at..self.at + length);
        self.at += length;
        Ok(Some(object))
    }

    fn unexpected(&self) -> Reason {
        failed(&format!("The record does not consist of JSON objects, at byte {}.", self.at))
    }
}

impl Iterator for Objects<'_> {
    type Item = Result<Bytes, Reason>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let found = self.find();
        self.is_over = !matches!(found, Ok(Some(_)));
        found.transpose()
    }
}

/// How long the object is that `text` begins with; `None` if it does not end.
fn object_bytes(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'{', b'}', b'"', text.get(at..)?)? + 1;
        match text.get(at - 1)? {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at),
            b'}' => depth -= 1,
            _ => at += string_bytes(text.get(at..)?)?,
        }
    }
}

/// How long the string is whose opening quote stands before `text`, with its closing quote.
fn string_bytes(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)? + 1;
        match text.get(at - 1)? {
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> Result<Vec<Bytes>, Reason> {
        let mut records = Vec::new();
        split(&Bytes::copy_from_slice(text.as_bytes()), &SubRecords::Json, &mut records, 4).map(|()| records)
    }

    fn delimited(text: &str, delimiter: &str) -> Vec<Bytes> {
        let kind = SubRecords::Delimited { delimiter: delimiter.as_bytes().to_vec() };
        let mut records = Vec::new();
        split(&Bytes::copy_from_slice(text.as_bytes()), &kind, &mut records, 4).unwrap();
        records
    }

    #[test]
    fn json_objects_are_found_however_they_are_written() {
        let objects = [r#"{"a":{"b":"}{\"\\"}}"#, "{}"];
        for text in [
            format!("{}{}", objects[0], objects[1]),
            format!(" {}\n{}\n", objects[0], objects[1]),
            format!("[{},{}]", objects[0], objects[1]),
            format!(" [ {} ,\r\n{} ] ", objects[0], objects[1]),
        ] {
            assert_eq!(json(&text).unwrap(), objects, "{text}");
        }
        assert!(json("").unwrap().is_empty());
        assert!(json("[]").unwrap().is_empty());
    }

    #[test]
    fn what_is_not_json_objects_is_refused() {
        for text in
            ["1", "{", "{\"a\":\"}", "{}x", "[{}", "[{}{}]", "[,{}]", "[{},]", "[{}]x", "[1]", "{}{}{}{}{}", "null"]
        {
            assert_eq!(json(text).unwrap_err().code, "RecordDeAggregation.InvalidData", "{text}");
        }
    }

    #[test]
    fn texts_between_delimiters_are_records() {
        assert_eq!(delimited("a\nb\n\nc", "\n"), ["a", "b", "c"]);
        assert_eq!(delimited("####a##b##", "##"), ["a", "b"]);
        assert_eq!(delimited("whole", "##"), ["whole"]);
        assert!(delimited("", "\n").is_empty());
    }

    proptest! {
        #[test]
        fn objects_come_back_as_they_were_put_together(
            texts in prop::collection::vec("[ -~]{0,12}", 0..4),
            is_array: bool,
        ) {
            let objects: Vec<String> =
                texts.iter().map(|text| serde_json::json!({"k": text, "n": [{}, {"t": text}]}).to_string()).collect();
            let whole = if is_array { format!("[{}]", objects.join(", ")) } else { objects.join("\n") };
            prop_assert_eq!(json(&whole).unwrap(), objects);
        }
    }
}
