//! What JSON bodies decode to, and what is said of those that do not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::Blob;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    #[serde(borrow)]
    records: Option<Vec<Entry<'a>>>,
    stream_name: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    data: Option<Blob<'a>>,
    partition_key: Option<String>,
}

fn message(body: &str) -> String {
    decode::<Input<'_>>(body.as_bytes()).unwrap_err().to_string()
}

#[test]
fn unknown_members_are_ignored_and_null_is_absent() {
    let input: Input<'_> = decode(br#"{"StreamName":"s","Limit":null,"Later":{"a":[1,"2",{}]}}"#).unwrap();
    assert_eq!(input, Input { records: None, stream_name: Some("s".into()), limit: None });
}

#[test]
fn wrong_types_are_named_by_their_path() {
    let text = message(r#"{"Records":[{"Data":"YQ==","PartitionKey":"k"},{"Data":5}]}"#);
    assert!(text.starts_with("Records[1].Data: ") && text.contains("a blob as base64 text"), "{text}");
    let text = message(r#"{"Limit":"ten"}"#);
    assert!(text.starts_with("Limit: ") && text.contains("i64"), "{text}");
    let text = message(r#"{"StreamName":["a"]}"#);
    assert!(text.starts_with("StreamName: "), "{text}");
    assert!(message("[]").contains("Input"));
}

#[test]
fn malformed_bodies_are_refused_in_one_line() {
    for body in [
        "",
        " ",
        "{",
        "null",
        "{}{}",
        "{} x",
        r#"{"Limit":1,}"#,
        r#"{"Limit":01}"#,
        r#"{"StreamName":"a"#,
        "{\"StreamName\":\"\u{1}\"}",
        r#"{"StreamName":"\ud800"}"#,
    ] {
        let text = message(body);
        assert!(!text.is_empty() && !text.contains('\n'), "{body}: {text}");
    }
    assert!(decode::<Input<'_>>(b"{\"StreamName\":\"\xff\"}").is_err(), "not UTF-8");
}

#[test]
fn long_values_are_not_repeated_in_full() {
    let text = message(&format!(r#"{{"Limit":"{}"}}"#, "x".repeat(1_000_000)));
    assert!(text.len() < 1024, "{} bytes", text.len());
}

#[test]
fn deep_nesting_neither_overflows_nor_hangs() {
    for depth in [100, 10_000, 1_000_000] {
        let body = format!(r#"{{"Later":{}"#, "[".repeat(depth));
        assert!(decode::<Input<'_>>(body.as_bytes()).is_err());
        let body = format!(r#"{{"Later":{}{}}}"#, r#"{"a":"#.repeat(depth), "1".to_owned() + &"}".repeat(depth));
        let _ = decode::<Input<'_>>(body.as_bytes());
    }
}

#[test]
fn maps_keep_their_members() {
    let tags: BTreeMap<String, String> = decode(br#"{"a":"1","b":"2"}"#).unwrap();
    assert_eq!(encode(&tags).unwrap(), br#"{"a":"1","b":"2"}"#);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body: Vec<u8>) {
        let _ = decode::<Input<'_>>(&body);
    }

    #[test]
    fn json_cut_or_changed_anywhere_never_panics(cut in 0_usize..64, at in 0_usize..64, byte: u8) {
        let mut body = br#"{"Records":[{"Data":"YQ==","PartitionKey":"\u00e4"}],"Limit":12}"#.to_vec();
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        let _ = decode::<Input<'_>>(&body);
        body.truncate(cut);
        prop_assert!(decode::<Input<'_>>(&body).is_err());
    }

    #[test]
    fn what_is_encoded_is_decoded(
        name: Option<String>,
        limit: Option<i64>,
        records in proptest::option::of(proptest::collection::vec(any::<(Vec<u8>, String)>(), 0..5)),
    ) {
        let records = records.as_ref().map(|records| {
            records.iter().map(|(data, key)| Entry { data: Some(Blob::raw(data)), partition_key: Some(key.clone()) }).collect()
        });
        let input = Input { records, stream_name: name, limit };
        let body = encode(&input).unwrap();
        let decoded: Input<'_> = decode(&body).unwrap();
        prop_assert_eq!(&decoded.stream_name, &input.stream_name);
        prop_assert_eq!(decoded.limit, input.limit);
        prop_assert_eq!(encode(&decoded).unwrap(), body);
    }
}
