//! On-demand streams: their shards follow their load.

use std::collections::{BTreeMap, BTreeSet};

use ingest_kinesis::Options;
use serde_json::{Value, json};

use super::client::{JSON, Server, base64, refusal};

/// Puts so many records a second for some seconds. Returns how many were refused.
pub(crate) async fn press(server: &mut Server, records_per_second: usize, seconds: usize) -> u64 {
    let mut refused = 0;
    for _ in 0..seconds {
        server.clock.advance(1_000);
        for from in (0..records_per_second).step_by(500) {
            let numbers = from..(from + 500).min(records_per_second);
            let entry = |number: usize| json!({"PartitionKey": format!("key {number}"), "Data": base64("x")});
            let records: Vec<_> = numbers.map(entry).collect();
            let answer = server.call("PutRecords", json!({"StreamName": "clicks", "Records": records})).await;
            for failed in
                answer["Records"].as_array().unwrap().iter().filter(|record| record.get("ErrorCode").is_some())
            {
                assert_eq!(failed["ErrorCode"], "ProvisionedThroughputExceededException");
            }
            refused += answer["FailedRecordCount"].as_u64().unwrap();
        }
    }
    refused
}

async fn shards(server: &mut Server, filter: &str) -> Vec<Value> {
    let input = json!({"StreamName": "clicks", "ShardFilter": {"Type": filter}});
    server.call("ListShards", input).await["Shards"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_on_demand_stream_grows_until_nothing_is_refused() {
    let mut server = Server::start().await;
    let mode = json!({"StreamMode": "ON_DEMAND"});
    server.call("CreateStream", json!({"StreamName": "clicks", "StreamModeDetails": mode})).await;
    assert!(press(&mut server, 6_000, 4).await > 4_000);
    for _ in 0..3 {
        server.streams.follow_load();
        press(&mut server, 6_000, 2).await;
    }
    assert_eq!(press(&mut server, 6_000, 2).await, 0);

    let open = shards(&mut server, "AT_LATEST").await;
    assert!(open.len() >= 12, "{}", open.len());
    let summary = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], open.len());
    assert_eq!(summary["StreamDescriptionSummary"]["StreamStatus"], "ACTIVE");
    // Readers that know the parents find the children.
    let all = shards(&mut server, "FROM_TRIM_HORIZON").await;
    let ids: BTreeSet<_> = all.iter().map(|shard| shard["ShardId"].as_str().unwrap()).collect();
    let parents: Vec<_> = open.iter().filter_map(|shard| shard.get("ParentShardId")).collect();
    assert!(!parents.is_empty() && parents.iter().all(|parent| ids.contains(parent.as_str().unwrap())));
}

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";

async fn commit(server: &mut Server, status: &str) -> (u16, Value) {
    let input = json!({"MinimumThroughputBillingCommitment": {"Status": status}});
    let answer = server.send("UpdateAccountSettings", JSON, input.to_string().as_bytes()).await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

async fn summary(server: &mut Server) -> Value {
    let answer = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    answer["StreamDescriptionSummary"].clone()
}

fn warm(target: u32, current: u32) -> Value {
    json!({"TargetMiBps": target, "CurrentMiBps": current})
}

#[tokio::test]
async fn warm_throughput_is_there_at_once_and_kept() {
    let mut server = Server::start().await;
    let mode = json!({"StreamMode": "ON_DEMAND"});
    server.call("CreateStream", json!({"StreamName": "clicks", "StreamModeDetails": mode})).await;
    assert!(summary(&mut server).await.get("WarmThroughput").is_none());
    assert_eq!(commit(&mut server, "ENABLED").await.0, 200);
    assert_eq!(summary(&mut server).await["WarmThroughput"], warm(0, 4));

    let answer =
        server.call("UpdateStreamWarmThroughput", json!({"StreamName": "clicks", "WarmThroughputMiBps": 10})).await;
    assert_eq!(answer, json!({"StreamARN": ARN, "StreamName": "clicks", "WarmThroughput": warm(10, 10)}));
    assert_eq!(press(&mut server, 7_000, 2).await, 0);
    // Quiet for long, and kept.
    for _ in 0..40 * 24 {
        server.clock.advance(3_600_000);
        server.streams.follow_load();
    }
    assert_eq!(summary(&mut server).await["WarmThroughput"], warm(10, 10));
    let (status, refused) = commit(&mut server, "DISABLED").await;
    assert_eq!((status, &refused["__type"]), (400, &json!("InvalidArgumentException")));

    // Asked for no longer, it is released at once.
    let answer = server.call("UpdateStreamWarmThroughput", json!({"StreamARN": ARN, "WarmThroughputMiBps": 0})).await;
    assert_eq!(answer["WarmThroughput"], warm(0, 4));
    assert_eq!(commit(&mut server, "DISABLED").await.0, 200);
}

#[tokio::test]
async fn warm_throughput_has_its_limits() {
    let mut server = Server::start_with(Options { shards_max: 20, enforce: false, ..Options::default() }).await;
    server.create("clicks", 2).await;
    let asked = |mibps: i64| json!({"StreamName": "clicks", "WarmThroughputMiBps": mibps});
    let (code, message) = server.refused("UpdateStreamWarmThroughput", asked(5)).await;
    assert_eq!(code, "InvalidArgumentException");
    assert!(message.contains("no minimum throughput commitment"), "{message}");
    commit(&mut server, "ENABLED").await;
    let message = "This API is only supported for data streams with the on-demand capacity mode.";
    let refused = server.refused("UpdateStreamWarmThroughput", asked(5)).await;
    assert_eq!(refused, refusal("ValidationException", message));
    server.call("UpdateStreamMode", json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}})).await;
    for (mibps, limit) in [(10_241, "Limit: 10240 MiB/s"), (i64::MAX, "Limit: 10240 MiB/s"), (21, "Limit: 20")] {
        let (code, message) = server.refused("UpdateStreamWarmThroughput", asked(mibps)).await;
        assert_eq!(code, "LimitExceededException");
        assert!(message.contains(limit), "{message}");
    }
    let (code, message) = server.refused("UpdateStreamWarmThroughput", json!({"WarmThroughputMiBps": -1})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("greater than or equal to 0"), "{message}");
    let (code, message) = server.refused("UpdateStreamWarmThroughput", json!({"StreamName": "clicks"})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("Value null at 'warmThroughputMiBps'"), "{message}");
    let gone = json!({"StreamName": "gone", "WarmThroughputMiBps": 1});
    assert_eq!(server.refused("UpdateStreamWarmThroughput", gone).await.0, "ResourceNotFoundException");
    assert_eq!(summary(&mut server).await["OpenShardCount"], 2);
}

#[tokio::test]
async fn a_stream_is_created_and_changed_warm() {
    let mut server = Server::start().await;
    let create = |mode: &str| json!({"StreamName": "clicks", "StreamModeDetails": {"StreamMode": mode}, "WarmThroughputMiBps": 6});
    assert_eq!(server.refused("CreateStream", create("ON_DEMAND")).await.0, "InvalidArgumentException");
    commit(&mut server, "ENABLED").await;
    let mut provisioned = create("PROVISIONED");
    provisioned["ShardCount"] = json!(1);
    assert_eq!(server.refused("CreateStream", provisioned).await.0, "InvalidArgumentException");
    server.call("CreateStream", create("ON_DEMAND")).await;
    assert_eq!(summary(&mut server).await["WarmThroughput"], warm(6, 6));

    let mode = |mode: &str| json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": mode}});
    server.call("UpdateStreamMode", mode("PROVISIONED")).await;
    let shown = summary(&mut server).await;
    assert_eq!((&shown["OpenShardCount"], shown.get("WarmThroughput")), (&json!(6), None));
    let warm_mode = |mibps: u32, to: &str| {
        let mut input = mode(to);
        input["WarmThroughputMiBps"] = json!(mibps);
        input
    };
    assert_eq!(server.refused("UpdateStreamMode", warm_mode(9, "PROVISIONED")).await.0, "InvalidArgumentException");
    server.call("UpdateStreamMode", warm_mode(9, "ON_DEMAND")).await;
    assert_eq!(summary(&mut server).await["WarmThroughput"], warm(9, 9));
}

/// Puts so many records without a partition key in one request. Returns how many each shard took.
async fn put_without_keys(server: &mut Server, count: usize) -> BTreeMap<String, usize> {
    let records = vec![json!({"Data": base64("x")}); count];
    let answer = server.call("PutRecords", json!({"StreamName": "clicks", "Records": records})).await;
    assert_eq!(answer["FailedRecordCount"], 0);
    let mut taken = BTreeMap::new();
    for record in answer["Records"].as_array().unwrap() {
        *taken.entry(record["ShardId"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    taken
}

#[tokio::test]
async fn records_without_keys_are_spread_over_all_shards() {
    let mut server = Server::start().await;
    let input = json!({
        "StreamName": "clicks",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
        "RecordDistributionStrategy": "AUTO",
    });
    server.call("CreateStream", input).await;
    assert_eq!(summary(&mut server).await["RecordDistributionStrategy"], "AUTO");
    let even: BTreeMap<_, _> = (0..4).map(|shard| (format!("shardId-{shard:012}"), 125)).collect();
    assert_eq!(put_without_keys(&mut server, 500).await, even);
    // All of the 4,000 records that four shards take in a second, although each key alone would go to one of them.
    for _ in 0..7 {
        assert_eq!(put_without_keys(&mut server, 500).await.values().sum::<usize>(), 500);
    }
    let one = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64("x")});
    assert_eq!(server.refused("PutRecord", one.clone()).await.0, "ProvisionedThroughputExceededException");

    server.clock.advance(1_000);
    let mut shards = BTreeSet::new();
    for _ in 0..4 {
        shards.insert(server.call("PutRecord", one.clone()).await["ShardId"].as_str().unwrap().to_owned());
    }
    assert_eq!(shards.len(), 4);
    let mut ignored = one.clone();
    ignored["ExplicitHashKey"] = json!("9".repeat(39));
    server.call("PutRecord", ignored.clone()).await;
    ignored["SequenceNumberForOrdering"] = json!("0");
    assert_eq!(server.refused("PutRecord", ignored).await.0, "InvalidArgumentException");

    // What was put with a key is read with it, and what was put without is read without.
    let input = json!({"StreamName": "clicks", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = server.call("GetShardIterator", input).await["ShardIterator"].clone();
    let read = server.call("GetRecords", json!({"ShardIterator": iterator})).await;
    let keys: Vec<_> = read["Records"].as_array().unwrap().iter().map(|record| record.get("PartitionKey")).collect();
    assert_eq!((keys.first(), keys.last()), (Some(&None), Some(&Some(&json!("k")))));
}

#[tokio::test]
async fn only_an_on_demand_stream_spreads_records() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    let update = |strategy: &str| json!({"StreamARN": ARN, "RecordDistributionStrategy": strategy});
    let operation = "UpdateStreamRecordDistributionStrategy";
    let (code, message) = server.refused(operation, update("AUTO")).await;
    assert_eq!(code, "InvalidArgumentException");
    assert!(message.contains("PROVISIONED"), "{message}");
    assert!(summary(&mut server).await.get("RecordDistributionStrategy").is_none());
    let created = json!({"StreamName": "other", "ShardCount": 1, "RecordDistributionStrategy": "AUTO"});
    assert_eq!(server.refused("CreateStream", created).await.0, "InvalidArgumentException");

    server.call("UpdateStreamMode", json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}})).await;
    assert_eq!(summary(&mut server).await["RecordDistributionStrategy"], "USER_PARTITION_KEY");
    let keyless = json!({"StreamName": "clicks", "Data": base64("x")});
    let message = "1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not \
                   be null";
    assert_eq!(server.refused("PutRecord", keyless.clone()).await, refusal("ValidationException", message));
    server.call(operation, update("AUTO")).await;
    server.call("PutRecord", keyless.clone()).await;
    server.call(operation, update("USER_PARTITION_KEY")).await;
    assert_eq!(server.refused("PutRecord", keyless.clone()).await, refusal("ValidationException", message));

    server.call(operation, update("AUTO")).await;
    server
        .call("UpdateStreamMode", json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "PROVISIONED"}}))
        .await;
    assert_eq!(server.refused("PutRecord", keyless).await, refusal("ValidationException", message));
    let (code, message) = server.refused(operation, json!({})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("'streamARN'") && message.contains("'recordDistributionStrategy'"), "{message}");
    assert!(server.refused(operation, update("SOMEHOW")).await.1.contains("[AUTO, USER_PARTITION_KEY]"));
}
