//! Patterns and checks that several operations share.

use std::fmt::{self, Display};

use ingest_core::{Arn, Pattern, Validator};

use crate::limits::{ARN_CHARS_MAX, NAME_CHARS_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_PER_REQUEST_MAX};
use crate::model::{EncryptionInput, Tag};

pub(crate) const CUSTOMER_KEY: &str = "CUSTOMER_MANAGED_CMK";
pub(crate) const OWNED_KEY: &str = "AWS_OWNED_CMK";
const KEY_TYPES: &[&str] = &[OWNED_KEY, CUSTOMER_KEY];

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

/// Any ARN.
pub(crate) const ANY_ARN: Pattern = Pattern { text: "arn:.*", matches: |text| text.starts_with("arn:") };

/// The name of a topic of Kafka.
pub(crate) const TOPIC_NAME: Pattern = Pattern {
    text: r"[a-zA-Z0-9\\._\\-]+",
    matches: |text| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"\\._-".contains(&byte))
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
        let Ok(arn) = Arn::parse(text) else { return false };
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

/// A text that is not blank, on one line.
pub(crate) const NOT_BLANK: Pattern = Pattern {
    text: r"^(?!\s*$).+",
    matches: |text| text.contains(|char: char| !char.is_whitespace()) && !text.contains(['\n', '\r']),
};

/// The ARN of a domain of OpenSearch Service.
pub(crate) const DOMAIN_ARN: Pattern = Pattern {
    text: r"arn:.*:es:[a-zA-Z0-9\-]+:\d{12}:domain/[a-z][-0-9a-z]{2,27}",
    matches: |text| {
        let is_name = |name: &str| {
            (3..=28).contains(&name.len())
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        Arn::parse(text).is_ok_and(|arn| is_in_region(&arn, "es") && arn.resource_name("domain").is_some_and(is_name))
    },
};

/// The ARN of a Glue catalog.
pub(crate) const CATALOG_ARN: Pattern = Pattern {
    text: r"arn:.*:glue:.*:\d{12}:catalog(?:(/[a-z0-9_-]+){1,2})?",
    matches: |text| {
        let is_name = |name: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
            !name.is_empty() && name.bytes().all(is_allowed)
        };
        Arn::parse(text).is_ok_and(|arn| {
            let mut parts = arn.resource.split('/');
            let is_catalog = arn.service == "glue" && is_account(arn.account) && parts.next() == Some("catalog");
            let names: Vec<&str> = parts.collect();
            is_catalog && names.len() <= 2 && names.into_iter().all(is_name)
        })
    },
};

/// The ARN of a key.
pub(crate) const KEY_ARN: Pattern = Pattern {
    text: r"arn:.*:kms:[a-zA-Z0-9\-]+:\d{12}:key/[a-zA-Z_0-9+=,.@\-_/]+",
    matches: |text| {
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte));
        Arn::parse(text).is_ok_and(|arn| is_in_region(&arn, "kms") && arn.resource_name("key").is_some_and(is_name))
    },
};

/// The key of a tag.
pub(crate) const TAG_KEY: Pattern = Pattern {
    text: r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:\/=+\-@%]*$",
    matches: |text| !text.starts_with("aws:") && text.chars().all(is_tag_char),
};

/// The value of a tag.
pub(crate) const TAG_VALUE: Pattern =
    Pattern { text: r"^[\p{L}\p{Z}\p{N}_.:\/=+\-@%]*$", matches: |text| text.chars().all(is_tag_char) };

/// The version of a delivery stream.
pub(crate) const VERSION_ID: Pattern =
    Pattern { text: "[0-9]+", matches: |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) };

/// The id of a destination.
pub(crate) const DESTINATION_ID: Pattern = Pattern {
    text: "[a-zA-Z0-9-]+",
    matches: |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
};

fn is_tag_char(char: char) -> bool {
    char.is_alphanumeric() || (char.is_whitespace() && !char.is_control()) || "_.:/=+-@%".contains(char)
}

fn is_in_region(arn: &Arn<'_>, service: &str) -> bool {
    let is_region =
        |region: &str| !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    arn.service == service && is_region(arn.region) && is_account(arn.account)
}

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

/// Puts the model's constraints upon tags.
pub(crate) fn tags(validator: &mut Validator, tags: Option<&[Tag]>, is_required: bool) {
    let member = validator.member("tags", tags);
    let member = if is_required { member.required() } else { member };
    member.length(1, TAGS_PER_REQUEST_MAX);
    for (number, tag) in (1..).zip(tags.unwrap_or_default()) {
        let key = validator.member(format!("tags.{number}.member.key"), tag.key.as_deref());
        key.required().length(1, TAG_KEY_CHARS_MAX).pattern(TAG_KEY);
        let value = validator.member(format!("tags.{number}.member.value"), tag.value.as_deref());
        value.length(0, TAG_VALUE_CHARS_MAX).pattern(TAG_VALUE);
    }
}

/// Puts the model's constraints upon the key to encrypt with.
pub(crate) fn encryption(validator: &mut Validator, encryption: Option<&EncryptionInput>) {
    let Some(encryption) = encryption else { return };
    let path = "deliveryStreamEncryptionConfigurationInput";
    let key = validator.member(at(path, "keyARN"), encryption.key_arn.as_deref());
    key.length(1, ARN_CHARS_MAX).pattern(KEY_ARN);
    let kind = validator.member(at(path, "keyType"), encryption.key_type.as_deref());
    kind.required().one_of(KEY_TYPES);
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
    fn arns_of_other_services_are_told_from_each_other() {
        assert!((DOMAIN_ARN.matches)("arn:aws:es:us-east-1:123456789012:domain/logs-1"));
        assert!(!(DOMAIN_ARN.matches)("arn:aws:es:us-east-1:123456789012:domain/ab"));
        for catalog in ["catalog", "catalog/a", "catalog/a/b_1"] {
            assert!((CATALOG_ARN.matches)(&format!("arn:aws:glue:us-east-1:123456789012:{catalog}")), "{catalog}");
        }
        for catalog in ["table", "catalog/", "catalog/a/b/c", "catalog/A"] {
            assert!(!(CATALOG_ARN.matches)(&format!("arn:aws:glue:us-east-1:123456789012:{catalog}")), "{catalog}");
        }
        assert!((ANY_ARN.matches)("arn:aws:kafka:x") && !(ANY_ARN.matches)("clicks"));
        assert!((TOPIC_NAME.matches)("a.B_9-c") && !(TOPIC_NAME.matches)("a b") && !(TOPIC_NAME.matches)(""));
        assert!((KEY_ARN.matches)("arn:aws:kms:us-east-1:123456789012:key/1234-ab"));
        assert!(!(KEY_ARN.matches)("arn:aws:kms:us-east-1:123456789012:alias/mine"));
    }

    #[test]
    fn texts_of_tags_and_of_parameters_have_the_characters_of_the_model() {
        assert!((TAG_KEY.matches)("Größe 7/b:c=d+e-f@g%h._") && (TAG_VALUE.matches)("aws:x"));
        assert!(!(TAG_KEY.matches)("aws:x") && !(TAG_KEY.matches)("a\tb") && !(TAG_VALUE.matches)("a*"));
        assert!((NOT_BLANK.matches)(" a ") && !(NOT_BLANK.matches)("  ") && !(NOT_BLANK.matches)("a\nb"));
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
