//! [`RequestId`].

use std::fmt;

use base64_simd::STANDARD;
use uuid::Uuid;

/// Names one request, in answers, logs and error reports. Random; never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The value of `x-amz-id-2`. AWS's is opaque and of no use to a client; ours is another spelling of the id.
    pub fn extended(&self) -> String {
        let bytes = self.0.as_bytes();
        STANDARD.encode_to_string([bytes.as_slice(), bytes, bytes].concat())
    }
}

impl fmt::Display for RequestId {
    /// `5d3a3fb4-6d5e-4b52-8b1f-5c1d2f0f4a1e`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
