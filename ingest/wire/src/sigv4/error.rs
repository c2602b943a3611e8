//! Why a signature is not accepted.

/// Why a signature is not accepted. The texts are AWS's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `Authorization` header.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// The `Authorization` header or the date is malformed or lacks something.
    #[error("{0}")]
    Incomplete(String),
    /// The signature does not fit the request, the time or the service.
    #[error("{0}")]
    Invalid(String),
}

impl SignatureError {
    /// The signature differs from the expected one. AWS shows what it signed, which is how one finds the difference.
    pub(super) fn mismatch(canonical_request: &str, string_to_sign: &str) -> Self {
        Self::Invalid(format!(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details.\n\n\
             The Canonical String for this request should have been\n'{canonical_request}'\n\n\
             The String-to-Sign should have been\n'{string_to_sign}'\n"
        ))
    }
}
