//! SubscribeToShard over HTTP/1.1: events as they come, framed as AWS frames them.

use serde_json::{Value, json};

use super::client::{CBOR, JSON, Server, Subscription, base64, refusal};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";

fn id(number: u32) -> String {
    format!("shardId-{number:012}")
}

async fn put(server: &mut Server, data: &str) -> Value {
    let input = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64(data)});
    server.call("PutRecord", input).await["SequenceNumber"].clone()
}

/// Creates a stream of one shard with a consumer, whose ARN is returned.
async fn prepare(server: &mut Server) -> Value {
    server.create("clicks", 1).await;
    let input = json!({"StreamARN": ARN, "ConsumerName": "app"});
    server.call("RegisterStreamConsumer", input).await["Consumer"]["ConsumerARN"].clone()
}

fn from(consumer: &Value, position: Value) -> Value {
    json!({"ConsumerARN": consumer, "ShardId": id(0), "StartingPosition": position})
}

async fn subscribe(server: &Server, input: &Value) -> Subscription {
    let mut subscription = server.subscribe(JSON, input.to_string().as_bytes()).await;
    assert_eq!(subscription.next().await, ("initial-response".to_owned(), b"{}".to_vec()));
    subscription
}

/// The next event with records in it, after those that only show signs of life.
async fn next_records(subscription: &mut Subscription) -> (Vec<String>, Value) {
    loop {
        let (kind, payload) = subscription.next().await;
        assert_eq!(kind, "SubscribeToShardEvent", "{}", String::from_utf8_lossy(&payload));
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let records = event["Records"].as_array().unwrap();
        if !records.is_empty() || event.get("ContinuationSequenceNumber").is_none() {
            let decode =
                |record: &Value| base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap()).unwrap();
            let data = records.iter().map(|record| String::from_utf8(decode(record)).unwrap()).collect();
            return (data, event);
        }
    }
}

#[tokio::test]
async fn records_are_pushed_as_they_arrive() {
    let mut server = Server::start().await;
    let consumer = prepare(&mut server).await;
    put(&mut server, "before").await;
    let mut all = subscribe(&server, &from(&consumer, json!({"Type": "TRIM_HORIZON"}))).await;
    let (data, event) = next_records(&mut all).await;
    assert_eq!((data, &event["MillisBehindLatest"]), (vec!["before".to_owned()], &json!(0)));
    let sequence = put(&mut server, "after").await;
    let (data, event) = next_records(&mut all).await;
    assert_eq!(data, ["after"]);
    assert_eq!((&event["ContinuationSequenceNumber"], &event["Records"][0]["SequenceNumber"]), (&sequence, &sequence));
    assert_eq!(event["Records"][0]["PartitionKey"], "k");
    assert!(event["Records"][0]["ApproximateArrivalTimestamp"].is_number() && event.get("ChildShards").is_none());
}

#[tokio::test]
async fn a_subscription_goes_on_at_its_continuation_sequence_number() {
    let mut server = Server::start().await;
    let consumer = prepare(&mut server).await;
    put(&mut server, "one").await;
    let mut first = subscribe(&server, &from(&consumer, json!({"Type": "TRIM_HORIZON"}))).await;
    let (_, event) = next_records(&mut first).await;
    drop(first);
    put(&mut server, "two").await;
    server.clock.advance(5_000);
    let position = json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": event["ContinuationSequenceNumber"]});
    let mut second = subscribe(&server, &from(&consumer, position)).await;
    assert_eq!(next_records(&mut second).await.0, ["two"]);
}

#[tokio::test]
async fn a_later_call_takes_over() {
    let mut server = Server::start().await;
    let consumer = prepare(&mut server).await;
    let input = from(&consumer, json!({"Type": "LATEST"}));
    let mut first = subscribe(&server, &input).await;
    let (code, message) = server.refused("SubscribeToShard", input.clone()).await;
    assert_eq!(code, "ResourceInUseException");
    assert!(message.contains("consumer app and shard shardId-000000000000"), "{message}");

    server.clock.advance(5_000);
    let mut second = subscribe(&server, &input).await;
    let end = loop {
        let (kind, payload) = first.next().await;
        if kind != "SubscribeToShardEvent" {
            break (kind, serde_json::from_slice::<Value>(&payload).unwrap());
        }
    };
    assert_eq!((end.0.as_str(), &end.1["message"]), ("ResourceInUseException", &json!(message)));
    first.ended().await;
    put(&mut server, "new").await;
    assert_eq!(next_records(&mut second).await.0, ["new"]);
}

#[tokio::test]
async fn a_subscription_leads_to_the_children_of_a_split_shard() {
    let mut server = Server::start().await;
    let consumer = prepare(&mut server).await;
    let mut parent = subscribe(&server, &from(&consumer, json!({"Type": "LATEST"}))).await;
    put(&mut server, "last of the parent").await;
    assert_eq!(next_records(&mut parent).await.0, ["last of the parent"]);
    let half = "170141183460469231731687303715884105728";
    let split = json!({"StreamName": "clicks", "ShardToSplit": id(0), "NewStartingHashKey": half});
    server.call("SplitShard", split).await;
    let (data, event) = next_records(&mut parent).await;
    assert!(data.is_empty() && event.get("ContinuationSequenceNumber").is_none(), "{event}");
    let children = event["ChildShards"].as_array().unwrap();
    assert_eq!(children.iter().map(|child| child["ShardId"].clone()).collect::<Vec<_>>(), [id(1), id(2)]);
    parent.ended().await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_consumer_and_with_its_stream() {
    let mut server = Server::start().await;
    let consumer = prepare(&mut server).await;
    let input = from(&consumer, json!({"Type": "LATEST"}));
    let mut subscription = subscribe(&server, &input).await;
    server.call("DeleteStream", json!({"StreamName": "clicks", "EnforceConsumerDeletion": true})).await;
    let (code, payload) = loop {
        let event = subscription.next().await;
        if event.0 != "SubscribeToShardEvent" {
            break event;
        }
    };
    assert_eq!(code, "ResourceNotFoundException", "{}", String::from_utf8_lossy(&payload));
    subscription.ended().await;

    let consumer = prepare(&mut server).await;
    server.call("DeregisterStreamConsumer", json!({"ConsumerARN": consumer})).await;
    let refused = server.refused("SubscribeToShard", from(&consumer, json!({"Type": "LATEST"}))).await;
    let message = "Consumer app under stream clicks under account 000000000000 not found.";
    assert_eq!(refused, refusal("ResourceNotFoundException", message));
}

#[tokio::test]
async fn a_consumer_is_held_to_its_throughput_and_a_large_record_still_passes() {
    let mut server = Server::start_with(ingest_kinesis::Options { enforce: true, ..Default::default() }).await;
    let consumer = prepare(&mut server).await;
    server.call("UpdateMaxRecordSize", json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 10_240})).await;
    put(&mut server, &"x".repeat(5 << 20)).await;
    server.clock.advance(60_000);
    put(&mut server, "small").await;
    let mut subscription = subscribe(&server, &from(&consumer, json!({"Type": "TRIM_HORIZON"}))).await;
    let (data, event) = next_records(&mut subscription).await;
    assert_eq!((data[0].len(), &event["MillisBehindLatest"]), (5 << 20, &json!(0)));
    // Three mebibytes of debt.
    server.clock.advance(1_501);
    assert_eq!(next_records(&mut subscription).await.0, ["small"]);
}

#[tokio::test]
async fn events_are_cbor_for_those_who_ask_in_cbor() {
    let mut server = Server::start().await;
    let consumer = prepare(&mut server).await;
    put(&mut server, "\u{7}raw").await;
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.begin_map().unwrap();
    encoder.str("ConsumerARN").unwrap().str(consumer.as_str().unwrap()).unwrap();
    encoder.str("ShardId").unwrap().str(&id(0)).unwrap();
    encoder.str("StartingPosition").unwrap().map(1).unwrap().str("Type").unwrap().str("TRIM_HORIZON").unwrap();
    encoder.end().unwrap();
    let mut subscription = server.subscribe(CBOR, &encoder.into_writer()).await;
    assert_eq!(subscription.next().await.0, "initial-response");
    let (kind, payload) = subscription.next().await;
    assert_eq!(kind, "SubscribeToShardEvent");
    assert!(payload.windows(4).any(|window| window == b"\x07raw"), "the data is there as it is");
    assert!(serde_json::from_slice::<Value>(&payload).is_err());
}

#[tokio::test]
async fn impossible_subscriptions_are_refused() {
    let mut server = Server::start().await;
    let consumer = prepare(&mut server).await;
    let (code, message) = server.refused("SubscribeToShard", json!({"ConsumerARN": ARN})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("3 validation errors detected"), "{message}");
    let (code, message) = server.refused("SubscribeToShard", from(&consumer, json!({"Type": "SOME"}))).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("'startingPosition.type'"), "{message}");
    for position in [json!({"Type": "AT_SEQUENCE_NUMBER"}), json!({"Type": "LATEST", "SequenceNumber": "0"})] {
        let (code, _) = server.refused("SubscribeToShard", from(&consumer, position)).await;
        assert_eq!(code, "InvalidArgumentException");
    }
    let mut elsewhere = from(&consumer, json!({"Type": "LATEST"}));
    elsewhere["ShardId"] = json!(id(9));
    assert_eq!(server.refused("SubscribeToShard", elsewhere).await.0, "ResourceNotFoundException");
    // A refused call is no subscription.
    subscribe(&server, &from(&consumer, json!({"Type": "LATEST"}))).await;
}
