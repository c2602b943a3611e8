//! Records of every kind that is none: each is refused with a reason, and those around it are not.

use super::*;

/// A record, and what is said of it; nothing of those that convert.
const CASES: &[(&[u8], &str)] = &[
    (b"", "holds no JSON object"),
    (b" \r\n\t", "holds no JSON object"),
    (b"\0", "malformed JSON"),
    (b"{", "malformed JSON"),
    (b"{\"a\":1", "malformed JSON"),
    (b"{\"a\":1}}", "malformed JSON"),
    (b"{\"a\":1,}", "malformed JSON"),
    (b"{\"a\":}", "malformed JSON"),
    (b"{\"a\" 1}", "malformed JSON"),
    (b"{a:1}", "malformed JSON"),
    (b"{'a':1}", "malformed JSON"),
    (b"{\"a\":1} // why", "malformed JSON"),
    (b"\xef\xbb\xbf{\"a\":1}", "malformed JSON"),
    (b"[{\"a\":1}]", "malformed JSON"),
    (b"1", "malformed JSON"),
    (b"\"a\"", "malformed JSON"),
    (b"null", "malformed JSON"),
    (b"{\"a\":1}\n[]", "malformed JSON"),
    (b"{\"s\":\"\xff\"}", "Invalid utf-8"),
    (b"{\"s\":\"\xed\xa0\x80\"}", "Invalid utf-8"),
    (b"{\"s\":\"\\ud800\"}", "malformed JSON"),
    (b"{\"s\":\"\\ud800\\u0041\"}", "malformed JSON"),
    (b"{\"s\":\"\\x\"}", "malformed JSON"),
    (b"{\"s\":\"line\nbreak\"}", "malformed JSON"),
    (b"{\"s\":\"open}", "malformed JSON"),
    (b"{\"f\":NaN}", "malformed JSON"),
    (b"{\"f\":-Infinity}", "malformed JSON"),
    (b"{\"f\":1e999}", "malformed JSON"),
    (b"{\"f\":.5}", "malformed JSON"),
    (b"{\"a\":01}", "malformed JSON"),
    (b"{\"a\":+1}", "malformed JSON"),
    (b"{\"a\":0x10}", "malformed JSON"),
    (b"{\"a\":1e}", "malformed JSON"),
    (b"{\"a\":99999999999999999999}", "a: expected bigint, found the number 100000000000000000000"),
    (b"{\"a\":1.5}", "a: expected bigint, found the number 1.5"),
    (b"{\"a\":\"one\"}", "a: expected bigint, found the string \"one\""),
    (b"{\"a\":[1]}", "a: expected bigint, found an array"),
    (b"{\"a\":{}}", "a: expected bigint, found an object"),
    (b"{\"s\":[]}", "s: expected string, found an array"),
    (b"{\"d\":1000}", "d: expected decimal, found the value 1000"),
    (b"{\"d\":0.001}", "d: expected decimal, found the value 0.001"),
    (b"{\"d\":[1]}", "d: expected decimal, found the value [1]"),
    (b"{\"b\":\"*\"}", "b: expected binary, found the string \"*\""),
    (b"{\"t\":\"yesterday\"}", "t: expected timestamp, found the string \"yesterday\""),
    (b"{\"m\":{\"one\":1}}", "m: expected int, found the key \"one\""),
    (b"{\"m\":{\"1\":[]}}", "m.[]: expected bigint, found an array"),
    (b"{\"m\":[1]}", "m: expected map, found an array"),
    (b"{\"r\":{\"x\":true}}", "r.x: expected int, found a boolean"),
    (b"{\"l\":[1,2,\"x\"]}", "l: expected int, found the string \"x\""),
    (b"{\"a\":1}{\"a\":\"x\"}", "a: expected bigint"),
    (b"{\"a\":1,\"a\":2}", ""),
    (b"{\"a\":null,\"s\":null,\"m\":null,\"r\":null,\"l\":null}", ""),
    (b"{}", ""),
    (b" {\"a\":3}\r\n", ""),
    (b"{\"a\":4}{\"a\":5}\n{\"a\":6}", ""),
    (b"{\"s\":\"\\ud83d\\ude00\\u0000\"}", ""),
    (b"{\"f\":1e308,\"d\":\"-999.99\",\"b\":\"AP8=\",\"m\":{\"1\":1,\"01\":2},\"r\":{\"x\":7,\"y\":8},\"l\":[]}", ""),
];

fn schema() -> (Conversion, Schema) {
    given(&[
        ("a", "bigint"),
        ("s", "string"),
        ("f", "double"),
        ("d", "decimal(5,2)"),
        ("b", "binary"),
        ("t", "timestamp"),
        ("m", "map<int,bigint>"),
        ("r", "struct<x:int>"),
        ("l", "array<int>"),
    ])
}

#[test]
fn a_malformed_record_says_why_and_those_around_it_are_delivered() {
    let (conversion, schema) = schema();
    let deep = format!("{{\"unknown\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let cases = CASES.iter().copied().chain([(deep.as_bytes(), "nested deeper than")]);
    let good = b"{\"a\":42,\"s\":\"good\"}";
    let records: Vec<(&[u8], &str)> = cases.flat_map(|case| [case, (&good[..], "")]).collect();
    let mut errors = Vec::new();
    let converted = convert(
        || records.iter().map(|(record, _)| record),
        &conversion,
        &schema,
        || Ok(Vec::new()),
        |said| errors.extend(said.map(|(record, error)| (record.to_vec(), error.to_string()))),
    )
    .unwrap();
    let (mut told, mut wrong) = (errors.iter(), Vec::new());
    for (record, expected) in records.iter().filter(|(_, expected)| !expected.is_empty()) {
        let (failed, error) = told.next().unwrap();
        assert_eq!(failed, record, "the errors come in the order of the records");
        let code = if error.contains("JSON") || error.contains("utf-8") { "ParseError" } else { "MalformedData" };
        if !error.contains(expected) || !error.contains(code) {
            wrong.push(format!("{}: {error}", String::from_utf8_lossy(record)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(told.next(), None, "a good record failed");
    let rows = rows(&converted);
    let goods = rows.iter().filter(|row| row["a"] == 42 && row["s"] == "good").count();
    assert_eq!((goods, rows.len()), (CASES.len() + 1, CASES.len() + 1 + 9));
    assert!(rows.iter().any(|row| row["s"] == "😀\0"));
    let last = rows.iter().find(|row| row["d"] == "-99999").unwrap();
    assert_eq!((&last["b"], &last["m"], &last["r"]), (&json!("AP8="), &json!({"1": 2}), &json!({"x": 7})));
}

#[test]
fn what_is_no_json_fails_with_inferred_columns_too() {
    let broken = CASES.iter().filter(|(_, expected)| expected.contains("JSON") || expected.contains("utf-8"));
    let records: Vec<&[u8]> = broken.map(|(record, _)| *record).chain([&b"{\"a\":42}"[..]]).collect();
    for policy in [ClashPolicy::ErrorPrefix, ClashPolicy::JsonColumn] {
        let mut failed_count = 0;
        let converted = convert(
            || records.iter(),
            &inferred(policy),
            &Schema::default(),
            || Ok(Vec::new()),
            |said| failed_count += usize::from(said.is_some()),
        )
        .unwrap();
        assert_eq!((failed_count, rows(&converted)), (records.len() - 1, vec![json!({"a":42})]));
    }
}
