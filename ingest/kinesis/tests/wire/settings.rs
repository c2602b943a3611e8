//! What a stream and an account are set to: mode, record size, metrics, limits, commitment.

use ingest_kinesis::Options;
use serde_json::json;

use super::client::{Server, base64, refusal};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const HOUR_MS: u64 = 3_600_000;

#[tokio::test]
async fn the_mode_is_changed_twice_a_day() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    let mode = |mode: &str| json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": mode}});
    server.call("UpdateStreamMode", mode("PROVISIONED")).await;
    server.call("UpdateStreamMode", mode("ON_DEMAND")).await;
    let answer = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    let summary = &answer["StreamDescriptionSummary"];
    assert_eq!(
        (&summary["StreamModeDetails"]["StreamMode"], &summary["OpenShardCount"]),
        (&json!("ON_DEMAND"), &json!(2))
    );
    server.call("UpdateStreamMode", mode("PROVISIONED")).await;
    let (code, message) = server.refused("UpdateStreamMode", mode("ON_DEMAND")).await;
    assert_eq!(code, "LimitExceededException");
    assert!(message.contains("changed 2 times within the last 24 hours"), "{message}");
    server.clock.advance(24 * HOUR_MS);
    server.call("UpdateStreamMode", mode("ON_DEMAND")).await;

    let (code, message) = server.refused("UpdateStreamMode", json!({})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("'streamARN'") && message.contains("'streamModeDetails'"), "{message}");
    let (code, message) = server.refused("UpdateStreamMode", mode("SOMETIMES")).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("[PROVISIONED, ON_DEMAND]"), "{message}");
}

#[tokio::test]
async fn puts_follow_the_record_size() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let put = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64(vec![b'x'; 3 << 20])});
    let (code, message) = server.refused("PutRecord", put.clone()).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("less than or equal to 1048576"), "{message}");
    server.call("UpdateMaxRecordSize", json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 10_240})).await;
    server.call("PutRecord", put).await;
    let answer = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    assert_eq!(answer["StreamDescriptionSummary"]["MaxRecordSizeInKiB"], 10_240);
    for kib in [1_023, 10_241] {
        let input = json!({"StreamARN": ARN, "MaxRecordSizeInKiB": kib});
        assert_eq!(server.refused("UpdateMaxRecordSize", input).await.0, "ValidationException");
    }
    let missing = server.refused("UpdateMaxRecordSize", json!({"StreamARN": ARN})).await;
    assert!(missing.1.contains("Value null at 'maxRecordSizeInKiB'"), "{}", missing.1);
}

#[tokio::test]
async fn limits_count_shards_and_on_demand_streams() {
    let mut server = Server::start_with(Options { shards_max: 80, ..Options::default() }).await;
    server.create("clicks", 3).await;
    let mode = json!({"StreamMode": "ON_DEMAND"});
    server.call("CreateStream", json!({"StreamName": "more", "StreamModeDetails": mode})).await;
    let expected = json!({
        "ShardLimit": 80,
        "OpenShardCount": 7,
        "OnDemandStreamCount": 1,
        "OnDemandStreamCountLimit": 20,
    });
    assert_eq!(server.call("DescribeLimits", json!({})).await, expected);
}

#[tokio::test]
async fn an_account_commits_itself_for_a_day_at_least() {
    let mut server = Server::start().await;
    let member = "MinimumThroughputBillingCommitment";
    let nothing = json!({member: {"Status": "DISABLED"}});
    assert_eq!(server.call("DescribeAccountSettings", json!({})).await, nothing);
    assert_eq!(server.call("UpdateAccountSettings", nothing.clone()).await, nothing);
    let day = 86_400.0;
    let start = 1_700_000_000.0;
    let committed = json!({member: {"Status": "ENABLED", "StartedAt": start, "EarliestAllowedEndAt": start + day}});
    let enable = json!({member: {"Status": "ENABLED"}});
    assert_eq!(server.call("UpdateAccountSettings", enable).await, committed);
    server.clock.advance(HOUR_MS);
    assert_eq!(server.call("DescribeAccountSettings", json!({})).await, committed);
    let ending = server.call("UpdateAccountSettings", nothing.clone()).await;
    assert_eq!(ending[member]["Status"], "ENABLED_UNTIL_EARLIEST_ALLOWED_END");
    server.clock.advance(23 * HOUR_MS);
    let ended = json!({member: {"Status": "DISABLED", "StartedAt": start, "EndedAt": start + day}});
    assert_eq!(server.call("DescribeAccountSettings", json!({})).await, ended);

    let message = "1 validation error detected: Value null at 'minimumThroughputBillingCommitment' failed to satisfy \
                   constraint: Member must not be null";
    assert_eq!(server.refused("UpdateAccountSettings", json!({})).await, refusal("ValidationException", message));
    let (code, _) = server.refused("UpdateAccountSettings", json!({member: {"Status": "MAYBE"}})).await;
    assert_eq!(code, "ValidationException");
}
