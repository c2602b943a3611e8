//! What can be wrong with the steps that were asked for.

use crate::prefix::PrefixError;

/// A step cannot be done as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorError {
    /// The prefixes, which say which keys are needed, cannot be used.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The path of a column is not one.
    #[error("the path {path} of a column has an empty member; write the members of objects with dots between them")]
    Column {
        /// The path.
        path: String,
    },
    /// This version has no such step.
    #[error("processors of the kind {processor} are not supported")]
    NotSupported {
        /// Its kind.
        processor: &'static str,
    },
}
