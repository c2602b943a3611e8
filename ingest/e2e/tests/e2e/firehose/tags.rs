//! Tags of delivery streams, before and after a restart.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::types::Tag;

use super::{CONFIG, create_raw};
use crate::support::clients::{assert_error, firehose};
use crate::support::server::Server;

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

async fn tags(client: &Client) -> Vec<(String, Option<String>)> {
    let answer = client.list_tags_for_delivery_stream().delivery_stream_name("raw").send().await.unwrap();
    assert!(!answer.has_more_tags());
    answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().map(str::to_owned))).collect()
}

#[tokio::test]
async fn tags_are_set_removed_paged_and_kept() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    create_raw(&client, "raw").await;
    let given = vec![tag("b", "1"), tag("a", "2"), tag("c", "3")];
    client.tag_delivery_stream().delivery_stream_name("raw").set_tags(Some(given)).send().await.unwrap();
    client.untag_delivery_stream().delivery_stream_name("raw").tag_keys("b").send().await.unwrap();
    let page = client.list_tags_for_delivery_stream().delivery_stream_name("raw").limit(1).send().await.unwrap();
    assert_eq!((page.tags()[0].key(), page.has_more_tags()), ("a", true));
    let rest = client.list_tags_for_delivery_stream().delivery_stream_name("raw").exclusive_start_tag_key("a");
    assert_eq!(rest.send().await.unwrap().tags()[0].key(), "c");
    let server = server.restart().await;
    let client = firehose(&server.url);
    let expected = [("a", "2"), ("c", "3")].map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
    assert_eq!(tags(&client).await, expected);
    let refused = client.tag_delivery_stream().delivery_stream_name("raw").tags(tag("aws:x", "")).send().await;
    assert_error(refused, "ValidationException", "aws:");
}
