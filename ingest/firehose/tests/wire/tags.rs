//! Tags of delivery streams.

use serde_json::{Value, json};

use super::client::{ROLE, Server, destination};

fn tags(count: usize) -> Value {
    (0..count).map(|number| json!({"Key": format!("key-{number:02}"), "Value": "v"})).collect()
}

async fn listed(server: &mut Server, more: Value) -> Value {
    let mut input = json!({"DeliveryStreamName": "clicks"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.call("ListTagsForDeliveryStream", input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_given_at_creation_replaced_removed_and_listed_by_key() {
    let mut server = Server::start().await;
    let input = json!({"DeliveryStreamName": "clicks", "ExtendedS3DestinationConfiguration": destination(json!({})),
        "Tags": [{"Key": "team", "Value": "web"}, {"Key": "bare"}]});
    server.call("CreateDeliveryStream", input).await;
    let more = json!([{"Key": "team", "Value": "data"}, {"Key": "cost", "Value": ""}]);
    server.call("TagDeliveryStream", json!({"DeliveryStreamName": "clicks", "Tags": more})).await;
    let all = json!([{"Key": "bare", "Value": ""}, {"Key": "cost", "Value": ""}, {"Key": "team", "Value": "data"}]);
    assert_eq!(listed(&mut server, json!({})).await, json!({"Tags": all, "HasMoreTags": false}));
    let page = listed(&mut server, json!({"Limit": 1, "ExclusiveStartTagKey": "bare"})).await;
    assert_eq!(page, json!({"Tags": [{"Key": "cost", "Value": ""}], "HasMoreTags": true}));
    let untag = json!({"DeliveryStreamName": "clicks", "TagKeys": ["bare", "none", "team"]});
    server.call("UntagDeliveryStream", untag).await;
    let left = listed(&mut server, json!({})).await;
    assert_eq!(left, json!({"Tags": [{"Key": "cost", "Value": ""}], "HasMoreTags": false}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_stream_has_fifty_tags_and_no_more() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    server.call("TagDeliveryStream", json!({"DeliveryStreamName": "clicks", "Tags": tags(50)})).await;
    server.call("TagDeliveryStream", json!({"DeliveryStreamName": "clicks", "Tags": tags(50)})).await;
    let one_more = json!({"DeliveryStreamName": "clicks", "Tags": [{"Key": "one more"}]});
    let refusal = server.refused("TagDeliveryStream", one_more).await;
    assert_eq!(refusal, "LimitExceededException: Firehose clicks under account 000000000000 may have 50 tags at most.");
    let page = listed(&mut server, json!({})).await;
    assert_eq!((page["Tags"].as_array().unwrap().len(), &page["HasMoreTags"]), (50, &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tags_are_refused_by_their_place() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let tag = |tags: Value| json!({"DeliveryStreamName": "clicks", "Tags": tags});
    let cases = [
        (tag(json!([])), "'tags' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        (tag(tags(51)), "'tags' failed to satisfy constraint: Member must have length less than or equal to 50"),
        (tag(json!([{"Value": "v"}])), "Value null at 'tags.1.member.key' failed to satisfy constraint"),
        (
            tag(json!([{"Key": "a"}, {"Key": "aws:b"}])),
            "Value 'aws:b' at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression \
             pattern: ^(?!aws:)[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$",
        ),
        (tag(json!([{"Key": "a", "Value": "*"}])), "Value '*' at 'tags.1.member.value' failed to satisfy constraint"),
        (tag(json!([{"Key": "a"}, {"Key": "a"}])), "InvalidArgumentException: The tag key a is there twice."),
        (json!({"DeliveryStreamName": "clicks"}), "Value null at 'tags' failed to satisfy constraint"),
        (json!({"DeliveryStreamName": "none", "Tags": tags(1)}), "ResourceNotFoundException: Firehose none"),
    ];
    for (input, expected) in cases {
        let refusal = server.refused("TagDeliveryStream", input).await;
        assert!(refusal.contains(expected), "{refusal}");
    }
    for (keys, expected) in [
        (json!([]), "'tagKeys' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        (json!(["a", ""]), "Value '' at 'tagKeys.2.member' failed to satisfy constraint"),
    ] {
        let refusal =
            server.refused("UntagDeliveryStream", json!({"DeliveryStreamName": "clicks", "TagKeys": keys})).await;
        assert!(refusal.contains(expected), "{refusal}");
    }
    for (more, expected) in
        [(json!({"Limit": 51}), "'limit'"), (json!({"ExclusiveStartTagKey": ""}), "'exclusiveStartTagKey'")]
    {
        let mut input = json!({"DeliveryStreamName": "clicks"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refusal = server.refused("ListTagsForDeliveryStream", input).await;
        assert!(refusal.starts_with("ValidationException: ") && refusal.contains(expected), "{refusal}");
    }
    let input = json!({"DeliveryStreamName": "x", "Tags": [{"Key": "aws:x"}],
        "ExtendedS3DestinationConfiguration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}});
    let refusal = server.refused("CreateDeliveryStream", input).await;
    assert!(refusal.contains("Value 'aws:x' at 'tags.1.member.key'"), "{refusal}");
}
