//! Encryption at rest, before and after a restart.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::types::{DeliveryStreamEncryptionConfigurationInput, DeliveryStreamEncryptionStatus, KeyType};

use super::{CONFIG, create_raw, record};
use crate::support::clients::{REGION, assert_error, firehose};
use crate::support::server::Server;

async fn status(client: &Client) -> DeliveryStreamEncryptionStatus {
    let answer = client.describe_delivery_stream().delivery_stream_name("raw").send().await.unwrap();
    let description = answer.delivery_stream_description.unwrap();
    description.delivery_stream_encryption_configuration.unwrap().status.unwrap()
}

async fn is_put_encrypted(client: &Client) -> Option<bool> {
    client.put_record().delivery_stream_name("raw").record(record("x")).send().await.unwrap().encrypted()
}

#[tokio::test]
async fn encryption_is_started_kept_and_stopped() {
    let server = Server::new(CONFIG).await;
    let client = firehose(&server.url);
    create_raw(&client, "raw").await;
    assert_eq!(is_put_encrypted(&client).await, Some(false));
    client.start_delivery_stream_encryption().delivery_stream_name("raw").send().await.unwrap();
    assert_eq!(is_put_encrypted(&client).await, Some(true));
    let server = server.restart().await;
    let client = firehose(&server.url);
    assert_eq!(status(&client).await, DeliveryStreamEncryptionStatus::Enabled);
    assert_eq!(is_put_encrypted(&client).await, Some(true));
    client.stop_delivery_stream_encryption().delivery_stream_name("raw").send().await.unwrap();
    assert_eq!(status(&client).await, DeliveryStreamEncryptionStatus::Disabled);
    assert_eq!(is_put_encrypted(&client).await, Some(false));
    let key = format!("arn:aws:kms:{REGION}:000000000000:key/0a0a0a0a-0000-4000-8000-000000000000");
    let asked =
        DeliveryStreamEncryptionConfigurationInput::builder().key_type(KeyType::CustomerManagedCmk).key_arn(key);
    let start = client.start_delivery_stream_encryption().delivery_stream_name("raw");
    let refused = start.delivery_stream_encryption_configuration_input(asked.build().unwrap()).send().await;
    assert_error(refused, "InvalidKMSResourceException", "the keyring holds no key");
}
