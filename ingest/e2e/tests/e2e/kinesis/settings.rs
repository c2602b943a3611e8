//! What a stream and an account are set to: retention, encryption, mode, record size, limits, commitment.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    EncryptionType, MinimumThroughputBillingCommitmentInput, MinimumThroughputBillingCommitmentInputStatus,
    MinimumThroughputBillingCommitmentOutputStatus, StreamDescriptionSummary, StreamMode, StreamModeDetails,
};

use super::start;
use crate::support::clients::{assert_error, service_error};
use crate::support::records::{create_stream, read_shard, read_stream};

/// The key that AWS manages, and this server's keyring as well.
const MANAGED_KEY: &str = "alias/aws/kinesis";

async fn summary(client: &Client) -> StreamDescriptionSummary {
    let answer = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    answer.stream_description_summary.unwrap()
}

#[tokio::test]
async fn retention_is_raised_and_lowered_within_its_limits() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    let increase =
        |hours| client.increase_stream_retention_period().stream_name("s").retention_period_hours(hours).send();
    let decrease =
        |hours| client.decrease_stream_retention_period().stream_name("s").retention_period_hours(hours).send();
    increase(8_760).await.unwrap();
    assert_eq!(summary(&client).await.retention_period_hours(), 8_760);
    decrease(48).await.unwrap();
    assert_eq!(summary(&client).await.retention_period_hours(), 48);
    for error in [service_error(increase(47).await), service_error(increase(8_761).await)] {
        assert!(error.is_invalid_argument_exception(), "{error:?}");
    }
    for error in [service_error(decrease(49).await), service_error(decrease(23).await)] {
        assert!(error.is_invalid_argument_exception(), "{error:?}");
    }
    let absent = client.increase_stream_retention_period().stream_name("none").retention_period_hours(48).send().await;
    assert!(service_error(absent).is_resource_not_found_exception());
}

#[tokio::test]
async fn encryption_is_started_and_stopped_and_told_of_each_record() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    let put = |data: &'static str| client.put_record().stream_name("s").partition_key("k").data(Blob::new(data)).send();
    let start_with = |key: &str| {
        client.start_stream_encryption().stream_name("s").encryption_type(EncryptionType::Kms).key_id(key).send()
    };
    assert_eq!(put("clear").await.unwrap().encryption_type(), None);
    let unknown = service_error(start_with("alias/mine").await);
    assert!(unknown.is_kms_not_found_exception(), "{unknown:?}");
    start_with(MANAGED_KEY).await.unwrap();
    let encrypted = summary(&client).await;
    assert_eq!((encrypted.encryption_type(), encrypted.key_id()), (Some(&EncryptionType::Kms), Some(MANAGED_KEY)));
    assert_eq!(put("secret").await.unwrap().encryption_type(), Some(&EncryptionType::Kms));
    let stop =
        client.stop_stream_encryption().stream_name("s").encryption_type(EncryptionType::Kms).key_id(MANAGED_KEY);
    stop.send().await.unwrap();
    assert_eq!(summary(&client).await.encryption_type(), Some(&EncryptionType::None));
    put("clear again").await.unwrap();
    let types: Vec<_> =
        read_shard(&client, "s", &super::id(0)).await.into_iter().map(|record| record.encryption_type).collect();
    assert_eq!(types, [None, Some(EncryptionType::Kms), None]);
    let absent =
        client.stop_stream_encryption().stream_name("none").encryption_type(EncryptionType::Kms).key_id(MANAGED_KEY);
    assert!(service_error(absent.send().await).is_resource_not_found_exception());
}

#[tokio::test]
async fn the_mode_of_a_stream_is_changed_twice_a_day() {
    let (_server, client) = start().await;
    let arn = create_stream(&client, "s", 2).await;
    let update = |mode| {
        let details = StreamModeDetails::builder().stream_mode(mode).build().unwrap();
        client.update_stream_mode().stream_arn(&arn).stream_mode_details(details).send()
    };
    for mode in [StreamMode::OnDemand, StreamMode::Provisioned] {
        update(mode.clone()).await.unwrap();
        assert_eq!(summary(&client).await.stream_mode_details().unwrap().stream_mode(), &mode);
    }
    let third = service_error(update(StreamMode::OnDemand).await);
    assert!(third.is_limit_exceeded_exception(), "{third:?}");
}

#[tokio::test]
async fn records_of_ten_mebibytes_are_taken_once_the_stream_allows_them() {
    let (_server, client) = start().await;
    let arn = create_stream(&client, "s", 1).await;
    let bytes: Vec<u8> = (0..10_000_000_u32).map(|index| index.wrapping_mul(0x9e37_79b9).to_le_bytes()[3]).collect();
    let put = || client.put_record().stream_name("s").partition_key("k").data(Blob::new(bytes.clone())).send();
    assert_error(put().await, "ValidationException", "1048576");
    client.update_max_record_size().stream_arn(&arn).max_record_size_in_kib(10_240).send().await.unwrap();
    assert_eq!(summary(&client).await.max_record_size_in_kib(), Some(10_240));
    put().await.unwrap();
    let records: Vec<_> = read_stream(&client, "s").await.into_iter().flatten().collect();
    assert_eq!(records.len(), 1);
    assert!(records[0].data().as_ref() == bytes, "other bytes than were put");
    let too_large = client.update_max_record_size().stream_arn(&arn).max_record_size_in_kib(10_241).send().await;
    assert_error(too_large, "ValidationException", "'maxRecordSizeInKiB'");
}

#[tokio::test]
async fn an_account_has_limits_and_a_commitment() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 3).await;
    let on_demand = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    client.create_stream().stream_name("auto").stream_mode_details(on_demand).send().await.unwrap();
    let limits = client.describe_limits().send().await.unwrap();
    assert_eq!((limits.shard_limit(), limits.open_shard_count(), limits.on_demand_stream_count()), (10_000, 7, 1));

    let described = client.describe_account_settings().send().await.unwrap();
    let commitment = described.minimum_throughput_billing_commitment().unwrap();
    assert_eq!(commitment.status(), &MinimumThroughputBillingCommitmentOutputStatus::Disabled);
    let enabled = MinimumThroughputBillingCommitmentInput::builder()
        .status(MinimumThroughputBillingCommitmentInputStatus::Enabled)
        .build()
        .unwrap();
    let updated = client.update_account_settings().minimum_throughput_billing_commitment(enabled).send().await.unwrap();
    let commitment = updated.minimum_throughput_billing_commitment.unwrap();
    assert_eq!(commitment.status(), &MinimumThroughputBillingCommitmentOutputStatus::Enabled);
    let day = commitment.earliest_allowed_end_at().unwrap().secs() - commitment.started_at().unwrap().secs();
    assert_eq!(day, 86_400);
    let described = client.describe_account_settings().send().await.unwrap();
    assert_eq!(described.minimum_throughput_billing_commitment, Some(commitment));
}
