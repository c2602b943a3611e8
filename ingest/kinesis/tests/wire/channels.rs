//! Channels: their control operations.

use serde_json::{Value, json};

use super::client::{NOW_MS, Server, refusal};

const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const LAKE: &str = "arn:aws:kinesis:us-east-1:000000000000:channel/lake";
const TABLE: &str = "arn:aws:kinesis:us-east-1:000000000000:channel/table";
const ROLE: &str = "arn:aws:iam::000000000000:role/any";
const SCHEMA: &str = "arn:aws:glue:us-east-1:000000000000:schema/web/clicks";
const OWNER: &str = "000000000000";

async fn create_stream(server: &mut Server, name: &str) {
    server.call("CreateStream", json!({"StreamName": name, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}})).await;
}

fn source(stream: &str, format: &str) -> Value {
    json!([{"StreamARN": stream, "RecordConfiguration": {"RecordFormatType": format}}])
}

fn lake() -> Value {
    let storage = json!({"BucketARN": "arn:aws:s3:::lake", "ExpectedBucketOwner": OWNER, "CompressionType": "ZSTD"});
    json!({
        "ChannelName": "lake",
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": source(STREAM, "JSON"),
        "S3DestinationConfiguration": {"StorageConfiguration": storage},
    })
}

fn table() -> Value {
    let mut source = source(STREAM, "GSR_JSON");
    source[0]["RecordConfiguration"]["GSRSchemaARN"] = json!(SCHEMA);
    json!({
        "ChannelName": "table",
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": source,
        "S3TablesDestinationConfiguration": {
            "DataFreshnessInSeconds": 900,
            "DeadLetterQueueS3Configuration": {"BucketARN": "arn:aws:s3:::dead", "ExpectedBucketOwner": OWNER},
            "S3TablesConfigurationList": [{
                "TableBucketARN": "arn:aws:s3tables:us-east-1:000000000000:bucket/lake",
                "Namespace": "web",
                "TableName": "clicks",
                "CompressionType": "SNAPPY",
                "PartitionSpec": {"PartitionFields": [{"Transform": "TIME_HOUR", "SourceName": "at"}]},
            }],
        },
    })
}

/// `input` with `value` at a path of names, which are made if they are not there.
fn with(mut input: Value, pointer: &str, value: Value) -> Value {
    let mut place = &mut input;
    for name in pointer.split('/') {
        place = match name.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[name],
        };
    }
    *place = value;
    input
}

#[tokio::test]
async fn a_channel_is_created_described_listed_and_deleted() {
    let mut server = Server::start_unlimited().await;
    create_stream(&mut server, "clicks").await;
    let logging = json!({"CloudWatchLogs": {"Enabled": true}});
    let created = server.call("CreateChannel", with(lake(), "LoggingConfiguration", logging)).await;
    let description = &created["ChannelDescription"];
    let id = description["ChannelId"].as_str().unwrap();
    let seconds = NOW_MS as f64 / 1_000.0;
    let mut stream = source(STREAM, "JSON");
    stream[0]["StreamCreationTimestamp"] = json!(seconds);
    let storage = json!({
        "BucketARN": "arn:aws:s3:::lake",
        "ExpectedBucketOwner": OWNER,
        "StorageClass": "STANDARD",
        "CompressionType": "ZSTD",
    });
    let dead = json!({"BucketARN": "arn:aws:s3:::lake", "ExpectedBucketOwner": OWNER, "ErrorOutputPrefix": "errors/"});
    let logs = json!({
        "Enabled": true,
        "LogGroupName": format!("/aws/kinesis/lake/{id}"),
        "LogStreamName": "DestinationDelivery",
    });
    let expected = json!({
        "ChannelName": "lake",
        "ChannelARN": LAKE,
        "ChannelId": id,
        "ChannelStatus": "ACTIVE",
        "ChannelCreationTimestamp": seconds,
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": stream,
        "S3DestinationConfiguration": {
            "DataFreshnessInSeconds": 300,
            "DeadLetterQueueS3Configuration": dead,
            "StorageConfiguration": storage,
        },
        "LoggingConfiguration": {"CloudWatchLogs": logs},
    });
    assert_eq!(description, &expected);
    assert_eq!(server.call("DescribeChannel", json!({"ChannelARN": LAKE})).await, created);

    let of_table = server.call("CreateChannel", table()).await;
    let tables = &of_table["ChannelDescription"]["S3TablesDestinationConfiguration"];
    assert_eq!(tables, &table()["S3TablesDestinationConfiguration"]);
    let summary = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["ChannelCount"], 2);
    let listed = server.call("ListChannels", json!({})).await;
    let expected = json!({
        "ChannelName": "table",
        "ChannelARN": TABLE,
        "ChannelId": of_table["ChannelDescription"]["ChannelId"],
        "ChannelStatus": "ACTIVE",
        "ChannelCreationTimestamp": seconds,
        "ChannelDestinationType": "S3_TABLES",
        "Streams": [{"StreamARN": STREAM, "StreamCreationTimestamp": seconds}],
    });
    assert_eq!((&listed["ChannelSummaries"][1], listed.get("NextToken")), (&expected, None));

    // A stream is not deleted while it has channels.
    let (code, message) = server.refused("DeleteStream", json!({"StreamName": "clicks"})).await;
    assert_eq!(code, "ResourceInUseException");
    assert!(message.contains("has channels"), "{message}");
    for arn in [LAKE, TABLE] {
        assert_eq!(server.call("DeleteChannel", json!({"ChannelARN": arn})).await, json!({}));
    }
    server.call("DeleteStream", json!({"StreamName": "clicks"})).await;
    let gone = refusal("ResourceNotFoundException", "Channel lake under account 000000000000 not found.");
    for operation in ["DescribeChannel", "DeleteChannel"] {
        assert_eq!(server.refused(operation, json!({"ChannelARN": LAKE})).await, gone);
    }
}

#[tokio::test]
async fn a_channel_reports_every_constraint_at_once() {
    let mut server = Server::start_unlimited().await;
    let message = "3 validation errors detected: Value null at 'channelName' failed to satisfy constraint: Member must not \
                   be null; Value null at 'serviceExecutionRoleARN' failed to satisfy constraint: Member must not be null; \
                   Value null at 'streamConfigurationList' failed to satisfy constraint: Member must not be null";
    assert_eq!(server.refused("CreateChannel", json!({})).await, refusal("ValidationException", message));
    for (input, pointer, value, path) in [
        (lake(), "ServiceExecutionRoleARN", json!("role"), "serviceExecutionRoleARN"),
        (lake(), "StreamConfigurationList", json!([]), "streamConfigurationList"),
        (lake(), "StreamConfigurationList/0/StreamARN", json!("clicks"), "streamConfigurationList.1.member.streamARN"),
        (
            lake(),
            "StreamConfigurationList/0/RecordConfiguration",
            Value::Null,
            "streamConfigurationList.1.member.recordConfiguration",
        ),
        (
            lake(),
            "StreamConfigurationList/0/RecordConfiguration/RecordFormatType",
            json!("CSV"),
            "streamConfigurationList.1.member.recordConfiguration.recordFormatType",
        ),
        (
            lake(),
            "S3DestinationConfiguration/StorageConfiguration",
            Value::Null,
            "s3DestinationConfiguration.storageConfiguration",
        ),
        (
            lake(),
            "S3DestinationConfiguration/StorageConfiguration/CompressionType",
            json!("SNAPPY"),
            "s3DestinationConfiguration.storageConfiguration.compressionType",
        ),
        (
            lake(),
            "S3DestinationConfiguration/DeadLetterQueueS3Configuration",
            json!({"BucketARN": "arn:aws:s3:::dead", "ExpectedBucketOwner": "me"}),
            "s3DestinationConfiguration.deadLetterQueueS3Configuration.expectedBucketOwner",
        ),
        (
            table(),
            "S3TablesDestinationConfiguration/S3TablesConfigurationList/0/TableName",
            json!("Clicks"),
            "s3TablesDestinationConfiguration.s3TablesConfigurationList.1.member.tableName",
        ),
        (
            table(),
            "S3TablesDestinationConfiguration/S3TablesConfigurationList/0/PartitionSpec/PartitionFields/0/Transform",
            json!("DAY"),
            "s3TablesDestinationConfiguration.s3TablesConfigurationList.1.member.partitionSpec.partitionFields.1.member.\
             transform",
        ),
        (lake(), "EncryptionConfiguration", json!({"EncryptionType": "KMS"}), "encryptionConfiguration.keyId"),
        (lake(), "LoggingConfiguration", json!({"CloudWatchLogs": {}}), "loggingConfiguration.cloudWatchLogs.enabled"),
    ] {
        let (code, message) = server.refused("CreateChannel", with(input, pointer, value)).await;
        assert_eq!(code, "ValidationException", "{message}");
        assert!(message.contains(&format!(" at '{path}' failed")), "{path}: {message}");
        assert!(message.starts_with("1 validation") || path.ends_with("expectedBucketOwner"), "{message}");
    }
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused() {
    let mut server = Server::start_unlimited().await;
    let not_found = refusal("ResourceNotFoundException", "Stream clicks under account 000000000000 not found.");
    assert_eq!(server.refused("CreateChannel", lake()).await, not_found);
    server.create("clicks", 1).await;
    let (code, message) = server.refused("CreateChannel", lake()).await;
    assert_eq!(code, "InvalidArgumentException");
    assert!(message.contains("ON_DEMAND"), "{message}");
    server
        .call("UpdateStreamMode", json!({"StreamARN": STREAM, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}))
        .await;

    let tables = "S3TablesDestinationConfiguration";
    let format = "StreamConfigurationList/0/RecordConfiguration/RecordFormatType";
    let elsewhere = "arn:aws:s3tables:eu-west-1:000000000000:bucket/lake";
    for input in [
        with(lake(), tables, table()[tables].clone()),
        with(lake(), "S3DestinationConfiguration", Value::Null),
        with(
            lake(),
            "StreamConfigurationList",
            json!([lake()["StreamConfigurationList"][0], lake()["StreamConfigurationList"][0]]),
        ),
        with(lake(), "S3DestinationConfiguration/DataFreshnessInSeconds", json!(299)),
        with(table(), "S3TablesDestinationConfiguration/DataFreshnessInSeconds", json!(901)),
        with(lake(), format, json!("GSR_JSON")),
        with(table(), format, json!("STRING")),
        with(table(), "StreamConfigurationList/0/RecordConfiguration/GSRSchemaARN", Value::Null),
        with(table(), "S3TablesDestinationConfiguration/S3TablesConfigurationList/0/TableBucketARN", json!(elsewhere)),
        with(lake(), "EncryptionConfiguration", json!({"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"})),
        with(lake(), "Tags", json!({"aws:mine": "x"})),
    ] {
        let (code, message) = server.refused("CreateChannel", input.clone()).await;
        assert_eq!(code, "InvalidArgumentException", "{message} {input}");
    }
    let unknown_key = with(lake(), "EncryptionConfiguration", json!({"EncryptionType": "KMS", "KeyId": "alias/none"}));
    assert_eq!(server.refused("CreateChannel", unknown_key).await.0, "KMSNotFoundException");

    server.call("CreateChannel", lake()).await;
    let taken = refusal("ResourceInUseException", "Channel lake under account 000000000000 already exists.");
    assert_eq!(server.refused("CreateChannel", lake()).await, taken);
    // One to a bucket, one to a table.
    let (code, _) = server.refused("CreateChannel", with(lake(), "ChannelName", json!("second"))).await;
    assert_eq!(code, "LimitExceededException");
    server.call("CreateChannel", table()).await;
}

#[tokio::test]
async fn only_freshness_and_logging_are_updated() {
    let mut server = Server::start_unlimited().await;
    create_stream(&mut server, "clicks").await;
    let created = server.call("CreateChannel", lake()).await;
    let update = |more: Value| {
        let mut input = json!({"ChannelARN": LAKE});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let freshness = json!({"DataFreshnessInSeconds": 600});
    let logs = json!({"CloudWatchLogs": {"Enabled": true, "LogGroupName": "/mine"}});
    let input = update(json!({"S3DestinationConfiguration": freshness, "LoggingConfiguration": logs}));
    let updated = server.call("UpdateChannel", input).await;
    let mut expected = created;
    expected["ChannelDescription"]["S3DestinationConfiguration"]["DataFreshnessInSeconds"] = json!(600);
    expected["ChannelDescription"]["LoggingConfiguration"] =
        json!({"CloudWatchLogs": {"Enabled": true, "LogGroupName": "/mine", "LogStreamName": "DestinationDelivery"}});
    assert_eq!(updated, expected);
    assert_eq!(server.call("DescribeChannel", json!({"ChannelARN": LAKE})).await, expected);

    for (more, code) in [
        (json!({}), "InvalidArgumentException"),
        (json!({"S3DestinationConfiguration": {}}), "ValidationException"),
        (json!({"S3DestinationConfiguration": {"DataFreshnessInSeconds": 1_000}}), "InvalidArgumentException"),
        (json!({"S3TablesDestinationConfiguration": freshness}), "InvalidArgumentException"),
        (json!({"LoggingConfiguration": {}}), "ValidationException"),
        (json!({"ChannelARN": "lake"}), "ValidationException"),
        (json!({"ChannelARN": TABLE, "LoggingConfiguration": logs}), "ResourceNotFoundException"),
        (
            json!({"ChannelARN": LAKE.replace("us-east-1", "eu-west-1"), "LoggingConfiguration": logs}),
            "ResourceNotFoundException",
        ),
    ] {
        assert_eq!(server.refused("UpdateChannel", update(more.clone())).await.0, code, "{more}");
    }
    assert_eq!(server.call("DescribeChannel", json!({"ChannelARN": LAKE})).await, expected);
}

#[tokio::test]
async fn channels_are_listed_in_pages_and_by_stream() {
    let mut server = Server::start_unlimited().await;
    for name in ["a", "b", "c"] {
        create_stream(&mut server, name).await;
        let stream = STREAM.replace("clicks", name);
        let input = with(lake(), "StreamConfigurationList/0/StreamARN", json!(stream));
        server.call("CreateChannel", with(input, "ChannelName", json!(format!("to-{name}")))).await;
    }
    let names = |answer: &Value| -> Vec<String> {
        let summaries = answer["ChannelSummaries"].as_array().unwrap().iter();
        summaries.map(|channel| channel["ChannelName"].as_str().unwrap().to_owned()).collect()
    };
    let page = server.call("ListChannels", json!({"MaxResults": 2})).await;
    assert_eq!(names(&page), ["to-a", "to-b"]);
    let token = page["NextToken"].clone();
    let rest = server.call("ListChannels", json!({"NextToken": token, "MaxResults": 2})).await;
    assert_eq!((names(&rest), rest.get("NextToken")), (vec!["to-c".to_owned()], None));
    server.clock.advance(300_001);
    let (code, _) = server.refused("ListChannels", json!({"NextToken": token})).await;
    assert_eq!(code, "ExpiredNextTokenException");

    let filter = |name: &str, seconds: u64| json!({"StreamARN": STREAM.replace("clicks", name), "StreamCreationTimestamp": seconds});
    let filters = json!([filter("c", NOW_MS / 1_000), filter("b", 5), {"StreamARN": STREAM.replace("clicks", "a")}]);
    let filtered = server.call("ListChannels", json!({"StreamFilter": filters})).await;
    assert_eq!(names(&filtered), ["to-a", "to-c"]);
    for refused in [json!({"StreamFilter": []}), json!({"StreamFilter": [{}]}), json!({"MaxResults": 0})] {
        assert_eq!(server.refused("ListChannels", refused).await.0, "ValidationException");
    }
}

#[tokio::test]
async fn a_channel_is_tagged_by_its_arn() {
    let mut server = Server::start_unlimited().await;
    create_stream(&mut server, "clicks").await;
    server.call("CreateChannel", with(lake(), "Tags", json!({"team": "web"}))).await;
    server.call("TagResource", json!({"ResourceARN": LAKE, "Tags": {"cost": "7"}})).await;
    server.call("UntagResource", json!({"ResourceARN": LAKE, "TagKeys": ["team"]})).await;
    let answer = server.call("ListTagsForResource", json!({"ResourceARN": LAKE})).await;
    assert_eq!(answer, json!({"Tags": [{"Key": "cost", "Value": "7"}]}));
    let many: serde_json::Map<_, _> = (0..50).map(|number| (number.to_string(), json!("x"))).collect();
    let (code, message) = server.refused("TagResource", json!({"ResourceARN": LAKE, "Tags": many})).await;
    assert_eq!(code, "InvalidArgumentException");
    assert!(message.contains("more than 50 tags"), "{message}");
    let gone = refusal("ResourceNotFoundException", "Channel table under account 000000000000 not found.");
    assert_eq!(server.refused("ListTagsForResource", json!({"ResourceARN": TABLE})).await, gone);
    assert_eq!(server.refused("TagResource", json!({"ResourceARN": TABLE, "Tags": {"a": "1"}})).await, gone);
}
