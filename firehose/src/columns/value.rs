//! A JSON value goes to the end of a column, if it is one of the column's type.
//!
//! Nesting is bounded here. The exceptions are `json` and `decimal` columns, whose text the parser skips over by recursion,
//! so the caller bounds the nesting of records where the schema has one.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::map::EntriesVisitor;
use super::reading::{Failure, Reading, Unknown};
use super::record::MembersVisitor;
use super::skip::NothingToLearn;
use super::time::{timestamp_of_integer, timestamp_of_real};
use super::{Column, Values};

/// Appends one value to a column.
pub(super) struct ValueSeed<'a> {
    pub(super) column: &'a mut Column,
    pub(super) reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.column.values {
            Values::Json(_) => self.append_json(sonic_rs::LazyValue::deserialize(deserializer)?.as_raw_str()),
            Values::Decimals { .. } => {
                self.append_decimal(sonic_rs::LazyValue::deserialize(deserializer)?.as_raw_str())
            }
            _ => deserializer.deserialize_any(self),
        }
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
        if self.column.append_text(text, self.reading.rules, self.reading.rules.is_lenient) {
            return Ok(());
        }
        Err(self.reading.mismatch(self.column, &format!("the string {:?}", excerpt(text))))
    }

    /// Reads a number from its own text, as a double would not keep all its digits.
    fn append_decimal<E: Error>(self, raw: &str) -> Result<(), E> {
        let text: Option<Cow<'_, str>> = match raw.as_bytes().first() {
            Some(b'"') => sonic_rs::from_str::<String>(raw).ok().map(Cow::Owned),
            Some(b'-' | b'0'..=b'9') => Some(Cow::Borrowed(raw)),
            Some(b'n') => {
                self.column.pad(self.column.len() + 1);
                return Ok(());
            }
            _ => None,
        };
        if let Some(text) = text
            && self.column.append_text(&text, self.reading.rules, true)
        {
            return Ok(());
        }
        Err(self.reading.mismatch(self.column, &format!("the value {}", excerpt(raw))))
    }
}

/// The beginning of a text, short enough for a message.
pub(super) fn excerpt(text: &str) -> &str {
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
            Values::Timestamps(values) => match timestamp_of_integer(number, &self.reading.rules.timestamp_formats) {
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
            Values::Timestamps(values) => match timestamp_of_real(number, &self.reading.rules.timestamp_formats) {
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
        match &mut column.values {
            Values::Struct(fields) => MembersVisitor { fields, reading }.visit_map(map)?,
            Values::Map(entries) => EntriesVisitor { entries, reading }.visit_map(map)?,
            _ => {
                let is_nothing =
                    reading.rules.unknown == Unknown::Learn && NothingToLearn { reading }.visit_map(map).is_ok();
                return append_nothing(column, reading, is_nothing, "an object");
            }
        }
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
