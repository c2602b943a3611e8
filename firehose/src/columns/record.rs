//! A record's object becomes a row: its members find their columns.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::Fields;
use super::reading::{Reading, Unknown};
use super::skip::{Discard, NothingToLearn};
use super::value::ValueSeed;

/// Reads one object as one row.
pub(crate) struct RecordSeed<'a> {
    pub(crate) fields: &'a mut Fields,
    pub(crate) reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Not `deserialize_map`: the parser skips a value that is no map by recursion without a bound.
        deserializer.deserialize_any(MembersVisitor { fields: self.fields, reading: self.reading })
    }
}

/// Writes the members of an object into the columns of one row.
pub(super) struct MembersVisitor<'a> {
    pub(super) fields: &'a mut Fields,
    pub(super) reading: &'a Reading<'a>,
}

impl<'de> Visitor<'de> for MembersVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { fields, reading } = self;
        reading.enter()?;
        fields.begin_row();
        while let Some(position) = map.next_key_seed(KeySeed { fields, reading })? {
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
        Ok(self.fields.locate(key, &self.reading.rules.naming))
    }
}
