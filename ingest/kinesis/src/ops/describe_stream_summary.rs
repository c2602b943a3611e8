//! `DescribeStreamSummary`: a stream without its shards.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use shard_store::stream::{RecordDistribution, StreamMode};

use crate::door::Kinesis;
use crate::model::{
    AUTO, DescribeStreamSummaryInput, DescribeStreamSummaryOutput, StreamDescriptionSummary, StreamFacts,
    USER_PARTITION_KEY, WarmThroughput,
};

/// Source: Kinesis Data Streams API Reference, "DescribeStreamSummary".
pub(crate) async fn run(
    door: Arc<Kinesis>,
    context: Context,
    input: DescribeStreamSummaryInput,
) -> Result<DescribeStreamSummaryOutput, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validator.finish()?;
    let stream = input.stream().resolve(&door.streams, &context)?;
    let key = stream.key().clone();
    let is_warmable = stream.mode() == StreamMode::OnDemand
        && door
            .blocking(move |streams| streams.account_settings(&key.account, &key.region))
            .await?
            .is_committed(door.now_ms());
    let stream_description_summary = StreamDescriptionSummary {
        facts: StreamFacts::of(&stream),
        open_shard_count: stream.open_shard_count(),
        consumer_count: stream.consumers().len(),
        warm_throughput: is_warmable.then(|| WarmThroughput::of(&stream)),
        max_record_size_in_kib: stream.record_bytes_max() / 1_024,
        channel_count: door.streams.channels_of(stream.id()).len(),
        record_distribution_strategy: (stream.mode() == StreamMode::OnDemand).then(|| match stream.distribution() {
            RecordDistribution::UserPartitionKey => USER_PARTITION_KEY,
            RecordDistribution::Auto => AUTO,
        }),
    };
    Ok(DescribeStreamSummaryOutput { stream_description_summary })
}
