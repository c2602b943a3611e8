//! Listing streams and shards, in pages.

use serde_json::{Value, json};

use super::client::{Server, refusal};

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn shard_ids(answer: &Value) -> Vec<String> {
    answer["Shards"].as_array().unwrap().iter().map(|shard| shard["ShardId"].as_str().unwrap().to_owned()).collect()
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("shardId-{number:012}")).collect()
}

#[tokio::test]
async fn streams_are_listed_in_pages_by_name() {
    let mut server = Server::start().await;
    assert_eq!(
        server.call("ListStreams", json!({})).await,
        json!({"StreamNames": [], "HasMoreStreams": false, "StreamSummaries": []})
    );
    for name in ["c", "a", "b"] {
        server.create(name, 1).await;
    }
    let first = server.call("ListStreams", json!({"Limit": 2})).await;
    assert_eq!(texts(&first["StreamNames"]), ["a", "b"]);
    assert_eq!(first["HasMoreStreams"], true);
    assert_eq!(first["StreamSummaries"][1]["StreamARN"], "arn:aws:kinesis:us-east-1:000000000000:stream/b");
    let second = server.call("ListStreams", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!(texts(&second["StreamNames"]), ["c"]);
    assert_eq!((&second["HasMoreStreams"], second.get("NextToken")), (&json!(false), None));
    let after = server.call("ListStreams", json!({"ExclusiveStartStreamName": "b"})).await;
    assert_eq!(texts(&after["StreamNames"]), ["c"]);
}

#[tokio::test]
async fn no_page_of_streams_holds_more_than_a_hundred() {
    let mut server = Server::start_unlimited().await;
    for index in 0..101 {
        server.create(&format!("stream-{index:03}"), 1).await;
    }
    let first = server.call("ListStreams", json!({"Limit": 10_000})).await;
    assert_eq!(texts(&first["StreamNames"]).len(), 100);
    assert_eq!(first["HasMoreStreams"], true);
}

#[tokio::test]
async fn shards_are_listed_in_pages() {
    let mut server = Server::start().await;
    server.create("clicks", 5).await;
    let whole = server.call("ListShards", json!({"StreamName": "clicks"})).await;
    assert_eq!(shard_ids(&whole), ids(0..5));
    assert!(whole.get("NextToken").is_none());
    let first = server.call("ListShards", json!({"StreamName": "clicks", "MaxResults": 2})).await;
    assert_eq!(shard_ids(&first), ids(0..2));
    let second = server.call("ListShards", json!({"NextToken": first["NextToken"], "MaxResults": 2})).await;
    assert_eq!(shard_ids(&second), ids(2..4));
    let third = server.call("ListShards", json!({"NextToken": second["NextToken"]})).await;
    assert_eq!(shard_ids(&third), ids(4..5));
    assert!(third.get("NextToken").is_none());
    let after = json!({"StreamName": "clicks", "ExclusiveStartShardId": "shardId-000000000002"});
    assert_eq!(shard_ids(&server.call("ListShards", after).await), ids(3..5));
}

#[tokio::test]
async fn a_description_holds_at_most_a_hundred_shards() {
    let mut server = Server::start().await;
    server.create("wide", 150).await;
    let first = server.call("DescribeStream", json!({"StreamName": "wide"})).await;
    assert_eq!(shard_ids(&first["StreamDescription"]), ids(0..100));
    assert_eq!(first["StreamDescription"]["HasMoreShards"], true);
    let after = json!({"StreamName": "wide", "ExclusiveStartShardId": "shardId-000000000099", "Limit": 50});
    let second = server.call("DescribeStream", after).await;
    assert_eq!(shard_ids(&second["StreamDescription"]), ids(100..150));
    assert_eq!(second["StreamDescription"]["HasMoreShards"], false);
}

#[tokio::test]
async fn each_shard_filter_is_understood() {
    let mut server = Server::start().await;
    server.create("clicks", 3).await;
    let filtered = |filter: Value| json!({"StreamName": "clicks", "ShardFilter": filter});
    for kind in ["AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST"] {
        let answer = server.call("ListShards", filtered(json!({"Type": kind}))).await;
        assert_eq!(shard_ids(&answer), ids(0..3), "{kind}");
    }
    for kind in ["AT_TIMESTAMP", "FROM_TIMESTAMP"] {
        let filter = json!({"Type": kind, "Timestamp": 1_700_000_000.5});
        assert_eq!(shard_ids(&server.call("ListShards", filtered(filter)).await), ids(0..3), "{kind}");
        let (code, message) = server.refused("ListShards", filtered(json!({"Type": kind}))).await;
        assert_eq!(code, "InvalidArgumentException");
        assert!(message.contains("Timestamp must be provided"), "{message}");
    }
    let after = json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000000"});
    assert_eq!(shard_ids(&server.call("ListShards", filtered(after.clone())).await), ids(1..3));
    let misfit = json!({"Type": "AT_LATEST", "ShardId": "shardId-000000000000"});
    assert_eq!(server.refused("ListShards", filtered(misfit)).await.0, "InvalidArgumentException");
    let (code, message) = server.refused("ListShards", filtered(json!({"Type": "SOME"}))).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("'shardFilter.type'"), "{message}");
    // A filter holds for the pages behind the first as well.
    let input = json!({"StreamName": "clicks", "ShardFilter": after, "MaxResults": 1});
    let first = server.call("ListShards", input).await;
    let second = server.call("ListShards", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!((shard_ids(&first), shard_ids(&second)), (ids(1..2), ids(2..3)));
}

#[tokio::test]
async fn the_creation_time_tells_streams_of_one_name_apart() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let listed = |created: f64| json!({"StreamName": "clicks", "StreamCreationTimestamp": created});
    server.call("ListShards", listed(1_700_000_000.0)).await;
    let (code, _) = server.refused("ListShards", listed(1_600_000_000.0)).await;
    assert_eq!(code, "ResourceNotFoundException");
}

#[tokio::test]
async fn tokens_expire_and_cannot_be_made_up() {
    let mut server = Server::start().await;
    server.create("a", 2).await;
    server.create("b", 1).await;
    let shard_page = server.call("ListShards", json!({"StreamName": "a", "MaxResults": 1})).await["NextToken"].clone();
    let stream_page = server.call("ListStreams", json!({"Limit": 1})).await["NextToken"].clone();

    let invalid = refusal("InvalidArgumentException", "Invalid NextToken.");
    assert_eq!(server.refused("ListShards", json!({"NextToken": stream_page})).await, invalid);
    assert_eq!(server.refused("ListStreams", json!({"NextToken": shard_page})).await, invalid);
    assert_eq!(server.refused("ListShards", json!({"NextToken": "bm8="})).await, invalid);
    let both = server.refused("ListShards", json!({"NextToken": shard_page, "StreamName": "a"})).await;
    let message = "NextToken and StreamName cannot be provided together.";
    assert_eq!(both, refusal("InvalidArgumentException", message));

    server.clock.advance(300_000);
    server.call("ListShards", json!({"NextToken": shard_page})).await;
    server.clock.advance(1);
    for (operation, token) in [("ListShards", shard_page), ("ListStreams", stream_page)] {
        let (code, message) = server.refused(operation, json!({"NextToken": token})).await;
        assert_eq!(code, "ExpiredNextTokenException");
        assert!(message.contains("Tue Nov 14 22:13:20 UTC 2023"), "{message}");
    }
}
