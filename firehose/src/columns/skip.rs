//! Values that have no column: read, checked, and dropped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::reading::{Failure, Reading};

/// Reads a value, checks that it is JSON, and drops it.
pub(super) struct Discard<'a> {
    pub(super) reading: &'a Reading<'a>,
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
pub(super) struct NothingToLearn<'a> {
    pub(super) reading: &'a Reading<'a>,
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
