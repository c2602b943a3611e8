//! [`Reader`]: serde's deserializer over minicbor's decoder.

use std::fmt;

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error as CborError;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::DEPTH_MAX;
use crate::map_only::MapOnly;

/// Why an item could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Cbor(#[from] CborError),
    #[error("{0}")]
    Message(String),
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Message(message.to_string())
    }
}

/// The byte that ends an item of indefinite length.
const BREAK: u8 = 0xff;

/// Reads items from a body.
pub(super) struct Reader<'de> {
    decoder: Decoder<'de>,
    depth_left: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn new(body: &'de [u8]) -> Self {
        Self { decoder: Decoder::new(body), depth_left: DEPTH_MAX }
    }

    /// Checks that nothing follows the item that was read.
    pub(super) fn finish(&self) -> Result<(), Error> {
        if self.decoder.position() == self.decoder.input().len() {
            Ok(())
        } else {
            Err(Error::custom(format_args!("unexpected data after the value at byte {}", self.decoder.position())))
        }
    }

    /// Runs `read` one level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let depth_left = self.depth_left;
        self.depth_left = depth_left
            .checked_sub(1)
            .ok_or_else(|| Error::custom(format_args!("the value is nested more than {DEPTH_MAX} levels deep")))?;
        let value = read(self)?;
        self.depth_left = depth_left;
        Ok(value)
    }

    /// Steps over the tags before an item. A tag only annotates, and no AWS type depends on one.
    fn skip_tags(&mut self) -> Result<(), Error> {
        while self.decoder.datatype()? == Type::Tag {
            self.decoder.tag()?;
        }
        Ok(())
    }

    /// The type of the next item, tags aside.
    fn next_type(&mut self) -> Result<Type, Error> {
        self.skip_tags()?;
        Ok(self.decoder.datatype()?)
    }

    /// Steps over the end of an item of indefinite length, if it is next.
    fn take_break(&mut self) -> bool {
        let position = self.decoder.position();
        let is_break = self.decoder.input().get(position) == Some(&BREAK);
        if is_break {
            self.decoder.set_position(position + 1);
        }
        is_break
    }

    fn visit_seq<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let remaining = self.decoder.array()?;
        self.nested(|reader| {
            let mut items = Items { reader, remaining };
            let value = visitor.visit_seq(&mut items)?;
            items.finish()?;
            Ok(value)
        })
    }

    fn visit_map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let remaining = self.decoder.map()?;
        self.nested(|reader| {
            let mut items = Items { reader, remaining };
            let value = visitor.visit_map(&mut items)?;
            items.finish()?;
            Ok(value)
        })
    }

    fn visit_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        if self.decoder.datatype()? == Type::String {
            return visitor.visit_borrowed_str(self.decoder.str()?);
        }
        let mut text = String::new();
        for chunk in self.decoder.str_iter()? {
            text.push_str(chunk?);
        }
        visitor.visit_string(text)
    }

    fn visit_byte_string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        if self.decoder.datatype()? == Type::Bytes {
            return visitor.visit_borrowed_bytes(self.decoder.bytes()?);
        }
        let mut bytes = Vec::new();
        for chunk in self.decoder.bytes_iter()? {
            bytes.extend_from_slice(chunk?);
        }
        visitor.visit_byte_buf(bytes)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.next_type()? {
            Type::Bool => visitor.visit_bool(self.decoder.bool()?),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => visitor.visit_u64(self.decoder.u64()?),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => visitor.visit_i64(self.decoder.i64()?),
            Type::F32 | Type::F64 => visitor.visit_f64(self.decoder.f64()?),
            Type::String | Type::StringIndef => self.visit_text(visitor),
            Type::Bytes | Type::BytesIndef => self.visit_byte_string(visitor),
            Type::Array | Type::ArrayIndef => self.visit_seq(visitor),
            Type::Map | Type::MapIndef => self.visit_map(visitor),
            Type::Null => {
                self.decoder.null()?;
                visitor.visit_unit()
            }
            Type::Undefined => {
                self.decoder.undefined()?;
                visitor.visit_unit()
            }
            other => {
                let position = self.decoder.position();
                Err(Error::custom(format_args!("unexpected CBOR item ({other}) at byte {position}")))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.next_type()? {
            Type::Null | Type::Undefined => {
                self.decoder.set_position(self.decoder.position() + 1);
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.next_type()? {
            Type::Map | Type::MapIndef => {
                let remaining = self.decoder.map()?;
                self.nested(|reader| {
                    let mut items = Items { reader, remaining };
                    let value = visitor.visit_enum(&mut items)?;
                    items.finish()?;
                    Ok(value)
                })
            }
            _ => visitor.visit_enum(UnitVariant(self)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(MapOnly(visitor))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

/// The items of a map or an array that is being read.
struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Items (pairs, in a map) still to come; `None` until a break ends them.
    remaining: Option<u64>,
}

impl Items<'_, '_> {
    /// Whether another item follows; steps over what ends them.
    fn advance(&mut self) -> bool {
        match &mut self.remaining {
            Some(0) => false,
            Some(remaining) => {
                *remaining -= 1;
                true
            }
            None => {
                let is_over = self.reader.take_break();
                if is_over {
                    self.remaining = Some(0);
                }
                !is_over
            }
        }
    }

    /// Checks that the visitor took every item, as it must before the reader can go on behind them.
    fn finish(&mut self) -> Result<(), Error> {
        if self.advance() { Err(Error::custom("more items than expected")) } else { Ok(()) }
    }

    /// A bound on the items to come that can be trusted: each takes at least a byte.
    fn item_count_max(&self) -> Option<usize> {
        let bytes_left = self.reader.decoder.input().len().saturating_sub(self.reader.decoder.position());
        self.remaining.map(|remaining| usize::try_from(remaining).unwrap_or(usize::MAX).min(bytes_left))
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.advance() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        self.item_count_max()
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.advance() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.item_count_max()
    }
}

impl<'de> EnumAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        if !self.advance() {
            return Err(Error::custom("expected a map with one member"));
        }
        let variant = seed.deserialize(&mut *self.reader)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(&mut *self.reader)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.reader.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.reader.deserialize_any(visitor)
    }
}

/// An enum written as the bare name of its variant.
struct UnitVariant<'a, 'de>(&'a mut Reader<'de>);

impl<'de> EnumAccess<'de> for UnitVariant<'_, 'de> {
    type Error = Error;
    type Variant = NoContent;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, NoContent), Error> {
        Ok((seed.deserialize(self.0)?, NoContent))
    }
}

/// The absent content of a [`UnitVariant`].
struct NoContent;

impl<'de> VariantAccess<'de> for NoContent {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        // Fails with the variant's own idea of what it should have been.
        seed.deserialize(StrDeserializer::new(""))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        Err(Error::invalid_type(serde::de::Unexpected::UnitVariant, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        Err(Error::invalid_type(serde::de::Unexpected::UnitVariant, &visitor))
    }
}
