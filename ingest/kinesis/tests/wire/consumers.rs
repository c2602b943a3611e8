//! Registered consumers.

use serde_json::{Value, json};

use super::client::{Server, refusal};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";

async fn register(server: &mut Server, name: &str) -> Value {
    let input = json!({"StreamARN": ARN, "ConsumerName": name});
    server.call("RegisterStreamConsumer", input).await["Consumer"].clone()
}

#[tokio::test]
async fn a_consumer_is_registered_described_listed_and_deregistered() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let consumer = register(&mut server, "app").await;
    let expected = json!({
        "ConsumerName": "app",
        "ConsumerARN": format!("{ARN}/consumer/app:1700000000"),
        "ConsumerStatus": "ACTIVE",
        "ConsumerCreationTimestamp": 1_700_000_000.0,
    });
    assert_eq!(consumer, expected);
    let again = server.refused("RegisterStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "app"})).await;
    let message = "Consumer app under stream clicks under account 000000000000 already exists.";
    assert_eq!(again, refusal("ResourceInUseException", message));
    let listed = server.call("ListStreamConsumers", json!({"StreamARN": ARN})).await;
    assert_eq!(listed, json!({"Consumers": [expected]}));
    let summary = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["ConsumerCount"], 1);

    let refused = server.refused("DeleteStream", json!({"StreamName": "clicks"})).await;
    assert_eq!(refused.0, "ResourceInUseException");
    server.call("DeregisterStreamConsumer", json!({"ConsumerARN": consumer["ConsumerARN"]})).await;
    let message = "Consumer app under stream clicks under account 000000000000 not found.";
    let gone = refusal("ResourceNotFoundException", message);
    for operation in ["DeregisterStreamConsumer", "DescribeStreamConsumer"] {
        let input = json!({"StreamARN": ARN, "ConsumerName": "app"});
        assert_eq!(server.refused(operation, input).await, gone, "{operation}");
    }
    register(&mut server, "app").await;
    server.call("DeleteStream", json!({"StreamName": "clicks", "EnforceConsumerDeletion": true})).await;
}

#[tokio::test]
async fn a_consumer_is_named_by_its_arn_or_by_stream_and_name() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let first = register(&mut server, "app").await["ConsumerARN"].clone();
    register(&mut server, "other").await;
    for input in [
        json!({"ConsumerARN": first}),
        json!({"StreamARN": ARN, "ConsumerName": "app"}),
        json!({"ConsumerARN": first, "StreamARN": ARN, "ConsumerName": "app"}),
    ] {
        let answer = server.call("DescribeStreamConsumer", input).await;
        let description = &answer["ConsumerDescription"];
        assert_eq!((&description["ConsumerARN"], &description["StreamARN"]), (&first, &json!(ARN)));
    }
    for input in [json!({}), json!({"ConsumerName": "app"}), json!({"ConsumerARN": first, "ConsumerName": "other"})] {
        let (code, _) = server.refused("DescribeStreamConsumer", input.clone()).await;
        assert_eq!(code, "InvalidArgumentException", "{input}");
    }
    let (code, _) = server.refused("DescribeStreamConsumer", json!({"ConsumerARN": ARN})).await;
    assert_eq!(code, "ValidationException");

    // Another of the same name is not the one that the ARN names.
    server.call("DeregisterStreamConsumer", json!({"ConsumerARN": first})).await;
    server.clock.advance(1_000);
    register(&mut server, "app").await;
    for operation in ["DescribeStreamConsumer", "DeregisterStreamConsumer"] {
        let (code, _) = server.refused(operation, json!({"ConsumerARN": first})).await;
        assert_eq!(code, "ResourceNotFoundException", "{operation}");
    }
}

#[tokio::test]
async fn the_number_of_consumers_is_limited() {
    let mut server = Server::start_unlimited().await;
    let on_demand = json!({"StreamName": "clicks", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    server.call("CreateStream", on_demand).await;
    for number in 0..20 {
        register(&mut server, &format!("app-{number}")).await;
    }
    let one_more = json!({"StreamARN": ARN, "ConsumerName": "one-more"});
    let (code, message) = server.refused("RegisterStreamConsumer", one_more.clone()).await;
    assert_eq!(code, "LimitExceededException");
    assert!(message.starts_with("No more than 20 consumers"), "{message}");
    let committed = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    server.call("UpdateAccountSettings", committed).await;
    server.call("RegisterStreamConsumer", one_more).await;
}

#[tokio::test]
async fn consumers_are_listed_in_pages() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    for name in ["c", "a", "b"] {
        register(&mut server, name).await;
    }
    let names = |answer: &Value| {
        let consumers = answer["Consumers"].as_array().unwrap().iter();
        consumers.map(|consumer| consumer["ConsumerName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = server.call("ListStreamConsumers", json!({"StreamARN": ARN, "MaxResults": 2})).await;
    assert_eq!(names(&first), ["a", "b"]);
    let token = first["NextToken"].clone();
    let second = server.call("ListStreamConsumers", json!({"StreamARN": ARN, "NextToken": token})).await;
    assert_eq!((names(&second), second.get("NextToken")), (vec!["c".to_owned()], None));
    let invalid = json!({"StreamARN": ARN, "NextToken": "bm8="});
    assert_eq!(server.refused("ListStreamConsumers", invalid).await.0, "InvalidArgumentException");
    let other_time = json!({"StreamARN": ARN, "StreamCreationTimestamp": 1_600_000_000});
    assert_eq!(server.refused("ListStreamConsumers", other_time).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_consumer_has_tags_of_its_own() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let input = json!({"StreamARN": ARN, "ConsumerName": "app", "Tags": {"team": "web"}});
    let arn = server.call("RegisterStreamConsumer", input).await["Consumer"]["ConsumerARN"].clone();
    server.call("TagResource", json!({"ResourceARN": arn, "Tags": {"more": "x"}})).await;
    server.call("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["team"]})).await;
    let answer = server.call("ListTagsForResource", json!({"ResourceARN": arn})).await;
    assert_eq!(answer, json!({"Tags": [{"Key": "more", "Value": "x"}]}));
    assert_eq!(server.call("ListTagsForResource", json!({"ResourceARN": ARN})).await, json!({"Tags": []}));
    let unknown = json!({"ResourceARN": format!("{ARN}/consumer/app:1")});
    assert_eq!(server.refused("ListTagsForResource", unknown).await.0, "ResourceNotFoundException");
}
