//! The visitors that carry a record's JSON into the columns.
//!
//! Nesting is bounded here. The one exception is a `json` column, whose text the parser skips over by recursion, so the
//! caller bounds the nesting of records where the schema has one.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::time::{parse_date, parse_timestamp, timestamp_of_integer, timestamp_of_real};
use super::{Column, Fields, Naming, Values};
use crate::limits::{NESTING_MAX, RECORD_EXPANDED_BYTES_MAX};

/// What becomes of a member that has no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is left out: the schema was given.
    Ignore,
    /// The row fails with [`Failure::Unknown`]: the schema can learn. Nulls, `[]` and `{}` teach nothing and are left out.
    Learn,
}

/// How records are read.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) unknown: Unknown,
    /// Scalars are converted to the type of their column where that loses nothing, as OpenX does.
    pub(crate) is_lenient: bool,
    pub(crate) naming: Naming,
}

/// Why a row does not fit the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It has a member that the schema can learn.
    Unknown,
    /// It is nested deeper than [`NESTING_MAX`] levels.
    TooDeep,
    /// A value does not fit its column.
    Mismatch {
        /// The path of the column, innermost last.
        path: String,
        reason: String,
    },
}

/// One reading of a record: its rules, and what stopped it.
pub(crate) struct Reading<'a> {
    rules: &'a Rules,
    failure: RefCell<Option<Failure>>,
    expanded_bytes: Cell<usize>,
    depth: Cell<usize>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(rules: &'a Rules) -> Self {
        Self { rules, failure: RefCell::new(None), expanded_bytes: Cell::new(0), depth: Cell::new(0) }
    }

    /// What stopped the reading, unless it was the JSON itself.
    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.failure.borrow_mut().take()
    }

    /// Bytes that the elements of the arrays read so far fill in the columns.
    pub(crate) fn expanded_bytes(&self) -> usize {
        self.expanded_bytes.get()
    }

    fn fail<E: Error>(&self, failure: Failure) -> E {
        *self.failure.borrow_mut() = Some(failure);
        E::custom("the row does not fit")
    }

    #[cold]
    fn mismatch<E: Error>(&self, column: &Column, found: &str) -> E {
        let reason = format!("expected {}, found {found}", column.kind_name());
        self.fail(Failure::Mismatch { path: String::new(), reason })
    }

    /// Puts `name` before the path of a mismatch on its way up.
    #[cold]
    fn locate(&self, name: &str) {
        if let Some(Failure::Mismatch { path, .. }) = &mut *self.failure.borrow_mut() {
            *path = if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") };
        }
    }

    /// Enters an object or array; the reading of a record ends at the first error, so only success leaves it again.
    fn enter<E: Error>(&self) -> Result<(), E> {
        let depth = self.depth.get() + 1;
        self.depth.set(depth);
        if depth > NESTING_MAX { Err(self.fail(Failure::TooDeep)) } else { Ok(()) }
    }

    fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    fn charge<E: Error>(&self, byte_count: usize) -> Result<(), E> {
        let expanded_bytes = self.expanded_bytes.get().saturating_add(byte_count);
        self.expanded_bytes.set(expanded_bytes);
        if expanded_bytes > RECORD_EXPANDED_BYTES_MAX {
            let reason =
                format!("the arrays of the record take more than {RECORD_EXPANDED_BYTES_MAX} bytes in columns");
            return Err(self.fail(Failure::Mismatch { path: String::new(), reason }));
        }
        Ok(())
    }
}

/// Reads one object as one row.
pub(crate) struct RecordSeed<'a> {
    pub(crate) fields: &'a mut Fields,
    pub(crate) reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Not `deserialize_map`: the parser skips a value that is no map by recursion without a bound.
        deserializer.deserialize_any(MembersVisitor { fields: self.fields, reading: self.reading, is_top_level: true })
    }
}

/// Writes the members of an object into the columns of one row.
struct MembersVisitor<'a> {
    fields: &'a mut Fields,
    reading: &'a Reading<'a>,
    is_top_level: bool,
}

impl<'de> Visitor<'de> for MembersVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { fields, reading, is_top_level } = self;
        reading.enter()?;
        fields.begin_row();
        while let Some(position) = map.next_key_seed(KeySeed { fields, reading, is_top_level })? {
            let Some((name, column)) = position.and_then(|position| fields.writable(position)) else {
                match reading.rules.unknown {
                    Unknown::Ignore => map.next_value_seed(Discard { reading })?,
                    Unknown::Learn => map.next_value_seed(NothingToLearn { reading })?,
                }
                continue;
            };
            if let Err(error) = map.next_value_seed(ValueSeed { column, reading }) {
                reading.locate(name);
                return Err(error);
            }
        }
        fields.end_row();
        reading.leave();
        Ok(())
    }
}

/// Finds the column of a key.
struct KeySeed<'a> {
    fields: &'a mut Fields,
    reading: &'a Reading<'a>,
    is_top_level: bool,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    #[inline]
    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.fields.locate(key, &self.reading.rules.naming, self.is_top_level))
    }
}

/// Appends one value to a column.
struct ValueSeed<'a> {
    column: &'a mut Column,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if matches!(self.column.values, Values::Json(_)) {
            let text = sonic_rs::LazyValue::deserialize(deserializer)?;
            return self.append_json(text.as_raw_str());
        }
        deserializer.deserialize_any(self)
    }
}

impl ValueSeed<'_> {
    fn append_json<E: Error>(self, text: &str) -> Result<(), E> {
        if text == "null" {
            self.column.pad(self.column.len() + 1);
            return Ok(());
        }
        if let Values::Json(texts) = &mut self.column.values
            && texts.push(text)
        {
            self.column.append_valid();
            return Ok(());
        }
        Err(self.reading.mismatch(self.column, "more text than one object holds"))
    }

    fn append_text<E: Error>(self, text: &str) -> Result<(), E> {
        if let Values::Texts(texts) = &mut self.column.values
            && texts.push(text)
        {
            self.column.append_valid();
            return Ok(());
        }
        Err(self.reading.mismatch(self.column, "a string"))
    }

    /// Reads what a string says, where the column is not one of strings.
    fn append_parsed<E: Error>(self, text: &str) -> Result<(), E> {
        let is_lenient = self.reading.rules.is_lenient;
        let is_appended = match &mut self.column.values {
            Values::Timestamps(values) => parse_timestamp(text).map(|micros| values.push(micros)).is_some(),
            Values::Dates(values) => parse_date(text).map(|days| values.push(days)).is_some(),
            Values::Integers { width, values } if is_lenient => {
                let number = text.parse().ok().filter(|number| width.holds(*number));
                number.map(|number| values.push(number)).is_some()
            }
            Values::Reals { values, .. } if is_lenient => text.parse().map(|number| values.push(number)).is_ok(),
            Values::Booleans(values) if is_lenient => {
                let flag = text.to_ascii_lowercase().parse().ok();
                flag.map(|flag| values.append(flag)).is_some()
            }
            _ => false,
        };
        if !is_appended {
            return Err(self.reading.mismatch(self.column, &format!("the string {:?}", excerpt(text))));
        }
        self.column.append_valid();
        Ok(())
    }
}

/// The beginning of a text, short enough for a message.
fn excerpt(text: &str) -> &str {
    let end = text.char_indices().map(|(position, _)| position).nth(64);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of the type {}", self.column.kind_name())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.column.pad(self.column.len() + 1);
        Ok(())
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        match &mut self.column.values {
            Values::Booleans(values) => values.append(flag),
            Values::Texts(_) if self.reading.rules.is_lenient => return self.append_text(&flag.to_string()),
            _ => return Err(self.reading.mismatch(self.column, "a boolean")),
        }
        self.column.append_valid();
        Ok(())
    }

    #[inline]
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        match &mut self.column.values {
            Values::Integers { width, values } if width.holds(number) => values.push(number),
            Values::Reals { values, .. } => values.push(number as f64),
            Values::Timestamps(values) => match timestamp_of_integer(number) {
                Some(micros) => values.push(micros),
                None => return Err(self.reading.mismatch(self.column, &format!("the integer {number}"))),
            },
            Values::Texts(_) if self.reading.rules.is_lenient => return self.append_text(&number.to_string()),
            _ => return Err(self.reading.mismatch(self.column, &format!("the integer {number}"))),
        }
        self.column.append_valid();
        Ok(())
    }

    #[inline]
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => match &mut self.column.values {
                Values::Reals { values, .. } => {
                    values.push(number as f64);
                    self.column.append_valid();
                    Ok(())
                }
                Values::Texts(_) if self.reading.rules.is_lenient => self.append_text(&number.to_string()),
                _ => Err(self.reading.mismatch(self.column, &format!("the integer {number}"))),
            },
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let is_lenient = self.reading.rules.is_lenient;
        match &mut self.column.values {
            Values::Reals { values, .. } => values.push(number),
            // Below 2⁵³ a double without a fraction is that integer.
            Values::Integers { width, values }
                if is_lenient && number.fract() == 0.0 && number.abs() < 9e15 && width.holds(number as i64) =>
            {
                values.push(number as i64);
            }
            Values::Timestamps(values) => match timestamp_of_real(number) {
                Some(micros) => values.push(micros),
                None => return Err(self.reading.mismatch(self.column, &format!("the number {number}"))),
            },
            Values::Texts(_) if is_lenient => return self.append_text(&number.to_string()),
            _ => return Err(self.reading.mismatch(self.column, &format!("the number {number}"))),
        }
        self.column.append_valid();
        Ok(())
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match &self.column.values {
            Values::Texts(_) => self.append_text(text),
            _ => self.append_parsed(text),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Self { column, reading } = self;
        let Values::List { ends, elements } = &mut column.values else {
            let is_nothing =
                reading.rules.unknown == Unknown::Learn && NothingToLearn { reading }.visit_seq(sequence).is_ok();
            return append_nothing(column, reading, is_nothing, "an array");
        };
        reading.enter()?;
        let element_bytes = elements.row_bytes();
        while sequence.next_element_seed(ValueSeed { column: elements, reading })?.is_some() {
            reading.charge(element_bytes)?;
        }
        let Ok(end) = i32::try_from(elements.len()) else {
            return Err(reading.mismatch(column, "more elements than one object holds"));
        };
        ends.push(end);
        reading.leave();
        column.append_valid();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { column, reading } = self;
        let Values::Struct(fields) = &mut column.values else {
            let is_nothing =
                reading.rules.unknown == Unknown::Learn && NothingToLearn { reading }.visit_map(map).is_ok();
            return append_nothing(column, reading, is_nothing, "an object");
        };
        MembersVisitor { fields, reading, is_top_level: false }.visit_map(map)?;
        column.append_valid();
        Ok(())
    }
}

/// Appends an array or object to a column of another type: one that says nothing is null, so that it does not matter
/// whether the schema had learnt the column's type before.
fn append_nothing<E: Error>(
    column: &mut Column,
    reading: &Reading<'_>,
    is_nothing: bool,
    found: &str,
) -> Result<(), E> {
    if !is_nothing {
        return Err(match reading.take_failure() {
            Some(Failure::TooDeep) => reading.fail(Failure::TooDeep),
            _ => reading.mismatch(column, found),
        });
    }
    column.pad(column.len() + 1);
    Ok(())
}

/// Reads a value, checks that it is JSON, and drops it.
struct Discard<'a> {
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for Discard<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Not `deserialize_ignored_any`: the parser skips by recursion without a bound.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Discard<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let reading = self.reading;
        reading.enter()?;
        while sequence.next_element_seed(Discard { reading })?.is_some() {}
        reading.leave();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.reading;
        reading.enter()?;
        while map.next_key_seed(Discard { reading })?.is_some() {
            map.next_value_seed(Discard { reading })?;
        }
        reading.leave();
        Ok(())
    }
}

/// Reads a value of which no column can be made yet; any other fails as [`Failure::Unknown`].
struct NothingToLearn<'a> {
    reading: &'a Reading<'a>,
}

impl NothingToLearn<'_> {
    fn learn<E: Error>(&self) -> Result<(), E> {
        Err(self.reading.fail(Failure::Unknown))
    }
}

impl<'de> DeserializeSeed<'de> for NothingToLearn<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NothingToLearn<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.learn()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.learn()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.learn()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.learn()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.learn()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let reading = self.reading;
        reading.enter()?;
        while sequence.next_element_seed(NothingToLearn { reading })?.is_some() {}
        reading.leave();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.reading;
        reading.enter()?;
        while map.next_key_seed(Discard { reading })?.is_some() {
            map.next_value_seed(NothingToLearn { reading })?;
        }
        reading.leave();
        Ok(())
    }
}
