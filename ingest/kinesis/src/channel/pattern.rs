//! The patterns of the members of channels, from the model of botocore 1.44.

use ingest_core::{Arn, Pattern};

/// The ARNs of channels.
pub(crate) const CHANNEL_ARN: Pattern =
    Pattern { text: r"arn:aws.*:kinesis:.*:\d{12}:channel/\S+", matches: is_channel_arn };

/// Whether `text` is the ARN of a channel.
pub(crate) fn is_channel_arn(text: &str) -> bool {
    Arn::parse(text).is_ok_and(|arn| {
        let name = arn.resource_name("channel");
        arn.partition.starts_with("aws")
            && arn.service == "kinesis"
            && is_account(arn.account)
            && name.is_some_and(|name| !name.contains(char::is_whitespace))
    })
}

pub(super) const ROLE_ARN: Pattern = Pattern {
    text: r"arn:aws[-a-z0-9]*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+",
    matches: |text| {
        is_arn(text, "iam", |arn| {
            let is_name = |name| is_of(name, |byte| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte));
            arn.region.is_empty() && is_account(arn.account) && arn.resource_name("role").is_some_and(is_name)
        })
    },
};

pub(super) const BUCKET_ARN: Pattern = Pattern {
    text: r"arn:aws[-a-z0-9]*:s3:::[a-z0-9._-]{3,63}",
    matches: |text| {
        is_arn(text, "s3", |arn| {
            let is_name = is_of(arn.resource, |byte| is_lower(byte) || b"._-".contains(&byte));
            arn.region.is_empty() && arn.account.is_empty() && is_name && (3..=63).contains(&arn.resource.len())
        })
    },
};

pub(super) const TABLE_BUCKET_ARN: Pattern = Pattern {
    text: r"arn:aws[-a-z0-9]*:s3tables:[-a-z0-9]+:\d{12}:bucket/[a-z0-9_-]{3,63}",
    matches: |text| {
        is_arn(text, "s3tables", |arn| {
            let is_name = |name: &str| {
                is_of(name, |byte| is_lower(byte) || b"_-".contains(&byte)) && (3..=63).contains(&name.len())
            };
            is_region(arn.region) && is_account(arn.account) && arn.resource_name("bucket").is_some_and(is_name)
        })
    },
};

pub(super) const SCHEMA_ARN: Pattern = Pattern {
    text: r"arn:aws[-a-z0-9]*:glue:[-a-z0-9]+:\d{12}:schema/[-a-zA-Z0-9_$#.]+/[-a-zA-Z0-9_$#.]+",
    matches: |text| {
        is_arn(text, "glue", |arn| {
            let is_name = |name| is_of(name, |byte| byte.is_ascii_alphanumeric() || b"-_$#.".contains(&byte));
            let names = arn.resource_name("schema").and_then(|names| names.split_once('/'));
            let is_schema = names.is_some_and(|(registry, schema)| is_name(registry) && is_name(schema));
            is_region(arn.region) && is_account(arn.account) && is_schema
        })
    },
};

pub(super) const ACCOUNT: Pattern = Pattern { text: r"\d{12}", matches: is_account };

pub(super) const KEY_TEMPLATE: Pattern = Pattern {
    text: r"[0-9A-Za-z!\-_'.*()\/=:{}]+",
    matches: |text| is_of(text, |byte| byte.is_ascii_alphanumeric() || b"!-_'.*()/=:{}".contains(&byte)),
};

pub(super) const ERROR_PREFIX: Pattern = Pattern {
    text: r"[0-9A-Za-z!\-_'.*()\/]+",
    matches: |text| is_of(text, |byte| byte.is_ascii_alphanumeric() || b"!-_'.*()/".contains(&byte)),
};

/// Namespaces and names of tables.
pub(super) const TABLE_NAME: Pattern =
    Pattern { text: r"[0-9a-z_]+", matches: |text| is_of(text, |byte| is_lower(byte) || byte == b'_') };

pub(super) const COLUMN_NAME: Pattern = Pattern {
    text: r"[a-zA-Z0-9\.\_]+",
    matches: |text| is_of(text, |byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)),
};

pub(super) const LOG_GROUP: Pattern = Pattern {
    text: r"[\.\-_/#A-Za-z0-9]+",
    matches: |text| is_of(text, |byte| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte)),
};

pub(super) const LOG_STREAM: Pattern = Pattern { text: r"[^:*]*", matches: |text| !text.contains([':', '*']) };

fn is_of(text: &str, is_allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is_allowed)
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    is_of(text, |byte| is_lower(byte) || byte == b'-')
}

fn is_arn(text: &str, service: &str, is_rest: impl FnOnce(Arn<'_>) -> bool) -> bool {
    Arn::parse(text).is_ok_and(|arn| {
        let rest = arn.partition.strip_prefix("aws");
        arn.service == service
            && rest.is_some_and(|rest| rest.bytes().all(|byte| is_lower(byte) || byte == b'-'))
            && is_rest(arn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_told_from_others() {
        for (pattern, good, bad) in [
            (
                CHANNEL_ARN,
                "arn:aws:kinesis:us-east-1:000000000000:channel/lake",
                "arn:aws:kinesis:us-east-1:0:channel/lake",
            ),
            (ROLE_ARN, "arn:aws-cn:iam::000000000000:role/service/a+b", "arn:aws:iam:us-east-1:000000000000:role/a"),
            (BUCKET_ARN, "arn:aws:s3:::lake", "arn:aws:s3:::Lake"),
            (BUCKET_ARN, "arn:aws:s3:::a.b", "arn:aws:s3:::ab"),
            (
                TABLE_BUCKET_ARN,
                "arn:aws:s3tables:us-east-1:000000000000:bucket/lake",
                "arn:aws:s3tables::000000000000:bucket/lake",
            ),
            (
                SCHEMA_ARN,
                "arn:aws:glue:us-east-1:000000000000:schema/web/clicks",
                "arn:aws:glue:us-east-1:000000000000:schema/clicks",
            ),
        ] {
            assert!((pattern.matches)(good), "{good}");
            assert!(!(pattern.matches)(bad), "{bad}");
            assert!(!(pattern.matches)("") && !(pattern.matches)("lake"));
        }
    }

    #[test]
    fn names_have_their_characters() {
        assert!((KEY_TEMPLATE.matches)("a/!{timestamp:yyyy}/b=c") && !(KEY_TEMPLATE.matches)("a b"));
        assert!((ERROR_PREFIX.matches)("errors/") && !(ERROR_PREFIX.matches)("errors=1"));
        assert!((TABLE_NAME.matches)("clicks_1") && !(TABLE_NAME.matches)("Clicks"));
        assert!((COLUMN_NAME.matches)("a.B_c") && !(COLUMN_NAME.matches)("a-b"));
        assert!((LOG_GROUP.matches)("/aws/kinesis/#1") && !(LOG_GROUP.matches)("a:b"));
        assert!((LOG_STREAM.matches)("") && !(LOG_STREAM.matches)("a*"));
    }
}
