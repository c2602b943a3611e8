//! Delivery streams are created, described, listed and deleted.

use serde_json::{Value, json};

use super::client::{ROLE, Server, base64, conversion, destination};

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_stream_is_described_as_it_was_asked_for() {
    let mut server = Server::start().await;
    let parquet = json!({"Compression": "SNAPPY", "WriterVersion": "V2"});
    let schema = json!({"RoleARN": ROLE, "DatabaseName": "web", "TableName": "hits"});
    let conversion = conversion(json!({
        "SchemaConfiguration": schema, "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": parquet}},
    }));
    let created = server.create("clicks", destination(conversion.clone())).await;
    assert_eq!(created["DeliveryStreamARN"], "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks");
    let answer = server.call("DescribeDeliveryStream", json!({"DeliveryStreamName": "clicks"})).await;
    let described = &answer["DeliveryStreamDescription"];
    let expected = json!({"DeliveryStreamStatus": "ACTIVE", "VersionId": "1", "DeliveryStreamType": "DirectPut",
        "HasMoreDestinations": false, "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"}});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&described[name], value, "{name}");
    }
    assert_eq!(described["CreateTimestamp"].as_f64(), Some(1.8e9));
    let s3 = &described["Destinations"][0]["ExtendedS3DestinationDescription"];
    assert_eq!(s3["BufferingHints"], json!({"SizeInMBs": 128, "IntervalInSeconds": 300}));
    assert_eq!(s3["DataFormatConversionConfiguration"], conversion["DataFormatConversionConfiguration"]);
    assert_eq!(s3["CompressionFormat"], "UNCOMPRESSED");
    assert_eq!(described["Destinations"][0]["S3DestinationDescription"]["BucketARN"], "arn:aws:s3:::lake");
    let past = json!({"DeliveryStreamName": "clicks", "ExclusiveStartDestinationId": "destinationId-000000000001"});
    let answer = server.call("DescribeDeliveryStream", past).await;
    assert_eq!(answer["DeliveryStreamDescription"]["Destinations"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_and_filtered() {
    let mut server = Server::start().await;
    for name in ["b", "a", "c"] {
        server.create(name, destination(json!({}))).await;
    }
    let page = server.call("ListDeliveryStreams", json!({"Limit": 2})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": ["a", "b"], "HasMoreDeliveryStreams": true}));
    let page = server.call("ListDeliveryStreams", json!({"ExclusiveStartDeliveryStreamName": "b"})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": ["c"], "HasMoreDeliveryStreams": false}));
    let page = server.call("ListDeliveryStreams", json!({"DeliveryStreamType": "KinesisStreamAsSource"})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": [], "HasMoreDeliveryStreams": false}));
    server.call("DeleteDeliveryStream", json!({"DeliveryStreamName": "b"})).await;
    let page = server.call("ListDeliveryStreams", json!({})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": ["a", "c"], "HasMoreDeliveryStreams": false}));
    let refusal = server.refused("DescribeDeliveryStream", json!({"DeliveryStreamName": "b"})).await;
    assert_eq!(refusal, "ResourceNotFoundException: Firehose b under account 000000000000 not found.");
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_reported_all_at_once_in_the_words_of_aws() {
    let mut server = Server::start().await;
    let input = json!({
        "DeliveryStreamName": "a b",
        "ExtendedS3DestinationConfiguration": {"BucketARN": "lake", "BufferingHints": {"SizeInMBs": 0, "IntervalInSeconds": 901}},
    });
    let refusal = server.refused("CreateDeliveryStream", input).await;
    let expected = "ValidationException: 5 validation errors detected: Value 'a b' at 'deliveryStreamName' failed to \
        satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value null at \
        'extendedS3DestinationConfiguration.roleARN' failed to satisfy constraint: Member must not be null; Value 'lake' \
        at 'extendedS3DestinationConfiguration.bucketARN' failed to satisfy constraint: Member must satisfy regular \
        expression pattern: arn:.*:s3:::[\\w\\.\\-]{1,255}; Value '0' at \
        'extendedS3DestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value \
        greater than or equal to 1; Value '901' at \
        'extendedS3DestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy constraint: Member must \
        have value less than or equal to 900";
    assert_eq!(refusal, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throughput_hint_is_told_again_and_raises_the_limit() {
    let mut server = Server::start().await;
    let input = json!({"DeliveryStreamName": "clicks", "ExtendedS3DestinationConfiguration": destination(json!({})),
        "DirectPutSourceConfiguration": {"ThroughputHintInMBs": 100}});
    server.call("CreateDeliveryStream", input).await;
    let answer = server.call("DescribeDeliveryStream", json!({"DeliveryStreamName": "clicks"})).await;
    let source = &answer["DeliveryStreamDescription"]["Source"];
    assert_eq!(source, &json!({"DirectPutSourceDescription": {"ThroughputHintInMBs": 100}}));
    let records: Value = vec![json!({"Data": base64(vec![7; 1_000_000])}); 4].into();
    for _ in 0..8 {
        let batch = json!({"DeliveryStreamName": "clicks", "Records": records});
        assert_eq!(server.call("PutRecordBatch", batch).await["FailedPutCount"], 0);
    }
}
