//! A destination is updated while records come.

use std::fs;

use aws_sdk_firehose::types::ExtendedS3DestinationUpdate;

use super::{CONFIG, create_raw, record};
use crate::support::clients::{assert_error, firehose};
use crate::support::eventually;
use crate::support::parquet_files::objects_below;
use crate::support::server::Server;

#[tokio::test]
async fn an_update_takes_effect_once_and_is_kept() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    create_raw(&client, "raw").await;
    let update = || {
        let update = ExtendedS3DestinationUpdate::builder().prefix("after/").file_extension(".txt").build();
        let request =
            client.update_destination().delivery_stream_name("raw").destination_id("destinationId-000000000001");
        request.current_delivery_stream_version_id("1").extended_s3_destination_update(update)
    };
    update().send().await.unwrap();
    assert_error(update().send().await, "ConcurrentModificationException", "current version id: 2");
    client.put_record().delivery_stream_name("raw").record(record("x")).send().await.unwrap();
    let bucket = server.home.bucket("raw");
    let found = eventually("the delivery", || async { objects_below(&bucket.join("after")).pop() }).await;
    assert_eq!(fs::read_to_string(&found).unwrap(), "x");
    assert!(found.display().to_string().ends_with(".txt"), "{}", found.display());

    let server = server.restart().await;
    let answer = firehose(&server.url).describe_delivery_stream().delivery_stream_name("raw").send().await.unwrap();
    let described = answer.delivery_stream_description.unwrap();
    assert_eq!((described.version_id(), described.last_update_timestamp().is_some()), ("2", true));
    let s3 = described.destinations()[0].extended_s3_destination_description().unwrap();
    assert_eq!((s3.prefix(), s3.file_extension()), (Some("after/"), Some(".txt")));
}
