//! Consumers with enhanced fan-out: registering, describing, listing, deregistering.

use aws_sdk_kinesis::types::ConsumerStatus;

use super::start;
use crate::support::clients::{assert_error, service_error};
use crate::support::records::create_stream;

#[tokio::test]
async fn consumers_are_registered_described_listed_and_deregistered() {
    let (_server, client) = start().await;
    let arn = create_stream(&client, "s", 1).await;
    let register = |name: &str| client.register_stream_consumer().stream_arn(&arn).consumer_name(name).send();
    let consumer = register("app").await.unwrap().consumer.unwrap();
    assert_eq!((consumer.consumer_name(), consumer.consumer_status()), ("app", &ConsumerStatus::Active));
    assert!(consumer.consumer_arn().starts_with(&format!("{arn}/consumer/app:")), "{}", consumer.consumer_arn());
    assert!(service_error(register("app").await).is_resource_in_use_exception());

    let by_arn = client.describe_stream_consumer().consumer_arn(consumer.consumer_arn()).send().await.unwrap();
    let by_name = client.describe_stream_consumer().stream_arn(&arn).consumer_name("app").send().await.unwrap();
    assert_eq!(by_arn.consumer_description(), by_name.consumer_description());
    let described = by_arn.consumer_description.unwrap();
    assert_eq!((described.stream_arn(), described.consumer_name()), (arn.as_str(), "app"));
    assert_eq!(described.consumer_creation_timestamp(), consumer.consumer_creation_timestamp());

    for name in ["b", "c", "d"] {
        register(name).await.unwrap();
    }
    let mut pages = client.list_stream_consumers().stream_arn(&arn).max_results(3).into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        names.push(
            page.unwrap().consumers().iter().map(|it| it.consumer_name().to_owned()).collect::<Vec<_>>().join(","),
        );
    }
    assert_eq!(names, ["app,b,c", "d"]);

    let deleted = client.delete_stream().stream_name("s").send().await;
    assert!(service_error(deleted).is_resource_in_use_exception(), "a stream with consumers is kept");
    client.deregister_stream_consumer().consumer_arn(consumer.consumer_arn()).send().await.unwrap();
    let gone = client.describe_stream_consumer().consumer_arn(consumer.consumer_arn()).send().await;
    assert_error(gone, "ResourceNotFoundException", "Consumer app under stream s");
    let gone = client.deregister_stream_consumer().stream_arn(&arn).consumer_name("app").send().await;
    assert!(service_error(gone).is_resource_not_found_exception());
    client.delete_stream().stream_name("s").enforce_consumer_deletion(true).send().await.unwrap();
    assert!(service_error(register("late").await).is_resource_not_found_exception());
}

#[tokio::test]
async fn a_stream_has_twenty_consumers_at_most() {
    let (_server, client) = start().await;
    let arn = create_stream(&client, "s", 1).await;
    let register =
        |number| client.register_stream_consumer().stream_arn(&arn).consumer_name(format!("app-{number}")).send();
    for number in 0..20 {
        register(number).await.unwrap();
    }
    let error = service_error(register(20).await);
    assert!(error.is_limit_exceeded_exception(), "{error:?}");
}
