//! Encryption at rest, as clients see it. That the records are not on the disk in the clear is shown in `shard-store`.

use serde_json::{Value, json};

use super::client::{Server, base64, refusal};

const MANAGED_KEY: &str = "alias/aws/kinesis";

fn with_key(key: &str) -> Value {
    json!({"StreamName": "clicks", "EncryptionType": "KMS", "KeyId": key})
}

async fn described(server: &mut Server) -> Value {
    server.call("DescribeStreamSummary", json!({"StreamName": "clicks"})).await["StreamDescriptionSummary"].clone()
}

async fn put(server: &mut Server, data: &str) -> Value {
    let input = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64(data)});
    server.call("PutRecord", input).await
}

/// What each record of a shard says of its encryption.
async fn encryption_types(server: &mut Server, shard: u32) -> Vec<Option<Value>> {
    let shard = format!("shardId-{shard:012}");
    let from = json!({"StreamName": "clicks", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = server.call("GetShardIterator", from).await["ShardIterator"].clone();
    let read = server.call("GetRecords", json!({"ShardIterator": iterator})).await;
    read["Records"].as_array().unwrap().iter().map(|record| record.get("EncryptionType").cloned()).collect()
}

#[tokio::test]
async fn encryption_is_started_stopped_and_told_of() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    assert!(put(&mut server, "clear").await.get("EncryptionType").is_none());
    server.call("StartStreamEncryption", with_key(MANAGED_KEY)).await;
    let summary = described(&mut server).await;
    assert_eq!((&summary["EncryptionType"], &summary["KeyId"]), (&json!("KMS"), &json!(MANAGED_KEY)));
    assert_eq!(put(&mut server, "secret").await["EncryptionType"], "KMS");
    let entries = json!([{"PartitionKey": "k", "Data": base64("secret too")}]);
    let answer = server.call("PutRecords", json!({"StreamName": "clicks", "Records": entries})).await;
    assert_eq!(answer["EncryptionType"], "KMS");
    let split = json!({"StreamName": "clicks", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "9"});
    server.call("SplitShard", split).await;
    assert_eq!(put(&mut server, "secret in a child").await["EncryptionType"], "KMS");
    server.call("StopStreamEncryption", with_key(MANAGED_KEY)).await;
    assert_eq!(described(&mut server).await["EncryptionType"], "NONE");
    assert!(put(&mut server, "clear again").await.get("EncryptionType").is_none());
    let kms = json!("KMS");
    for (shard, expected) in [(0, vec![None, Some(&kms), Some(&kms)]), (2, vec![Some(&kms), None])] {
        assert_eq!(encryption_types(&mut server, shard).await.iter().map(Option::as_ref).collect::<Vec<_>>(), expected);
    }
    assert_eq!(server.data_of("clicks").await, ["clear", "secret", "secret too"]);
}

#[tokio::test]
async fn keys_that_are_not_there_or_not_the_stream_s_are_refused() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let refused = server.refused("StartStreamEncryption", with_key("alias/mine")).await;
    assert_eq!(
        refused,
        refusal("KMSNotFoundException", "the keyring holds no key alias/mine; restore it from a backup, or create it")
    );
    let missing = server.refused("StartStreamEncryption", json!({"StreamName": "clicks"})).await;
    let message = "2 validation errors detected: Value null at 'encryptionType' failed to satisfy constraint: Member must \
                   not be null; Value null at 'keyId' failed to satisfy constraint: Member must not be null";
    assert_eq!(missing, refusal("ValidationException", message));
    server.call("StopStreamEncryption", with_key(MANAGED_KEY)).await;
    assert_eq!(described(&mut server).await["EncryptionType"], "NONE");
}
