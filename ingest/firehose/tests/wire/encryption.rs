//! Encryption at rest, as clients see it. That the records are not on the disk in the clear is shown in `firehose`.

use serde_json::{Value, json};

use super::client::{ROLE, Server, base64, destination, kinesis_source, new_stream};

const NO_SUCH_KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/0a0a0a0a-0000-4000-8000-000000000000";

async fn status(server: &mut Server, name: &str) -> Value {
    let described = server.call("DescribeDeliveryStream", json!({"DeliveryStreamName": name})).await;
    described["DeliveryStreamDescription"]["DeliveryStreamEncryptionConfiguration"].clone()
}

async fn is_put_encrypted(server: &mut Server) -> (bool, bool) {
    let data = json!({"Data": base64("x")});
    let one = server.call("PutRecord", json!({"DeliveryStreamName": "clicks", "Record": data})).await;
    let batch = server.call("PutRecordBatch", json!({"DeliveryStreamName": "clicks", "Records": [data]})).await;
    (one["Encrypted"].as_bool().unwrap(), batch["Encrypted"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn encryption_is_started_stopped_and_told_of() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    assert_eq!(status(&mut server, "clicks").await, json!({"Status": "DISABLED"}));
    assert_eq!(is_put_encrypted(&mut server).await, (false, false));
    server.call("StartDeliveryStreamEncryption", json!({"DeliveryStreamName": "clicks"})).await;
    assert_eq!(status(&mut server, "clicks").await, json!({"Status": "ENABLED", "KeyType": "AWS_OWNED_CMK"}));
    assert_eq!(is_put_encrypted(&mut server).await, (true, true));
    let key = server.create_key();
    let asked = json!({"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key});
    let input = json!({"DeliveryStreamName": "clicks", "DeliveryStreamEncryptionConfigurationInput": asked});
    server.call("StartDeliveryStreamEncryption", input).await;
    let expected = json!({"Status": "ENABLED", "KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key});
    assert_eq!(status(&mut server, "clicks").await, expected);
    assert_eq!(is_put_encrypted(&mut server).await, (true, true));
    server.call("StopDeliveryStreamEncryption", json!({"DeliveryStreamName": "clicks"})).await;
    assert_eq!(status(&mut server, "clicks").await, json!({"Status": "DISABLED"}));
    assert_eq!(is_put_encrypted(&mut server).await, (false, false));
    assert_eq!(server.objects().await[0].1, b"xxxxxxxx");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_stream_is_created_encrypted() {
    let mut server = Server::start().await;
    let create = |asked: Value| {
        json!({"DeliveryStreamName": "clicks", "ExtendedS3DestinationConfiguration": destination(json!({})),
            "DeliveryStreamEncryptionConfigurationInput": asked})
    };
    let missing = json!({"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": NO_SUCH_KEY});
    let refusal = server.refused("CreateDeliveryStream", create(missing)).await;
    assert!(refusal.starts_with("InvalidKMSResourceException: the keyring holds no key arn:aws:kms"), "{refusal}");
    server.call("CreateDeliveryStream", create(json!({"KeyType": "AWS_OWNED_CMK"}))).await;
    assert_eq!(status(&mut server, "clicks").await["Status"], "ENABLED");
    assert_eq!(is_put_encrypted(&mut server).await, (true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_types_that_do_not_fit_are_refused() {
    let mut server = Server::start().await;
    server.streams.create(new_stream("events")).unwrap();
    let input = json!({"DeliveryStreamName": "reader", "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": kinesis_source("events"),
        "ExtendedS3DestinationConfiguration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}});
    server.call("CreateDeliveryStream", input.clone()).await;
    server.create("clicks", destination(json!({}))).await;
    let start = |name: &str, asked: Value| json!({"DeliveryStreamName": name, "DeliveryStreamEncryptionConfigurationInput": asked});
    let not_allowed = "InvalidArgumentException: Server side encryption from firehose is only allowed for direct put \
        delivery streams and database as a source delivery streams";
    let owned = json!({"KeyType": "AWS_OWNED_CMK"});
    let cases = [
        (start("reader", owned.clone()), not_allowed),
        (
            start("none", owned.clone()),
            "ResourceNotFoundException: Firehose none under account 000000000000 not found.",
        ),
        (
            start("clicks", json!({"KeyType": "CUSTOMER_MANAGED_CMK"})),
            "InvalidArgumentException: KeyARN has to be specified when KeyType is CUSTOMER_MANAGED_CMK",
        ),
        (
            start("clicks", json!({"KeyType": "AWS_OWNED_CMK", "KeyARN": NO_SUCH_KEY})),
            "InvalidArgumentException: KeyARN cannot be specified when KeyType is AWS_OWNED_CMK",
        ),
        (
            start("clicks", json!({"KeyARN": "x"})),
            "ValidationException: 2 validation errors detected: Value 'x' at \
             'deliveryStreamEncryptionConfigurationInput.keyARN' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: arn:.*:kms:[a-zA-Z0-9\\-]+:\\d{12}:key/[a-zA-Z_0-9+=,.@\\-_/]+; Value null at \
             'deliveryStreamEncryptionConfigurationInput.keyType' failed to satisfy constraint: Member must not be null",
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(server.refused("StartDeliveryStreamEncryption", input).await, expected);
    }
    let stop = json!({"DeliveryStreamName": "reader"});
    assert_eq!(server.refused("StopDeliveryStreamEncryption", stop).await, not_allowed);
    let mut encrypted = input;
    encrypted["DeliveryStreamName"] = json!("other");
    encrypted["DeliveryStreamEncryptionConfigurationInput"] = owned;
    assert_eq!(server.refused("CreateDeliveryStream", encrypted).await, not_allowed);
}
