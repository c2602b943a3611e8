//! What `/metrics` shows of the shards of streams with enhanced monitoring.
//!
//! The counters stand in the shards and are collected when somebody asks: a metric is gone at once when it is disabled, its
//! shard has expired, or its stream is deleted, and costs nothing in between.

use std::fmt;
use std::sync::{Arc, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use shard_store::stream::{ShardMetric, Streams};

/// Shows what the streams have counted, for as long as there are any.
pub(crate) fn register(registry: &mut Registry, streams: &Arc<Streams>) {
    let collector = ShardCollector(Arc::downgrade(streams));
    registry.sub_registry_with_prefix("ingest_kinesis_shard").register_collector(Box::new(collector));
}

struct ShardCollector(Weak<Streams>);

impl fmt::Debug for ShardCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShardCollector")
    }
}

impl Collector for ShardCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(streams) = self.0.upgrade() else { return Ok(()) };
        let streams = streams.monitored();
        for metric in ShardMetric::ALL {
            let mut monitored = streams.iter().filter(|stream| stream.shard_metrics().contains(&metric)).peekable();
            if monitored.peek().is_none() {
                continue;
            }
            let (name, help) = describe(metric);
            let is_age = metric == ShardMetric::IteratorAgeMilliseconds;
            let kind = if is_age { MetricType::Gauge } else { MetricType::Counter };
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for (stream, shard) in monitored.flat_map(|stream| stream.shards().iter().map(move |shard| (stream, shard)))
            {
                let (key, number, value) = (stream.key(), shard.number().to_string(), shard.metric(metric));
                let labels = [
                    ("account", key.account.as_str()),
                    ("region", &key.region),
                    ("stream", &key.name),
                    ("shard", &number),
                ];
                let mut encoder = family.encode_family(&labels)?;
                if is_age {
                    encoder.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))?;
                } else {
                    encoder.encode_counter::<NoLabelSet, u64, u64>(&value, None)?;
                }
            }
        }
        Ok(())
    }
}

/// The name of a metric, and what it tells. Counters get `_total` behind their names.
fn describe(metric: ShardMetric) -> (&'static str, &'static str) {
    match metric {
        ShardMetric::IncomingBytes => ("incoming_bytes", "Bytes of data and partition keys of the records put"),
        ShardMetric::IncomingRecords => ("incoming_records", "Records put"),
        ShardMetric::OutgoingBytes => ("outgoing_bytes", "Bytes of data and partition keys of the records read"),
        ShardMetric::OutgoingRecords => ("outgoing_records", "Records read"),
        ShardMetric::WriteProvisionedThroughputExceeded => {
            ("write_throughput_exceeded", "Records that the shard's write throughput refused")
        }
        ShardMetric::ReadProvisionedThroughputExceeded => {
            ("read_throughput_exceeded", "GetRecords calls that the shard's read throughput refused")
        }
        ShardMetric::IteratorAgeMilliseconds => {
            ("iterator_age_milliseconds", "Age of the oldest record that the last GetRecords call left behind")
        }
    }
}
