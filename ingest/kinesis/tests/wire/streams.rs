//! Creating, describing and deleting streams.

use ingest_kinesis::Options;
use serde_json::json;

use super::client::{JSON, Server, refusal, sequence_number};

#[tokio::test]
async fn a_stream_is_created_active_and_described() {
    let mut server = Server::start().await;
    assert_eq!(server.call("CreateStream", json!({"StreamName": "clicks", "ShardCount": 2})).await, json!({}));
    let description = server.call("DescribeStream", json!({"StreamName": "clicks"})).await;
    let shard = |id: &str, start: &str, end: &str, sequence: &str| {
        json!({
            "ShardId": id,
            "HashKeyRange": {"StartingHashKey": start, "EndingHashKey": end},
            "SequenceNumberRange": {"StartingSequenceNumber": sequence},
        })
    };
    let expected = json!({"StreamDescription": {
        "StreamName": "clicks",
        "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "StreamCreationTimestamp": 1_700_000_000.0,
        "RetentionPeriodHours": 24,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
        "HasMoreShards": false,
        "Shards": [
            shard(
                "shardId-000000000000",
                "0",
                "170141183460469231731687303715884105727",
                &sequence_number(0, 0),
            ),
            shard(
                "shardId-000000000001",
                "170141183460469231731687303715884105728",
                "340282366920938463463374607431768211455",
                &sequence_number(0, 1),
            ),
        ],
    }});
    assert_eq!(description, expected);
}

#[tokio::test]
async fn a_summary_counts_shards_and_names_the_record_size() {
    let mut server = Server::start().await;
    let input = json!({"StreamName": "clicks", "ShardCount": 3, "MaxRecordSizeInKiB": 2048, "Tags": {"team": "web"}});
    server.call("CreateStream", input).await;
    let answer = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    let summary = &answer["StreamDescriptionSummary"];
    assert_eq!(summary["OpenShardCount"], 3);
    assert_eq!(summary["ConsumerCount"], 0);
    assert_eq!(summary["MaxRecordSizeInKiB"], 2048);
    assert_eq!(summary["StreamStatus"], "ACTIVE");
    assert_eq!(summary["EncryptionType"], "NONE");
    assert!(summary.get("Shards").is_none());
}

#[tokio::test]
async fn an_on_demand_stream_begins_with_four_shards() {
    let mut server = Server::start().await;
    let mode = json!({"StreamMode": "ON_DEMAND"});
    server.call("CreateStream", json!({"StreamName": "clicks", "StreamModeDetails": mode})).await;
    let answer = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    let summary = &answer["StreamDescriptionSummary"];
    assert_eq!((&summary["OpenShardCount"], &summary["StreamModeDetails"]), (&json!(4), &mode));
    let both = json!({"StreamName": "other", "StreamModeDetails": mode, "ShardCount": 1});
    assert_eq!(server.refused("CreateStream", both).await.0, "InvalidArgumentException");
}

#[tokio::test]
async fn a_stream_is_named_by_its_arn_as_well() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let answer = server.call("DescribeStreamSummary", json!({"StreamARN": arn})).await;
    assert_eq!(answer["StreamDescriptionSummary"]["StreamName"], "clicks");
    server.call("DescribeStreamSummary", json!({"StreamARN": arn, "StreamName": "clicks"})).await;

    let disagreeing = json!({"StreamARN": arn, "StreamName": "other"});
    assert_eq!(server.refused("DescribeStreamSummary", disagreeing).await.0, "InvalidArgumentException");
    let neither = server.refused("DescribeStreamSummary", json!({})).await;
    assert_eq!(neither, refusal("InvalidArgumentException", "Either StreamName or StreamARN should be provided."));
    for (elsewhere, expected) in [
        ("arn:aws:kinesis:eu-west-1:000000000000:stream/clicks", "ResourceNotFoundException"),
        ("arn:aws:kinesis:us-east-1:111111111111:stream/clicks", "AccessDeniedException"),
    ] {
        let (code, _) = server.refused("DescribeStreamSummary", json!({"StreamARN": elsewhere})).await;
        assert_eq!(code, expected, "{elsewhere}");
    }
}

#[tokio::test]
async fn a_stream_of_one_region_is_not_seen_in_another() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let body = br#"{"StreamName":"clicks"}"#;
    let authorization = "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20231114/eu-west-1/kinesis/aws4_request, \
                         SignedHeaders=host;x-amz-date, Signature=00\r\nX-Amz-Date: 20231114T221320Z\r\n";
    let answer = server.send_as("DescribeStream", JSON, body, authorization).await;
    let expected = refusal("ResourceNotFoundException", "Stream clicks under account 000000000000 not found.");
    assert_eq!(answer.refusal("DescribeStream", 400), expected);
}

#[tokio::test]
async fn a_deleted_stream_is_gone_and_its_name_free() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let put = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": "b2xk"});
    server.call("PutRecord", put.clone()).await;
    let old_iterator = server.iterator("clicks", "TRIM_HORIZON").await;
    server.call("DeleteStream", json!({"StreamName": "clicks", "EnforceConsumerDeletion": true})).await;

    let not_found = refusal("ResourceNotFoundException", "Stream clicks under account 000000000000 not found.");
    for operation in ["DescribeStream", "DescribeStreamSummary", "ListShards", "DeleteStream"] {
        assert_eq!(server.refused(operation, json!({"StreamName": "clicks"})).await, not_found, "{operation}");
    }
    assert_eq!(server.refused("PutRecord", put).await, not_found);

    server.create("clicks", 1).await;
    let message = "Shard shardId-000000000000 in stream clicks under account 000000000000 does not exist";
    let refused = server.refused("GetRecords", json!({"ShardIterator": old_iterator})).await;
    assert_eq!(refused, refusal("ResourceNotFoundException", message));
    assert!(server.data_of("clicks").await.is_empty());
}

#[tokio::test]
async fn a_taken_name_and_too_many_shards_are_refused() {
    let mut server = Server::start_with(Options { shards_max: 4, ..Options::default() }).await;
    server.create("clicks", 3).await;
    let taken = server.refused("CreateStream", json!({"StreamName": "clicks", "ShardCount": 1})).await;
    let message = "Stream clicks under account 000000000000 already exists.";
    assert_eq!(taken, refusal("ResourceInUseException", message));
    for shard_count in [2_i64, 5_000_000_000] {
        let input = json!({"StreamName": "other", "ShardCount": shard_count});
        let (code, message) = server.refused("CreateStream", input).await;
        assert_eq!(code, "LimitExceededException");
        assert!(message.contains("Current shard count for the account: 3. Limit: 4."), "{message}");
    }
}

#[tokio::test]
async fn creation_reports_every_constraint_at_once() {
    let mut server = Server::start().await;
    let input = json!({
        "StreamName": "a b",
        "ShardCount": 0,
        "StreamModeDetails": {"StreamMode": "SOMETIMES"},
        "MaxRecordSizeInKiB": 1,
    });
    let message = "4 validation errors detected: Value 'a b' at 'streamName' failed to satisfy constraint: Member must \
                   satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value '0' at 'shardCount' failed to satisfy \
                   constraint: Member must have value greater than or equal to 1; Value 'SOMETIMES' at \
                   'streamModeDetails.streamMode' failed to satisfy constraint: Member must satisfy enum value set: \
                   [PROVISIONED, ON_DEMAND]; Value '1' at 'maxRecordSizeInKiB' failed to satisfy constraint: Member \
                   must have value greater than or equal to 1024";
    assert_eq!(server.refused("CreateStream", input).await, refusal("ValidationException", message));
    let message = "2 validation errors detected: Value null at 'streamName' failed to satisfy constraint: Member must \
                   not be null; Value null at 'shardCount' failed to satisfy constraint: Member must not be null";
    assert_eq!(server.refused("CreateStream", json!({})).await, refusal("ValidationException", message));
    let tags = json!({"StreamName": "clicks", "ShardCount": 1, "Tags": {"": "x".repeat(257)}});
    let (code, message) = server.refused("CreateStream", tags).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("2 validation errors"), "{message}");
}

#[tokio::test]
async fn an_operation_that_is_not_there_is_refused_as_such() {
    let mut server = Server::start().await;
    let (code, message) = server.refused("DrinkStream", json!({})).await;
    assert_eq!(code, "UnknownOperationException");
    assert!(message.contains("DrinkStream"), "{message}");
}
