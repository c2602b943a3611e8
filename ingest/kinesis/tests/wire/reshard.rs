//! Splitting and merging shards, and updating their number.

use ingest_kinesis::Options;
use serde_json::{Value, json};

use super::client::{Server, base64, refusal};

const HALF: &str = "170141183460469231731687303715884105728";
const HOUR_MS: u64 = 3_600_000;

fn id(number: u32) -> String {
    format!("shardId-{number:012}")
}

async fn put(server: &mut Server, hash_key: &str, data: &str) -> Value {
    let input = json!({"StreamName": "clicks", "PartitionKey": "k", "ExplicitHashKey": hash_key, "Data": base64(data)});
    server.call("PutRecord", input).await["ShardId"].clone()
}

async fn iterator(server: &mut Server, shard: u32, kind: &str) -> Value {
    let input = json!({"StreamName": "clicks", "ShardId": id(shard), "ShardIteratorType": kind});
    server.call("GetShardIterator", input).await["ShardIterator"].clone()
}

async fn shards(server: &mut Server) -> Vec<Value> {
    let answer = server.call("ListShards", json!({"StreamName": "clicks"})).await;
    answer["Shards"].as_array().unwrap().clone()
}

fn is_open(shard: &Value) -> bool {
    shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none()
}

#[tokio::test]
async fn a_split_shard_is_drained_and_leads_to_its_children() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    put(&mut server, "0", "of the parent").await;
    let from_start = iterator(&mut server, 0, "TRIM_HORIZON").await;
    let at_end = iterator(&mut server, 0, "LATEST").await;
    server.clock.advance(10_000);
    let input = json!({"StreamName": "clicks", "ShardToSplit": id(0), "NewStartingHashKey": HALF});
    assert_eq!(server.call("SplitShard", input).await, json!({}));

    let listed = shards(&mut server).await;
    assert_eq!(listed.len(), 3);
    assert!(!is_open(&listed[0]) && is_open(&listed[1]) && is_open(&listed[2]));
    let sequence = |shard: &Value, which: &str| shard["SequenceNumberRange"][which].as_str().unwrap().to_owned();
    assert!(sequence(&listed[0], "EndingSequenceNumber") < sequence(&listed[1], "StartingSequenceNumber"));
    let range = |shard: &Value| shard["HashKeyRange"].clone();
    let before_half = "170141183460469231731687303715884105727";
    assert_eq!(range(&listed[1]), json!({"StartingHashKey": "0", "EndingHashKey": before_half}));
    assert_eq!(range(&listed[2])["StartingHashKey"], HALF);
    assert_eq!((&listed[1]["ParentShardId"], &listed[2]["ParentShardId"]), (&json!(id(0)), &json!(id(0))));
    let summary = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], 2);

    assert_eq!(put(&mut server, "5", "left").await, id(1));
    assert_eq!(put(&mut server, HALF, "right").await, id(2));
    let children: Vec<_> = [1, 2]
        .into_iter()
        .map(|child| json!({"ShardId": id(child), "ParentShards": [id(0)], "HashKeyRange": range(&listed[child as usize])}))
        .collect();
    for (iterator, count) in [(from_start, 1), (at_end, 0)] {
        let read = server.call("GetRecords", json!({"ShardIterator": iterator})).await;
        assert_eq!(read["Records"].as_array().unwrap().len(), count);
        assert!(read.get("NextShardIterator").is_none(), "{read}");
        assert_eq!(read["ChildShards"], json!(children));
    }
    let of_child = iterator(&mut server, 2, "TRIM_HORIZON").await;
    assert_eq!(server.data_from(of_child.as_str().unwrap()).await, ["right"]);
}

#[tokio::test]
async fn merged_shards_lead_to_their_child() {
    let mut server = Server::start().await;
    server.create("clicks", 3).await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let input = json!({"StreamARN": arn, "ShardToMerge": id(1), "AdjacentShardToMerge": id(2)});
    assert_eq!(server.call("MergeShards", input).await, json!({}));
    let listed = shards(&mut server).await;
    let child = &listed[3];
    assert_eq!((&child["ParentShardId"], &child["AdjacentParentShardId"]), (&json!(id(1)), &json!(id(2))));
    assert_eq!(child["HashKeyRange"]["StartingHashKey"], listed[1]["HashKeyRange"]["StartingHashKey"]);
    assert_eq!(child["HashKeyRange"]["EndingHashKey"], listed[2]["HashKeyRange"]["EndingHashKey"]);
    for parent in [1, 2] {
        let at_end = iterator(&mut server, parent, "LATEST").await;
        let read = server.call("GetRecords", json!({"ShardIterator": at_end})).await;
        assert_eq!(read["ChildShards"][0]["ParentShards"], json!([id(1), id(2)]));
        assert!(read.get("NextShardIterator").is_none());
    }
}

#[tokio::test]
async fn impossible_splits_and_merges_are_refused() {
    let mut server = Server::start_with(Options { shards_max: 4, enforce: false, ..Options::default() }).await;
    server.create("clicks", 3).await;
    let split =
        |shard: &str, at: &str| json!({"StreamName": "clicks", "ShardToSplit": shard, "NewStartingHashKey": at});
    let merge =
        |left: &str, right: &str| json!({"StreamName": "clicks", "ShardToMerge": left, "AdjacentShardToMerge": right});
    let message = "Could not find shard shardId-000000000009 in stream clicks under account 000000000000.";
    let not_found = refusal("ResourceNotFoundException", message);
    assert_eq!(server.refused("SplitShard", split(&id(9), "5")).await, not_found);
    assert_eq!(server.refused("MergeShards", merge(&id(0), &id(9))).await, not_found);
    let message = "Could not find shard x in stream clicks under account 000000000000.";
    assert_eq!(server.refused("SplitShard", split("x", "5")).await, refusal("ResourceNotFoundException", message));
    for at in ["0", "1", "113427455640312821154458202477256070484", "999999999999999999999999999999999999999"] {
        let (code, message) = server.refused("SplitShard", split(&id(0), at)).await;
        assert_eq!(code, "InvalidArgumentException");
        assert!(
            message.contains("is not both greater than one plus the shard's StartingHashKey 0 and less"),
            "{message}"
        );
    }
    let message = "Shards shardId-000000000000 and shardId-000000000002 in stream clicks under account 000000000000 are \
                   not an adjacent pair of shards eligible for merging";
    assert_eq!(
        server.refused("MergeShards", merge(&id(0), &id(2))).await,
        refusal("InvalidArgumentException", message)
    );

    server.call("SplitShard", split(&id(0), "1000")).await;
    let message = "Shard shardId-000000000000 in stream clicks under account 000000000000 has already been merged or \
                   split, and thus is not eligible for merging or splitting.";
    let closed = refusal("InvalidArgumentException", message);
    assert_eq!(server.refused("SplitShard", split(&id(0), "2000")).await, closed);
    assert_eq!(server.refused("MergeShards", merge(&id(0), &id(1))).await, closed);
    let (code, message) = server.refused("SplitShard", split(&id(3), "100")).await;
    assert_eq!(code, "LimitExceededException");
    assert!(message.contains("Current shard count for the account: 4. Limit: 4."), "{message}");

    let (code, message) =
        server.refused("SplitShard", json!({"StreamName": "clicks", "NewStartingHashKey": "01"})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("2 validation errors detected: Value null at 'shardToSplit'"), "{message}");
    let (code, message) = server.refused("MergeShards", json!({"StreamName": "clicks"})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("2 validation errors detected"), "{message}");

    let mode = json!({"StreamMode": "ON_DEMAND"});
    server.call("DeleteStream", json!({"StreamName": "clicks"})).await;
    server.call("CreateStream", json!({"StreamName": "clicks", "StreamModeDetails": mode})).await;
    let message = "This API is only supported for data streams with the provisioned capacity mode.";
    let update = json!({"StreamName": "clicks", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"});
    for (operation, input) in
        [("SplitShard", split(&id(0), "5")), ("MergeShards", merge(&id(0), &id(1))), ("UpdateShardCount", update)]
    {
        assert_eq!(server.refused(operation, input).await, refusal("ValidationException", message), "{operation}");
    }
}

#[tokio::test]
async fn the_shard_count_is_updated_within_its_limits() {
    let mut server = Server::start_unlimited().await;
    server.create("clicks", 2).await;
    let update =
        |target: i64| json!({"StreamName": "clicks", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"});
    let expected = json!({
        "StreamName": "clicks",
        "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
        "CurrentShardCount": 2,
        "TargetShardCount": 3,
    });
    assert_eq!(server.call("UpdateShardCount", update(3)).await, expected);
    let open = shards(&mut server).await.into_iter().filter(is_open);
    let mut starts: Vec<_> = open.map(|shard| shard["HashKeyRange"]["StartingHashKey"].clone()).collect();
    starts.sort_by_key(|start| start.as_str().unwrap().parse::<u128>().unwrap());
    let thirds = ["0", "113427455640312821154458202477256070485", "226854911280625642308916404954512140970"];
    assert_eq!(json!(starts), json!(thirds));

    let counts = |target: i64| format!("Current open shard count: 3, Target shard count: {target}");
    for (target, rule) in [
        (7, "UpdateShardCount cannot scale up over double your current open shard count."),
        (1, "UpdateShardCount cannot scale down below half your current open shard count."),
        (10_001, "Target shard count or number of open shards cannot be greater than 10000."),
    ] {
        let refused = server.refused("UpdateShardCount", update(target)).await;
        assert_eq!(refused, refusal("LimitExceededException", format!("{rule} {}", counts(target))));
    }
    for _ in 0..9 {
        server.call("UpdateShardCount", update(3)).await;
    }
    let (code, message) = server.refused("UpdateShardCount", update(3)).await;
    assert_eq!(code, "LimitExceededException");
    assert!(message.contains("was updated 10 times within the last 24 hours"), "{message}");
    server.clock.advance(24 * HOUR_MS);
    server.call("UpdateShardCount", update(2)).await;

    let input = json!({"StreamName": "clicks", "TargetShardCount": 0, "ScalingType": "SOME"});
    let (code, message) = server.refused("UpdateShardCount", input).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("Member must satisfy enum value set: [UNIFORM_SCALING]"), "{message}");
}
