//! Where objects go: prefixes with expressions, and the names of objects.
//!
//! A prefix is text with expressions `!{namespace:value}`: `!{timestamp:PATTERN}` (the arrival of the object's oldest
//! record), `!{firehose:random-string}`, and in an error prefix `!{firehose:error-output-type}`. It is read, and refused
//! with a sentence, when the delivery stream is created, so evaluating it cannot fail later.
//!
//! Source: Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects" and "Configure Amazon S3 object
//! name format". An error prefix without expressions gets the error type and the time appended, as AWS does in practice;
//! its page is silent.
//!
//! What this does not do: partition keys, which need dynamic partitioning.

mod java_time;

use chrono::DateTime;
use chrono_tz::Tz;
use java_time::Pattern;
use object_store::path::Path;

use crate::limits::EVALUATED_PREFIX_CHARS_MAX;

const DEFAULT_PATTERN: &str = "yyyy/MM/dd/HH/";

/// What `!{firehose:error-output-type}` says of records that did not convert.
pub const FORMAT_CONVERSION_FAILED: &str = "format-conversion-failed";

/// A prefix that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// An expression that is not known.
    #[error(
        "the expression {expression} is not supported; use timestamp:PATTERN, firehose:random-string or, in ErrorOutputPrefix, firehose:error-output-type"
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

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Timestamp(Pattern),
    RandomString,
    ErrorOutputType,
}

/// What an expression may refer to. One instant serves all expressions of a prefix.
#[derive(Clone, Copy, Debug)]
struct Facts<'a> {
    instant: DateTime<Tz>,
    random: &'a str,
    error_output_type: &'a str,
}

/// One prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template(Vec<Part>);

impl Template {
    fn parse(text: &str) -> Result<Self, PrefixError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once("!{") {
            parts.push(Part::Literal(literal.to_owned()));
            let (expression, tail) = tail.split_once('}').ok_or(PrefixError::Unclosed)?;
            parts.push(match expression.split_once(':') {
                Some(("timestamp", pattern)) if !pattern.is_empty() => Part::Timestamp(Pattern::parse(pattern)?),
                Some(("firehose", "random-string")) => Part::RandomString,
                Some(("firehose", "error-output-type")) => Part::ErrorOutputType,
                _ => return Err(PrefixError::Expression { expression: format!("!{{{expression}}}") }),
            });
            rest = tail;
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self(parts))
    }

    fn has_expressions(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Literal(_)))
    }

    fn has_timestamp(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Timestamp(_)))
    }

    fn has_error_output_type(&self) -> bool {
        self.0.contains(&Part::ErrorOutputType)
    }

    fn append_default_time(&mut self) -> Result<(), PrefixError> {
        self.0.push(Part::Timestamp(Pattern::parse(DEFAULT_PATTERN)?));
        Ok(())
    }

    fn append_error_output_type(&mut self) {
        self.0.extend([Part::ErrorOutputType, Part::Literal("/".to_owned())]);
    }

    fn evaluate(&self, facts: Facts<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Timestamp(pattern) => text.push_str(&pattern.format(&facts.instant)),
                Part::RandomString => text.push_str(facts.random),
                Part::ErrorOutputType => text.push_str(facts.error_output_type),
            }
        }
        text
    }
}

/// The prefixes of a delivery stream's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes {
    data: Template,
    error: Template,
    zone: Tz,
}

impl Prefixes {
    /// Reads the prefixes of a destination; none or an empty one is the default, and so is the zone, UTC.
    ///
    /// # Errors
    /// What is wrong with them, for the person who wrote them.
    pub fn parse(prefix: &str, error_prefix: &str, zone: &str) -> Result<Self, PrefixError> {
        let zone: Tz = match zone {
            "" => Tz::UTC,
            _ => zone.parse().map_err(|_| PrefixError::Zone { zone: zone.to_owned() })?,
        };
        let mut data = Template::parse(prefix)?;
        if data.has_error_output_type() {
            return Err(PrefixError::ErrorTypeInPrefix);
        }
        if data.has_expressions() && error_prefix.is_empty() {
            return Err(PrefixError::ErrorPrefixMissing);
        }
        let mut error = Template::parse(if error_prefix.is_empty() { prefix } else { error_prefix })?;
        if !error.has_expressions() {
            error.append_error_output_type();
            error.append_default_time()?;
        } else if !error.has_error_output_type() {
            return Err(PrefixError::ErrorTypeMissing);
        }
        if !data.has_timestamp() {
            data.append_default_time()?;
        }
        let prefixes = Self { data, error, zone };
        prefixes.check()?;
        Ok(prefixes)
    }

    /// Evaluates both once, so that what every evaluation would show is refused now.
    fn check(&self) -> Result<(), PrefixError> {
        for prefix in [self.data_prefix(0, "random-text"), self.error_prefix(0, "random-text")] {
            if prefix.contains("!{") {
                return Err(PrefixError::Unclosed);
            }
            if prefix.chars().count() > EVALUATED_PREFIX_CHARS_MAX {
                return Err(PrefixError::TooLong);
            }
            let name = format!("{prefix}name");
            if Path::parse(&name).is_err() || name.starts_with('/') {
                return Err(PrefixError::Path { prefix });
            }
        }
        Ok(())
    }

    fn instant(&self, arrival_ms: u64) -> DateTime<Tz> {
        let millis = i64::try_from(arrival_ms).unwrap_or(i64::MAX);
        DateTime::from_timestamp_millis(millis).unwrap_or_default().with_timezone(&self.zone)
    }

    /// The prefix of an object whose oldest record arrived at `arrival_ms`.
    pub fn data_prefix(&self, arrival_ms: u64, random: &str) -> String {
        self.data.evaluate(Facts { instant: self.instant(arrival_ms), random, error_output_type: "" })
    }

    /// The prefix of an object of records that did not convert.
    pub fn error_prefix(&self, arrival_ms: u64, random: &str) -> String {
        let error_output_type = FORMAT_CONVERSION_FAILED;
        self.error.evaluate(Facts { instant: self.instant(arrival_ms), random, error_output_type })
    }

    /// What follows the prefix: `NAME-VERSION-yyyy-MM-dd-HH-mm-ss-UUID`.
    pub fn suffix(&self, delivery_stream: &str, version: u32, arrival_ms: u64, uuid: &str) -> String {
        let time = self.instant(arrival_ms).format("%Y-%m-%d-%H-%M-%S");
        format!("{delivery_stream}-{version}-{time}-{uuid}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2018-08-27T10:30:00Z, the example of the Developer Guide.
    const ARRIVAL_MS: u64 = 1_535_365_800_000;

    fn evaluated(prefix: &str, error_prefix: &str, zone: &str) -> (String, String) {
        let prefixes = Prefixes::parse(prefix, error_prefix, zone).unwrap();
        (prefixes.data_prefix(ARRIVAL_MS, "5abf82daaa5"), prefixes.error_prefix(ARRIVAL_MS, "5abf82daaa5"))
    }

    #[test]
    fn the_examples_of_the_guide_are_evaluated_as_it_says() {
        let cases = [
            ("", "", "2018/08/27/10/", "format-conversion-failed/2018/08/27/10/"),
            ("mine/", "", "mine/2018/08/27/10/", "mine/format-conversion-failed/2018/08/27/10/"),
            (
                "myFirehose/DeliveredYear=!{timestamp:yyyy}/anyMonth/rand=!{firehose:random-string}",
                "myFirehoseFailures/!{firehose:error-output-type}/!{timestamp:yyyy}/anyMonth/!{timestamp:dd}",
                "myFirehose/DeliveredYear=2018/anyMonth/rand=5abf82daaa5",
                "myFirehoseFailures/format-conversion-failed/2018/anyMonth/27",
            ),
            ("mine/", "failed/", "mine/2018/08/27/10/", "failed/format-conversion-failed/2018/08/27/10/"),
        ];
        for (prefix, error_prefix, data, error) in cases {
            assert_eq!(evaluated(prefix, error_prefix, ""), (data.to_owned(), error.to_owned()));
        }
        assert_eq!(evaluated("", "", "Asia/Tokyo").0, "2018/08/27/19/");
    }

    #[test]
    fn what_is_wrong_with_a_prefix_is_said() {
        let cases = [
            ("a!{timestamp:yyyy", "", "!{ can only appear"),
            ("a/!{timestamp:yyyy/!{MM}/dd}", "e/", "!{ can only appear"),
            ("!{timestamp:yyyy}/", "", "ErrorOutputPrefix cannot be null"),
            ("!{firehose:error-output-type}/", "e/", "Prefix cannot contain"),
            ("", "!{timestamp:yyyy}/", "must contain !{firehose:error-output-type}"),
            ("!{partitionKeyFromQuery:k}/", "e/", "!{partitionKeyFromQuery:k} is not supported"),
            ("!{timestamp:bb}/", "e/", "letters bb"),
            ("!{timestamp:'yyyy}/", "e/", "quote"),
            ("a//b", "", "empty"),
            ("/a", "", "empty"),
            ("../a", "", ".."),
        ];
        for (prefix, error_prefix, expected) in cases {
            let error = Prefixes::parse(prefix, error_prefix, "").unwrap_err().to_string();
            assert!(error.contains(expected), "{prefix}: {error}");
        }
        assert!(Prefixes::parse(&"x".repeat(513), "", "").unwrap_err().to_string().contains("512"));
        assert!(Prefixes::parse("", "", "Mars/Base").unwrap_err().to_string().contains("Mars/Base"));
    }

    #[test]
    fn names_are_those_of_firehose() {
        let prefixes = Prefixes::parse("", "", "").unwrap();
        assert_eq!(prefixes.suffix("clicks", 1, ARRIVAL_MS, "some-uuid"), "clicks-1-2018-08-27-10-30-00-some-uuid");
    }
}
