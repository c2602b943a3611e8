//! [`Validator`], which says what is wrong with an input in AWS's own words.

use std::fmt::{self, Display, Write as _};

use ingest_wire::Blob;

use crate::fault::{Code, Fault};
use crate::limits::{VALIDATION_FAILURES_MAX, VALIDATION_VALUE_CHARS_MAX};

/// Collects the constraints that an input fails, and renders them as AWS does:
///
/// `2 validation errors detected: Value 'a b' at 'streamName' failed to satisfy constraint: Member must satisfy regular
/// expression pattern: [a-zA-Z0-9_.-]+; Value null at 'shardCount' failed to satisfy constraint: Member must not be null`
///
/// A member's path is anything that can be displayed, and is displayed only if a constraint fails:
/// `format_args!("records.{}.member.partitionKey", index + 1)` costs nothing in a loop over good records. AWS counts the
/// members of a list from 1.
///
/// Beyond what AWS does, the text is bounded: of many failures the first 50 are reported, of a long value the beginning.
///
/// Source: observed answers; the constraints themselves are in the service models.
#[derive(Debug, Default)]
pub struct Validator {
    failures: Vec<String>,
}

impl Validator {
    /// A validator to which nothing has failed yet.
    pub const fn new() -> Self {
        Self { failures: Vec::new() }
    }

    /// Begins the constraints of one member. Those on an absent value hold, but for [`Member::required`].
    pub fn member<P: Display, V: Value>(&mut self, path: P, value: Option<V>) -> Member<'_, P, V> {
        Member { validator: self, path, value }
    }

    /// Reports what failed.
    ///
    /// # Errors
    /// `ValidationException` if anything did.
    pub fn finish(self) -> Result<(), Fault> {
        let count = self.failures.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        let failures = self.failures.join("; ");
        Err(Fault::new(Code::Validation, format!("{count} validation error{plural} detected: {failures}")))
    }

    #[cold]
    fn fail(&mut self, path: &dyn Display, value: Option<&dyn Value>, constraint: &dyn Display) {
        if self.failures.len() >= VALIDATION_FAILURES_MAX {
            return;
        }
        let mut text = String::from("Value ");
        match value {
            None => text.push_str("null"),
            Some(value) => {
                let mut shown = Shortened { text: &mut text, chars_left: VALIDATION_VALUE_CHARS_MAX };
                // The writer stops the rendering with an error once the value is long enough.
                let _ = write!(shown, "'{}", Shown(value));
                text.push('\'');
            }
        }
        let _ = write!(text, " at '{path}' failed to satisfy constraint: {constraint}");
        self.failures.push(text);
    }
}

/// A value that constraints can be put upon.
pub trait Value {
    /// Shows the value as AWS's messages do, without quotes.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Its length: characters of a text, bytes of a blob, members of a list; `None` if it has none.
    fn length(&self) -> Option<usize>;
}

impl Value for &str {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }

    fn length(&self) -> Option<usize> {
        // Counting characters walks the text; most texts are short, and shorter than any limit in bytes.
        Some(self.chars().count())
    }
}

impl Value for i64 {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn length(&self) -> Option<usize> {
        None
    }
}

impl Value for &Blob<'_> {
    /// AWS shows a Java buffer.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.byte_count();
        write!(f, "java.nio.HeapByteBuffer[pos=0 lim={count} cap={count}]")
    }

    fn length(&self) -> Option<usize> {
        Some(self.byte_count())
    }
}

impl<T> Value for &[T] {
    /// AWS shows all the members, of whatever size; here only how many there are.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            0 => f.write_str("[]"),
            count => write!(f, "[{count} members]"),
        }
    }

    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

/// A regular expression in AWS's words, and the same rule as a function.
#[derive(Clone, Copy)]
pub struct Pattern {
    /// The expression, as the service model has it.
    pub text: &'static str,
    /// Whether a value matches it as a whole.
    pub matches: fn(&str) -> bool,
}

impl Pattern {
    /// The names of streams and delivery streams.
    pub const NAME: Self = Self {
        text: "[a-zA-Z0-9_.-]+",
        matches: |name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        },
    };
}

/// The constraints of one member, put upon it one after the other.
pub struct Member<'v, P, V> {
    validator: &'v mut Validator,
    path: P,
    value: Option<V>,
}

impl<P: Display, V: Value> Member<'_, P, V> {
    /// The member must be there.
    pub fn required(self) -> Self {
        if self.value.is_none() {
            self.validator.fail(&self.path, None, &"Member must not be null");
        }
        self
    }

    /// The length must lie between `min` and `max`, both included.
    pub fn length(self, min: usize, max: usize) -> Self {
        match self.value.as_ref().and_then(Value::length) {
            Some(length) if length < min => {
                self.fail(format_args!("Member must have length greater than or equal to {min}"))
            }
            Some(length) if length > max => {
                self.fail(format_args!("Member must have length less than or equal to {max}"))
            }
            _ => self,
        }
    }

    /// Holds if `is_met` says so of the value; `constraint` is what AWS says if not: `Member must …`.
    pub fn ensure(self, is_met: impl FnOnce(&V) -> bool, constraint: impl Display) -> Self {
        if self.value.as_ref().is_none_or(is_met) { self } else { self.fail(constraint) }
    }

    /// The value, to go on with; it may be one that failed.
    pub fn value(self) -> Option<V> {
        self.value
    }

    fn fail(self, constraint: impl Display) -> Self {
        self.validator.fail(&self.path, self.value.as_ref().map(|value| value as &dyn Value), &constraint);
        self
    }
}

impl<P: Display> Member<'_, P, &str> {
    /// The value must match as a whole.
    pub fn pattern(self, pattern: Pattern) -> Self {
        let constraint = format_args!("Member must satisfy regular expression pattern: {}", pattern.text);
        self.ensure(|value| (pattern.matches)(value), constraint)
    }

    /// The value must be one of these.
    pub fn one_of(self, values: &[&str]) -> Self {
        // The set is put together only to be complained of.
        if self.value.is_none_or(|value| values.contains(&value)) {
            return self;
        }
        self.fail(format_args!("Member must satisfy enum value set: [{}]", values.join(", ")))
    }
}

impl<P: Display> Member<'_, P, i64> {
    /// The value must lie between `min` and `max`, both included.
    pub fn range(self, min: i64, max: i64) -> Self {
        match self.value {
            Some(value) if value < min => {
                self.fail(format_args!("Member must have value greater than or equal to {min}"))
            }
            Some(value) if value > max => self.fail(format_args!("Member must have value less than or equal to {max}")),
            _ => self,
        }
    }
}

/// Displays a [`Value`].
struct Shown<'a>(&'a dyn Value);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

/// Takes so many characters and no more.
struct Shortened<'a> {
    text: &'a mut String,
    chars_left: usize,
}

impl fmt::Write for Shortened<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for char in part.chars() {
            if self.chars_left == 0 {
                self.text.push('…');
                return Err(fmt::Error);
            }
            self.text.push(char);
            self.chars_left -= 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(check: impl FnOnce(&mut Validator)) -> String {
        let mut validator = Validator::new();
        check(&mut validator);
        validator.finish().map_or_else(|fault| fault.message().to_owned(), |()| String::new())
    }

    #[test]
    fn good_values_and_absent_optional_ones_pass() {
        let text = message(|validator| {
            validator.member("streamName", Some("a.b-C_9")).required().length(1, 128).pattern(Pattern::NAME);
            validator.member("limit", None::<i64>).range(1, 10);
            validator.member("limit", Some(10)).range(1, 10);
            validator.member("type", None).one_of(&["A"]);
            validator.member("data", Some(&Blob::raw(b""))).required().length(0, 1);
        });
        assert_eq!(text, "");
    }

    #[test]
    fn one_failure_is_told_in_the_singular() {
        let name = "a".repeat(129);
        let text = message(|validator| {
            validator.member("streamName", Some(name.as_str())).required().length(1, 128).pattern(Pattern::NAME);
        });
        let expected = format!(
            "1 validation error detected: Value '{name}' at 'streamName' failed to satisfy constraint: Member must have \
             length less than or equal to 128"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn several_failures_are_told_in_the_plural_and_in_order() {
        let text = message(|validator| {
            validator.member("streamName", Some("")).required().length(1, 128).pattern(Pattern::NAME);
            validator.member("shardCount", None::<i64>).required().range(1, 10);
            validator.member("limit", Some(0)).range(1, 10_000);
            validator.member("limit", Some(10_001)).range(1, 10_000);
            validator.member("shardIteratorType", Some("NEXT")).one_of(&["LATEST", "TRIM_HORIZON"]);
            validator.member("records", Some(&[0_u8; 0][..])).length(1, 500);
            validator.member("data", Some(&Blob::raw(b"ab"))).length(0, 1);
            let path = format_args!("records.{}.member.partitionKey", 1);
            validator.member(path, None::<&str>).required();
        });
        let expected = "9 validation errors detected: \
            Value '' at 'streamName' failed to satisfy constraint: Member must have length greater than or equal to 1; \
            Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: \
            [a-zA-Z0-9_.-]+; \
            Value null at 'shardCount' failed to satisfy constraint: Member must not be null; \
            Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1; \
            Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000; \
            Value 'NEXT' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: \
            [LATEST, TRIM_HORIZON]; \
            Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1; \
            Value 'java.nio.HeapByteBuffer[pos=0 lim=2 cap=2]' at 'data' failed to satisfy constraint: Member must have \
            length less than or equal to 1; \
            Value null at 'records.1.member.partitionKey' failed to satisfy constraint: Member must not be null";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_text_is_bounded_whatever_the_values_and_their_number() {
        let long = "ä".repeat(1_000_000);
        let text = message(|validator| {
            for _ in 0..1000 {
                validator.member("key", Some(long.as_str())).length(1, 256);
            }
        });
        assert!(text.len() < 100_000, "{}", text.len());
        assert!(text.contains("…' at 'key'"));
    }

    #[test]
    fn length_of_a_text_counts_characters() {
        let text = message(|validator| {
            validator.member("key", Some("äöü")).length(1, 3);
        });
        assert_eq!(text, "");
    }
}
