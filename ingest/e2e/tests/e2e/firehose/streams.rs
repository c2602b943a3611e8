//! Delivery streams are created, described, listed and deleted.

use aws_sdk_firehose::types::DeliveryStreamType;

use super::{CONFIG, create_raw, record};
use crate::support::clients::{REGION, assert_error, firehose};
use crate::support::delivery::{bucket_arn, destination, parquet_conversion, source};
use crate::support::eventually;
use crate::support::server::Server;

#[tokio::test]
async fn a_delivery_stream_is_created_described_listed_and_deleted() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    create_raw(&client, "raw").await;
    let answer = client.describe_delivery_stream().delivery_stream_name("raw").send().await.unwrap();
    let described = answer.delivery_stream_description.unwrap();
    let arn = format!("arn:aws:firehose:{REGION}:000000000000:deliverystream/raw");
    assert_eq!((described.delivery_stream_name(), described.delivery_stream_arn()), ("raw", arn.as_str()));
    assert_eq!(described.delivery_stream_type(), &DeliveryStreamType::DirectPut);
    let [destination] = described.destinations() else { panic!("{described:?}") };
    let s3 = destination.extended_s3_destination_description().unwrap();
    assert_eq!(s3.bucket_arn(), bucket_arn("raw"));
    let hints = s3.buffering_hints().unwrap();
    assert_eq!((hints.size_in_mbs(), hints.interval_in_seconds()), (Some(1), Some(1)));

    for name in ["a", "b", "c"] {
        create_raw(&client, name).await;
    }
    let first = client.list_delivery_streams().limit(2).send().await.unwrap();
    assert_eq!((first.delivery_stream_names().join(","), first.has_more_delivery_streams()), ("a,b".to_owned(), true));
    let rest = client.list_delivery_streams().exclusive_start_delivery_stream_name("b").send().await.unwrap();
    assert_eq!((rest.delivery_stream_names().join(","), rest.has_more_delivery_streams()), ("c,raw".to_owned(), false));

    client.delete_delivery_stream().delivery_stream_name("raw").send().await.unwrap();
    eventually("the deletion", || async {
        let answer = client.describe_delivery_stream().delivery_stream_name("raw").send().await;
        answer.is_err().then_some(())
    })
    .await;
    let answer = client.describe_delivery_stream().delivery_stream_name("raw").send().await;
    assert_error(answer, "ResourceNotFoundException", "raw");
}

#[tokio::test]
async fn mistakes_are_answered_with_the_codes_of_aws() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    create_raw(&client, "raw").await;
    let create = |name: &str| client.create_delivery_stream().delivery_stream_name(name);

    let twice = create("raw").extended_s3_destination_configuration(destination("raw", 1, 1).build().unwrap());
    assert_error(twice.send().await, "ResourceInUseException", "raw");
    let name = create("a b").extended_s3_destination_configuration(destination("raw", 1, 1).build().unwrap());
    assert_error(name.send().await, "ValidationException", "[a-zA-Z0-9_.-]+");
    let hints = create("hints").extended_s3_destination_configuration(destination("raw", 129, 901).build().unwrap());
    assert_error(hints.send().await, "ValidationException", "2 validation errors detected");
    assert_error(create("nowhere").send().await, "InvalidArgumentException", "");
    let missing = source(&format!("arn:aws:kinesis:{REGION}:000000000000:stream/none"));
    let orphan = create("orphan")
        .delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource)
        .kinesis_stream_source_configuration(missing)
        .extended_s3_destination_configuration(destination("raw", 1, 1).build().unwrap());
    assert!(orphan.send().await.is_err(), "a source that is not there");
    let small =
        destination("raw", 1, 1).data_format_conversion_configuration(parquet_conversion(None)).build().unwrap();
    let small = create("small").extended_s3_destination_configuration(small).send().await;
    assert_error(small, "InvalidArgumentException", "64");
    let table = destination("raw", 64, 1).data_format_conversion_configuration(parquet_conversion(Some("none")));
    let table = create("table").extended_s3_destination_configuration(table.build().unwrap()).send().await;
    assert_error(table, "InvalidArgumentException", "default.none");
    let prefix = destination("raw", 1, 1).prefix("!{nonsense:x}/").build().unwrap();
    let prefix = create("prefix").extended_s3_destination_configuration(prefix).send().await;
    assert_error(prefix, "InvalidArgumentException", "nonsense");

    let put = client.put_record().delivery_stream_name("none").record(record("x")).send().await;
    assert_error(put, "ResourceNotFoundException", "none");
    let large = client.put_record().delivery_stream_name("raw").record(record(vec![b'x'; 1_024_001])).send().await;
    assert_error(large, "ValidationException", "less than or equal to 1024000");
    let batch = client.put_record_batch().delivery_stream_name("raw");
    let many = batch.clone().set_records(Some(vec![record("x"); 501])).send().await;
    assert_error(many, "ValidationException", "less than or equal to 500");
    let heavy = batch.set_records(Some(vec![record(vec![b'x'; 1_000_000]); 5])).send().await;
    assert_error(heavy, "InvalidArgumentException", "4");
    let deleted = client.delete_delivery_stream().delivery_stream_name("none").send().await;
    assert_error(deleted, "ResourceNotFoundException", "none");
}
