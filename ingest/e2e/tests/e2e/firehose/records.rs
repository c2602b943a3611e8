//! What is put arrives, as it is or converted, whatever happens meanwhile.

use std::collections::BTreeSet;
use std::fs;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use super::{CONFIG, create_raw, record};
use crate::support::clients::{assert_error, firehose, kinesis};
use crate::support::delivery::{
    ParquetDelivery, create_parquet_delivery, destination, parquet_conversion, wait_until_active,
};
use crate::support::eventually;
use crate::support::parquet_files::{objects_below, row_count_below, rows_below};
use crate::support::records::create_stream;
use crate::support::server::Server;

#[tokio::test]
async fn records_arrive_as_they_are_one_after_the_other() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    create_raw(&client, "raw").await;
    let first = client.put_record().delivery_stream_name("raw").record(record("one\n")).send().await.unwrap();
    assert!(!first.record_id().is_empty());
    let records = ["two", "\u{0}\u{1}", "three\n"].map(record);
    let answer = client.put_record_batch().delivery_stream_name("raw").set_records(Some(records.to_vec())).send().await;
    let answer = answer.unwrap();
    assert_eq!((answer.failed_put_count(), answer.request_responses().len()), (0, 3));
    let ids: BTreeSet<_> = answer.request_responses().iter().map(|response| response.record_id().unwrap()).collect();
    assert_eq!(ids.len(), 3);

    let bucket = server.home.bucket("raw");
    let expected = "one\ntwo\u{0}\u{1}three\n";
    let contents = || {
        let files = objects_below(&bucket);
        files.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect::<String>()
    };
    eventually("the delivery", || async { (contents().len() >= expected.len()).then_some(()) }).await;
    assert_eq!(contents(), expected);
    let name = objects_below(&bucket)[0].strip_prefix(&bucket).unwrap().display().to_string();
    let mut parts = name.split('/');
    assert!(parts.by_ref().take(4).all(|part| part.bytes().all(|byte| byte.is_ascii_digit())), "{name}");
    assert!(parts.next().unwrap().starts_with("raw-1-"), "{name}");
}

#[tokio::test]
async fn records_of_a_stream_become_rows_of_an_inferred_schema() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    let streams = kinesis(&server.url);
    let arn = create_stream(&streams, "clicks", 2).await;
    let delivery = ParquetDelivery { name: "to-parquet", bucket: "lake", source: Some(&arn), interval_seconds: 1 };
    create_parquet_delivery(&client, &delivery).await;
    let entries = (0..400).map(|number| {
        let data = format!(r#"{{"id":{number},"page":"/p/{}","bot":{}}}"#, number % 7, number % 2 == 0);
        let entry = PutRecordsRequestEntry::builder().partition_key(format!("{number}"));
        entry.data(aws_sdk_kinesis::primitives::Blob::new(data)).build().unwrap()
    });
    streams.put_records().stream_name("clicks").set_records(Some(entries.collect())).send().await.unwrap();

    let bucket = server.home.bucket("lake");
    eventually("the delivery", || async { (row_count_below(&bucket) >= 400).then_some(()) }).await;
    let mut ids = BTreeSet::new();
    for rows in rows_below(&bucket) {
        assert_eq!(rows.schema().field_with_name("bot").unwrap().data_type(), &DataType::Boolean);
        let column = |name| rows.column_by_name(name).unwrap();
        let (pages, bots) = (column("page").as_string::<i32>(), column("bot").as_boolean());
        for (row, id) in column("id").as_primitive::<Int64Type>().values().iter().enumerate() {
            assert!(ids.insert(*id), "{id} is there twice");
            assert_eq!((pages.value(row), bots.value(row)), (format!("/p/{}", id % 7).as_str(), id % 2 == 0));
        }
    }
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), (0..400).collect::<Vec<_>>());
    let direct = client.put_record().delivery_stream_name("to-parquet").record(record("{}")).send().await;
    let text = "This operation is not permitted on KinesisStreamAsSource delivery stream type.";
    assert_error(direct, "InvalidArgumentException", text);
}

#[tokio::test]
async fn records_that_do_not_convert_go_to_the_error_prefix_with_the_reason() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    let destination = destination("lake", 64, 1)
        .prefix("good/")
        .error_output_prefix("bad/!{firehose:error-output-type}/")
        .data_format_conversion_configuration(parquet_conversion(Some("clicks")))
        .build()
        .unwrap();
    let request = client.create_delivery_stream().delivery_stream_name("mixed");
    request.extended_s3_destination_configuration(destination).send().await.unwrap();
    wait_until_active(&client, "mixed").await;
    let texts = [r#"{"id":1,"page":"/"}"#, "not json", r#"{"id":"many"}"#, r#"{"id":2,"other":[]}"#];
    let records = Some(texts.map(record).to_vec());
    let answer = client.put_record_batch().delivery_stream_name("mixed").set_records(records).send().await.unwrap();
    assert_eq!(answer.failed_put_count(), 0);

    let bucket = server.home.bucket("lake");
    let lines = || {
        let files = objects_below(&bucket.join("bad"));
        files.iter().flat_map(|path| fs::read_to_string(path).into_iter()).collect::<String>()
    };
    let is_delivered = || row_count_below(&bucket.join("good")) >= 2 && lines().lines().count() >= 2;
    eventually("the delivery", || async { is_delivered().then_some(()) }).await;
    let rows = rows_below(&bucket.join("good"));
    let ids: Vec<i64> = rows
        .iter()
        .flat_map(|rows| rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(ids, [1, 2]);
    assert!(
        objects_below(&bucket.join("bad"))
            .iter()
            .all(|path| path.display().to_string().contains("format-conversion-failed"))
    );
    let errors: Vec<serde_json::Value> = lines().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let raw: Vec<_> = errors.iter().map(|error| error["rawData"].as_str().unwrap()).collect();
    assert_eq!(raw, ["bm90IGpzb24=", "eyJpZCI6Im1hbnkifQ=="]);
    for error in &errors {
        assert!(error["lastErrorCode"].as_str().unwrap().starts_with("DataFormatConversion."), "{error}");
        assert!(!error["lastErrorMessage"].as_str().unwrap().is_empty(), "{error}");
    }
}

#[tokio::test]
async fn what_is_put_before_a_restart_is_delivered_once() {
    let server = Server::new(CONFIG).await;
    let delivery = ParquetDelivery { name: "kept", bucket: "lake", source: None, interval_seconds: 1 };
    create_parquet_delivery(&firehose(&server.url), &delivery).await;
    let mut server = server;
    for round in 0..3 {
        let client = firehose(&server.url);
        let records = (0..20).map(|number| record(format!(r#"{{"id":{}}}"#, round * 20 + number))).collect();
        client.put_record_batch().delivery_stream_name("kept").set_records(Some(records)).send().await.unwrap();
        server = server.restart().await;
    }
    let bucket = server.home.bucket("lake");
    eventually("the delivery", || async { (row_count_below(&bucket) >= 60).then_some(()) }).await;
    let rows = rows_below(&bucket);
    let ids =
        rows.iter().flat_map(|rows| rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec());
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn delivery_goes_on_when_a_bucket_that_refused_is_back() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    let bucket = server.home.bucket("raw");
    // No directory can be made where a file is.
    fs::create_dir_all(bucket.parent().unwrap()).unwrap();
    fs::write(&bucket, "in the way").unwrap();
    create_raw(&client, "raw").await;
    client.put_record().delivery_stream_name("raw").record(record("before")).send().await.unwrap();
    let log = || server.home.log();
    eventually("a failed delivery", || async { log().contains("delivery fails and is retried").then_some(()) }).await;
    client.put_record().delivery_stream_name("raw").record(record(" and after")).send().await.unwrap();

    fs::remove_file(&bucket).unwrap();
    let contents = || objects_below(&bucket).iter().map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
    eventually("the delivery", || async { (contents().len() >= "before and after".len()).then_some(()) }).await;
    assert_eq!(contents(), "before and after");
}

#[tokio::test]
async fn delivery_stream_over_its_rate_refuses_records_one_by_one() {
    let server = Server::new("").await;
    let client = firehose(&server.url);
    create_raw(&client, "raw").await;
    // 5 MiB a second are taken: of several batches of 4 MB at once, not all.
    let answer = eventually("a put over the rate", || async {
        let batch = || vec![record(vec![b'x'; 1_000_000]); 4];
        let puts =
            (0..4).map(|_| client.put_record_batch().delivery_stream_name("raw").set_records(Some(batch())).send());
        let answers = futures_util::future::join_all(puts).await;
        answers.into_iter().map(Result::unwrap).find(|answer| answer.failed_put_count() > 0)
    })
    .await;
    let refused: Vec<_> = answer.request_responses().iter().filter(|record| record.error_code().is_some()).collect();
    assert_eq!(refused.len(), usize::try_from(answer.failed_put_count()).unwrap());
    for record in refused {
        assert_eq!((record.error_code(), record.record_id()), (Some("ServiceUnavailableException"), None));
        assert_eq!(record.error_message(), Some("Slow down."));
    }
}
