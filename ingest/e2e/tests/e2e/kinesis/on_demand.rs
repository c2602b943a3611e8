//! On-demand streams: warm throughput, and records spread over the shards without keys.

use std::collections::BTreeSet;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    MinimumThroughputBillingCommitmentInput, MinimumThroughputBillingCommitmentInputStatus, PutRecordsRequestEntry,
    RecordDistributionStrategy, StreamMode, StreamModeDetails,
};

use super::start;
use crate::support::clients::{assert_error, service_error};
use crate::support::records::create_stream;

/// Creates an on-demand stream. Returns its ARN.
async fn create_on_demand(client: &Client) -> String {
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    client.create_stream().stream_name("s").stream_mode_details(mode).send().await.unwrap();
    let answer = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    answer.stream_description_summary.unwrap().stream_arn
}

#[tokio::test]
async fn warm_throughput_is_there_for_those_who_committed_themselves() {
    let (_server, client) = start().await;
    let arn = create_on_demand(&client).await;
    let warm = || client.update_stream_warm_throughput().stream_name("s").warm_throughput_mibps(10).send();
    assert!(service_error(warm().await).is_invalid_argument_exception(), "there is no commitment");
    let commitment = MinimumThroughputBillingCommitmentInput::builder()
        .status(MinimumThroughputBillingCommitmentInputStatus::Enabled)
        .build()
        .unwrap();
    client.update_account_settings().minimum_throughput_billing_commitment(commitment).send().await.unwrap();
    let answer = warm().await.unwrap();
    assert_eq!((answer.stream_arn(), answer.stream_name()), (Some(arn.as_str()), Some("s")));
    let throughput = answer.warm_throughput().unwrap();
    assert_eq!((throughput.target_mibps(), throughput.current_mibps()), (Some(10), Some(10)));
    let summary = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    assert_eq!(summary.stream_description_summary().unwrap().warm_throughput(), Some(throughput));
    create_stream(&client, "provisioned", 1).await;
    let provisioned = client.update_stream_warm_throughput().stream_name("provisioned").warm_throughput_mibps(2);
    assert!(service_error(provisioned.send().await).is_validation_exception());
}

#[tokio::test]
async fn records_without_keys_are_spread_over_all_shards() {
    let (_server, client) = start().await;
    let arn = create_on_demand(&client).await;
    let keyless = || client.put_record().stream_name("s").data(Blob::new("x")).send();
    assert_error(keyless().await, "ValidationException", "'partitionKey'");
    let strategy = |strategy| {
        client
            .update_stream_record_distribution_strategy()
            .stream_arn(&arn)
            .record_distribution_strategy(strategy)
            .send()
    };
    strategy(RecordDistributionStrategy::Auto).await.unwrap();
    keyless().await.unwrap();
    let entry = || PutRecordsRequestEntry::builder().data(Blob::new("x")).build().unwrap();
    let entries = (0..500).map(|_| entry()).collect();
    let answer = client.put_records().stream_name("s").set_records(Some(entries)).send().await.unwrap();
    let shards: BTreeSet<_> = answer.records().iter().map(|record| record.shard_id().unwrap()).collect();
    assert_eq!(shards.len(), 4);
    strategy(RecordDistributionStrategy::UserPartitionKey).await.unwrap();
    assert_error(keyless().await, "ValidationException", "'partitionKey'");
    let summary = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    let found = summary.stream_description_summary().unwrap().record_distribution_strategy();
    assert_eq!(found, Some(&RecordDistributionStrategy::UserPartitionKey));
}
