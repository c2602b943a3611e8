//! Why bytes could not be turned into a value, or a value into bytes.

/// A request body is not what its operation takes. AWS calls this a `SerializationException`.
///
/// The message names the member by its path (`Records[3].Data: invalid type: …`) where the body is well-formed enough
/// for there to be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    message: String,
}

impl DecodeError {
    /// What is wrong with the value at `path` (empty for the whole body), in words.
    pub(crate) fn new(path: &str, reason: &str) -> Self {
        // A parser may quote the input after the first line, and may quote a long value within it.
        let reason = reason.lines().next().unwrap_or_default();
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let message = if path.is_empty() || path == "." { reason } else { format!("{path}: {reason}") };
        Self { message }
    }
}

/// How much of a parser's explanation is passed on: it may quote the input.
const REASON_CHARS_MAX: usize = 512;

/// A value has no form in the protocol, such as a map whose keys are not strings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer could not be encoded: {0}")]
pub struct EncodeError(pub(crate) String);
