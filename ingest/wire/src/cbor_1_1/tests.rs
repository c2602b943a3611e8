//! What CBOR bodies decode to, those of the AWS SDKs for Java first.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{Blob, Timestamp};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    #[serde(borrow)]
    records: Option<Vec<Entry<'a>>>,
    stream_name: Option<String>,
    limit: Option<i64>,
    at: Option<Timestamp>,
    mode: Option<Mode>,
    ratio: Option<f64>,
    is_enforced: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    data: Option<Blob<'a>>,
    partition_key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Mode {
    Provisioned,
    OnDemand { shards: u8 },
    Pair(u8, u8),
    Named(String),
}

fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn message(body: &[u8]) -> String {
    decode::<Input<'_>>(body).unwrap_err().to_string()
}

#[test]
fn java_bodies_of_indefinite_length_are_read_and_blobs_borrow() {
    let body = bytes(&[
        &[0xbf, 0x67],
        b"Records",
        &[0x9f, 0xbf, 0x64],
        b"Data",
        &[0x45],
        b"hello",
        &[0x6c],
        b"PartitionKey",
        &[0x61],
        b"k",
        &[0xff, 0xff, 0x6a],
        b"StreamName",
        &[0x66],
        b"clicks",
        &[0xff],
    ]);
    let input: Input<'_> = decode(&body).unwrap();
    assert_eq!(input.stream_name.as_deref(), Some("clicks"));
    let records = input.records.unwrap();
    assert_eq!(records.len(), 1);
    let data = records[0].data.as_ref().unwrap().decode().unwrap();
    assert_eq!(&*data, b"hello");
    assert!(body.as_ptr_range().contains(&data.as_ptr()), "borrowed from the body");
}

#[test]
fn text_and_bytes_in_chunks_are_joined() {
    let text: String = decode(&[0x7f, 0x62, b'a', b'b', 0x61, b'c', 0xff]).unwrap();
    assert_eq!(text, "abc");
    let blob: Blob<'_> = decode(&[0x5f, 0x41, 1, 0x42, 2, 3, 0xff]).unwrap();
    assert_eq!(&*blob.decode().unwrap(), [1, 2, 3]);
}

#[test]
fn tags_are_stepped_over_and_unknown_members_ignored() {
    let body = bytes(&[
        &[0xd9, 0xd9, 0xf7, 0xa2, 0x65],
        b"Later",
        &[0x82, 0xc1, 0x01, 0xa1, 0x01, 0xf6, 0x65],
        b"Limit",
        &[0xc5, 0x07],
    ]);
    assert_eq!(decode::<Input<'_>>(&body).unwrap().limit, Some(7));
}

#[test]
fn null_and_undefined_are_absent() {
    for absent in [0xf6, 0xf7] {
        let body = bytes(&[&[0xa1, 0x65], b"Limit", &[absent]]);
        assert_eq!(decode::<Input<'_>>(&body).unwrap().limit, None);
    }
}

#[test]
fn wrong_types_are_named_by_their_path() {
    let body = bytes(&[&[0xa1, 0x67], b"Records", &[0x82, 0xa0, 0xa1, 0x64], b"Data", &[0x05]]);
    let text = message(&body);
    assert!(text.starts_with("Records[1].Data: ") && text.contains("a blob as a byte string"), "{text}");
}

#[test]
fn malformed_bodies_are_refused() {
    let trailing = [0xa0, 0x00];
    let truncated = [0xa1, 0x65, b'L'];
    let lone_break = [0xff];
    let huge_text = [0xa1, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let huge_array =
        [0xa1, 0x67, b'R', b'e', b'c', b'o', b'r', b'd', b's', 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let not_utf8 = [0xa1, 0x61, 0xff, 0x01];
    for body in
        [&[][..], &trailing, &truncated, &lone_break, &huge_text, &huge_array, &not_utf8, &[0x80], &[0xf8, 0x20]]
    {
        assert!(!message(body).is_empty(), "{body:x?}");
    }
}

#[test]
fn nesting_is_bounded() {
    for opening in [0x81, 0x9f, 0xbf, 0xa1] {
        let body = bytes(&[&[0xa1, 0x65], b"Later", &vec![opening; 1_000_000]]);
        assert!(decode::<Input<'_>>(&body).is_err());
    }
    let nested = |depth: usize| bytes(&[&[0xa1, 0x65], b"Later", &vec![0x81; depth], &[0x00]]);
    assert!(decode::<Input<'_>>(&nested(DEPTH_MAX - 1)).is_ok());
    assert!(message(&nested(DEPTH_MAX)).contains("nested more than 128 levels"));
}

#[test]
fn structures_are_written_with_their_length_and_integers_short() {
    let entry = Entry { data: Some(Blob::raw(&[1, 2])), partition_key: None };
    let expected = bytes(&[&[0xa2, 0x64], b"Data", &[0x42, 1, 2, 0x6c], b"PartitionKey", &[0xf6]]);
    assert_eq!(encode(&entry).unwrap(), expected);
    assert_eq!(encode(&-1_i32).unwrap(), [0x20]);
    assert_eq!(encode(&500_u64).unwrap(), [0x19, 0x01, 0xf4]);
}

#[test]
fn error_bodies_have_the_shape_of_json() {
    let body = encode(&crate::ErrorBody { code: "A", message: "b" }).unwrap();
    assert_eq!(body, bytes(&[&[0xa2, 0x66], b"__type", &[0x61, b'A', 0x67], b"message", &[0x61, b'b']]));
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        Just(Mode::Provisioned),
        any::<u8>().prop_map(|shards| Mode::OnDemand { shards }),
        any::<(u8, u8)>().prop_map(|(a, b)| Mode::Pair(a, b)),
        any::<String>().prop_map(Mode::Named),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body: Vec<u8>) {
        let _ = decode::<Input<'_>>(&body);
        let _ = decode::<Blob<'_>>(&body);
        let _ = decode::<Timestamp>(&body);
        let _ = decode::<Vec<Option<Mode>>>(&body);
    }

    #[test]
    fn what_is_encoded_is_decoded_and_refused_where_it_is_cut(
        name: Option<String>,
        limit: Option<i64>,
        millis: Option<i64>,
        mode in proptest::option::of(mode()),
        ratio in proptest::option::of(-1e9..1e9),
        is_enforced: Option<bool>,
        records in proptest::option::of(proptest::collection::vec(any::<(Vec<u8>, String)>(), 0..5)),
        cut: proptest::sample::Index,
    ) {
        let records = records.as_ref().map(|records| {
            records.iter().map(|(data, key)| Entry { data: Some(Blob::raw(data)), partition_key: Some(key.clone()) }).collect()
        });
        let at = millis.map(Timestamp::from_unix_millis);
        let input = Input { records, stream_name: name, limit, at, mode, ratio, is_enforced };
        let body = encode(&input).unwrap();
        prop_assert_eq!(&decode::<Input<'_>>(&body).unwrap(), &input);
        prop_assert!(decode::<Input<'_>>(&body[..cut.index(body.len())]).is_err());
    }
}
