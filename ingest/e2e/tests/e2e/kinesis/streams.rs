//! Streams: creating, describing, listing, deleting; what is answered to mistakes.

use std::time::Duration;

use aws_sdk_kinesis::client::Waiters;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardFilter, ShardFilterType, ShardIteratorType, StreamMode, StreamModeDetails};

use super::start;
use crate::support::clients::{REGION, assert_error, service_error};
use crate::support::records::create_stream;

#[tokio::test]
async fn a_stream_is_created_described_listed_and_deleted() {
    let (_server, client) = start().await;
    let arn = create_stream(&client, "clicks", 3).await;
    assert_eq!(arn, format!("arn:aws:kinesis:{REGION}:000000000000:stream/clicks"));

    let described = client.describe_stream().stream_name("clicks").send().await.unwrap().stream_description.unwrap();
    assert_eq!((described.stream_name(), described.stream_status().as_str()), ("clicks", "ACTIVE"));
    assert_eq!((described.retention_period_hours(), described.has_more_shards()), (24, false));
    let ids: Vec<_> = described.shards().iter().map(|shard| shard.shard_id()).collect();
    assert_eq!(ids, ["shardId-000000000000", "shardId-000000000001", "shardId-000000000002"]);
    let mut expected_start = 0_u128;
    for shard in described.shards() {
        let range = shard.hash_key_range().unwrap();
        assert_eq!(range.starting_hash_key(), expected_start.to_string());
        expected_start = range.ending_hash_key().parse::<u128>().unwrap().wrapping_add(1);
    }
    assert_eq!(expected_start, 0, "the ranges tile the key space");

    let summary = client.describe_stream_summary().stream_arn(&arn).send().await.unwrap();
    let summary = summary.stream_description_summary.unwrap();
    assert_eq!((summary.stream_arn(), summary.open_shard_count()), (arn.as_str(), 3));
    assert_eq!(summary.stream_mode_details().unwrap().stream_mode(), &StreamMode::Provisioned);

    assert_eq!(client.list_streams().send().await.unwrap().stream_names(), ["clicks"]);
    client.delete_stream().stream_name("clicks").send().await.unwrap();
    assert!(client.list_streams().send().await.unwrap().stream_names().is_empty());
    let answer = client.describe_stream_summary().stream_name("clicks").send().await;
    assert_error(answer, "ResourceNotFoundException", "Stream clicks under account 000000000000 not found.");
}

#[tokio::test]
async fn on_demand_stream_needs_no_shard_count() {
    let (_server, client) = start().await;
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    client.create_stream().stream_name("auto").stream_mode_details(mode).send().await.unwrap();
    let summary = client.describe_stream_summary().stream_name("auto").send().await.unwrap();
    let summary = summary.stream_description_summary.unwrap();
    assert_eq!(summary.stream_mode_details().unwrap().stream_mode(), &StreamMode::OnDemand);
    assert_eq!(summary.open_shard_count(), 4);
}

#[tokio::test]
async fn lists_of_streams_and_shards_come_in_pages() {
    let (_server, client) = start().await;
    for name in ["a", "b", "c", "d", "e"] {
        create_stream(&client, name, 1).await;
    }
    let first = client.list_streams().limit(2).send().await.unwrap();
    assert_eq!((first.stream_names().join(","), first.has_more_streams()), ("a,b".to_owned(), true));
    let second = client.list_streams().limit(2).next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((second.stream_names().join(","), second.has_more_streams()), ("c,d".to_owned(), true));
    let last = client.list_streams().limit(2).exclusive_start_stream_name("d").send().await.unwrap();
    assert_eq!((last.stream_names().join(","), last.has_more_streams()), ("e".to_owned(), false));

    create_stream(&client, "wide", 7).await;
    let mut ids = Vec::new();
    let mut page = client.list_shards().stream_name("wide").max_results(3).send().await.unwrap();
    while let Some(token) = page.next_token() {
        assert_eq!(page.shards().len(), 3);
        ids.extend(page.shards().iter().map(|shard| shard.shard_id().to_owned()));
        page = client.list_shards().next_token(token).max_results(3).send().await.unwrap();
    }
    ids.extend(page.shards().iter().map(|shard| shard.shard_id().to_owned()));
    assert_eq!(ids, (0..7).map(|number| format!("shardId-{number:012}")).collect::<Vec<_>>());

    let after = ShardFilter::builder().r#type(ShardFilterType::AfterShardId).shard_id("shardId-000000000004");
    let filtered = client.list_shards().stream_name("wide").shard_filter(after.build().unwrap()).send().await.unwrap();
    assert_eq!(filtered.shards().len(), 2);
    let some = client.describe_stream().stream_name("wide").limit(4).send().await.unwrap().stream_description.unwrap();
    assert_eq!((some.shards().len(), some.has_more_shards()), (4, true));
    let rest = client.describe_stream().stream_name("wide").exclusive_start_shard_id("shardId-000000000003");
    assert_eq!(rest.send().await.unwrap().stream_description.unwrap().shards().len(), 3);
}

#[tokio::test]
async fn mistakes_are_answered_with_the_codes_and_messages_of_aws() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;

    let twice = client.create_stream().stream_name("s").shard_count(1).send().await;
    assert_error(twice, "ResourceInUseException", "Stream s under account 000000000000 already exists.");
    let name = client.create_stream().stream_name("a b").shard_count(0).send().await;
    let text = "2 validation errors detected: Value ";
    assert_error(name, "ValidationException", text);
    let unknown = client.put_record().stream_name("none").partition_key("k").data(Blob::new("x")).send().await;
    assert_error(unknown, "ResourceNotFoundException", "Stream none under account 000000000000 not found.");
    let deleted = client.delete_stream().stream_name("none").send().await;
    assert_error(deleted, "ResourceNotFoundException", "none");
    let shard = client.get_shard_iterator().stream_name("s").shard_id("shardId-000000000009");
    let shard = shard.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
    assert_error(shard, "ResourceNotFoundException", "shardId-000000000009");
    let kind = client.get_shard_iterator().stream_name("s").shard_id("shardId-000000000000");
    let kind = kind.shard_iterator_type(ShardIteratorType::from("NEWEST")).send().await;
    assert_error(kind, "ValidationException", "Member must satisfy enum value set: [");
    let foreign = client.get_shard_iterator().stream_name("s").shard_id("shardId-000000000000");
    let foreign = foreign.shard_iterator_type(ShardIteratorType::AtSequenceNumber).starting_sequence_number("12345");
    assert_error(foreign.send().await, "InvalidArgumentException", "StartingSequenceNumber 12345");
    let none = client.list_shards().send().await;
    assert_error(none, "InvalidArgumentException", "StreamName");
}

#[tokio::test]
async fn errors_have_the_types_of_the_sdk() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    assert!(
        service_error(client.create_stream().stream_name("s").shard_count(1).send().await)
            .is_resource_in_use_exception()
    );
    let many = client.create_stream().stream_name("many").shard_count(20_000).send().await;
    assert!(service_error(many).is_limit_exceeded_exception());
    assert!(service_error(client.describe_stream().stream_name("none").send().await).is_resource_not_found_exception());
    let summary = client.describe_stream_summary().stream_name("none").send().await;
    assert!(service_error(summary).is_resource_not_found_exception());
    assert!(service_error(client.delete_stream().stream_name("none").send().await).is_resource_not_found_exception());
    assert!(service_error(client.list_shards().stream_name("none").send().await).is_resource_not_found_exception());
    assert!(service_error(client.list_shards().next_token("forged").send().await).is_invalid_argument_exception());
}

#[tokio::test]
async fn paginator_and_waiters_of_the_sdk_work() {
    let (_server, client) = start().await;
    for name in ["a", "b", "c"] {
        client.create_stream().stream_name(name).shard_count(1).tags("made", "here").send().await.unwrap();
        let patience = Duration::from_secs(30);
        client.wait_until_stream_exists().stream_name(name).wait(patience).await.unwrap();
    }
    let mut pages = client.list_streams().limit(2).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.push(page.unwrap().stream_summaries().iter().map(|it| it.stream_name().to_owned()).collect::<String>());
    }
    assert_eq!(found, ["ab", "c"]);
    client.delete_stream().stream_name("b").send().await.unwrap();
    client.wait_until_stream_not_exists().stream_name("b").wait(Duration::from_secs(30)).await.unwrap();
}
