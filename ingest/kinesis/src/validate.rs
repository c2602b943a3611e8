//! Patterns of the Kinesis model, and the constraints of members that several operations share.

use std::collections::BTreeMap;

use ingest_core::{Arn, Code, Fault, Pattern, Validator};

use crate::channel::pattern::is_channel_arn;
use crate::limits::{
    NEXT_TOKEN_CHARS_MAX, SHARD_ID_CHARS_MAX, STREAM_ARN_CHARS_MAX, STREAM_ID_CHARS_MAX, TAG_KEY_CHARS_MAX,
    TAG_KEYS_PER_REQUEST_MAX, TAG_VALUE_CHARS_MAX, TAGS_PER_REQUEST_MAX,
};

/// The ARNs of streams.
pub(crate) const STREAM_ARN: Pattern =
    Pattern { text: r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+", matches: is_stream_arn };

/// The ARNs of streams, of consumers, of queues and of channels. The model lets something stand before them, which names nothing.
pub(crate) const RESOURCE_ARN: Pattern = Pattern {
    text: r"arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+",
    matches: |text| is_stream_arn(text) || is_queue_arn(text) || is_channel_arn(text),
};

/// The ARNs of queues.
pub(crate) const QUEUE_ARN: Pattern = Pattern { text: r"arn:aws.*:kinesis:.*:\d{12}:queue/\S+", matches: is_queue_arn };

/// The ARNs of consumers.
pub(crate) const CONSUMER_ARN: Pattern = Pattern {
    text: r"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+",
    matches: is_consumer_arn,
};

/// Whether `text` is the ARN of a consumer.
pub(crate) fn is_consumer_arn(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let name = Arn::parse(text).ok().and_then(|arn| arn.resource_name("stream"));
    let parts = name.and_then(|name| name.split_once("/consumer/")).and_then(|(stream, rest)| {
        let (consumer, created) = rest.split_once(':')?;
        Some((stream, consumer, created))
    });
    let is_name = Pattern::NAME.matches;
    is_stream_arn(text)
        && parts.is_some_and(|(stream, consumer, created)| is_name(stream) && is_name(consumer) && is_number(created))
}

fn is_stream_arn(text: &str) -> bool {
    is_arn_of("stream", text)
}

fn is_queue_arn(text: &str) -> bool {
    is_arn_of("queue", text)
}

fn is_arn_of(kind: &str, text: &str) -> bool {
    Arn::parse(text).is_ok_and(|arn| {
        let name = arn.resource_name(kind);
        arn.partition.starts_with("aws")
            && arn.service == "kinesis"
            && arn.account.len() == 12
            && arn.account.bytes().all(|byte| byte.is_ascii_digit())
            && name.is_some_and(|name| !name.contains(char::is_whitespace))
    })
}

/// The ids of streams, which AWS reserves for future use.
pub(crate) const STREAM_ID: Pattern = Pattern {
    text: "[a-z0-9]{20}-[a-z0-9]{3}",
    matches: |text| {
        let is_part = |part: &str, length| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        text.split_once('-').is_some_and(|(head, tail)| is_part(head, 20) && is_part(tail, 3))
    },
};

/// Hash keys.
pub(crate) const HASH_KEY: Pattern =
    Pattern { text: r"0|([1-9]\d{0,38})", matches: |text| is_decimal_of_at_most(text, 39) };

/// Sequence numbers.
pub(crate) const SEQUENCE_NUMBER: Pattern =
    Pattern { text: r"0|([1-9]\d{0,128})", matches: |text| is_decimal_of_at_most(text, 129) };

/// Whether `text` is a decimal number of at most so many digits, without superfluous zeros.
fn is_decimal_of_at_most(text: &str, digits: usize) -> bool {
    let is_number = !text.is_empty() && text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (text == "0" || !text.starts_with('0'))
}

/// Puts the constraints of a shard id upon a member.
pub(crate) fn shard_id(validator: &mut Validator, path: &'static str, value: Option<&str>, is_required: bool) {
    let member = validator.member(path, value);
    let member = if is_required { member.required() } else { member };
    member.pattern(Pattern::NAME).length(1, SHARD_ID_CHARS_MAX);
}

/// Puts the constraints of a `ResourceARN` upon a member.
pub(crate) fn resource_arn(validator: &mut Validator, value: Option<&str>) {
    validator.member("resourceARN", value).required().pattern(RESOURCE_ARN).length(1, STREAM_ARN_CHARS_MAX);
}

/// Puts the constraints of a `StreamId` upon a member. AWS reserves it; it is otherwise ignored.
pub(crate) fn stream_id(validator: &mut Validator, value: Option<&str>) {
    validator.member("streamId", value).pattern(STREAM_ID).length(1, STREAM_ID_CHARS_MAX);
}

/// Puts the constraints of tags upon a member.
pub(crate) fn tags(validator: &mut Validator, tags: Option<&BTreeMap<String, String>>, is_required: bool) {
    let pairs: Option<Vec<_>> = tags.map(|tags| tags.iter().collect());
    let member = validator.member("tags", pairs.as_deref());
    let member = if is_required { member.required() } else { member };
    member.length(1, TAGS_PER_REQUEST_MAX);
    for (key, value) in pairs.into_iter().flatten() {
        validator.member("tags.key", Some(key.as_str())).length(1, TAG_KEY_CHARS_MAX);
        validator.member(format_args!("tags.{key}.member"), Some(value.as_str())).length(0, TAG_VALUE_CHARS_MAX);
    }
}

/// Puts the constraints of the keys of tags upon a member.
pub(crate) fn tag_keys(validator: &mut Validator, keys: Option<&[String]>) {
    validator.member("tagKeys", keys).required().length(1, TAG_KEYS_PER_REQUEST_MAX);
    for (number, key) in (1..).zip(keys.unwrap_or_default()) {
        let path = format_args!("tagKeys.{number}.member");
        validator.member(path, Some(key.as_str())).length(1, TAG_KEY_CHARS_MAX);
    }
}

/// Checks the characters of tags, which are no pattern of the model.
///
/// # Errors
/// `InvalidArgumentException`. Source: Kinesis Data Streams Developer Guide, "Tag your Amazon Kinesis Data Streams
/// resources", "Tag restrictions".
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    check_tag_texts(tags.iter().flat_map(|(key, value)| [key, value]))?;
    if tags.keys().any(|key| key.starts_with("aws:")) {
        let message = "Tag keys that begin with aws: are reserved, and cannot be added.";
        return Err(Fault::new(Code::InvalidArgument, message));
    }
    Ok(())
}

/// Checks the characters of tags' keys or values.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn check_tag_texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<(), Fault> {
    let is_valid = |char: char| char.is_alphanumeric() || char.is_whitespace() || "_./=+-%@:".contains(char);
    if texts.into_iter().all(|text| text.chars().all(is_valid)) {
        return Ok(());
    }
    let message = "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, \
                   _ . / = + - % @ :.";
    Err(Fault::new(Code::InvalidArgument, message))
}

/// Puts the constraints of a `NextToken` upon a member.
pub(crate) fn next_token(validator: &mut Validator, value: Option<&str>) {
    validator.member("nextToken", value).length(1, NEXT_TOKEN_CHARS_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_arns_are_told_from_others() {
        let matches = STREAM_ARN.matches;
        assert!(matches("arn:aws:kinesis:us-east-1:000000000000:stream/clicks"));
        assert!(matches("arn:aws-cn:kinesis:cn-north-1:123456789012:stream/a/consumer/b:1"));
        for other in [
            "arn:aws:kinesis:us-east-1:000000000000:stream/",
            "arn:aws:kinesis:us-east-1:000000000000:stream/a b",
            "arn:aws:kinesis:us-east-1:00000000000:stream/clicks",
            "arn:aws:firehose:us-east-1:000000000000:stream/clicks",
            "arn:gcp:kinesis:us-east-1:000000000000:stream/clicks",
            "clicks",
            "",
        ] {
            assert!(!matches(other), "{other}");
        }
    }

    #[test]
    fn consumer_arns_are_told_from_others() {
        let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
        assert!(is_consumer_arn(&format!("{stream}/consumer/app-1:1700000000")));
        for rest in [
            "",
            "/consumer/app",
            "/consumer/app:",
            "/consumer/app:x",
            "/consumer/:1",
            "/other/app:1",
            "/a/consumer/b:1",
        ] {
            assert!(!is_consumer_arn(&format!("{stream}{rest}")), "{rest}");
        }
    }

    #[test]
    fn numbers_have_no_superfluous_zeros_and_a_bounded_length() {
        let matches = HASH_KEY.matches;
        assert!(matches("0") && matches("10") && matches(&"9".repeat(39)));
        for other in ["", "00", "01", "-1", "+1", "1e3", "٣", &"9".repeat(40)] {
            assert!(!matches(other), "{other}");
        }
        assert!((SEQUENCE_NUMBER.matches)(&"9".repeat(129)) && !(SEQUENCE_NUMBER.matches)(&"9".repeat(130)));
    }

    #[test]
    fn stream_ids_have_two_parts() {
        let matches = STREAM_ID.matches;
        assert!(matches("abcdefghij0123456789-x1y"));
        for other in ["abcdefghij0123456789", "abcdefghij0123456789-x1", "Abcdefghij0123456789-x1y", "-"] {
            assert!(!matches(other), "{other}");
        }
    }
}
