//! Enhanced monitoring, from the SDK to the page of metrics.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::MetricsName;

use super::start;
use crate::support::clients::service_error;
use crate::support::raw::Connection;
use crate::support::records::create_stream;
use crate::support::server::Server;

async fn page(server: &Server) -> String {
    Connection::open(server).await.get("/metrics").await.text()
}

#[tokio::test]
async fn metrics_of_shards_are_shown_while_they_are_enabled() {
    let (server, client) = start().await;
    let arn = create_stream(&client, "s", 1).await;
    let enable = client.enable_enhanced_monitoring().stream_name("s");
    let enable =
        enable.shard_level_metrics(MetricsName::IncomingRecords).shard_level_metrics(MetricsName::OutgoingBytes);
    let enabled = enable.send().await.unwrap();
    assert_eq!((enabled.stream_name(), enabled.stream_arn()), (Some("s"), Some(&*arn)));
    assert_eq!(enabled.current_shard_level_metrics(), []);
    let both = [MetricsName::IncomingRecords, MetricsName::OutgoingBytes];
    assert_eq!(enabled.desired_shard_level_metrics(), both);
    let summary = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    let summary = summary.stream_description_summary.unwrap();
    assert_eq!(summary.enhanced_monitoring()[0].shard_level_metrics(), both);

    for key in ["a", "b", "c"] {
        let put = client.put_record().stream_name("s").partition_key(key).data(Blob::new("data"));
        put.send().await.unwrap();
    }
    let of_shard = r#"{account="000000000000",region="eu-central-1",stream="s",shard="shardId-000000000000"}"#;
    let shown = format!("ingest_kinesis_shard_incoming_records_total{of_shard} 3");
    let told = page(&server).await;
    assert!(told.contains(&shown) && !told.contains("shard_incoming_bytes"), "{told}");

    let disable = client.disable_enhanced_monitoring().stream_arn(&arn).shard_level_metrics(MetricsName::All);
    let disabled = disable.send().await.unwrap();
    assert_eq!((disabled.current_shard_level_metrics(), disabled.desired_shard_level_metrics()), (&both[..], &[][..]));
    assert!(!page(&server).await.contains("ingest_kinesis_shard_"));
    let absent = client.enable_enhanced_monitoring().stream_name("none").shard_level_metrics(MetricsName::All);
    assert!(service_error(absent.send().await).is_resource_not_found_exception());
}
