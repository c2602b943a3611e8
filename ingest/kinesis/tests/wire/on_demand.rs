//! On-demand streams: their shards follow their load.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Server, base64};

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
