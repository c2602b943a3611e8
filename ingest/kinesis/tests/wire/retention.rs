//! How long records are kept.

use serde_json::json;

use super::client::{Server, base64, refusal};

const HOUR_MS: u64 = 3_600_000;

async fn put(server: &mut Server, data: &str) {
    let input = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64(data)});
    server.call("PutRecord", input).await;
}

#[tokio::test]
async fn raising_the_retention_does_not_bring_back_what_has_expired() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    put(&mut server, "expired").await;
    server.clock.advance(2 * HOUR_MS);
    put(&mut server, "kept").await;
    server.clock.advance(23 * HOUR_MS);
    let input = json!({"StreamName": "clicks", "RetentionPeriodHours": 8760});
    server.call("IncreaseStreamRetentionPeriod", input).await;
    assert_eq!(server.data_of("clicks").await, ["kept"]);
    let described = server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await;
    assert_eq!(described["StreamDescriptionSummary"]["RetentionPeriodHours"], 8760);
    server.clock.advance(8_700 * HOUR_MS);
    assert_eq!(server.data_of("clicks").await, ["kept"]);
    server.clock.advance(60 * HOUR_MS);
    assert!(server.data_of("clicks").await.is_empty());
}

#[tokio::test]
async fn lowering_the_retention_expires_records_at_once() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let hours = |hours: i64| json!({"StreamARN": arn, "RetentionPeriodHours": hours});
    server.call("IncreaseStreamRetentionPeriod", hours(48)).await;
    put(&mut server, "old").await;
    server.clock.advance(30 * HOUR_MS);
    put(&mut server, "new").await;
    assert_eq!(server.data_of("clicks").await, ["old", "new"]);
    server.call("DecreaseStreamRetentionPeriod", hours(24)).await;
    assert_eq!(server.data_of("clicks").await, ["new"]);
    server.call("IncreaseStreamRetentionPeriod", hours(48)).await;
    assert_eq!(server.data_of("clicks").await, ["new"]);
}

#[tokio::test]
async fn retention_periods_have_their_limits() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let hours = |hours: i64| json!({"StreamName": "clicks", "RetentionPeriodHours": hours});
    server.call("IncreaseStreamRetentionPeriod", hours(72)).await;
    let short = "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.";
    let long = "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.";
    for operation in ["IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod"] {
        for (asked, message) in [(23, short), (8761, long)] {
            let refused = server.refused(operation, hours(asked)).await;
            assert_eq!(refused, refusal("InvalidArgumentException", message), "{operation}");
        }
        server.call(operation, hours(72)).await;
        let (code, message) = server.refused(operation, json!({"StreamName": "clicks"})).await;
        assert_eq!(code, "ValidationException");
        assert!(message.contains("Value null at 'retentionPeriodHours'"), "{message}");
    }
    let refused = server.refused("IncreaseStreamRetentionPeriod", hours(71)).await;
    let message = "Requested retention period (71 hours) for stream clicks can not be shorter than existing retention \
                   period (72 hours). Use DecreaseRetentionPeriod API.";
    assert_eq!(refused, refusal("InvalidArgumentException", message));
    let refused = server.refused("DecreaseStreamRetentionPeriod", hours(73)).await;
    let message = "Requested retention period (73 hours) for stream clicks can not be longer than existing retention \
                   period (72 hours). Use IncreaseRetentionPeriod API.";
    assert_eq!(refused, refusal("InvalidArgumentException", message));
}
