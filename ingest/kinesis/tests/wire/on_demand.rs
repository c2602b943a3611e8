//! On-demand streams: their shards follow their load.

use std::collections::BTreeSet;

use ingest_kinesis::Options;
use serde_json::{Value, json};

use super::client::{JSON, Server, base64, refusal};

/// Puts so many records a second for some seconds. Returns how many were refused.
async fn press(server: &mut Server, records_per_second: usize, seconds: usize) -> u64 {
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
    let mut server = Server::start_with(Options { shards_max: 20, ..Options::default() }).await;
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
