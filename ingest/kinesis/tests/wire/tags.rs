//! Tags of streams, by name and by ARN.

use serde_json::{Value, json};

use super::client::{Server, refusal};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";

fn tag(key: &str, value: &str) -> Value {
    json!({"Key": key, "Value": value})
}

#[tokio::test]
async fn tags_are_added_replaced_listed_and_removed() {
    let mut server = Server::start().await;
    server.call("CreateStream", json!({"StreamName": "clicks", "ShardCount": 1, "Tags": {"team": "web"}})).await;
    let more = json!({"team": "data", "cost centre": "7 @ a/b=c+d-e.f_g:ü%", "empty": ""});
    server.call("AddTagsToStream", json!({"StreamName": "clicks", "Tags": more})).await;
    let answer = server.call("ListTagsForStream", json!({"StreamARN": ARN})).await;
    let expected = [tag("cost centre", "7 @ a/b=c+d-e.f_g:ü%"), tag("empty", ""), tag("team", "data")];
    assert_eq!(answer, json!({"Tags": expected, "HasMoreTags": false}));
    let keys = json!(["empty", "cost centre", "never there"]);
    server.call("RemoveTagsFromStream", json!({"StreamARN": ARN, "TagKeys": keys})).await;
    let answer = server.call("ListTagsForStream", json!({"StreamName": "clicks"})).await;
    assert_eq!(answer["Tags"], json!([tag("team", "data")]));
}

#[tokio::test]
async fn tags_are_listed_in_pages() {
    let mut server = Server::start().await;
    let tags: serde_json::Map<_, _> = (10..60).map(|number| (number.to_string(), json!("x"))).collect();
    server.call("CreateStream", json!({"StreamName": "clicks", "ShardCount": 1, "Tags": tags})).await;
    let all = server.call("ListTagsForStream", json!({"StreamName": "clicks"})).await;
    assert_eq!((all["Tags"].as_array().unwrap().len(), &all["HasMoreTags"]), (50, &json!(false)));
    let page = json!({"StreamName": "clicks", "ExclusiveStartTagKey": "11", "Limit": 2});
    let page = server.call("ListTagsForStream", page).await;
    assert_eq!(page, json!({"Tags": [tag("12", "x"), tag("13", "x")], "HasMoreTags": true}));
}

#[tokio::test]
async fn a_stream_is_tagged_by_its_arn_as_well() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    server.call("TagResource", json!({"ResourceARN": ARN, "Tags": {"a": "1", "b": "2"}})).await;
    server.call("UntagResource", json!({"ResourceARN": ARN, "TagKeys": ["a"]})).await;
    let answer = server.call("ListTagsForResource", json!({"ResourceARN": ARN})).await;
    assert_eq!(answer, json!({"Tags": [tag("b", "2")]}));

    let gone = "arn:aws:kinesis:us-east-1:000000000000:stream/gone";
    let message = "Stream gone under account 000000000000 not found.";
    for (operation, more) in [
        ("TagResource", json!({"Tags": {"a": "1"}})),
        ("UntagResource", json!({"TagKeys": ["a"]})),
        ("ListTagsForResource", json!({})),
    ] {
        let mut input = json!({"ResourceARN": gone});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(server.refused(operation, input.clone()).await, refusal("ResourceNotFoundException", message));
        input["ResourceARN"] = json!("clicks");
        let (code, message) = server.refused(operation, input).await;
        assert_eq!(code, "ValidationException");
        assert!(message.contains(r"pattern: arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+"), "{message}");
    }
}

#[tokio::test]
async fn tags_have_their_limits() {
    let mut server = Server::start_unlimited().await;
    server.create("clicks", 1).await;
    let tags: serde_json::Map<_, _> = (0..50).map(|number| (number.to_string(), json!("x"))).collect();
    server.call("AddTagsToStream", json!({"StreamName": "clicks", "Tags": tags})).await;
    server.call("AddTagsToStream", json!({"StreamName": "clicks", "Tags": {"49": "replaced"}})).await;
    let refused = server.refused("AddTagsToStream", json!({"StreamName": "clicks", "Tags": {"50": "x"}})).await;
    let message = "Failed to add tags to stream clicks under account 000000000000 because a given stream cannot have \
                   more than 50 tags associated with it.";
    assert_eq!(refused, refusal("InvalidArgumentException", message));

    for tags in [json!({"a?": "x"}), json!({"a": "x\u{7}"}), json!({"aws:reserved": "x"})] {
        let (code, _) = server.refused("AddTagsToStream", json!({"StreamName": "clicks", "Tags": tags})).await;
        assert_eq!(code, "InvalidArgumentException", "{tags}");
    }
    let input = json!({"StreamName": "clicks", "Tags": {"": "v".repeat(257)}});
    let (code, message) = server.refused("AddTagsToStream", input).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("2 validation errors detected: Value '' at 'tags.key'"), "{message}");
    for (operation, member) in [("AddTagsToStream", "tags"), ("RemoveTagsFromStream", "tagKeys")] {
        let message = format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        );
        let refused = server.refused(operation, json!({"StreamName": "clicks"})).await;
        assert_eq!(refused, refusal("ValidationException", message));
    }
    let keys: Vec<_> = (0..51).map(|number| number.to_string()).collect();
    let (_, message) = server.refused("RemoveTagsFromStream", json!({"StreamName": "clicks", "TagKeys": keys})).await;
    assert!(message.contains("'tagKeys' failed to satisfy constraint: Member must have length less than"), "{message}");
}
