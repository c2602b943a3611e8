//! Records that hold several: KPL aggregates, JSON objects, delimited texts.

use super::seed;

/// The first byte is the delimiter; the rest is a record.
pub(crate) fn run(input: &[u8]) {
    let Some((delimiter, data)) = input.split_first() else { return };
    let delimiter = [*delimiter];
    let [aggregated, objects, texts] = firehose::fuzzing::sub_records(data, &delimiter);
    for records in [&aggregated, &objects, &texts].into_iter().flatten() {
        let byte_count: usize = records.iter().map(|record| record.len()).sum();
        assert!(byte_count <= data.len(), "records are slices of the one that held them");
    }
    if let Some(objects) = objects {
        assert!(objects.iter().all(|object| object.starts_with(b"{") && object.ends_with(b"}")));
        let again = firehose::fuzzing::sub_records(&objects.concat(), &delimiter);
        assert_eq!(again[1].as_ref(), Some(&objects), "what was taken apart is found again");
    }
    let texts = texts.unwrap_or_default();
    assert!(texts.iter().all(|text| !text.is_empty() && !text.contains(&delimiter[0])));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![
        // One partition key, and one user record with the data "x".
        b"\n\x0a\x01k\x1a\x05\x08\x00\x1a\x01x".to_vec(),
        seed(b'\n', "{\"a\":\"}{\"}{\"b\":[{}]}\n{}"),
        seed(b'|', "[{},{\"a\":\"\\\"\"}]"),
        seed(b'|', "a|b||c"),
    ]
}
