//! What can be wrong with a prefix.

use crate::limits::EVALUATED_PREFIX_CHARS_MAX;

/// A prefix that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// An expression that is not known.
    #[error(
        "the expression {expression} is not supported; use timestamp:PATTERN, firehose:random-string, partitionKeyFromQuery:KEY, partitionKeyFromLambda:KEY, partitionKeyFromColumn:PATH, event-time:PATTERN or, in ErrorOutputPrefix, firehose:error-output-type"
    )]
    Expression {
        /// The expression.
        expression: String,
    },
    /// `!{` without its end, or inside another expression.
    #[error("the sequence !{{ can only appear in !{{namespace:value}} expressions")]
    Unclosed,
    /// Letters of a time pattern that are not known.
    #[error("the letters {letters} of the timestamp pattern {pattern} are not supported")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The letters.
        letters: String,
    },
    /// A quote without its end.
    #[error("the timestamp pattern {pattern} has a quote that is not closed")]
    Quote {
        /// The pattern.
        pattern: String,
    },
    /// The error type in the prefix of good records.
    #[error("Prefix cannot contain !{{firehose:error-output-type}}")]
    ErrorTypeInPrefix,
    /// No error type among the expressions of the error prefix.
    #[error("ErrorOutputPrefix with expressions must contain !{{firehose:error-output-type}}")]
    ErrorTypeMissing,
    /// No error prefix beside a prefix with expressions.
    #[error("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")]
    ErrorPrefixMissing,
    /// Partition keys in the error prefix.
    #[error(
        "ErrorOutputPrefix cannot contain {expression}: dynamic partitioning namespaces can only be part of Prefix"
    )]
    KeyInErrorPrefix {
        /// The expression.
        expression: String,
    },
    /// Partition keys without dynamic partitioning.
    #[error(
        "Prefix contains {expression}: dynamic partitioning namespaces can only be part of Prefix when dynamic partitioning is enabled"
    )]
    NotPartitioned {
        /// The expression.
        expression: String,
    },
    /// Dynamic partitioning without partition keys.
    #[error(
        "S3 Prefix should contain Dynamic Partitioning namespaces (partitionKeyFromQuery or partitionKeyFromLambda, or partitionKeyFromColumn or event-time) when Dynamic Partitioning is enabled"
    )]
    KeyMissing,
    /// Keys of a step that is not there.
    #[error("{processor} processor should be present when S3 Prefix has {namespace} namespace")]
    ProcessorMissing {
        /// The processor.
        processor: &'static str,
        /// What asks for it.
        namespace: &'static str,
    },
    /// The time of events is not known.
    #[error("event-time needs event-time-column under [firehose.streams] of the delivery stream")]
    EventTimeMissing,
    /// The zone is not known.
    #[error("the time zone {zone} is not known")]
    Zone {
        /// The zone.
        zone: String,
    },
    /// It is too long once it is evaluated.
    #[error("the prefix has more than {EVALUATED_PREFIX_CHARS_MAX} characters after it is evaluated")]
    TooLong,
    /// It does not make a path.
    #[error(
        "the prefix evaluates to {prefix}, which has an empty, . or .. folder or a character that object names cannot have"
    )]
    Path {
        /// The evaluated prefix.
        prefix: String,
    },
}
