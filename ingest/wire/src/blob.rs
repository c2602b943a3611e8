//! [`Blob`], which the protocols write differently.

use std::borrow::Cow;
use std::fmt;

use base64_simd::{Out, STANDARD};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// Bytes: base64 text in JSON, raw in CBOR. It borrows from the body and decodes only when told to, straight into its
/// destination.
///
/// Base64 is the standard alphabet with padding (RFC 4648 section 4), as every AWS SDK writes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob<'a>(Repr<'a>);

#[derive(Clone, PartialEq, Eq)]
enum Repr<'a> {
    Base64(Cow<'a, str>),
    Raw(Cow<'a, [u8]>),
}

/// The text of a [`Blob`] is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid base64")]
pub struct InvalidBase64;

impl<'a> Blob<'a> {
    /// A blob of these bytes.
    pub const fn raw(bytes: &'a [u8]) -> Self {
        Self(Repr::Raw(Cow::Borrowed(bytes)))
    }

    /// A blob that owns its bytes.
    pub const fn from_vec(bytes: Vec<u8>) -> Blob<'static> {
        Blob(Repr::Raw(Cow::Owned(bytes)))
    }

    /// Checks that the blob can be decoded: then [`Blob::decode_into`] succeeds and [`Blob::byte_count`] is exact.
    ///
    /// # Errors
    /// If the text is not base64.
    pub fn check(&self) -> Result<(), InvalidBase64> {
        match &self.0 {
            Repr::Base64(text) => STANDARD.check(text.as_bytes()).map_err(|_| InvalidBase64),
            Repr::Raw(_) => Ok(()),
        }
    }

    /// The number of decoded bytes. Where the text is not base64, what it would be if it were.
    pub fn byte_count(&self) -> usize {
        match &self.0 {
            Repr::Base64(text) => {
                let padding = text.bytes().rev().take(2).take_while(|&byte| byte == b'=').count();
                (text.len() / 4 * 3).saturating_sub(padding)
            }
            Repr::Raw(bytes) => bytes.len(),
        }
    }

    /// Decodes into `destination`, which must be [`Blob::byte_count`] long.
    ///
    /// # Errors
    /// If the text is not base64, or the destination has another length.
    pub fn decode_into(&self, destination: &mut [u8]) -> Result<(), InvalidBase64> {
        if destination.len() != self.byte_count() {
            return Err(InvalidBase64);
        }
        match &self.0 {
            Repr::Base64(text) => {
                // The decoder panics on a destination that is too short, so its own idea of the length is asked first.
                let needed = STANDARD.decoded_length(text.as_bytes()).map_err(|_| InvalidBase64)?;
                if needed != destination.len() {
                    return Err(InvalidBase64);
                }
                STANDARD.decode(text.as_bytes(), Out::from_slice(destination)).map_err(|_| InvalidBase64)?;
            }
            Repr::Raw(bytes) => destination.copy_from_slice(bytes),
        }
        Ok(())
    }

    /// The decoded bytes, borrowed where they are there already.
    ///
    /// # Errors
    /// If the text is not base64.
    pub fn decode(&self) -> Result<Cow<'_, [u8]>, InvalidBase64> {
        match &self.0 {
            Repr::Base64(text) => STANDARD.decode_to_vec(text.as_bytes()).map(Cow::Owned).map_err(|_| InvalidBase64),
            Repr::Raw(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }
}

impl fmt::Debug for Blob<'_> {
    /// Shows the length only: payloads stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.byte_count())
    }
}

impl Serialize for Blob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Repr::Base64(text) if serializer.is_human_readable() => serializer.serialize_str(text),
            Repr::Raw(bytes) if serializer.is_human_readable() => {
                serializer.serialize_str(&STANDARD.encode_to_string(bytes))
            }
            _ => serializer.serialize_bytes(&self.decode().map_err(serde::ser::Error::custom)?),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Blob<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(TextVisitor)
        } else {
            deserializer.deserialize_bytes(BytesVisitor)
        }
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Blob<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a blob as base64 text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Blob<'de>, E> {
        Ok(Blob(Repr::Base64(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Blob<'de>, E> {
        Ok(Blob(Repr::Base64(Cow::Owned(text.to_owned()))))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Blob<'de>, E> {
        Ok(Blob(Repr::Base64(Cow::Owned(text))))
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Blob<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a blob as a byte string")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Blob<'de>, E> {
        Ok(Blob(Repr::Raw(Cow::Borrowed(bytes))))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Blob<'de>, E> {
        Ok(Blob(Repr::Raw(Cow::Owned(bytes.to_vec()))))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Blob<'de>, E> {
        Ok(Blob(Repr::Raw(Cow::Owned(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Protocol;

    fn text(text: &str) -> Blob<'_> {
        Blob(Repr::Base64(Cow::Borrowed(text)))
    }

    #[test]
    fn json_blob_borrows_and_escaped_json_blob_owns() {
        let borrowed: Blob<'_> = Protocol::Json11.decode(br#""aGk/""#).unwrap();
        assert!(matches!(borrowed.0, Repr::Base64(Cow::Borrowed(_))));
        // PHP escapes slashes, and a slash is a base64 digit.
        let escaped: Blob<'_> = Protocol::Json11.decode(br#""aGk\/""#).unwrap();
        assert_eq!(escaped, borrowed);
        assert_eq!(&*escaped.decode().unwrap(), b"hi?");
    }

    #[test]
    fn malformed_base64_is_refused_by_every_way_in() {
        for malformed in ["a", "ab", "abc", "ab=c", "a===", "====", "a b=", "ab\n=", "abcde", "äää", "YQ", "_-_-"] {
            let blob = text(malformed);
            assert_eq!(blob.check(), Err(InvalidBase64), "{malformed}");
            assert_eq!(blob.decode(), Err(InvalidBase64), "{malformed}");
            assert_eq!(blob.decode_into(&mut vec![0; blob.byte_count()]), Err(InvalidBase64), "{malformed}");
        }
        assert_eq!(text("YQ==").decode_into(&mut [0; 2]), Err(InvalidBase64), "the wrong length");
    }

    #[test]
    fn cbor_refuses_text_for_a_blob_and_json_refuses_numbers() {
        let error = Protocol::Cbor11.decode::<Blob<'_>>(&[0x61, b'a']).unwrap_err();
        assert!(error.to_string().contains("a blob as a byte string"), "{error}");
        let error = Protocol::Json11.decode::<Blob<'_>>(b"1").unwrap_err();
        assert!(error.to_string().contains("a blob as base64 text"), "{error}");
    }

    proptest! {
        #[test]
        fn bytes_survive_both_protocols(bytes: Vec<u8>) {
            for protocol in [Protocol::Json11, Protocol::Cbor11] {
                let body = protocol.encode(&Blob::raw(&bytes)).unwrap();
                let blob: Blob<'_> = protocol.decode(&body).unwrap();
                prop_assert_eq!(blob.check(), Ok(()));
                prop_assert_eq!(blob.byte_count(), bytes.len());
                let mut decoded = vec![0; blob.byte_count()];
                blob.decode_into(&mut decoded).unwrap();
                prop_assert_eq!(&decoded, &bytes);
                prop_assert_eq!(&*blob.decode().unwrap(), &bytes[..]);
            }
        }

        #[test]
        fn checked_text_is_decodable_text(text_: String) {
            let blob = text(&text_);
            let mut destination = vec![0; blob.byte_count()];
            prop_assert_eq!(blob.decode_into(&mut destination).is_ok(), blob.check().is_ok());
            prop_assert_eq!(blob.decode().is_ok(), blob.check().is_ok());
        }
    }
}
