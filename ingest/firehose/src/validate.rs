//! Patterns and checks that several operations share.

use std::fmt::{self, Display};

use ingest_core::{Pattern, Validator};

use crate::limits::NAME_CHARS_MAX;

/// The ARN of a role.
pub(crate) const ROLE_ARN: Pattern = Pattern {
    text: r"arn:.*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+",
    matches: |text| {
        let Some((_, rest)) = text.strip_prefix("arn:").and_then(|rest| rest.split_once(":iam::")) else {
            return false;
        };
        let Some((account, name)) = rest.split_once(":role/") else { return false };
        is_account(account)
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte))
    },
};

/// The ARN of a bucket.
pub(crate) const BUCKET_ARN: Pattern = Pattern {
    text: r"arn:.*:s3:::[\w\.\-]{1,255}",
    matches: |text| {
        let bucket = text.strip_prefix("arn:").and_then(|rest| rest.split_once(":s3:::"));
        bucket.is_some_and(|(_, bucket)| {
            (1..=255).contains(&bucket.len())
                && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        })
    },
};

/// The ARN of a stream.
pub(crate) const STREAM_ARN: Pattern = Pattern {
    text: r"arn:.*:kinesis:[a-zA-Z0-9\-]+:\d{12}:stream/[a-zA-Z0-9_.-]+",
    matches: |text| {
        let Ok(arn) = ingest_core::Arn::parse(text) else { return false };
        arn.service == "kinesis"
            && !arn.region.is_empty()
            && arn.region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && is_account(arn.account)
            && arn.resource_name("stream").is_some_and(|name| (Pattern::NAME.matches)(name))
    },
};

/// A file extension, or nothing.
pub(crate) const FILE_EXTENSION: Pattern = Pattern {
    text: r"^$|\.[0-9a-z!\-_.*'()]+",
    matches: |text| {
        let is_allowed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || b"!-_.*'()".contains(&byte);
        text.is_empty() || text.strip_prefix('.').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_allowed))
    },
};

/// A time zone, or nothing.
pub(crate) const TIME_ZONE: Pattern = Pattern {
    text: "^$|[a-zA-Z/_]+",
    matches: |text| text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'/' || byte == b'_'),
};

/// A text without blanks.
pub(crate) const NO_BLANKS: Pattern =
    Pattern { text: r"^\S+$", matches: |text| !text.is_empty() && !text.contains(char::is_whitespace) };

/// The id of a destination.
pub(crate) const DESTINATION_ID: Pattern = Pattern {
    text: "[a-zA-Z0-9-]+",
    matches: |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
};

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The path of a member of a structure.
pub(crate) fn at<'a>(structure: &'a str, member: &'a str) -> impl Display + 'a {
    struct Path<'a>(&'a str, &'a str);

    impl Display for Path<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}.{}", self.0, self.1)
        }
    }

    Path(structure, member)
}

/// Puts the model's constraints upon the name of a delivery stream, which every operation but lists requires.
pub(crate) fn name(validator: &mut Validator, name: Option<&str>) {
    validator.member("deliveryStreamName", name).required().pattern(Pattern::NAME).length(1, NAME_CHARS_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_told_from_other_texts() {
        assert!((ROLE_ARN.matches)("arn:aws:iam::123456789012:role/service/firehose"));
        assert!(!(ROLE_ARN.matches)("arn:aws:iam::12345678901:role/firehose"));
        assert!(!(ROLE_ARN.matches)("arn:aws:iam::123456789012:role/"));
        assert!((BUCKET_ARN.matches)("arn:aws:s3:::my-bucket.x_1"));
        assert!(!(BUCKET_ARN.matches)("arn:aws:s3:::my/bucket"));
        assert!(!(BUCKET_ARN.matches)("arn:aws:s3:::"));
        assert!((STREAM_ARN.matches)("arn:aws:kinesis:us-east-1:123456789012:stream/clicks"));
        assert!(!(STREAM_ARN.matches)("arn:aws:kinesis:us-east-1:123456789012:stream/"));
        assert!(!(STREAM_ARN.matches)("arn:aws:sqs:us-east-1:123456789012:stream/clicks"));
    }

    #[test]
    fn extensions_and_zones_may_be_empty() {
        assert!((FILE_EXTENSION.matches)("") && (FILE_EXTENSION.matches)(".json.gz"));
        assert!(
            !(FILE_EXTENSION.matches)("json") && !(FILE_EXTENSION.matches)(".JSON") && !(FILE_EXTENSION.matches)(".")
        );
        assert!((TIME_ZONE.matches)("") && (TIME_ZONE.matches)("America/New_York"));
        assert!(!(TIME_ZONE.matches)("Etc/GMT+1"));
    }
}
