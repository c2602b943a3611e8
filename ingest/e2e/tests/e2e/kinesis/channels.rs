//! Channels: what is delivered from an on-demand stream to where.

use aws_sdk_kinesis::types::{
    ChannelStatus, ChannelStreamConfiguration, RecordConfiguration, RecordFormatType, S3CompressionType,
    S3DestinationConfiguration, S3DestinationUpdateInput, S3StorageConfiguration, StreamMode, StreamModeDetails,
};

use super::start;
use crate::support::clients::service_error;

const OWNER: &str = "000000000000";

fn destination() -> S3DestinationConfiguration {
    let storage = S3StorageConfiguration::builder()
        .bucket_arn("arn:aws:s3:::lake")
        .expected_bucket_owner(OWNER)
        .compression_type(S3CompressionType::Zstd)
        .build()
        .unwrap();
    S3DestinationConfiguration::builder().storage_configuration(storage).build()
}

#[tokio::test]
async fn a_channel_is_created_described_listed_updated_and_deleted() {
    let (_server, client) = start().await;
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    client.create_stream().stream_name("s").stream_mode_details(mode).send().await.unwrap();
    let stream = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    let stream = stream.stream_description_summary.unwrap().stream_arn;
    let format = RecordConfiguration::builder().record_format_type(RecordFormatType::Json).build().unwrap();
    let source =
        ChannelStreamConfiguration::builder().stream_arn(&stream).record_configuration(format).build().unwrap();
    let create = |role: &str| {
        let request = client.create_channel().channel_name("lake").service_execution_role_arn(role);
        request.stream_configuration_list(source.clone()).s3_destination_configuration(destination()).send()
    };
    let role = "arn:aws:iam::000000000000:role/any";
    let created = create(role).await.unwrap().channel_description.unwrap();
    assert_eq!((created.channel_name(), created.channel_status()), ("lake", &ChannelStatus::Active));
    let freshness = created.s3_destination_configuration().unwrap().data_freshness_in_seconds();
    assert_eq!((freshness, created.stream_configuration_list()[0].stream_arn()), (300, stream.as_str()));
    assert!(service_error(create(role).await).is_resource_in_use_exception());

    let arn = created.channel_arn();
    let described = client.describe_channel().channel_arn(arn).send().await.unwrap();
    assert_eq!(described.channel_description(), Some(&created));
    let listed = client.list_channels().send().await.unwrap();
    assert_eq!(listed.channel_summaries().iter().map(|each| each.channel_arn()).collect::<Vec<_>>(), [arn]);
    let slower = S3DestinationUpdateInput::builder().data_freshness_in_seconds(600).build().unwrap();
    let update = client.update_channel().channel_arn(arn).s3_destination_configuration(slower);
    let updated = update.send().await.unwrap().channel_description.unwrap();
    assert_eq!(updated.s3_destination_configuration().unwrap().data_freshness_in_seconds(), 600);

    let kept = client.delete_stream().stream_name("s").send().await;
    assert!(service_error(kept).is_resource_in_use_exception(), "a stream with channels is kept");
    client.delete_channel().channel_arn(arn).send().await.unwrap();
    let gone = client.describe_channel().channel_arn(arn).send().await;
    assert!(service_error(gone).is_resource_not_found_exception());
    client.delete_stream().stream_name("s").send().await.unwrap();
}
