//! `UpdateDestination`: what is kept, what is replaced, and what is refused.

use serde_json::{Value, json};

use super::client::{ROLE, Server, base64, conversion, destination};

async fn described(server: &mut Server) -> Value {
    let answer = server.call("DescribeDeliveryStream", json!({"DeliveryStreamName": "clicks"})).await;
    answer["DeliveryStreamDescription"].clone()
}

fn update_as(version: &str, member: &str, update: Value) -> Value {
    json!({"DeliveryStreamName": "clicks", "CurrentDeliveryStreamVersionId": version,
        "DestinationId": "destinationId-000000000001", member: update})
}

fn update(version: &str, update: Value) -> Value {
    update_as(version, "ExtendedS3DestinationUpdate", update)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_not_given_keep_their_values() {
    let mut server = Server::start().await;
    let before = json!({"Prefix": "before/", "CompressionFormat": "GZIP", "FileExtension": ".gz2",
        "BufferingHints": {"SizeInMBs": 7, "IntervalInSeconds": 60}});
    server.create("clicks", destination(before)).await;
    let first = described(&mut server).await;
    assert_eq!((&first["VersionId"], first.get("LastUpdateTimestamp")), (&json!("1"), None));
    server
        .call("UpdateDestination", update("1", json!({"Prefix": "after/", "CompressionFormat": "UNCOMPRESSED"})))
        .await;
    let plain =
        update_as("2", "S3DestinationUpdate", json!({"BufferingHints": {"SizeInMBs": 8, "IntervalInSeconds": 61}}));
    server.call("UpdateDestination", plain).await;
    let after = described(&mut server).await;
    assert_eq!(after["VersionId"], "3");
    assert!(after["LastUpdateTimestamp"].as_f64().unwrap() >= after["CreateTimestamp"].as_f64().unwrap());
    let s3 = &after["Destinations"][0]["ExtendedS3DestinationDescription"];
    let expected = json!({"Prefix": "after/", "CompressionFormat": "UNCOMPRESSED", "FileExtension": ".gz2",
        "BucketARN": "arn:aws:s3:::lake", "RoleARN": ROLE, "BufferingHints": {"SizeInMBs": 8, "IntervalInSeconds": 61}});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&s3[name], value, "{name}");
    }
    assert_eq!(after["Destinations"][0]["DestinationId"], "destinationId-000000000001");
    let put = json!({"DeliveryStreamName": "clicks", "Record": {"Data": base64("x")}});
    server.call("PutRecord", put).await;
    let objects = server.objects().await;
    let (key, body) = &objects[0];
    assert!(key.starts_with("after/") && key.contains("/clicks-3-") && body == b"x", "{key}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_is_changed_member_by_member_and_its_formats_as_a_whole() {
    let mut server = Server::start().await;
    server.create("clicks", destination(conversion(json!({})))).await;
    let hive = json!({"DataFormatConversionConfiguration":
        {"InputFormatConfiguration": {"Deserializer": {"HiveJsonSerDe": {}}}}});
    server.call("UpdateDestination", update("1", hive)).await;
    let after = described(&mut server).await;
    let s3 = &after["Destinations"][0]["ExtendedS3DestinationDescription"];
    let expected = json!({"InputFormatConfiguration": {"Deserializer": {"HiveJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}}});
    assert_eq!(s3["DataFormatConversionConfiguration"], expected);
    let off = json!({"DataFormatConversionConfiguration": {"Enabled": false}, "CompressionFormat": "GZIP"});
    server.call("UpdateDestination", update("2", off)).await;
    let after = described(&mut server).await;
    let s3 = &after["Destinations"][0]["ExtendedS3DestinationDescription"];
    assert_eq!(s3["BufferingHints"], json!({"SizeInMBs": 5, "IntervalInSeconds": 300}));
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_that_cannot_be_are_refused_and_change_nothing() {
    let mut server = Server::start().await;
    let backup = json!({"S3BackupMode": "Enabled",
        "S3BackupConfiguration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::backup"}});
    server.create("clicks", destination(backup)).await;
    let before = described(&mut server).await;
    let mut other = update("1", json!({}));
    other["DestinationId"] = json!("destinationId-000000000002");
    let mut two = update("1", json!({}));
    two["S3DestinationUpdate"] = json!({});
    let partitioned = json!({"DynamicPartitioningConfiguration": {"Enabled": true}, "Prefix": "!{partitionKeyFromColumn:k}/",
        "ErrorOutputPrefix": "e/", "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60}});
    let http = json!({"EndpointConfiguration": {"Url": "https://host"},
        "S3Configuration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}});
    let cases = [
        (
            update("2", json!({})),
            "ConcurrentModificationException: Cannot update firehose: clicks since the current version id: 1 and specified version id: 2 do not match",
        ),
        (other, "InvalidArgumentException: Destination Id destinationId-000000000002 not found"),
        (two, "InvalidArgumentException: Exactly one destination configuration is supported for a Firehose"),
        (
            update("1", json!({"S3BackupMode": "Disabled"})),
            "InvalidArgumentException: Disabling S3 backup is not currently supported.",
        ),
        (
            update("1", partitioned),
            "InvalidArgumentException: Dynamic Partitioning can only be enabled when a delivery stream is created.",
        ),
        (
            update("1", json!({"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "k"}}})),
            "InvalidArgumentException: EncryptionConfiguration.KMSEncryptionConfig is not supported by this server.",
        ),
        (
            update("1", json!({"S3BackupUpdate": {"EncryptionConfiguration": {"KMSEncryptionConfig": {}}}})),
            "InvalidArgumentException: EncryptionConfiguration.KMSEncryptionConfig is not supported by this server.",
        ),
        (
            update("1", json!({"Prefix": "!{nonsense:x}/", "ErrorOutputPrefix": "e/"})),
            "InvalidArgumentException: the expression !{nonsense:x} is not supported; use timestamp:PATTERN, firehose:random-string, partitionKeyFromQuery:KEY, partitionKeyFromLambda:KEY, partitionKeyFromColumn:PATH, event-time:PATTERN or, in ErrorOutputPrefix, firehose:error-output-type.",
        ),
        (
            update_as("1", "HttpEndpointDestinationUpdate", http),
            "InvalidArgumentException: Changing the destination type to or from HttpEndpoint is not supported at this time.",
        ),
        (
            update_as("1", "RedshiftDestinationUpdate", json!({"Username": "u"})),
            "ValidationException: 4 validation errors detected: Value null at 'redshiftDestinationUpdate.roleARN' failed to satisfy constraint: Member must not be null; Value null at 'redshiftDestinationUpdate.clusterJDBCURL' failed to satisfy constraint: Member must not be null; Value null at 'redshiftDestinationUpdate.copyCommand' failed to satisfy constraint: Member must not be null; Value null at 'redshiftDestinationUpdate.s3Configuration' failed to satisfy constraint: Member must not be null",
        ),
        (
            update_as("1", "S3DestinationUpdate", json!({"FileExtension": ".x"})),
            "InvalidArgumentException: S3DestinationUpdate has no FileExtension; use ExtendedS3DestinationConfiguration.",
        ),
        (
            update_as("1", "SnowflakeDestinationUpdate", json!({})),
            "InvalidArgumentException: SnowflakeDestinationUpdate is not supported by this server.",
        ),
        (
            update("x", json!({"BufferingHints": {"SizeInMBs": 129}})),
            "ValidationException: 2 validation errors detected: Value 'x' at 'currentDeliveryStreamVersionId' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9]+; Value '129' at 'extendedS3DestinationUpdate.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value less than or equal to 128",
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(server.refused("UpdateDestination", input.clone()).await, expected, "{input}");
    }
    assert_eq!(described(&mut server).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_updates_at_once_one_wins() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let mut another = server.another().await;
    let [first, second] = ["a/", "b/"].map(|prefix| update("1", json!({ "Prefix": prefix })).to_string());
    let answers = tokio::join!(
        server.connection.send("UpdateDestination", super::client::JSON, first.as_bytes()),
        another.send("UpdateDestination", super::client::JSON, second.as_bytes()),
    );
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert_eq!(described(&mut server).await["VersionId"], "2");
}
