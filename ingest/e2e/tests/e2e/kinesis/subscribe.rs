//! SubscribeToShard: the event stream as the SDK reads it.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::operation::subscribe_to_shard::{SubscribeToShardError, SubscribeToShardOutput};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition, SubscribeToShardEvent, SubscribeToShardEventStream};

use super::{MIDDLE, id, start, texts};
use crate::support::clients::service_error;
use crate::support::records::create_stream;
use crate::support::{eventually, in_time};

fn position(kind: ShardIteratorType, sequence_number: Option<&str>) -> StartingPosition {
    let position = StartingPosition::builder().r#type(kind);
    position.set_sequence_number(sequence_number.map(str::to_owned)).build().unwrap()
}

async fn subscribe(
    client: &Client,
    consumer: &str,
    position: StartingPosition,
) -> Result<SubscribeToShardOutput, SdkError<SubscribeToShardError>> {
    client.subscribe_to_shard().consumer_arn(consumer).shard_id(id(0)).starting_position(position).send().await
}

/// The next event; `None` at the end.
async fn next(subscription: &mut SubscribeToShardOutput) -> Option<SubscribeToShardEvent> {
    match in_time("an event", subscription.event_stream.recv()).await.unwrap()? {
        SubscribeToShardEventStream::SubscribeToShardEvent(event) => Some(event),
        other => panic!("not an event: {other:?}"),
    }
}

/// The next event with records, after those that only show signs of life.
async fn next_records(subscription: &mut SubscribeToShardOutput) -> SubscribeToShardEvent {
    loop {
        let event = next(subscription).await.expect("the subscription ended");
        if !event.records().is_empty() {
            return event;
        }
    }
}

async fn put(client: &Client, data: &str) -> String {
    let request = client.put_record().stream_name("s").partition_key("k").data(Blob::new(data));
    request.send().await.unwrap().sequence_number
}

/// A stream of one shard with these consumers, whose ARNs are returned.
async fn prepare<const N: usize>(client: &Client, names: [&str; N]) -> [String; N] {
    let stream = create_stream(client, "s", 1).await;
    let mut arns = Vec::new();
    for name in names {
        let request = client.register_stream_consumer().stream_arn(&stream).consumer_name(name);
        arns.push(request.send().await.unwrap().consumer.unwrap().consumer_arn);
    }
    arns.try_into().unwrap()
}

#[tokio::test]
async fn records_are_pushed_to_every_consumer_as_they_arrive() {
    let (_server, client) = start().await;
    let [one, two] = prepare(&client, ["one", "two"]).await;
    put(&client, "before").await;
    let mut all = subscribe(&client, &one, position(ShardIteratorType::TrimHorizon, None)).await.unwrap();
    let mut new = subscribe(&client, &two, position(ShardIteratorType::Latest, None)).await.unwrap();
    let event = next_records(&mut all).await;
    assert_eq!((texts(event.records()), event.millis_behind_latest()), (vec!["before".to_owned()], 0));
    let sequence_number = put(&client, "after").await;
    for subscription in [&mut all, &mut new] {
        let event = next_records(subscription).await;
        assert_eq!(texts(event.records()), ["after"]);
        assert_eq!(event.continuation_sequence_number(), sequence_number);
        assert_eq!(event.records()[0].sequence_number(), sequence_number);
        assert_eq!((event.records()[0].partition_key(), event.child_shards().len()), (Some("k"), 0));
        assert!(event.records()[0].approximate_arrival_timestamp().is_some());
    }
}

#[tokio::test]
async fn a_split_shard_ends_the_subscription_and_leads_to_its_children() {
    let (_server, client) = start().await;
    let [consumer] = prepare(&client, ["app"]).await;
    let mut subscription = subscribe(&client, &consumer, position(ShardIteratorType::Latest, None)).await.unwrap();
    put(&client, "last").await;
    assert_eq!(texts(next_records(&mut subscription).await.records()), ["last"]);
    let split = client.split_shard().stream_name("s").shard_to_split(id(0)).new_starting_hash_key(MIDDLE);
    split.send().await.unwrap();
    let end = loop {
        let event = next(&mut subscription).await.expect("an end without children");
        if !event.child_shards().is_empty() {
            break event;
        }
    };
    let children: Vec<_> = end.child_shards().iter().map(|child| child.shard_id()).collect();
    assert_eq!(children, [id(1), id(2)]);
    assert!(
        end.child_shards().iter().all(|child| child.parent_shards() == [id(0)] && child.hash_key_range().is_some())
    );
    assert!(next(&mut subscription).await.is_none(), "nothing follows the end");
}

#[tokio::test]
async fn a_call_within_five_seconds_is_refused_and_a_later_one_takes_over_where_it_says() {
    let (_server, client) = start().await;
    let [consumer] = prepare(&client, ["app"]).await;
    put(&client, "one").await;
    let started = tokio::time::Instant::now();
    let mut first = subscribe(&client, &consumer, position(ShardIteratorType::TrimHorizon, None)).await.unwrap();
    let seen = next_records(&mut first).await.continuation_sequence_number;
    put(&client, "two").await;
    assert_eq!(texts(next_records(&mut first).await.records()), ["two"]);

    let go_on = || subscribe(&client, &consumer, position(ShardIteratorType::AfterSequenceNumber, Some(&seen)));
    let error = service_error(go_on().await);
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    let mut second = eventually("the end of the five seconds", || async { go_on().await.ok() }).await;
    assert!(started.elapsed().as_millis() >= 4_900, "taken over after {:?}", started.elapsed());
    assert_eq!(texts(next_records(&mut second).await.records()), ["two"]);

    let end = loop {
        match in_time("the end of the first", first.event_stream.recv()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the first subscription ended without a reason"),
            Err(error) => break error.into_service_error(),
        }
    };
    assert!(end.is_resource_in_use_exception(), "{end:?}");
    put(&client, "three").await;
    assert_eq!(texts(next_records(&mut second).await.records()), ["three"]);
}

#[tokio::test]
async fn subscriptions_to_what_is_not_there_are_refused() {
    let (_server, client) = start().await;
    let [consumer] = prepare(&client, ["app"]).await;
    let latest = || position(ShardIteratorType::Latest, None);
    let request = client.subscribe_to_shard().consumer_arn(&consumer).shard_id(id(5)).starting_position(latest());
    assert!(service_error(request.send().await).is_resource_not_found_exception());
    let stranger = consumer.replace("/app:", "/stranger:");
    assert!(service_error(subscribe(&client, &stranger, latest()).await).is_resource_not_found_exception());
    let without = position(ShardIteratorType::AtSequenceNumber, None);
    assert!(service_error(subscribe(&client, &consumer, without).await).is_invalid_argument_exception());
    let mut subscription = subscribe(&client, &consumer, latest()).await.unwrap();
    client.delete_stream().stream_name("s").enforce_consumer_deletion(true).send().await.unwrap();
    let end = loop {
        if let Err(error) = in_time("the end", subscription.event_stream.recv()).await {
            break error.into_service_error();
        }
    };
    assert!(end.is_resource_not_found_exception(), "{end:?}");
}
