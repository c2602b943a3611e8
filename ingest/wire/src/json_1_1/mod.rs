//! The AWS JSON 1.1 protocol: a JSON object in, a JSON object out.
//!
//! The reader takes RFC 8259 JSON in UTF-8, nested no deeper than [`DEPTH_MAX`]; members that a type does not have are
//! ignored, as AWS does.
//!
//! Source: Smithy 2.0 specification, "AWS JSON 1.1 protocol".

mod bounded;

use serde::{Deserialize, Serialize};

use self::bounded::Bounded;
use crate::error::{DecodeError, EncodeError};

/// The protocol's content type.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// How deep objects and arrays may nest. The deepest shape of any AWS service here has fewer than 20 levels.
pub const DEPTH_MAX: usize = 64;

/// Decodes a body, borrowing strings and blobs from it where they hold no escape.
///
/// # Errors
/// If the body is not one JSON value, or does not fit `T`; the message names the member.
pub fn decode<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, DecodeError> {
    // Checking the encoding first makes the parser's own, slower check unnecessary.
    let text =
        std::str::from_utf8(body).map_err(|error| DecodeError::new("", &format!("the body is not UTF-8: {error}")))?;
    let mut parser = sonic_rs::Deserializer::from_str(text);
    let value = T::deserialize(Bounded { inner: &mut parser, depth_left: DEPTH_MAX });
    value.and_then(|value| parser.end().map(|()| value)).map_err(|error| explain::<T>(text, &error))
}

/// Encodes a value as a body.
///
/// # Errors
/// If a map has keys that are neither strings nor numbers.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    sonic_rs::to_vec(value).map_err(|error| EncodeError(error.to_string()))
}

/// Reads the body again, slower, to learn which member the error is at.
#[cold]
fn explain<'de, T: Deserialize<'de>>(text: &'de str, error: &sonic_rs::Error) -> DecodeError {
    let mut parser = sonic_rs::Deserializer::from_str(text);
    let bounded = Bounded { inner: &mut parser, depth_left: DEPTH_MAX };
    match serde_path_to_error::deserialize::<_, T>(bounded) {
        Err(located) => DecodeError::new(&located.path().to_string(), &located.inner().to_string()),
        Ok(_) => DecodeError::new("", &error.to_string()),
    }
}

#[cfg(test)]
mod tests;
