//! Bodies that are not what the operation takes. The connection goes on after each of them.

use proptest::prelude::*;
use serde_json::json;

use super::client::{CBOR, JSON, Server, destination};

const OPERATIONS: [&str; 12] = [
    "CreateDeliveryStream",
    "DeleteDeliveryStream",
    "DescribeDeliveryStream",
    "ListDeliveryStreams",
    "ListTagsForDeliveryStream",
    "PutRecord",
    "PutRecordBatch",
    "StartDeliveryStreamEncryption",
    "StopDeliveryStreamEncryption",
    "TagDeliveryStream",
    "UntagDeliveryStream",
    "UpdateDestination",
];

#[tokio::test(flavor = "multi_thread")]
async fn malformed_bodies_are_serialization_errors_of_every_operation() {
    let mut server = Server::start().await;
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    for operation in OPERATIONS {
        for body in [b"{".as_slice(), b"", b"[]", b"\xff\xfe", b"{} {}", b"{\"DeliveryStreamName\":\"\xff\"}", &deep] {
            let answer = server.send(operation, JSON, body).await;
            let text = String::from_utf8_lossy(&answer.body);
            assert!(
                answer.status == 400 && text.contains("SerializationException"),
                "{operation} {:?}: {text}",
                &body[..body.len().min(20)]
            );
        }
    }
    server.create("clicks", destination(json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_upon_a_delivery_stream_says_when_there_is_none() {
    let mut server = Server::start().await;
    let update = json!({"CurrentDeliveryStreamVersionId": "1", "DestinationId": "destinationId-000000000001",
        "ExtendedS3DestinationUpdate": {"Prefix": "a/"}});
    let members = [
        ("DeleteDeliveryStream", json!({})),
        ("DescribeDeliveryStream", json!({})),
        ("ListTagsForDeliveryStream", json!({})),
        ("PutRecord", json!({"Record": {"Data": ""}})),
        ("PutRecordBatch", json!({"Records": [{"Data": ""}]})),
        ("StartDeliveryStreamEncryption", json!({})),
        ("StopDeliveryStreamEncryption", json!({})),
        ("TagDeliveryStream", json!({"Tags": [{"Key": "a"}]})),
        ("UntagDeliveryStream", json!({"TagKeys": ["a"]})),
        ("UpdateDestination", update),
    ];
    for (operation, mut input) in members {
        let nameless = server.refused(operation, input.clone()).await;
        let expected = "ValidationException: 1 validation error detected: Value null at 'deliveryStreamName' failed to \
            satisfy constraint: Member must not be null";
        assert_eq!(nameless, expected, "{operation}");
        input["DeliveryStreamName"] = json!("none");
        let refusal = server.refused(operation, input).await;
        let expected = "ResourceNotFoundException: Firehose none under account 000000000000 not found.";
        assert_eq!(refusal, expected, "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_wrong_type_are_named() {
    let mut server = Server::start().await;
    for (operation, input, member) in [
        ("CreateDeliveryStream", json!({"DeliveryStreamName": 7}), "DeliveryStreamName"),
        ("CreateDeliveryStream", json!({"Tags": {}}), "Tags"),
        (
            "CreateDeliveryStream",
            json!({"ExtendedS3DestinationConfiguration": {"BufferingHints": {"SizeInMBs": "5"}}}),
            "ExtendedS3DestinationConfiguration.BufferingHints.SizeInMBs",
        ),
        (
            "CreateDeliveryStream",
            json!({"SplunkDestinationConfiguration": {"ProcessingConfiguration": {"Processors": [{}, {"Type": 1}]}}}),
            "SplunkDestinationConfiguration.ProcessingConfiguration.Processors[1].Type",
        ),
        ("ListDeliveryStreams", json!({"Limit": true}), "Limit"),
        ("PutRecordBatch", json!({"Records": {}}), "Records"),
        ("UntagDeliveryStream", json!({"TagKeys": [1]}), "TagKeys[0]"),
    ] {
        let refusal = server.refused(operation, input).await;
        assert!(refusal.starts_with(&format!("SerializationException: {member}: ")), "{operation}: {refusal}");
    }
}

#[test]
fn no_body_breaks_the_server() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = std::cell::RefCell::new(runtime.block_on(Server::start()));
    runtime.block_on(server.borrow_mut().create("clicks", destination(json!({}))));
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
        Just("\"DeliveryStreamName\""),
        Just("\"clicks\""),
        Just("\"Records\""),
        Just("\"Data\""),
        Just("\"aGk=\""),
        Just("\"ExtendedS3DestinationConfiguration\""),
        Just("\"BufferingHints\""),
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
