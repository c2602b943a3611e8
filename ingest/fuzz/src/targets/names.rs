//! Texts of a delivery stream's configuration: column types, prefixes with their time patterns; and the lines of error
//! objects.

use firehose::convert::{RecordError, RecordErrorCode};
use firehose::prefix::Prefixes;
use firehose::schema::{Field, Schema, Type};

use super::seed;

/// The end of the year 9999, in milliseconds since the Unix epoch.
const LAST_MS: u64 = 253_402_300_799_999;

pub(crate) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 4 {
        0 => column_type(&String::from_utf8_lossy(bytes)),
        1 => prefixes(&String::from_utf8_lossy(bytes)),
        2 => error_line(bytes),
        _ => key_value(bytes),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let quarter = "a/!{timestamp:yyyy/MM/dd'T'HH:mm:ss.SSS EEE a}/!{firehose:random-string}/";
    vec![
        seed(0, "struct<a:int,b:array<struct<c:timestamp>>,d:decimal(10,2),e:map<string,date>>"),
        seed(0, "bigint"),
        seed(1, &format!("{quarter}\nerrors/!{{firehose:error-output-type}}/{quarter}\nEurope/Berlin")),
        seed(1, "plain/\n\n"),
        seed(2, "\u{7f}not JSON\n"),
        seed(3, "12345678../a"),
    ]
}

fn column_type(text: &str) {
    let Ok(kind) = text.parse::<Type>() else { return };
    let schema = Schema { version: 1, fields: vec![Field::new("column", kind)] };
    let stored = serde_json::to_vec(&schema).expect("a schema has a form in JSON");
    assert_eq!(serde_json::from_slice::<Schema>(&stored).expect("what was stored is read"), schema);
    assert_eq!(schema.to_arrow().fields().len(), 1);
}

/// Three lines: prefix, error prefix, time zone.
fn prefixes(text: &str) {
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let Ok(prefixes) = Prefixes::parse(next(), next(), next()) else { return };
    for arrival_ms in [0, 1_700_000_000_000, LAST_MS] {
        let names = firehose::fuzzing::prefixes_of(&prefixes, arrival_ms, "random");
        assert!(names.iter().all(|name| !name.starts_with('/') && !name.contains("!{")), "{names:?}");
        assert_eq!(names, firehose::fuzzing::prefixes_of(&prefixes, arrival_ms, "random"));
    }
}

/// A record and its reason come back from the line as they were.
fn error_line(bytes: &[u8]) {
    let message = String::from_utf8_lossy(bytes).into_owned();
    let line = firehose::fuzzing::error_line(
        bytes,
        &RecordError { code: RecordErrorCode::ParseError, message: message.clone() },
    );
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one record is one line");
    let line: serde_json::Value = serde_json::from_slice(&line).expect("a line is JSON");
    assert_eq!(line["lastErrorMessage"], message);
    let data = base64_simd::STANDARD.decode_to_vec(line["rawData"].as_str().expect("a text")).expect("base64");
    assert_eq!(data, bytes);
}

/// Eight bytes of an event time, then the value of a partition key: it never leads out of the folders before it.
fn key_value(bytes: &[u8]) {
    let Some((time, value)) = bytes.split_first_chunk() else { return };
    let value = String::from_utf8_lossy(value);
    let Some(prefix) = firehose::fuzzing::prefix_of_values(&value, u64::from_le_bytes(*time)) else { return };
    let key = format!("{prefix}name");
    assert!(key.starts_with("safe/x") && key.len() <= 1_024, "{key}");
    assert!(key.split('/').all(|folder| !["", ".", ".."].contains(&folder)), "{key}");
}
