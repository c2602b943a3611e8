//! What is malformed or too large: an answer that says what, a connection that goes on, and nothing written.

use bytes::Bytes;

use crate::support::clients::{ClientOptions, REGION_UNSIGNED, kinesis_with};
use crate::support::raw::{CBOR, Connection, JSON};
use crate::support::records::{create_stream, read_stream};
use crate::support::server::Server;

/// A client that sees the same streams as requests without a signature.
fn client(server: &Server) -> aws_sdk_kinesis::Client {
    kinesis_with(&server.url, &ClientOptions { region: REGION_UNSIGNED, ..ClientOptions::default() })
}

/// `PutRecord` to the stream `s`, as JSON.
fn put(key: &str, data: &str) -> String {
    format!(r#"{{"StreamName":"s","PartitionKey":"{key}","Data":"{data}"}}"#)
}

/// `PutRecords` to the stream `s`, as JSON, of this many copies of an entry.
fn put_many(count: usize, entry: &str) -> String {
    format!(r#"{{"StreamName":"s","Records":[{}]}}"#, vec![entry; count].join(","))
}

/// Requests that must be refused: operation, body, the error code, and a part of the message.
fn bad_requests() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let entry = r#"{"Data":"eA==","PartitionKey":"k"}"#;
    let long_key = "k".repeat(257);
    let two_entries = |bad: &str| format!(r#"{{"StreamName":"s","Records":[{entry},{bad}]}}"#);
    let large = |byte_count: usize| "A".repeat(byte_count.div_ceil(3) * 4);
    let large_entry = format!(r#"{{"Data":"{}","PartitionKey":"k"}}"#, large(900_000));
    let (put_one, put_all) = ("PutRecord", "PutRecords");
    vec![
        (put_one, String::new(), "SerializationException", ""),
        (put_one, "{".to_owned(), "SerializationException", ""),
        (put_one, "[]".to_owned(), "SerializationException", ""),
        (put_one, r#"{"StreamName":7}"#.to_owned(), "SerializationException", "StreamName"),
        (put_one, put("k", "not base64!"), "SerializationException", "Data"),
        (put_one, put("k", "eA="), "SerializationException", "Data"),
        (put_one, put("", "eA=="), "ValidationException", "Value '' at 'partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        (put_one, put(&long_key, "eA=="), "ValidationException", "at 'partitionKey' failed to satisfy constraint: Member must have length less than or equal to 256"),
        (put_one, put("k", &large(1_048_577)), "ValidationException", "less than or equal to 1048576"),
        (put_one, r#"{"StreamName":"s","Data":"eA=="}"#.to_owned(), "ValidationException", "Value null at 'partitionKey' failed to satisfy constraint: Member must not be null"),
        (put_one, r#"{"StreamName":"s","PartitionKey":"k"}"#.to_owned(), "ValidationException", "Value null at 'data'"),
        (put_one, r#"{"PartitionKey":"k","Data":"eA=="}"#.to_owned(), "InvalidArgumentException", "StreamName"),
        (put_one, r#"{"StreamName":"s","PartitionKey":"k","Data":"eA==","ExplicitHashKey":"-1"}"#.to_owned(), "ValidationException", "explicitHashKey"),
        (put_one, r#"{"StreamName":"s","PartitionKey":"k","Data":"eA==","ExplicitHashKey":"340282366920938463463374607431768211456"}"#.to_owned(), "InvalidArgumentException", "340282366920938463463374607431768211456"),
        (put_all, put_many(0, entry), "ValidationException", "Value '[]' at 'records'"),
        (put_all, put_many(501, entry), "ValidationException", "at 'records' failed to satisfy constraint: Member must have length less than or equal to 500"),
        (put_all, put_many(12, &large_entry), "InvalidArgumentException", ""),
        (put_all, put_many(20, &large_entry), "RequestEntityTooLargeException", ""),
        (put_all, two_entries(r#"{"Data":"eA=="}"#), "ValidationException", "records.2.member.partitionKey"),
        (put_all, two_entries(r#"{"Data":"x","PartitionKey":"k"}"#), "SerializationException", "Records[1].Data"),
        (put_all, two_entries("7"), "SerializationException", "Records[1]"),
        ("GetRecords", r#"{"ShardIterator":"x"}"#.to_owned(), "InvalidArgumentException", "ShardIterator"),
        ("GetRecords", r#"{"ShardIterator":"x","Limit":10001}"#.to_owned(), "ValidationException", "'limit'"),
        ("CreateStream", r#"{"StreamName":"t","ShardCount":0}"#.to_owned(), "ValidationException", "'shardCount'"),
        ("PutRecordz", "{}".to_owned(), "UnknownOperationException", "PutRecordz"),
    ]
}

#[tokio::test]
async fn mistakes_in_json_are_named_and_leave_the_connection_usable_and_the_stream_empty() {
    let server = Server::new("[kinesis]\nenforce = false\n").await;
    let client = client(&server);
    create_stream(&client, "s", 1).await;
    let mut connection = Connection::open(&server).await;
    for (operation, body, code, text) in bad_requests() {
        let shown: String = body.chars().take(100).collect();
        let answer = connection.call(&format!("Kinesis_20131202.{operation}"), JSON, body).await;
        let expected_status = if code == "RequestEntityTooLargeException" { 413 } else { 400 };
        assert_eq!((answer.status, answer.code()), (expected_status, code), "{operation} {shown}: {}", answer.text());
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(error["__type"], code);
        assert!(error["message"].as_str().unwrap().contains(text), "{operation} {shown}: {}", answer.text());
    }
    let records = read_stream(&client, "s").await;
    assert!(records.iter().all(Vec::is_empty), "something was written");
    let good = connection.call("Kinesis_20131202.PutRecord", JSON, put("k", "eA==")).await;
    assert_eq!(good.status, 200);
}

#[tokio::test]
async fn mistakes_in_cbor_are_answered_in_cbor() {
    let server = Server::new("").await;
    create_stream(&client(&server), "s", 1).await;
    let mut connection = Connection::open(&server).await;
    let text_for_data = b"\xa3\x6aStreamName\x61s\x6cPartitionKey\x61k\x64Data\x61x".to_vec();
    for body in [Vec::new(), b"\xff".to_vec(), b"\xa1\x6aStreamName".to_vec(), vec![0x9f; 100_000], text_for_data] {
        let answer = connection.call("Kinesis_20131202.PutRecord", CBOR, body).await;
        assert_eq!((answer.status, answer.code()), (400, "SerializationException"), "{}", answer.text());
        assert!(answer.body.starts_with(b"\xa2\x66__type\x76SerializationException\x67message"));
    }
    let good = Bytes::from_static(b"\xbf\x6aStreamName\x61s\x6cPartitionKey\x61k\x64Data\x41x\xff");
    let answer = connection.call("Kinesis_20131202.PutRecord", CBOR, good).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], CBOR);
}
