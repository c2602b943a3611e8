use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::definition::{BufferHints, ObjectCompression};

/// 2018-08-27T10:30:00Z, the example of the Developer Guide.
const ARRIVAL_MS: u64 = 1_535_365_800_000;

fn evaluated(prefix: &str, error_prefix: &str, zone: &str) -> (String, String) {
    let prefixes = Prefixes::parse(prefix, error_prefix, zone).unwrap();
    let random = "5abf82daaa5";
    (
        prefixes.data_prefix(&Partition::default(), ARRIVAL_MS, random),
        prefixes.error_prefix(ARRIVAL_MS, random, ErrorOutputType::FormatConversionFailed),
    )
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
        ("!{partitionKeyFromQuery:k}/", "e/", "!{partitionKeyFromQuery:k}: dynamic partitioning namespaces"),
        ("!{event-time:yyyy}/", "e/", "!{event-time:…}: dynamic partitioning namespaces"),
        ("!{partitionKeyFromQuery:}/", "e/", "!{partitionKeyFromQuery:} is not supported"),
        (
            "!{timestamp:yyyy}/",
            "!{firehose:error-output-type}/!{partitionKeyFromColumn:k}",
            "ErrorOutputPrefix cannot contain",
        ),
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

const DAY_MS: u64 = 24 * 3_600_000;

fn destination(prefix: &str) -> Destination {
    Destination {
        bucket: "bucket".to_owned(),
        prefix: prefix.to_owned(),
        error_prefix: "failed/!{firehose:error-output-type}/".to_owned(),
        time_zone: String::new(),
        file_extension: String::new(),
        buffer: BufferHints { size_mib: 64, interval_seconds: 60 },
        compression: ObjectCompression::Uncompressed,
        conversion: None,
        processors: vec![Processor::MetadataExtraction { query: "{k:.k}".to_owned() }],
        is_partitioned: true,
        backup: None,
        endpoint: None,
    }
}

fn timed(lateness_hours: Option<u64>, late_prefix: Option<&str>) -> StreamOptions {
    StreamOptions {
        event_time_column: Some("ts".to_owned()),
        lateness: lateness_hours.map(|hours| Duration::from_secs(hours * 3_600)),
        late_prefix: late_prefix.map(str::to_owned),
        ..StreamOptions::default()
    }
}

/// What a partition is once it was stored.
fn stored(partition: &Partition) -> Partition {
    serde_json::from_str(&serde_json::to_string(partition).unwrap()).unwrap()
}

fn keys(value: &str, event_ms: Option<u64>) -> PartitionKeys {
    PartitionKeys { query: [("k".to_owned(), value.to_owned())].into(), event_ms, ..PartitionKeys::default() }
}

#[test]
fn records_are_grouped_by_their_keys_and_the_time_that_is_shown() {
    let prefix = "k=!{partitionKeyFromQuery:k}/d=!{event-time:yyyy-MM-dd}/at=!{timestamp:HH}/";
    let prefixes = Prefixes::new(&destination(prefix), &timed(None, None)).unwrap();
    let partition = |value: &str, event_ms| prefixes.partition(&keys(value, Some(event_ms)), ARRIVAL_MS).unwrap();
    let morning = partition("a", ARRIVAL_MS);
    assert_eq!(morning, partition("a", ARRIVAL_MS + 3_600_000));
    assert_ne!(morning, partition("a", ARRIVAL_MS + DAY_MS));
    assert_ne!(morning, partition("b", ARRIVAL_MS));
    assert_eq!(prefixes.data_prefix(&morning, ARRIVAL_MS, "r"), "k=a/d=2018-08-27/at=10/");
    assert_eq!(stored(&morning), morning);
    assert!(prefixes.is_partitioned() && !Prefixes::parse("", "", "").unwrap().is_partitioned());
}

#[test]
fn records_too_far_from_their_event_time_go_to_the_late_lane() {
    let prefix = "!{partitionKeyFromQuery:k}/!{event-time:yyyy/MM/dd/HH}/";
    for (late_prefix, expected) in [
        (None, "late/a/2018/08/27/09/"),
        (Some("old/!{timestamp:yyyy}/"), "old/2018/"),
        (Some("old/"), "old/2018/08/27/10/"),
    ] {
        let prefixes = Prefixes::new(&destination(prefix), &timed(Some(1), late_prefix)).unwrap();
        let partition = |event_ms| prefixes.partition(&keys("a", Some(event_ms)), ARRIVAL_MS).unwrap();
        for distance in [3_600_001, 4_000_000] {
            assert!(partition(ARRIVAL_MS - distance).is_late && partition(ARRIVAL_MS + distance).is_late);
        }
        for distance in [0, 3_600_000] {
            assert!(!partition(ARRIVAL_MS - distance).is_late && !partition(ARRIVAL_MS + distance).is_late);
        }
        let late = partition(ARRIVAL_MS - 3_600_001);
        assert_eq!(prefixes.data_prefix(&late, ARRIVAL_MS, "r"), expected);
        assert_eq!(stored(&late), late);
        let reason = prefixes.partition(&keys("a", None), ARRIVAL_MS).unwrap_err();
        assert_eq!(reason.message, "The record has no event time.");
    }
}

#[test]
fn periods_end_when_nothing_more_can_come() {
    let end = |prefix: &str, options: StreamOptions, event_ms| {
        let prefixes = Prefixes::new(&destination(prefix), &options).unwrap();
        let partition = prefixes.partition(&keys("a", Some(event_ms)), ARRIVAL_MS).unwrap();
        prefixes.period_end(&partition, ARRIVAL_MS)
    };
    let day = ARRIVAL_MS - ARRIVAL_MS % DAY_MS;
    let key = "!{partitionKeyFromQuery:k}/";
    assert_eq!(end(key, timed(None, None), ARRIVAL_MS), None);
    let by_day = format!("{key}!{{event-time:yyyy-MM-dd}}/");
    assert_eq!(end(&by_day, timed(None, None), ARRIVAL_MS - DAY_MS), Some(day));
    assert_eq!(end(&by_day, timed(Some(2), None), ARRIVAL_MS), Some(day + DAY_MS + 2 * 3_600_000));
    assert_eq!(end(&by_day, timed(Some(2), None), ARRIVAL_MS - DAY_MS), None, "late records come whenever they come");
    let by_arrival = format!("{by_day}!{{timestamp:yyyy-MM}}/");
    let month_end = day + 5 * DAY_MS;
    assert_eq!(end(&by_arrival, timed(None, None), ARRIVAL_MS), Some(month_end));
    assert_eq!(
        Prefixes::parse("", "", "").unwrap().period_end(&Partition::default(), ARRIVAL_MS),
        Some(day + 11 * 3_600_000)
    );
}

#[test]
fn keys_must_have_a_source() {
    let refused = |destination: &Destination, options: &StreamOptions, expected: &str| {
        let error = Prefixes::new(destination, options).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let plain = StreamOptions::default();
    refused(&destination("!{timestamp:yyyy}/"), &plain, "should contain Dynamic Partitioning namespaces");
    refused(&destination("!{partitionKeyFromLambda:k}/"), &plain, "Lambda processor should be present");
    refused(&destination("!{event-time:yyyy}/"), &plain, "event-time-column");
    let unprocessed = Destination { processors: Vec::new(), ..destination("!{partitionKeyFromQuery:k}/") };
    refused(&unprocessed, &plain, "MetadataExtraction processor should be present");
    let whole = Destination { is_partitioned: false, ..destination("!{partitionKeyFromQuery:k}/") };
    refused(&whole, &plain, "when dynamic partitioning is enabled");
    refused(&destination("!{partitionKeyFromQuery:k}/"), &timed(Some(1), Some("../")), "..");
    // Ours need not be switched on.
    let ours = Destination { is_partitioned: false, ..destination("!{partitionKeyFromColumn:a.b}/") };
    assert!(Prefixes::new(&ours, &plain).unwrap().is_partitioned());
}

#[test]
fn values_that_cannot_stand_in_keys_refuse_their_record() {
    let prefixes = Prefixes::new(&destination("p/!{partitionKeyFromQuery:k}/"), &StreamOptions::default()).unwrap();
    for value in [
        "",
        ".",
        "..",
        "a/../b",
        "/a",
        "a/",
        "a//b",
        "a\nb",
        "\u{85}",
        "\0",
        "!{x}",
        &"x".repeat(511),
        &"é".repeat(400),
    ] {
        let reason = prefixes.partition(&keys(value, None), ARRIVAL_MS).unwrap_err();
        assert_eq!(reason.code, "DynamicPartitioning.MetadataExtractionFailed", "{value:?}");
    }
    for value in ["a", "2018/08/27", "a b", "größer", "a.b", "..a", &"x".repeat(400)] {
        assert!(prefixes.partition(&keys(value, None), ARRIVAL_MS).is_ok(), "{value:?}");
    }
    let missing = prefixes.partition(&PartitionKeys::default(), ARRIVAL_MS).unwrap_err();
    assert_eq!(missing.message, "partitionKeys values must not be null or empty");
}

proptest! {
    #[test]
    fn no_value_escapes_the_prefix(value in "[a./\\\\\u{0}-\u{20}!{}é]{0,8}", event_ms: u32) {
        let prefix = "safe/x!{partitionKeyFromQuery:k}!{partitionKeyFromQuery:k}/!{event-time:yyyy}/";
        let prefixes = Prefixes::new(&destination(prefix), &timed(None, None)).unwrap();
        if let Ok(partition) = prefixes.partition(&keys(&value, Some(event_ms.into())), ARRIVAL_MS) {
            let key = format!("{}name", prefixes.data_prefix(&partition, ARRIVAL_MS, "r"));
            prop_assert!(key.starts_with("safe/x"), "{}", key);
            prop_assert!(key.split('/').all(|folder| !["", ".", ".."].contains(&folder)), "{}", key);
            prop_assert!(!key.contains(char::is_control) && key.len() <= 1_024);
            prop_assert_eq!(stored(&partition), partition);
        }
    }
}
