//! Enhanced monitoring.

use serde_json::{Value, json};

use super::client::{Server, base64};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const ALL: [&str; 7] = [
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
];

fn change(metrics: Value) -> Value {
    json!({"StreamName": "clicks", "ShardLevelMetrics": metrics})
}

async fn described(server: &mut Server) -> Value {
    let summary = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    let summary = &summary["StreamDescriptionSummary"]["EnhancedMonitoring"];
    let description = server.call("DescribeStream", json!({"StreamName": "clicks"})).await;
    assert_eq!(*summary, description["StreamDescription"]["EnhancedMonitoring"]);
    summary[0]["ShardLevelMetrics"].clone()
}

/// What the metrics page shows of shards: name, number of the shard, value.
fn shown(server: &Server) -> Vec<(String, u32, u64)> {
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &server.registry).unwrap();
    let lines = page.lines().filter_map(|line| line.strip_prefix("ingest_kinesis_shard_"));
    let read = |line: &str| {
        let (name, rest) = line.split_once('{').unwrap();
        let (labels, value) = rest.split_once("} ").unwrap();
        let expected = r#"account="000000000000",region="us-east-1",stream="clicks",shard="shardId-"#;
        let shard = labels.strip_prefix(expected).unwrap().trim_end_matches('"').parse().unwrap();
        (name.to_owned(), shard, value.parse().unwrap())
    };
    lines.map(read).collect()
}

fn metric(server: &Server, name: &str, shard: u32) -> Option<u64> {
    let found = shown(server).into_iter().find(|(found, of, _)| found == name && *of == shard);
    found.map(|(_, _, value)| value)
}

#[tokio::test]
async fn metrics_are_enabled_and_disabled_one_by_one() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    assert_eq!(described(&mut server).await, json!([]));
    let answer = server.call("EnableEnhancedMonitoring", change(json!(["IncomingRecords", "OutgoingBytes"]))).await;
    let expected = json!({
        "StreamName": "clicks",
        "StreamARN": ARN,
        "CurrentShardLevelMetrics": [],
        "DesiredShardLevelMetrics": ["IncomingRecords", "OutgoingBytes"],
    });
    assert_eq!(answer, expected);
    assert_eq!(described(&mut server).await, json!(["IncomingRecords", "OutgoingBytes"]));
    let names: Vec<_> = shown(&server).into_iter().map(|(name, shard, _)| format!("{name} {shard}")).collect();
    let of_both =
        ["incoming_records_total 0", "incoming_records_total 1", "outgoing_bytes_total 0", "outgoing_bytes_total 1"];
    assert_eq!(names, of_both);

    let answer = server.call("DisableEnhancedMonitoring", change(json!(["IncomingRecords", "IncomingBytes"]))).await;
    assert_eq!(answer["CurrentShardLevelMetrics"], json!(["IncomingRecords", "OutgoingBytes"]));
    assert_eq!(answer["DesiredShardLevelMetrics"], json!(["OutgoingBytes"]));
    assert_eq!(shown(&server).len(), 2);

    let answer = server.call("EnableEnhancedMonitoring", change(json!(["ALL"]))).await;
    assert_eq!(answer["DesiredShardLevelMetrics"], json!(ALL));
    assert_eq!(shown(&server).len(), 2 * ALL.len());
    let answer = server.call("DisableEnhancedMonitoring", change(json!(["ALL", "IncomingBytes"]))).await;
    assert_eq!((&answer["CurrentShardLevelMetrics"], &answer["DesiredShardLevelMetrics"]), (&json!(ALL), &json!([])));
    assert_eq!(shown(&server), []);
}

#[tokio::test]
async fn what_is_no_metric_is_refused() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    for (operation, metrics, told) in [
        ("EnableEnhancedMonitoring", json!(null), "Value null at 'shardLevelMetrics'"),
        ("EnableEnhancedMonitoring", json!([]), "length greater than or equal to 1"),
        ("DisableEnhancedMonitoring", json!(vec!["ALL"; 8]), "length less than or equal to 7"),
        ("DisableEnhancedMonitoring", json!(["ALL", "Bytes"]), "Value 'Bytes' at 'shardLevelMetrics.2.member'"),
    ] {
        let (code, message) = server.refused(operation, change(metrics)).await;
        assert_eq!(code, "ValidationException");
        assert!(message.contains(told), "{message}");
    }
    let gone = json!({"StreamName": "gone", "ShardLevelMetrics": ["ALL"]});
    assert_eq!(server.refused("EnableEnhancedMonitoring", gone).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn enabled_metrics_tell_what_each_shard_did() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    let record =
        |data: &str, hash_key: &str| json!({"PartitionKey": "key", "Data": base64(data), "ExplicitHashKey": hash_key});
    let upper = (1_u128 << 127).to_string();
    let put = |records: Value| json!({"StreamName": "clicks", "Records": records});
    // Nothing is counted before.
    server.call("PutRecords", put(json!([record("before", "0")]))).await;
    server.call("EnableEnhancedMonitoring", change(json!(["ALL"]))).await;
    server.call("PutRecords", put(json!([record("12345", "0"), record("1", &upper), record("67", "0")]))).await;
    let mut single = record("7", &upper);
    single["StreamName"] = json!("clicks");
    server.call("PutRecord", single).await;
    assert_eq!([0, 1].map(|shard| metric(&server, "incoming_records_total", shard)), [Some(2), Some(2)]);
    assert_eq!([0, 1].map(|shard| metric(&server, "incoming_bytes_total", shard)), [Some(3 + 5 + 3 + 2), Some(4 + 4)]);

    let big = "x".repeat(1_024 * 1_024 - 3 - 13 - 9);
    server.call("PutRecords", put(json!([record(&big, "0"), record("refused", "0")]))).await;
    assert_eq!(metric(&server, "write_throughput_exceeded_total", 0), Some(1));
    assert_eq!(metric(&server, "write_throughput_exceeded_total", 1), Some(0));

    server.clock.advance(700);
    let iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    let read = json!({"ShardIterator": iterator, "Limit": 3});
    server.call("GetRecords", read.clone()).await;
    assert_eq!(metric(&server, "outgoing_records_total", 0), Some(3));
    assert_eq!(metric(&server, "outgoing_bytes_total", 0), Some(9 + 8 + 5));
    assert_eq!(metric(&server, "iterator_age_milliseconds", 0), Some(700));
    for _ in 0..4 {
        server.call("GetRecords", read.clone()).await;
    }
    assert_eq!(server.refused("GetRecords", read).await.0, "ProvisionedThroughputExceededException");
    assert_eq!(metric(&server, "read_throughput_exceeded_total", 0), Some(1));
    assert_eq!(metric(&server, "outgoing_records_total", 1), Some(0));
}

#[tokio::test]
async fn metrics_go_on_with_a_closed_shard_and_end_with_its_stream() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    server.call("EnableEnhancedMonitoring", change(json!(["IncomingRecords"]))).await;
    server.call("PutRecord", json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64("a")})).await;
    let split = json!({"StreamName": "clicks", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"});
    server.call("UpdateShardCount", split).await;
    let counted = |shard| move |server: &Server| metric(server, "incoming_records_total", shard);
    assert_eq!((counted(0)(&server), counted(1)(&server), counted(2)(&server)), (Some(1), Some(0), Some(0)));
    server.call("DeleteStream", json!({"StreamName": "clicks"})).await;
    assert_eq!(shown(&server), []);
}
