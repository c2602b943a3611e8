//! What is put arrives.

use serde_json::{Value, json};

use super::client::{Server, base64, conversion, destination, kinesis_source, new_stream};

#[tokio::test(flavor = "multi_thread")]
async fn records_are_put_and_land_verbatim() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({"Prefix": "in/", "FileExtension": ".txt"}))).await;
    let answer =
        server.call("PutRecord", json!({"DeliveryStreamName": "clicks", "Record": {"Data": base64("one\n")}})).await;
    assert_eq!(answer["Encrypted"], false);
    let records = json!([{"Data": base64("two")}, {"Data": ""}, {"Data": base64([0xff_u8, 10])}]);
    let batch = server.call("PutRecordBatch", json!({"DeliveryStreamName": "clicks", "Records": records})).await;
    assert_eq!(batch["FailedPutCount"], 0);
    let mut ids: Vec<&Value> = batch["RequestResponses"].as_array().unwrap().iter().map(|r| &r["RecordId"]).collect();
    ids.push(&answer["RecordId"]);
    let unique: std::collections::HashSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(unique.len(), 4);
    let objects = server.objects().await;
    let (key, body) = &objects[0];
    assert_eq!((objects.len(), body.as_slice()), (1, b"one\ntwo\xff\n".as_slice()));
    assert!(key.starts_with("in/2") && key.contains("/clicks-1-2") && key.ends_with(".txt"), "{key}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_stream_become_parquet_and_those_that_fail_are_told_of() {
    let mut server = Server::start().await;
    let stream = server.streams.create(new_stream("events")).unwrap();
    let source = kinesis_source("events");
    let input = json!({
        "DeliveryStreamName": "clicks",
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": source,
        "ExtendedS3DestinationConfiguration": destination(conversion(json!({}))),
    });
    server.call("CreateDeliveryStream", input).await;
    let put = json!({"DeliveryStreamName": "clicks", "Record": {"Data": base64("x")}});
    let refusal = server.refused("PutRecord", put).await;
    assert!(refusal.starts_with("InvalidArgumentException: This operation is not permitted"), "{refusal}");
    let described = server.call("DescribeDeliveryStream", json!({"DeliveryStreamName": "clicks"})).await;
    let told = &described["DeliveryStreamDescription"]["Source"]["KinesisStreamSourceDescription"];
    assert_eq!((&told["KinesisStreamARN"], &told["RoleARN"]), (&source["KinesisStreamARN"], &source["RoleARN"]));
    for data in [&br#"{"a":1}"#[..], b"nonsense"] {
        let record = shard_store::log::NewRecord { partition_key: "k", explicit_hash_key: None, data: &data };
        stream.shards()[0].log().append(&[record]).unwrap().await.unwrap();
    }
    let objects = server.objects().await;
    let [(data_key, data), (error_key, errors)] = objects.as_slice() else { panic!("{} objects", objects.len()) };
    assert!(data_key.starts_with('2') && data_key.ends_with(".parquet") && data.starts_with(b"PAR1"), "{data_key}");
    assert!(error_key.starts_with("format-conversion-failed/2"), "{error_key}");
    let line: Value = serde_json::from_slice(errors).unwrap();
    assert_eq!(line["rawData"], base64("nonsense"));
    assert_eq!(line["lastErrorCode"], "DataFormatConversion.ParseError");
    assert_eq!(line["sequenceNumber"], stream.shards()[0].sequence_number(1).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_processed_before_they_land_and_backed_up_as_they_came() {
    let mut server = Server::start().await;
    let parameters = json!([{"ParameterName": "Delimiter", "ParameterValue": "|\\n"}]);
    let processors = json!([{"Type": "AppendDelimiterToRecord", "Parameters": parameters}]);
    let backup = destination(json!({"Prefix": "raw/"}));
    let more = json!({"ProcessingConfiguration": {"Enabled": true, "Processors": processors}, "Prefix": "done/",
        "S3BackupMode": "Enabled", "S3BackupConfiguration": backup});
    server.create("clicks", destination(more)).await;
    let records = json!([{"Data": base64("one")}, {"Data": base64("two")}]);
    server.call("PutRecordBatch", json!({"DeliveryStreamName": "clicks", "Records": records})).await;
    let objects = server.objects().await;
    let bodies: Vec<(bool, &[u8])> =
        objects.iter().map(|(key, body)| (key.starts_with("raw/"), body.as_slice())).collect();
    assert_eq!(bodies, [(false, b"one|\ntwo|\n".as_slice()), (true, b"onetwo")]);
}
