//! Maps: objects whose keys are data.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::reading::{Failure, Reading};
use super::value::{ValueSeed, excerpt};
use super::{Column, Values};
use crate::schema::Type;

/// The entries of all maps of a column, one after the other.
pub(crate) struct Entries {
    /// Where each map ends in the keys and values.
    ends: Vec<i32>,
    keys: Column,
    values: Column,
    /// Entries whose key comes again later in the same map: the last one counts, as with members of an object.
    overwritten: Vec<usize>,
}

impl Entries {
    pub(super) fn new(keys: Column, values: Column) -> Self {
        Self { ends: Vec::new(), keys, values, overwritten: Vec::new() }
    }

    /// The column of the values, which may evolve.
    pub(super) fn values_mut(&mut self) -> &mut Column {
        &mut self.values
    }

    pub(super) fn pad(&mut self, row_count: usize) {
        self.ends.resize(row_count, self.ends.last().copied().unwrap_or(0));
    }

    pub(super) fn truncate(&mut self, row_count: usize) {
        self.ends.truncate(row_count);
        let entry_count = self.ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0));
        self.keys.truncate(entry_count);
        self.values.truncate(entry_count);
        self.overwritten.retain(|entry| *entry < entry_count);
    }

    pub(super) fn finish(&mut self, kind: &Type, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let (Type::Map(key, value), DataType::Map(field, _)) = (kind, kind.to_arrow()) else {
            return Err(super::not_of(kind));
        };
        let DataType::Struct(fields) = field.data_type().clone() else { return Err(super::not_of(kind)) };
        let entry_count = self.keys.len();
        let mut keys = self.keys.finish(key, entry_count)?;
        let mut values = self.values.finish(value, entry_count)?;
        let mut ends = std::mem::take(&mut self.ends);
        if !self.overwritten.is_empty() {
            let is_kept = self.take_kept(entry_count, &mut ends);
            (keys, values) = (filter(&keys, &is_kept)?, filter(&values, &is_kept)?);
        }
        let mut offsets = Vec::with_capacity(ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut ends);
        let entries = StructArray::try_new(fields, vec![keys, values], None)?;
        Ok(Arc::new(MapArray::try_new(field, OffsetBuffer::new(offsets.into()), entries, nulls, false)?))
    }

    /// Which entries were not overwritten; the ends become those among them.
    fn take_kept(&mut self, entry_count: usize, ends: &mut [i32]) -> BooleanArray {
        let mut overwritten = std::mem::take(&mut self.overwritten);
        overwritten.sort_unstable();
        for end in ends {
            let before = overwritten.partition_point(|entry| i32::try_from(*entry).is_ok_and(|entry| entry < *end));
            *end -= i32::try_from(before).unwrap_or(0);
        }
        let mut next = overwritten.into_iter().peekable();
        (0..entry_count).map(|entry| Some(next.next_if_eq(&entry).is_none())).collect()
    }
}

/// Writes the members of an object as the entries of one map.
pub(super) struct EntriesVisitor<'a> {
    pub(super) entries: &'a mut Entries,
    pub(super) reading: &'a Reading<'a>,
}

impl<'de> Visitor<'de> for EntriesVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { entries: Entries { ends, keys, values, overwritten }, reading } = self;
        reading.enter()?;
        let entry_bytes = keys.row_bytes() + values.row_bytes();
        let mut entries_by_key = HashMap::new();
        while map.next_key_seed(EntryKeySeed { keys, reading })?.is_some() {
            reading.charge(entry_bytes)?;
            map.next_value_seed(ValueSeed { column: values, reading }).inspect_err(|_| reading.locate("[]"))?;
            let entry = keys.len().saturating_sub(1);
            overwritten.extend(entries_by_key.insert(identity(keys), entry));
        }
        let Ok(end) = i32::try_from(keys.len()) else {
            let reason = "the maps of one object have too many entries".to_owned();
            return Err(reading.fail(Failure::Mismatch { path: String::new(), reason }));
        };
        ends.push(end);
        reading.leave();
        Ok(())
    }
}

/// Appends a key to the column of keys.
struct EntryKeySeed<'a> {
    keys: &'a mut Column,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for EntryKeySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for EntryKeySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        // JSON has no keys but strings, so that every other type is read from one.
        if self.keys.append_text(key, self.reading.rules, true) {
            return Ok(());
        }
        Err(self.reading.mismatch(self.keys, &format!("the key {:?}", excerpt(key))))
    }
}

/// What two keys have in common if they are one: `1` and `01` are, as integers.
fn identity(keys: &Column) -> Vec<u8> {
    match &keys.values {
        Values::Texts(texts) | Values::Json(texts) | Values::Binary(texts) => texts.last().to_vec(),
        Values::Booleans(flags) => {
            flags.len().checked_sub(1).map(|last| u8::from(flags.get_bit(last))).into_iter().collect()
        }
        Values::Integers { values, .. } | Values::Timestamps(values) => bytes_of(values, |value| value.to_le_bytes()),
        Values::Reals { is_single: true, values } => bytes_of(values, |value| (value as f32).to_le_bytes()),
        Values::Reals { values, .. } => bytes_of(values, f64::to_le_bytes),
        Values::Dates(values) => bytes_of(values, i32::to_le_bytes),
        Values::Decimals { values, .. } => bytes_of(values, i128::to_le_bytes),
        Values::Struct(_) | Values::List { .. } | Values::Map(_) => Vec::new(),
    }
}

fn bytes_of<T: Copy, const N: usize>(values: &[T], to_bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.last().map(|value| to_bytes(*value).to_vec()).unwrap_or_default()
}
