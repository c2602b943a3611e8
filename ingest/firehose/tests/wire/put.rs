//! What may be put, and what not.

use serde_json::{Value, json};

use super::client::{Server, base64, destination};

#[tokio::test(flavor = "multi_thread")]
async fn bad_puts_write_nothing_and_keep_the_connection() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let put = |record: Value| json!({"DeliveryStreamName": "clicks", "Record": record});
    let batch = |records: Value| json!({"DeliveryStreamName": "clicks", "Records": records});
    let large = base64(vec![0; 1_024_001]);
    let cases = [
        ("PutRecord", put(json!({})), "ValidationException: 1 validation error detected: Value null at 'record.data'"),
        ("PutRecord", put(json!({"Data": "no base64!"})), "SerializationException: Record.Data"),
        ("PutRecord", put(json!({"Data": large})), "less than or equal to 1024000"),
        ("PutRecord", json!({"DeliveryStreamName": "clicks"}), "Value null at 'record'"),
        ("PutRecord", json!({"DeliveryStreamName": "gone", "Record": {"Data": ""}}), "ResourceNotFoundException"),
        ("PutRecordBatch", batch(json!([])), "length greater than or equal to 1"),
        ("PutRecordBatch", batch(json!([{"Data": base64("good")}, {}])), "Value null at 'records.2.member.data'"),
        ("PutRecordBatch", batch(vec![json!({"Data": ""}); 501].into()), "less than or equal to 500"),
        (
            "PutRecordBatch",
            batch(vec![json!({"Data": base64(vec![0; 1_000_000])}); 5].into()),
            "InvalidArgumentException: Records size exceeds 4 MB limit",
        ),
    ];
    for (operation, input, expected) in cases {
        let refusal = server.refused(operation, input).await;
        assert!(refusal.contains(expected), "{refusal}");
    }
    server.call("PutRecord", put(json!({"Data": base64("kept")}))).await;
    let objects = server.objects().await;
    assert_eq!(objects.iter().map(|(_, body)| body.as_slice()).collect::<Vec<_>>(), [b"kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_beyond_the_throughput_limit_fail_by_themselves() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let records: Value = vec![json!({"Data": base64(vec![7; 1_000_000])}); 4].into();
    let input = json!({"DeliveryStreamName": "clicks", "Records": records});
    let mut failed_count = 0;
    for _ in 0..8 {
        let answer = server.call("PutRecordBatch", input.clone()).await;
        failed_count += answer["FailedPutCount"].as_u64().unwrap();
        let last = &answer["RequestResponses"][3];
        if answer["FailedPutCount"] != 0 {
            assert_eq!(last, &json!({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}));
        }
    }
    // Of 5 MiB, five records of 1 MB are taken at once.
    assert_eq!(failed_count, 32 - 5);
}
