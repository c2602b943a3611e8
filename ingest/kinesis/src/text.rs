//! Texts of requests and answers that cost no allocation.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use shard_store::stream::{SequenceNumber, ShardNumber};

/// A text of a request, borrowed from its body unless it holds an escape (JSON) or comes in chunks (CBOR).
///
/// serde makes an `Option<Cow<str>>` own its text always, and a `&str` refuses escapes; this does neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text)))
    }
}

/// A sequence number in an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequenceText(pub(crate) SequenceNumber);

impl Serialize for SequenceText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_ascii(&self.0.to_digits(), serializer)
    }
}

/// A shard id in an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardText(pub(crate) ShardNumber);

impl Serialize for ShardText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_ascii(&self.0.to_chars(), serializer)
    }
}

fn serialize_ascii<S: Serializer>(chars: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(std::str::from_utf8(chars).map_err(S::Error::custom)?)
}

#[cfg(test)]
mod tests {
    use ingest_wire::Protocol;

    use super::*;

    #[test]
    fn a_text_borrows_unless_it_holds_an_escape() {
        let plain: Option<Text<'_>> = Protocol::Json11.decode(br#""abc""#).unwrap();
        assert!(matches!(plain, Some(Text(Cow::Borrowed("abc")))));
        let escaped: Option<Text<'_>> = Protocol::Json11.decode(br#""a\u0062c""#).unwrap();
        assert_eq!(escaped, plain);
    }

    #[test]
    fn ids_are_written_as_their_texts() {
        let sequence = SequenceNumber::of_record(1, ShardNumber(2), 3);
        let body = Protocol::Json11.encode(&(SequenceText(sequence), ShardText(ShardNumber(2)))).unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), format!(r#"["{sequence}","{}"]"#, ShardNumber(2)));
    }
}
