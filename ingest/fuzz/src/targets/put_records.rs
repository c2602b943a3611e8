//! The hot path: whatever was put, in either protocol, is read back as it was, in order.

use std::cell::RefCell;

use ingest_wire::{Blob, Protocol};
use libfuzzer_sys::arbitrary::{self, Unstructured};
use serde::Serialize;
use serde_json::{Value, json};

use crate::server::Server;

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

const RECORDS_MAX: usize = 12;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    stream_name: &'a str,
    records: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    data: Blob<'a>,
    partition_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    explicit_hash_key: Option<String>,
}

pub(crate) fn run(input: &[u8]) {
    SERVER.with_borrow_mut(|place| {
        let _ = put_and_read(Server::in_place(place), &mut Unstructured::new(input));
    });
}

fn put_and_read(server: &mut Server, choices: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    const STREAM: &str = "one-shard";
    // The first put to a server finds no stream yet.
    let describe = json!({"StreamName": STREAM, "ShardCount": 1}).to_string();
    server.call("Kinesis_20131202.CreateStream", Protocol::Json11, describe.as_bytes());
    let iterator = server.iterator(STREAM, "LATEST");
    let mut expected = Vec::new();
    for protocol in [Protocol::Json11, Protocol::Cbor11] {
        let records = records(choices)?;
        let is_valid = records.iter().all(is_valid);
        let kept: Vec<_> = records.iter().map(|entry| (entry.partition_key.to_owned(), data_of(entry))).collect();
        let body = protocol.encode(&Input { stream_name: STREAM, records }).expect("the input has a form");
        let answered = server.call("Kinesis_20131202.PutRecords", protocol, &body);
        assert_eq!(answered.status, if is_valid { 200 } else { 400 }, "{answered:?}");
        if is_valid {
            expected.extend(kept);
        }
    }
    let answer = server.kinesis("GetRecords", &json!({"ShardIterator": iterator}));
    let found: Vec<_> = answer["Records"].as_array().expect("records").iter().map(found).collect();
    assert_eq!(found, expected);
    Ok(())
}

fn records<'a>(choices: &mut Unstructured<'a>) -> arbitrary::Result<Vec<Entry<'a>>> {
    let count = choices.int_in_range(1..=RECORDS_MAX)?;
    (0..count).map(|_| entry(choices)).collect()
}

fn entry<'a>(choices: &mut Unstructured<'a>) -> arbitrary::Result<Entry<'a>> {
    let explicit_hash_key = match choices.arbitrary::<u8>()? % 4 {
        0 => Some(choices.arbitrary::<u128>()?.to_string()),
        _ => None,
    };
    Ok(Entry { partition_key: choices.arbitrary()?, data: Blob::raw(choices.arbitrary()?), explicit_hash_key })
}

fn is_valid(entry: &Entry<'_>) -> bool {
    (1..=256).contains(&entry.partition_key.chars().count())
}

fn data_of(entry: &Entry<'_>) -> Vec<u8> {
    entry.data.decode().expect("raw bytes need no decoding").into_owned()
}

fn found(record: &Value) -> (String, Vec<u8>) {
    let text = |member: &str| record[member].as_str().expect("a text");
    (text("PartitionKey").to_owned(), base64_simd::STANDARD.decode_to_vec(text("Data")).expect("base64"))
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let run_of = |step: u8| (0..160_u8).map(|n| b'a' + n.wrapping_mul(step) % 26).collect();
    [1, 3, 7, 19, 101].map(run_of).to_vec()
}
