//! How often operations may be called. Time stands still unless a test moves it.

use std::collections::BTreeMap;

use ingest_kinesis::Options;
use serde_json::{Value, json};
use shard_store::stream::config::StreamOptions;

use super::client::{JSON, Server, refusal};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const SHARD: &str = "shardId-000000000000";

/// The operations with a rate: calls a second, and an input that names the stream `clicks`.
fn limited() -> Vec<(&'static str, usize, Value)> {
    let named = || json!({"StreamName": "clicks"});
    let with = |more: Value| {
        let mut input = named();
        more.as_object().unwrap().iter().for_each(|(name, value)| input[name] = value.clone());
        input
    };
    let consumer = || json!({"StreamARN": ARN, "ConsumerName": "app"});
    vec![
        ("AddTagsToStream", 5, with(json!({"Tags": {"a": "b"}}))),
        ("CreateStream", 5, with(json!({"ShardCount": 1}))),
        ("DecreaseStreamRetentionPeriod", 5, with(json!({"RetentionPeriodHours": 24}))),
        ("DeleteResourcePolicy", 5, json!({"ResourceARN": ARN})),
        ("DeregisterStreamConsumer", 5, consumer()),
        ("DescribeAccountSettings", 5, json!({})),
        ("DescribeLimits", 1, json!({})),
        ("DescribeStream", 10, named()),
        ("DescribeStreamConsumer", 20, consumer()),
        ("DescribeStreamSummary", 20, named()),
        ("DisableEnhancedMonitoring", 5, with(json!({"ShardLevelMetrics": ["ALL"]}))),
        ("EnableEnhancedMonitoring", 5, with(json!({"ShardLevelMetrics": ["ALL"]}))),
        ("GetResourcePolicy", 5, json!({"ResourceARN": ARN})),
        ("GetShardIterator", 5, with(json!({"ShardId": SHARD, "ShardIteratorType": "LATEST"}))),
        ("IncreaseStreamRetentionPeriod", 5, with(json!({"RetentionPeriodHours": 24}))),
        ("ListShards", 1_000, named()),
        ("ListStreamConsumers", 5, json!({"StreamARN": ARN})),
        ("ListStreams", 5, json!({})),
        ("ListTagsForStream", 5, named()),
        ("MergeShards", 5, with(json!({"ShardToMerge": SHARD, "AdjacentShardToMerge": SHARD}))),
        ("PutResourcePolicy", 5, json!({"ResourceARN": ARN, "Policy": "{}"})),
        ("RegisterStreamConsumer", 5, json!({"StreamARN": ARN, "ConsumerName": "app"})),
        ("RemoveTagsFromStream", 5, with(json!({"TagKeys": ["a"]}))),
        ("SplitShard", 5, with(json!({"ShardToSplit": SHARD, "NewStartingHashKey": "1"}))),
        ("UpdateAccountSettings", 5, json!({"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}})),
        ("UpdateShardCount", 10, with(json!({"TargetShardCount": 9, "ScalingType": "UNIFORM_SCALING"}))),
        ("UpdateStreamWarmThroughput", 5, with(json!({"WarmThroughputMiBps": 1}))),
        ("DeleteStream", 5, named()),
    ]
}

/// Whether a call was refused for being one too many. What else becomes of it does not matter.
async fn is_exceeded(server: &mut Server, operation: &str, input: &Value) -> bool {
    let answer = server.send(operation, JSON, input.to_string().as_bytes()).await;
    String::from_utf8_lossy(&answer.body).contains("Rate exceeded for ")
}

#[tokio::test]
async fn each_operation_may_be_called_as_often_as_aws_lets_it() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    server.clock.advance(1_000);
    for (operation, per_second, input) in limited() {
        for number in 0..per_second {
            assert!(!is_exceeded(&mut server, operation, &input).await, "{operation} {number}");
        }
        assert!(is_exceeded(&mut server, operation, &input).await, "{operation}");
        server.clock.advance(1_000_u64.div_ceil(per_second as u64));
        assert!(!is_exceeded(&mut server, operation, &input).await, "{operation} a moment later");
    }
}

#[tokio::test]
async fn one_call_too_many_is_told_in_the_words_of_aws() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    for (operation, input, code, message) in [
        (
            "DescribeStream",
            json!({"StreamName": "clicks"}),
            "LimitExceededException",
            "Rate exceeded for stream clicks under account 000000000000.",
        ),
        ("ListStreams", json!({}), "LimitExceededException", "Rate exceeded for account 000000000000."),
        (
            "GetShardIterator",
            json!({"StreamName": "clicks", "ShardId": SHARD, "ShardIteratorType": "LATEST"}),
            "ProvisionedThroughputExceededException",
            "Rate exceeded for shard shardId-000000000000 in stream clicks under account 000000000000.",
        ),
    ] {
        while !is_exceeded(&mut server, operation, &input).await {}
        assert_eq!(server.refused(operation, input).await, refusal(code, message));
    }
}

#[tokio::test]
async fn rates_of_a_stream_are_not_those_of_another_and_those_of_an_account_are() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    server.create("views", 1).await;
    let raise = |name: &str| json!({"StreamName": name, "RetentionPeriodHours": 24});
    while !is_exceeded(&mut server, "IncreaseStreamRetentionPeriod", &raise("clicks")).await {}
    assert!(!is_exceeded(&mut server, "IncreaseStreamRetentionPeriod", &raise("views")).await);
    let tags = |name: &str| json!({"StreamName": name});
    while !is_exceeded(&mut server, "ListTagsForStream", &tags("clicks")).await {}
    for name in ["views", "gone"] {
        assert!(is_exceeded(&mut server, "ListTagsForStream", &tags(name)).await);
    }
    let begin = |shard: u32| json!({"StreamName": "clicks", "ShardId": format!("shardId-{shard:012}"), "ShardIteratorType": "LATEST"});
    while !is_exceeded(&mut server, "GetShardIterator", &begin(0)).await {}
    assert!(!is_exceeded(&mut server, "GetShardIterator", &begin(1)).await);
}

#[tokio::test]
async fn rates_are_lifted_with_the_throughput_limits() {
    let mut server = Server::start_with(Options { enforce: false, ..Options::default() }).await;
    server.create("clicks", 1).await;
    for (operation, per_second, input) in limited() {
        for _ in 0..per_second.min(20) * 2 {
            assert!(!is_exceeded(&mut server, operation, &input).await, "{operation}");
        }
    }
    let lifted = BTreeMap::from([("bench".to_owned(), StreamOptions { enforce: Some(false) })]);
    let mut server = Server::start_with(Options { streams: lifted, ..Options::default() }).await;
    server.create("bench", 1).await;
    for _ in 0..30 {
        server.call("DescribeStream", json!({"StreamName": "bench"})).await;
    }
}
