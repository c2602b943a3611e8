//! Reading streams back.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{Record, Shard, ShardIteratorType};

use super::eventually;

/// The shards of a stream, all pages of them.
pub(crate) async fn shards(client: &Client, stream: &str) -> Vec<Shard> {
    let mut pages = client.list_shards().stream_name(stream).send().await.unwrap();
    let mut shards = pages.shards.take().unwrap_or_default();
    while let Some(token) = pages.next_token {
        pages = client.list_shards().next_token(token).send().await.unwrap();
        shards.append(&mut pages.shards.take().unwrap_or_default());
    }
    shards
}

/// An iterator of a shard.
pub(crate) async fn iterator(client: &Client, stream: &str, shard: &str, kind: ShardIteratorType) -> String {
    let request = client.get_shard_iterator().stream_name(stream).shard_id(shard).shard_iterator_type(kind);
    request.send().await.unwrap().shard_iterator.unwrap()
}

/// Every record of a shard, from its beginning to its present end. The stream's throughput limits must be off.
pub(crate) async fn read_shard(client: &Client, stream: &str, shard: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut next = Some(iterator(client, stream, shard, ShardIteratorType::TrimHorizon).await);
    while let Some(token) = next {
        let answer = client.get_records().shard_iterator(token).send().await.unwrap();
        let is_at_end = answer.records.is_empty() && answer.millis_behind_latest == Some(0);
        records.extend(answer.records);
        next = answer.next_shard_iterator.filter(|_| !is_at_end);
    }
    records
}

/// Every record of a stream, shard by shard.
pub(crate) async fn read_stream(client: &Client, stream: &str) -> Vec<Vec<Record>> {
    let mut by_shard = Vec::new();
    for shard in shards(client, stream).await {
        by_shard.push(read_shard(client, stream, shard.shard_id()).await);
    }
    by_shard
}

/// Creates a stream and waits until it is active. Returns its ARN.
pub(crate) async fn create_stream(client: &Client, name: &str, shard_count: i32) -> String {
    client.create_stream().stream_name(name).shard_count(shard_count).send().await.unwrap();
    eventually("an active stream", || async {
        let answer = client.describe_stream_summary().stream_name(name).send().await.unwrap();
        let summary = answer.stream_description_summary.unwrap();
        (summary.stream_status.as_str() == "ACTIVE").then_some(summary.stream_arn)
    })
    .await
}
