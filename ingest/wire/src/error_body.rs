//! [`ErrorBody`].

use serde::{Deserialize, Serialize};

/// The body of an AWS error in the JSON and CBOR protocols: `{"__type":"ResourceNotFoundException","message":"…"}`.
///
/// The code also travels in [`crate::header::ERROR_TYPE`]. When read, the spelling `Message` is understood too.
///
/// Source: Smithy 2.0 specification, "AWS JSON 1.1 protocol", operation error serialization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody<'a> {
    /// The error's code, such as `ResourceNotFoundException`.
    #[serde(rename = "__type")]
    pub code: &'a str,
    /// What went wrong, in words.
    pub message: &'a str,
}

/// An [`ErrorBody`] as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReceivedError {
    #[serde(rename = "__type", default)]
    code: String,
    /// What went wrong, in words; empty where the service sent none.
    #[serde(alias = "Message", default)]
    pub message: String,
}

impl ReceivedError {
    /// The error's code without a namespace: `ResourceNotFoundException`, never `com.amazonaws.kinesis#Resource…`.
    pub fn code(&self) -> &str {
        self.code.rsplit('#').next().unwrap_or_default()
    }
}
