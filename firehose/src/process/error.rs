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
    /// The expression is not taken.
    #[error("the MetadataExtractionQuery cannot be used: {reason}: {query}")]
    Query {
        /// The expression.
        query: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody knows where the function is.
    #[error(
        "function {function} has no URL; write it under [firehose.functions] of the configuration, or write a URL in its place"
    )]
    FunctionNotFound {
        /// The function, as it was asked for.
        function: String,
    },
    /// It cannot be called.
    #[error("function {function} cannot be called: {reason}")]
    Function {
        /// The function, as it was asked for.
        function: String,
        /// What is wrong.
        reason: String,
    },
}
