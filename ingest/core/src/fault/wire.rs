//! Faults of the protocols and of signatures.

use ingest_wire::sigv4::SignatureError;
use ingest_wire::{DecodeError, EncodeError, InvalidBase64};

use super::{Code, Fault};

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::new(Code::Serialization, error.to_string())
    }
}

impl From<InvalidBase64> for Fault {
    fn from(error: InvalidBase64) -> Self {
        Self::new(Code::Serialization, error.to_string())
    }
}

impl From<EncodeError> for Fault {
    fn from(error: EncodeError) -> Self {
        Self::internal(error)
    }
}

impl From<SignatureError> for Fault {
    fn from(error: SignatureError) -> Self {
        let code = match &error {
            SignatureError::Missing => Code::MissingAuthenticationToken,
            SignatureError::Incomplete(_) => Code::IncompleteSignature,
            SignatureError::Invalid(_) => Code::InvalidSignature,
        };
        Self::new(code, error.to_string())
    }
}
