//! Records: what is put is read back, from wherever one begins, within the limits of a shard.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};

use super::{start, texts};
use crate::support::clients::{ClientOptions, assert_error, kinesis, kinesis_with};
use crate::support::eventually;
use crate::support::records::{create_stream, iterator, read_stream, shards};
use crate::support::server::Server;

fn entry(key: &str, data: &str) -> PutRecordsRequestEntry {
    PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data)).build().unwrap()
}

#[tokio::test]
async fn records_are_read_back_in_order_with_their_keys() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 2).await;
    let mut put = Vec::new();
    for number in 0..5 {
        let request = client.put_record().stream_name("s").partition_key("k").data(Blob::new(format!("{number}")));
        let answer = request.send().await.unwrap();
        put.push((answer.shard_id().to_owned(), answer.sequence_number().to_owned()));
    }
    let entries = (5..100).map(|number| entry("k", &number.to_string()));
    let answer = client.put_records().stream_name("s").set_records(Some(entries.collect())).send().await.unwrap();
    assert_eq!((answer.failed_record_count(), answer.records().len()), (Some(0), 95));
    put.extend(
        answer.records().iter().map(|r| (r.shard_id().unwrap().to_owned(), r.sequence_number().unwrap().to_owned())),
    );
    assert!(put.iter().all(|(shard, _)| *shard == put[0].0), "one key, one shard");
    assert!(put.windows(2).all(|pair| pair[0].1 < pair[1].1), "sequence numbers ascend as text");

    let by_shard = read_stream(&client, "s").await;
    let records: Vec<_> = by_shard.into_iter().flatten().collect();
    assert_eq!(texts(&records), (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    for (record, (_, sequence_number)) in records.iter().zip(&put) {
        assert_eq!((record.partition_key(), record.sequence_number()), (Some("k"), sequence_number.as_str()));
        assert!(record.approximate_arrival_timestamp().is_some());
    }
}

#[tokio::test]
async fn explicit_hash_keys_choose_the_shard() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 4).await;
    for shard in shards(&client, "s").await {
        let range = shard.hash_key_range().unwrap();
        for hash_key in [range.starting_hash_key(), range.ending_hash_key()] {
            let request = client.put_record().stream_name("s").partition_key("same").explicit_hash_key(hash_key);
            let answer = request.data(Blob::new("x")).send().await.unwrap();
            assert_eq!(answer.shard_id(), shard.shard_id());
        }
    }
}

/// Reads from an iterator as the request describes it.
async fn read_from(client: &Client, kind: ShardIteratorType, start: Option<&str>, at: Option<DateTime>) -> Vec<String> {
    let request =
        client.get_shard_iterator().stream_name("s").shard_id("shardId-000000000000").shard_iterator_type(kind);
    let request = request.set_starting_sequence_number(start.map(str::to_owned)).set_timestamp(at);
    let token = request.send().await.unwrap().shard_iterator.unwrap();
    texts(client.get_records().shard_iterator(token).send().await.unwrap().records())
}

#[tokio::test]
async fn all_five_types_of_iterator_begin_where_they_should() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    let latest = iterator(&client, "s", "shardId-000000000000", ShardIteratorType::Latest).await;
    let entries = ["a", "b", "c"].map(|data| entry("k", data));
    let answer = client.put_records().stream_name("s").set_records(Some(entries.to_vec())).send().await.unwrap();
    let second = answer.records()[1].sequence_number().unwrap().to_owned();

    let read = |kind, start, at| read_from(&client, kind, start, at);
    assert_eq!(read(ShardIteratorType::TrimHorizon, None, None).await, ["a", "b", "c"]);
    assert_eq!(read(ShardIteratorType::AtSequenceNumber, Some(&second), None).await, ["b", "c"]);
    assert_eq!(read(ShardIteratorType::AfterSequenceNumber, Some(&second), None).await, ["c"]);
    assert_eq!(read(ShardIteratorType::AtTimestamp, None, Some(DateTime::from_secs(0))).await, ["a", "b", "c"]);
    assert!(read(ShardIteratorType::Latest, None, None).await.is_empty());
    for _ in 0..2 {
        let answer = client.get_records().shard_iterator(&latest).send().await.unwrap();
        assert_eq!(texts(answer.records()), ["a", "b", "c"], "an iterator can be used again");
        assert_eq!(answer.millis_behind_latest(), Some(0));
    }
}

#[tokio::test]
async fn limit_of_a_read_is_kept_and_its_next_iterator_goes_on() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    let entries = (0..10).map(|number| entry("k", &number.to_string()));
    client.put_records().stream_name("s").set_records(Some(entries.collect())).send().await.unwrap();
    let mut token = iterator(&client, "s", "shardId-000000000000", ShardIteratorType::TrimHorizon).await;
    let mut pages = Vec::new();
    for _ in 0..4 {
        let answer = client.get_records().shard_iterator(token).limit(4).send().await.unwrap();
        pages.push(texts(answer.records()).concat());
        token = answer.next_shard_iterator.unwrap();
    }
    assert_eq!(pages, ["0123", "4567", "89", ""]);
}

#[tokio::test]
async fn largest_records_and_batches_survive() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    let bytes: Vec<u8> = (0..1_048_576 - 1).map(|index: u32| index.to_le_bytes()[0] ^ index.to_le_bytes()[1]).collect();
    client.put_record().stream_name("s").partition_key("k").data(Blob::new(bytes.clone())).send().await.unwrap();
    let entries = (0..500).map(|number| entry(&"k".repeat(256), &format!("{number:0>20000}")));
    let answer = client.put_records().stream_name("s").set_records(Some(entries.collect())).send().await.unwrap();
    assert_eq!(answer.failed_record_count(), Some(0));
    let records: Vec<_> = read_stream(&client, "s").await.into_iter().flatten().collect();
    assert_eq!(records.len(), 501);
    assert_eq!(records[0].data().as_ref(), bytes);
    assert_eq!(texts(&records[500..]), [format!("{:0>20000}", 499)]);
}

#[tokio::test]
async fn forged_and_foreign_iterators_are_refused() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    let token = iterator(&client, "s", "shardId-000000000000", ShardIteratorType::TrimHorizon).await;
    let mut forged = token.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    for token in ["x".to_owned(), String::from_utf8(forged).unwrap(), token[..token.len() - 4].to_owned()] {
        let answer = client.get_records().shard_iterator(token).send().await;
        assert_error(answer, "InvalidArgumentException", "Invalid ShardIterator");
    }
    // The stream of the same name that comes after it is another stream.
    client.delete_stream().stream_name("s").send().await.unwrap();
    create_stream(&client, "s", 1).await;
    let answer = client.get_records().shard_iterator(token).send().await;
    assert!(answer.is_err(), "the iterator of a deleted stream");
}

#[tokio::test]
async fn shard_over_its_write_rate_refuses_records_one_by_one() {
    let server = Server::new("").await;
    let client = kinesis(&server.url);
    create_stream(&client, "s", 1).await;
    // A shard takes 1 MiB a second: of three records at once, one.
    let entries =
        [entry("k", &"x".repeat(700_000)), entry("k", &"y".repeat(700_000)), entry("k", &"z".repeat(700_000))];
    let answer = client.put_records().stream_name("s").set_records(Some(entries.to_vec())).send().await.unwrap();
    assert_eq!(answer.failed_record_count(), Some(2));
    let [taken, refused @ ..] = answer.records() else { panic!("an answer without records") };
    assert_eq!((taken.error_code(), taken.shard_id()), (None, Some("shardId-000000000000")));
    assert_eq!(refused.len(), 2);
    for record in refused {
        assert_eq!(record.error_code(), Some("ProvisionedThroughputExceededException"));
        assert!(record.error_message().unwrap().contains("Rate exceeded for shard shardId-000000000000 in stream s"));
        assert_eq!(record.sequence_number(), None);
    }
    let whole = client.put_record().stream_name("s").partition_key("k").data(Blob::new("w".repeat(1_000_000)));
    assert_error(whole.send().await, "ProvisionedThroughputExceededException", "Rate exceeded for shard");
}

#[tokio::test]
async fn sdk_retries_a_read_over_the_rate_until_it_succeeds() {
    let server = Server::new("").await;
    let client = kinesis(&server.url);
    create_stream(&client, "s", 1).await;
    let token = iterator(&client, "s", "shardId-000000000000", ShardIteratorType::TrimHorizon).await;
    // Five reads a second: of many at once some are refused, and without retries that is what one sees.
    let refused = eventually("a read over the rate", || async {
        let reads = (0..10).map(|_| client.get_records().shard_iterator(&token).send());
        futures_util::future::join_all(reads).await.into_iter().find(Result::is_err)
    })
    .await;
    assert_error(refused, "ProvisionedThroughputExceededException", "Rate exceeded for shard");

    let options = ClientOptions { retries: RetryConfig::standard().with_max_attempts(10), ..ClientOptions::default() };
    let patient = kinesis_with(&server.url, &options);
    for _ in 0..6 {
        patient.get_records().shard_iterator(&token).send().await.unwrap();
    }
}
