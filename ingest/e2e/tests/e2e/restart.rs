//! What is found again after an orderly stop.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType;

use crate::support::clients::kinesis;
use crate::support::raw::Connection;
use crate::support::records::{create_stream, iterator, read_stream};
use crate::support::server::Server;

#[tokio::test]
async fn streams_records_and_iterators_survive_a_restart() {
    let server = Server::new("[kinesis]\nenforce = false\n").await;
    let client = kinesis(&server.url);
    create_stream(&client, "kept", 2).await;
    create_stream(&client, "dropped", 1).await;
    client.delete_stream().stream_name("dropped").send().await.unwrap();
    for number in 0..50 {
        let request = client.put_record().stream_name("kept").partition_key(format!("key {number}"));
        request.data(Blob::new(vec![number; 1000])).send().await.unwrap();
    }
    let before = read_stream(&client, "kept").await;
    let token = iterator(&client, "kept", "shardId-000000000000", ShardIteratorType::TrimHorizon).await;

    let server = server.restart().await;
    let client = kinesis(&server.url);
    assert_eq!(client.list_streams().send().await.unwrap().stream_names(), ["kept"]);
    assert_eq!(read_stream(&client, "kept").await, before);
    let answer = client.get_records().shard_iterator(token).send().await.unwrap();
    assert_eq!(answer.records(), before[0]);
    let request = client.put_record().stream_name("kept").partition_key("later").data(Blob::new("x"));
    let put = request.send().await.unwrap();
    let shard = usize::from(put.shard_id() == "shardId-000000000001");
    assert!(!before[shard].is_empty());
    assert!(before[shard].iter().all(|record| record.sequence_number() < put.sequence_number()));
    server.stop().await;
}

#[tokio::test]
async fn pages_tell_of_health_and_metrics() {
    let server = Server::new("").await;
    let client = kinesis(&server.url);
    create_stream(&client, "s", 1).await;
    client.put_record().stream_name("s").partition_key("k").data(Blob::new("x")).send().await.unwrap();
    let mut connection = Connection::open(&server).await;
    assert_eq!(connection.get("/healthz").await.status, 200);
    let metrics = connection.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    let text = metrics.text();
    let line = r#"ingest_core_requests_total{service="kinesis",operation="PutRecord",status="200"} 1"#;
    assert!(text.contains(line), "{text}");
}
