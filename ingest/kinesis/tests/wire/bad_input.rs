//! Bodies that are not what the operation takes. The connection goes on after each of them.

use proptest::prelude::*;
use serde_json::json;

use super::client::{CBOR, JSON, Server};

const OPERATIONS: [&str; 57] = [
    "AcknowledgeDeadLetterQueueRecords",
    "AcknowledgeQueueRecords",
    "AddTagsToStream",
    "CreateChannel",
    "CreateQueue",
    "CreateStream",
    "DecreaseStreamRetentionPeriod",
    "DeleteChannel",
    "DeleteQueue",
    "DeleteResourcePolicy",
    "DeleteStream",
    "DeregisterStreamConsumer",
    "DescribeAccountSettings",
    "DescribeChannel",
    "DescribeLimits",
    "DescribeQueue",
    "DescribeStream",
    "DescribeStreamConsumer",
    "DescribeStreamSummary",
    "DisableEnhancedMonitoring",
    "EnableEnhancedMonitoring",
    "GetRecords",
    "GetResourcePolicy",
    "GetShardIterator",
    "IncreaseStreamRetentionPeriod",
    "ListChannels",
    "ListQueues",
    "ListShards",
    "ListStreamConsumers",
    "ListStreams",
    "ListTagsForResource",
    "ListTagsForStream",
    "MergeShards",
    "PutRecord",
    "PutRecords",
    "PutResourcePolicy",
    "ReceiveDeadLetterQueueRecords",
    "ReceiveQueueRecords",
    "RegisterStreamConsumer",
    "RemoveTagsFromStream",
    "RestoreDeadLetterQueueRecords",
    "SplitShard",
    "StartStreamEncryption",
    "StopStreamEncryption",
    "SubscribeToShard",
    "TagResource",
    "UntagResource",
    "UpdateAccountSettings",
    "UpdateChannel",
    "UpdateDeadLetterQueueRecordsVisibility",
    "UpdateMaxRecordSize",
    "UpdateQueue",
    "UpdateQueueRecordsVisibility",
    "UpdateShardCount",
    "UpdateStreamMode",
    "UpdateStreamRecordDistributionStrategy",
    "UpdateStreamWarmThroughput",
];

#[tokio::test]
async fn malformed_bodies_are_serialization_errors_of_every_operation() {
    let mut server = Server::start().await;
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    for operation in OPERATIONS {
        for body in [b"{".as_slice(), b"", b"[]", b"\xff\xfe", b"{} {}", b"{\"StreamName\":\"\xff\"}", &deep] {
            let answer = server.send(operation, JSON, body).await;
            let (code, _) = answer.refusal(operation, 400);
            assert_eq!(code, "SerializationException", "{operation} {:?}", &body[..body.len().min(20)]);
        }
    }
    server.create("clicks", 1).await;
}

#[tokio::test]
async fn members_of_the_wrong_type_are_named() {
    let mut server = Server::start().await;
    for (operation, input, member) in [
        ("CreateStream", json!({"StreamName": 7}), "StreamName"),
        ("CreateStream", json!({"ShardCount": "2"}), "ShardCount"),
        ("CreateStream", json!({"StreamModeDetails": []}), "StreamModeDetails"),
        ("DescribeStream", json!({"Limit": true}), "Limit"),
        ("ListShards", json!({"ShardFilter": {"Type": {}}}), "ShardFilter.Type"),
        ("GetShardIterator", json!({"Timestamp": "yesterday"}), "Timestamp"),
        ("GetRecords", json!({"Limit": 1e300}), "Limit"),
        ("PutRecord", json!({"Data": {}}), "Data"),
        ("PutRecords", json!({"Records": {}}), "Records"),
        ("PutRecords", json!({"Records": [["aGk=", "key", null]]}), "Records[0]"),
        ("PutRecords", json!({"Records": [{}, {"Data": "=="}]}), "Records[1].Data"),
    ] {
        let (code, message) = server.refused(operation, input).await;
        assert_eq!(code, "SerializationException", "{message}");
        assert!(message.starts_with(&format!("{member}: ")), "{operation}: {message}");
    }
}

#[tokio::test]
async fn unknown_members_are_ignored() {
    let mut server = Server::start().await;
    server.call("CreateStream", json!({"StreamName": "clicks", "ShardCount": 1, "InventedLater": [1, {}]})).await;
    let records = json!([{"PartitionKey": "k", "Data": "aGk=", "Colour": "red"}]);
    let answer = server.call("PutRecords", json!({"StreamName": "clicks", "Records": records, "More": null})).await;
    assert_eq!(answer["FailedRecordCount"], 0);
}

#[tokio::test]
async fn a_body_of_a_million_empty_records_is_only_counted() {
    let mut server = Server::start().await;
    let body = format!(r#"{{"StreamName":"clicks","Records":[{}]}}"#, vec!["{}"; 1_000_000].join(","));
    let answer = server.send("PutRecords", JSON, body.as_bytes()).await;
    let (code, message) = answer.refusal("PutRecords", 400);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("[1000000 members]") && message.len() < 100_000, "{}", message.len());
}

#[tokio::test]
async fn an_oversize_body_is_refused_and_the_connection_goes_on() {
    let mut server = Server::start().await;
    let body = vec![b' '; 17 * 1024 * 1024];
    let (code, _) = server.send("PutRecords", JSON, &body).await.refusal("PutRecords", 413);
    assert_eq!(code, "RequestEntityTooLargeException");
    server.create("clicks", 1).await;
}

#[test]
fn no_body_breaks_the_server() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = std::cell::RefCell::new(runtime.block_on(Server::start()));
    runtime.block_on(server.borrow_mut().create("clicks", 2));
    let fragments = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("null"),
        Just("-1"),
        Just("1e9"),
        Just("\"StreamName\""),
        Just("\"clicks\""),
        Just("\"Records\""),
        Just("\"Data\""),
        Just("\"aGk=\""),
        Just("\"PartitionKey\""),
        Just("\"ShardIterator\""),
        Just("\"Limit\""),
        Just("\"\\ud800\""),
    ];
    let json = proptest::collection::vec(fragments, 0..30).prop_map(|fragments| fragments.concat().into_bytes());
    let cbor = proptest::collection::vec(any::<u8>(), 0..60);
    let body = prop_oneof![json.prop_map(|body| (JSON, body)), cbor.prop_map(|body| (CBOR, body))];
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(operation in proptest::sample::select(&OPERATIONS), (content_type, body) in body)| {
        let answer = runtime.block_on(server.borrow_mut().send(operation, content_type, &body));
        prop_assert!(answer.status == 200 || answer.status == 400, "{operation} answered {}", answer.status);
    });
}
