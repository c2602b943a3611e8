//! Tags of streams and consumers, by name and by ARN.

use std::collections::HashMap;

use aws_sdk_kinesis::types::Tag;

use super::start;
use crate::support::clients::{assert_error, service_error};
use crate::support::records::create_stream;

fn tags(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn pairs(tags: &[Tag]) -> Vec<(&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value().unwrap_or_default())).collect()
}

#[tokio::test]
async fn a_stream_is_tagged_by_its_name() {
    let (_server, client) = start().await;
    let with_tags = client.create_stream().stream_name("s").shard_count(1).tags("team", "web");
    with_tags.send().await.unwrap();
    let more = tags(&[("team", "data"), ("cost centre", "7 @ ü"), ("empty", "")]);
    client.add_tags_to_stream().stream_name("s").set_tags(Some(more)).send().await.unwrap();
    let all = client.list_tags_for_stream().stream_name("s").send().await.unwrap();
    assert_eq!(pairs(all.tags()), [("cost centre", "7 @ ü"), ("empty", ""), ("team", "data")]);
    assert!(!all.has_more_tags());
    let page = client.list_tags_for_stream().stream_name("s").exclusive_start_tag_key("cost centre").limit(1);
    let page = page.send().await.unwrap();
    assert_eq!((pairs(page.tags()), page.has_more_tags()), (vec![("empty", "")], true));
    let keys = ["empty", "team", "never there"].map(str::to_owned).to_vec();
    client.remove_tags_from_stream().stream_name("s").set_tag_keys(Some(keys)).send().await.unwrap();
    let rest = client.list_tags_for_stream().stream_name("s").send().await.unwrap();
    assert_eq!(pairs(rest.tags()), [("cost centre", "7 @ ü")]);

    let absent = client.add_tags_to_stream().stream_name("none").tags("a", "b").send().await;
    assert!(service_error(absent).is_resource_not_found_exception());
    let reserved = client.add_tags_to_stream().stream_name("s").tags("aws:mine", "b").send().await;
    assert!(service_error(reserved).is_invalid_argument_exception());
    let absent = client.remove_tags_from_stream().stream_name("none").tag_keys("a").send().await;
    assert!(service_error(absent).is_resource_not_found_exception());
}

#[tokio::test]
async fn streams_and_consumers_are_tagged_by_their_arns() {
    let (_server, client) = start().await;
    let stream = create_stream(&client, "s", 1).await;
    let register = client.register_stream_consumer().stream_arn(&stream).consumer_name("app").tags("kept", "1");
    let consumer = register.send().await.unwrap().consumer.unwrap().consumer_arn;
    for arn in [&stream, &consumer] {
        let new = tags(&[("kept", "2"), ("dropped", "3")]);
        client.tag_resource().resource_arn(arn).set_tags(Some(new)).send().await.unwrap();
        client.untag_resource().resource_arn(arn).tag_keys("dropped").send().await.unwrap();
        let left = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
        assert_eq!(pairs(left.tags()), [("kept", "2")], "{arn}");
    }
    let absent = format!("{stream}-none");
    let error = service_error(client.tag_resource().resource_arn(&absent).tags("a", "b").send().await);
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let error = client.list_tags_for_resource().resource_arn(&absent).send().await;
    assert_error(error, "ResourceNotFoundException", "s-none");
    let error = service_error(client.untag_resource().resource_arn(&absent).tag_keys("a").send().await);
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}
