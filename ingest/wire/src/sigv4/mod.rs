//! AWS Signature Version 4, in the header form.
//!
//! A request is reduced to a **canonical request**, that to a **string to sign**, and an HMAC chain over the scope (date,
//! region, service) turns the secret into the key that signs it. [`sign`] adds the signature to a request;
//! [`Authorization`] reads one and verifies it. Both go through the same canonical form.
//!
//! Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request".
//!
//! Not done here: the query-string (presigned) form, signed chunks (`STREAMING-…` payloads), SigV4A.

mod authorization;
mod canonical;
mod error;
mod key;
mod sign;
mod time;

pub use authorization::{Authorization, SignedRequest};
pub use error::SignatureError;
pub use key::SigningKeys;
pub use sign::{Credentials, SigningScope, sign};

/// The algorithm that the `Authorization` header names.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What ends every credential scope.
const TERMINATOR: &str = "aws4_request";

/// The value of `x-amz-content-sha256` that leaves the body out of the signature.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

#[cfg(test)]
mod tests;
