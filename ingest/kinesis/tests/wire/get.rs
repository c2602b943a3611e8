//! Reading: the five iterator types, limits, expiry, throttling, how far behind.

use serde_json::{Value, json};

use super::client::{NOW_MS, Server, base64, refusal, sequence_number};

const MIB: usize = 1024 * 1024;

async fn put(server: &mut Server, data: &str) -> Value {
    let input = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64(data)});
    server.call("PutRecord", input).await["SequenceNumber"].clone()
}

fn from(kind: &str, more: Value) -> Value {
    let mut input = json!({"StreamName": "clicks", "ShardId": "shardId-000000000000", "ShardIteratorType": kind});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

#[tokio::test]
async fn each_iterator_type_begins_where_it_should() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let mut sequences = Vec::new();
    for data in ["one", "two", "three"] {
        sequences.push(put(&mut server, data).await);
        server.clock.advance(1_000);
    }
    let seconds = NOW_MS as f64 / 1000.0;
    for (input, expected) in [
        (from("TRIM_HORIZON", json!({})), vec!["one", "two", "three"]),
        (from("LATEST", json!({})), vec![]),
        (from("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": sequences[1]})), vec!["two", "three"]),
        (from("AFTER_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": sequences[1]})), vec!["three"]),
        (from("AT_TIMESTAMP", json!({"Timestamp": seconds + 0.001})), vec!["two", "three"]),
        (from("AT_TIMESTAMP", json!({"Timestamp": 0})), vec!["one", "two", "three"]),
        (from("AT_TIMESTAMP", json!({"Timestamp": -5.5})), vec!["one", "two", "three"]),
    ] {
        let iterator = server.call("GetShardIterator", input.clone()).await;
        let iterator = iterator["ShardIterator"].as_str().unwrap().to_owned();
        assert_eq!(server.data_from(&iterator).await, expected, "{input}");
        server.clock.advance(1_000);
    }
}

#[tokio::test]
async fn a_latest_iterator_sees_what_comes_after_it() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    put(&mut server, "before").await;
    let iterator = server.iterator("clicks", "LATEST").await;
    put(&mut server, "after").await;
    assert_eq!(server.data_from(&iterator).await, ["after"]);
}

#[tokio::test]
async fn iterators_go_on_and_tell_how_far_behind_they_are() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    put(&mut server, "one").await;
    server.clock.advance(2_000);
    put(&mut server, "two").await;
    server.clock.advance(500);
    let iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    let first = server.call("GetRecords", json!({"ShardIterator": iterator, "Limit": 1})).await;
    assert_eq!((&first["Records"][0]["Data"], &first["MillisBehindLatest"]), (&json!(base64("one")), &json!(500)));
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let input = json!({"ShardIterator": first["NextShardIterator"], "StreamARN": arn});
    let second = server.call("GetRecords", input).await;
    assert_eq!((&second["Records"][0]["Data"], &second["MillisBehindLatest"]), (&json!(base64("two")), &json!(0)));
    let third = server.call("GetRecords", json!({"ShardIterator": second["NextShardIterator"]})).await;
    assert_eq!((&third["Records"], &third["MillisBehindLatest"]), (&json!([]), &json!(0)));
    assert!(third["NextShardIterator"].is_string() && third.get("ChildShards").is_none());
}

#[tokio::test]
async fn an_iterator_can_be_used_again_until_it_expires() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    put(&mut server, "one").await;
    let iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    assert!(iterator.len() <= 512);
    server.clock.advance(300_000);
    for _ in 0..2 {
        assert_eq!(server.data_from(&iterator).await, ["one"]);
    }
    server.clock.advance(1);
    let message = "Iterator expired. The iterator was created at time Tue Nov 14 22:13:20 UTC 2023 while right now it \
                   is Tue Nov 14 22:18:20 UTC 2023 which is further in the future than the tolerated delay of 300000 \
                   milliseconds.";
    let refused = server.refused("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(refused, refusal("ExpiredIteratorException", message));
}

#[tokio::test]
async fn forged_iterators_are_refused() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let good = server.iterator("clicks", "TRIM_HORIZON").await;
    let mut spoilt = good.clone().into_bytes();
    spoilt[20] = if spoilt[20] == b'A' { b'B' } else { b'A' };
    let spoilt = String::from_utf8(spoilt).unwrap();
    let invalid = refusal("InvalidArgumentException", "Invalid ShardIterator.");
    for forged in [spoilt.as_str(), &good[4..], "AAAA", "not base64", "é"] {
        assert_eq!(server.refused("GetRecords", json!({"ShardIterator": forged})).await, invalid, "{forged}");
    }
    let (code, _) = server.refused("GetRecords", json!({"ShardIterator": "A".repeat(513)})).await;
    assert_eq!(code, "ValidationException");
    let other = json!({"ShardIterator": good, "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/other"});
    assert_eq!(server.refused("GetRecords", other).await.0, "InvalidArgumentException");
}

#[tokio::test]
async fn reads_of_a_shard_are_throttled() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let iterator = server.iterator("clicks", "LATEST").await;
    for _ in 0..5 {
        server.data_from(&iterator).await;
    }
    let message = "Rate exceeded for shard shardId-000000000000 in stream clicks under account 000000000000.";
    let refused = server.refused("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(refused, refusal("ProvisionedThroughputExceededException", message));
    server.clock.advance(200);
    server.data_from(&iterator).await;
}

#[tokio::test]
async fn a_read_ends_at_ten_mebibytes_and_is_paid_off_for_five_seconds() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let data = vec![b'x'; MIB - 1];
    for _ in 0..12 {
        let input = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64(&data)});
        server.call("PutRecord", input).await;
        server.clock.advance(1_000);
    }
    let iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    let first = server.call("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(first["Records"].as_array().unwrap().len(), 10);
    assert_eq!(first["MillisBehindLatest"], 2_000);
    server.clock.advance(4_999);
    let next = json!({"ShardIterator": first["NextShardIterator"]});
    let (code, _) = server.refused("GetRecords", next.clone()).await;
    assert_eq!(code, "ProvisionedThroughputExceededException");
    server.clock.advance(1);
    assert_eq!(server.call("GetRecords", next).await["Records"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_type_and_its_companions_must_fit() {
    let mut server = Server::start_unlimited().await;
    server.create("clicks", 1).await;
    let sequence = put(&mut server, "one").await;
    for (kind, more, expected) in [
        ("LATEST", json!({"StartingSequenceNumber": sequence}), "specified LATEST and also a StartingSequenceNumber."),
        ("TRIM_HORIZON", json!({"Timestamp": 1}), "specified TRIM_HORIZON and also a Timestamp."),
        ("AT_SEQUENCE_NUMBER", json!({}), "specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber."),
        ("AFTER_SEQUENCE_NUMBER", json!({"Timestamp": 1}), "and no StartingSequenceNumber."),
        ("AT_TIMESTAMP", json!({}), "specified AT_TIMESTAMP and no Timestamp."),
        ("AT_TIMESTAMP", json!({"Timestamp": 1, "StartingSequenceNumber": sequence}), "also a StartingSequenceNumber."),
    ] {
        let (code, message) = server.refused("GetShardIterator", from(kind, more)).await;
        assert_eq!(code, "InvalidArgumentException");
        assert!(message.ends_with(expected), "{message}");
    }
}

#[tokio::test]
async fn positions_that_are_not_of_the_shard_are_refused() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    let foreign = from("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": "4959"}));
    let message = "StartingSequenceNumber 4959 used in GetShardIterator on shard shardId-000000000000 in stream clicks \
                   under account 000000000000 is invalid.";
    assert_eq!(server.refused("GetShardIterator", foreign).await, refusal("InvalidArgumentException", message));
    let sibling = sequence_number(0, 1);
    let of_sibling = from("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": sibling}));
    let message = "Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call to a \
                   shard with shardId-000000000000";
    assert_eq!(server.refused("GetShardIterator", of_sibling).await, refusal("InvalidArgumentException", message));
    let unborn = sequence_number(9, 0);
    let (code, message) =
        server.refused("GetShardIterator", from("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": unborn}))).await;
    assert_eq!(code, "InvalidArgumentException");
    assert!(message.ends_with("is invalid because it did not come from this stream."), "{message}");
    let future_ms = server.now_ms() + 1_000;
    let future = from("AT_TIMESTAMP", json!({"Timestamp": future_ms as f64 / 1000.0}));
    let message = format!(
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
         {future_ms}, currentTimestampInMillis: {NOW_MS}"
    );
    assert_eq!(server.refused("GetShardIterator", future).await, refusal("InvalidArgumentException", message));
}

#[tokio::test]
async fn shards_that_are_not_there_are_refused() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    for (shard, message) in [
        (
            "shardId-000000000001",
            "Shard shardId-000000000001 in stream clicks under account 000000000000 does not exist",
        ),
        ("first", "Could not find shard first in stream clicks under account 000000000000."),
    ] {
        let input = json!({"StreamName": "clicks", "ShardId": shard, "ShardIteratorType": "LATEST"});
        let refused = server.refused("GetShardIterator", input).await;
        assert_eq!(refused, refusal("ResourceNotFoundException", message));
    }
    let nameless = json!({"ShardId": "a b", "ShardIteratorType": "SOON"});
    let message = "2 validation errors detected: Value 'a b' at 'shardId' failed to satisfy constraint: Member must \
                   satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'SOON' at 'shardIteratorType' failed to \
                   satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, \
                   AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]";
    assert_eq!(server.refused("GetShardIterator", nameless).await, refusal("ValidationException", message));
}

#[tokio::test]
async fn limits_of_a_read_are_checked() {
    let mut server = Server::start().await;
    let message = "2 validation errors detected: Value null at 'shardIterator' failed to satisfy constraint: Member \
                   must not be null; Value '10001' at 'limit' failed to satisfy constraint: Member must have value \
                   less than or equal to 10000";
    let refused = server.refused("GetRecords", json!({"Limit": 10_001})).await;
    assert_eq!(refused, refusal("ValidationException", message));
}
