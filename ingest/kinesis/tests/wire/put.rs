//! Putting records: what is stored, what is refused as a whole, what fails by itself.

use serde_json::{Value, json};

use super::client::{JSON, NOW_MS, Server, base64, refusal, sequence_number};

const MIB: usize = 1024 * 1024;

fn entry(key: &str, data: impl AsRef<[u8]>) -> Value {
    json!({"PartitionKey": key, "Data": base64(data)})
}

#[tokio::test]
async fn a_record_is_answered_with_its_shard_and_sequence_number_and_read_back() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let put = json!({"StreamName": "clicks", "PartitionKey": "user-1", "Data": base64("hello")});
    let answer = server.call("PutRecord", put.clone()).await;
    let sequence = sequence_number(1, 0);
    assert_eq!(answer, json!({"ShardId": "shardId-000000000000", "SequenceNumber": sequence}));

    let mut ordered = put;
    ordered["SequenceNumberForOrdering"] = answer["SequenceNumber"].clone();
    ordered["Data"] = json!("");
    let second = server.call("PutRecord", ordered).await;
    assert!(second["SequenceNumber"].as_str() > answer["SequenceNumber"].as_str());

    let iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    let read = server.call("GetRecords", json!({"ShardIterator": iterator})).await;
    let expected = json!({
        "SequenceNumber": sequence,
        "ApproximateArrivalTimestamp": NOW_MS as f64 / 1000.0,
        "Data": base64("hello"),
        "PartitionKey": "user-1",
    });
    assert_eq!(read["Records"][0], expected);
    assert_eq!(read["Records"][1]["Data"], "");
}

#[tokio::test]
async fn records_are_answered_in_the_order_of_the_request() {
    let mut server = Server::start().await;
    server.create("clicks", 4).await;
    let records: Vec<_> = (0..500).map(|index| entry(&format!("key-{index}"), index.to_string())).collect();
    let answer = server.call("PutRecords", json!({"StreamName": "clicks", "Records": records})).await;
    assert_eq!(answer["FailedRecordCount"], 0);
    let results = answer["Records"].as_array().unwrap();
    assert_eq!(results.len(), 500);
    for (index, result) in results.iter().enumerate().step_by(50) {
        let input = json!({
            "StreamName": "clicks",
            "ShardId": result["ShardId"],
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "StartingSequenceNumber": result["SequenceNumber"],
        });
        let iterator = server.call("GetShardIterator", input).await["ShardIterator"].clone();
        let read = server.call("GetRecords", json!({"ShardIterator": iterator, "Limit": 1})).await;
        assert_eq!(read["Records"][0]["PartitionKey"], format!("key-{index}"));
        assert_eq!(read["Records"][0]["SequenceNumber"], result["SequenceNumber"]);
        server.clock.advance(1_000);
    }
}

#[tokio::test]
async fn an_explicit_hash_key_decides_the_shard() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    for (hash_key, shard) in [
        ("0", "shardId-000000000000"),
        ("170141183460469231731687303715884105727", "shardId-000000000000"),
        ("170141183460469231731687303715884105728", "shardId-000000000001"),
        ("340282366920938463463374607431768211455", "shardId-000000000001"),
    ] {
        let put = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": "", "ExplicitHashKey": hash_key});
        assert_eq!(server.call("PutRecord", put).await["ShardId"], shard);
    }
    let beyond = "340282366920938463463374607431768211456";
    let put = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": "", "ExplicitHashKey": beyond});
    let message = format!(
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {beyond}"
    );
    assert_eq!(server.refused("PutRecord", put).await, refusal("InvalidArgumentException", message));
}

#[tokio::test]
async fn escaped_texts_are_understood() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    // A slash is a base64 digit, and some clients escape it.
    let body = br#"{"StreamName":"cl\u0069cks","PartitionKey":"a\"\u00e9\n","Data":"aGk\/"}"#;
    let answer = server.send("PutRecord", JSON, body).await;
    assert_eq!(answer.status, 200);
    let iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    let read = server.call("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!((&read["Records"][0]["PartitionKey"], &read["Records"][0]["Data"]), (&json!("a\"é\n"), &json!("aGk/")));
}

#[tokio::test]
async fn throttled_records_fail_by_themselves() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let records = [entry("a", vec![b'x'; MIB / 2]), entry("b", vec![b'x'; MIB / 2]), entry("c", "small")];
    let answer = server.call("PutRecords", json!({"StreamName": "clicks", "Records": records})).await;
    assert_eq!(answer["FailedRecordCount"], 1);
    let message = "Rate exceeded for shard shardId-000000000000 in stream clicks under account 000000000000.";
    let failed = json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": message});
    assert_eq!(answer["Records"][1], failed);
    assert!(answer["Records"][2]["SequenceNumber"].is_string());

    let put = json!({"StreamName": "clicks", "PartitionKey": "b", "Data": base64(vec![b'x'; MIB / 2])});
    let refused = server.refused("PutRecord", put.clone()).await;
    assert_eq!(refused, refusal("ProvisionedThroughputExceededException", message));
    server.clock.advance(1_000);
    server.call("PutRecord", put).await;
    assert_eq!(server.data_of("clicks").await.len(), 3);

    let mut metrics = String::new();
    prometheus_client::encoding::text::encode(&mut metrics, &server.registry).unwrap();
    assert!(metrics.contains("ingest_kinesis_throttled_total{operation=\"PutRecords\"} 1"), "{metrics}");
    assert!(metrics.contains("ingest_kinesis_records_total{operation=\"PutRecords\"} 2"), "{metrics}");
    assert!(metrics.contains("ingest_kinesis_throttled_total{operation=\"PutRecord\"} 1"), "{metrics}");
}

/// A record as the Kinesis Producer Library aggregates them: a magic number, a protobuf message with one partition key and
/// `count` user records `{0: key index 0, data "x"}`, and the message's MD5 (which nothing here looks at).
///
/// Source: the library's "KPL Aggregated Record Format".
fn aggregated(count: usize) -> Vec<u8> {
    let mut record = b"\xf3\x89\x9a\xc2\x0a\x01k".to_vec();
    record.extend(b"\x1a\x05\x08\x00\x1a\x01x".repeat(count));
    record.extend([0xd5; 16]);
    record
}

/// The shard takes 1,000 records a second; each aggregate is one of them, however many user records are in it.
#[tokio::test]
async fn an_aggregated_record_counts_once_and_is_passed_on_untouched() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let record = aggregated(100);
    let records = vec![entry("k", &record); 500];
    for refused in [0, 0, 500] {
        let answer = server.call("PutRecords", json!({"StreamName": "clicks", "Records": records})).await;
        assert_eq!(answer["FailedRecordCount"], refused);
    }
    let iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    let answer = server.call("GetRecords", json!({"ShardIterator": iterator})).await;
    let read = answer["Records"].as_array().unwrap();
    assert_eq!(read.len(), 1_000);
    assert!(read.iter().all(|read| read["Data"] == base64(&record)));
}

#[tokio::test]
async fn one_malformed_record_fails_the_whole_call_and_nothing_is_written() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let malformed = [
        (json!({"PartitionKey": "k", "Data": "not base64"}), "SerializationException", "Records[1].Data"),
        (json!({"PartitionKey": "k", "Data": 7}), "SerializationException", "Records[1].Data"),
        (json!({"PartitionKey": ["k"], "Data": ""}), "SerializationException", "Records[1].PartitionKey"),
        (json!("k"), "SerializationException", "Records[1]"),
        (json!({"PartitionKey": "", "Data": ""}), "ValidationException", "'records.2.member.partitionKey'"),
        (json!({"PartitionKey": "k".repeat(257), "Data": ""}), "ValidationException", "less than or equal to 256"),
        (json!({"Data": ""}), "ValidationException", "Value null at 'records.2.member.partitionKey'"),
        (json!({"PartitionKey": "k"}), "ValidationException", "Value null at 'records.2.member.data'"),
        (json!({"PartitionKey": "k", "Data": null}), "ValidationException", "Value null at 'records.2.member.data'"),
        (
            json!({"PartitionKey": "k", "Data": "", "ExplicitHashKey": "007"}),
            "ValidationException",
            "'records.2.member.explicitHashKey'",
        ),
        (
            json!({"PartitionKey": "k", "Data": "", "ExplicitHashKey": "9".repeat(39)}),
            "InvalidArgumentException",
            "2^128",
        ),
        (entry("k", vec![0; MIB + 1]), "ValidationException", "less than or equal to 1048576"),
        (entry("k", vec![0; MIB]), "ValidationException", "records.2.member.data and records.2.member.partitionKey"),
    ];
    for (record, code, expected) in malformed {
        let records = [entry("good", "good"), record, entry("good", "good")];
        let (refused, message) =
            server.refused("PutRecords", json!({"StreamName": "clicks", "Records": records})).await;
        assert_eq!(refused, code, "{message}");
        assert!(message.contains(expected), "{message}");
    }
    assert!(server.data_of("clicks").await.is_empty());
}

#[tokio::test]
async fn the_number_of_records_and_their_bytes_are_limited() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let put = |records: Vec<Value>| json!({"StreamName": "clicks", "Records": records});
    let none = "1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have \
                length greater than or equal to 1";
    assert_eq!(server.refused("PutRecords", put(vec![])).await, refusal("ValidationException", none));
    let too_many = "1 validation error detected: Value '[501 members]' at 'records' failed to satisfy constraint: \
                    Member must have length less than or equal to 500";
    let refused = server.refused("PutRecords", put(vec![entry("k", ""); 501])).await;
    assert_eq!(refused, refusal("ValidationException", too_many));
    let (code, message) = server.refused("PutRecords", put(vec![entry("k", vec![0; MIB - 1]); 11])).await;
    assert_eq!(code, "InvalidArgumentException");
    assert!(message.contains("10485760 bytes"), "{message}");
    assert!(server.data_of("clicks").await.is_empty());
}

#[tokio::test]
async fn a_stream_of_large_records_takes_them_and_pays_them_off() {
    let mut server = Server::start().await;
    server.call("CreateStream", json!({"StreamName": "large", "ShardCount": 1, "MaxRecordSizeInKiB": 10240})).await;
    let put = |bytes: usize| json!({"StreamName": "large", "PartitionKey": "k", "Data": base64(vec![0; bytes])});
    server.call("PutRecord", put(3 * MIB)).await;
    assert_eq!(server.refused("PutRecord", put(1)).await.0, "ProvisionedThroughputExceededException");
    server.clock.advance(3_000);
    server.call("PutRecord", put(1)).await;
    let (code, _) = server.refused("PutRecord", put(10 * MIB)).await;
    assert_eq!(code, "ValidationException", "the key counts too");
}

#[tokio::test]
async fn every_constraint_of_a_record_is_reported_at_once() {
    let mut server = Server::start().await;
    let input =
        json!({"StreamName": "", "PartitionKey": "", "ExplicitHashKey": "x", "SequenceNumberForOrdering": "-1"});
    let message = "6 validation errors detected: \
        Value '' at 'partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1; \
        Value null at 'data' failed to satisfy constraint: Member must not be null; \
        Value 'x' at 'explicitHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: \
        0|([1-9]\\d{0,38}); \
        Value '-1' at 'sequenceNumberForOrdering' failed to satisfy constraint: Member must satisfy regular expression \
        pattern: 0|([1-9]\\d{0,128}); \
        Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: \
        [a-zA-Z0-9_.-]+; \
        Value '' at 'streamName' failed to satisfy constraint: Member must have length greater than or equal to 1";
    assert_eq!(server.refused("PutRecord", input).await, refusal("ValidationException", message));
}

#[tokio::test]
async fn an_ordering_number_of_another_service_is_refused() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let put = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": "", "SequenceNumberForOrdering": "4959"});
    let message = "ExclusiveMinimumSequenceNumber 4959 used in PutRecord on stream clicks under account 000000000000 is \
                   invalid.";
    assert_eq!(server.refused("PutRecord", put).await, refusal("InvalidArgumentException", message));
}
