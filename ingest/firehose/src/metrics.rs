//! The door's metrics: their names stand here and nowhere else. What was put and delivered, the library counts; calls,
//! latencies and faults, the core.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// What the door counts.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Records of batches that were answered with an error of their own.
    pub(crate) failed_batch_records: Counter,
}

impl Metrics {
    /// Registers the metrics.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("ingest_firehose");
        let metrics = Self { failed_batch_records: Counter::default() };
        registry.register(
            "failed_batch_records",
            "Records of PutRecordBatch that were answered with an error of their own",
            metrics.failed_batch_records.clone(),
        );
        metrics
    }
}
