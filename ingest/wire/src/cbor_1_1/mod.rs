//! The AWS CBOR 1.1 protocol: as JSON 1.1, with CBOR (RFC 8949) in place of JSON.
//!
//! It is what the AWS SDKs for Java speak to Kinesis, and through them the Kinesis Client Library. There is no
//! specification; the behaviour is that of aws-sdk-java-v2, `SdkCborGenerator` and `StructuredJsonGenerator`: maps and
//! arrays of indefinite length, blobs as byte strings, timestamps as tag 1 with milliseconds.
//!
//! The reader takes any well-formed item: strings in chunks are joined, unknown tags are stepped over. Its nesting is
//! bounded by [`DEPTH_MAX`], and it never allocates more than the body is long.
//!
//! Not read: half-precision floats, big numbers and simple values, none of which an AWS type needs.

mod de;
mod ser;

use serde::{Deserialize, Serialize};

use crate::error::{DecodeError, EncodeError};

/// The protocol's content type.
pub const CONTENT_TYPE: &str = "application/x-amz-cbor-1.1";

/// How deep maps, arrays and tags may nest. The deepest shape of any AWS service here has fewer than 20 levels.
pub const DEPTH_MAX: usize = 128;

/// Decodes a body, borrowing strings and blobs from it where they are not in chunks.
///
/// # Errors
/// If the body is not one CBOR item, or does not fit `T`; the message names the member.
pub fn decode<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, DecodeError> {
    let mut reader = de::Reader::new(body);
    T::deserialize(&mut reader).and_then(|value| reader.finish().map(|()| value)).map_err(|error| {
        let mut reader = de::Reader::new(body);
        // Reads the body again, slower, to learn which member the error is at.
        match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Err(located) => DecodeError::new(&located.path().to_string(), &located.inner().to_string()),
            Ok(_) => DecodeError::new("", &error.to_string()),
        }
    })
}

/// Encodes a value as a body.
///
/// # Errors
/// If the value holds a 128-bit integer, or says so itself.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut writer = ser::Writer::new();
    value.serialize(&mut writer).map_err(|error| EncodeError(error.to_string()))?;
    Ok(writer.into_bytes())
}

#[cfg(test)]
mod tests;
