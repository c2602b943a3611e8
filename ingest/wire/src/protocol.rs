//! Which protocol a request speaks.

use serde::{Deserialize, Serialize};

use crate::error::{DecodeError, EncodeError};
use crate::{cbor_1_1, json_1_1};

/// A wire protocol, as its content type names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `application/x-amz-json-1.1`, which most SDKs speak.
    Json11,
    /// `application/x-amz-cbor-1.1`, which the AWS SDKs for Java speak to Kinesis.
    Cbor11,
}

impl Protocol {
    /// The protocol that a `Content-Type` header names; its parameters (`; charset=…`) are ignored.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        [Self::Json11, Self::Cbor11].into_iter().find(|protocol| essence.eq_ignore_ascii_case(protocol.content_type()))
    }

    /// The value of the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json11 => json_1_1::CONTENT_TYPE,
            Self::Cbor11 => cbor_1_1::CONTENT_TYPE,
        }
    }

    /// Decodes a body, borrowing from it wherever the value allows it.
    ///
    /// # Errors
    /// If the body is malformed, has something after its value, or does not fit `T`.
    pub fn decode<'de, T: Deserialize<'de>>(self, body: &'de [u8]) -> Result<T, DecodeError> {
        match self {
            Self::Json11 => json_1_1::decode(body),
            Self::Cbor11 => cbor_1_1::decode(body),
        }
    }

    /// Encodes a value as a body.
    ///
    /// # Errors
    /// If the value has no form in the protocol.
    pub fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Json11 => json_1_1::encode(value),
            Self::Cbor11 => cbor_1_1::encode(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_is_matched_without_case_and_parameters() {
        assert_eq!(Protocol::from_content_type("application/x-amz-json-1.1"), Some(Protocol::Json11));
        assert_eq!(Protocol::from_content_type("Application/X-Amz-Json-1.1; charset=utf-8"), Some(Protocol::Json11));
        assert_eq!(Protocol::from_content_type("application/x-amz-cbor-1.1"), Some(Protocol::Cbor11));
        assert_eq!(Protocol::from_content_type("application/json"), None);
        assert_eq!(Protocol::from_content_type(""), None);
    }
}
