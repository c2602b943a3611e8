//! What the door counts beyond what every door does (calls and their latency are counted by `ingest-core`).
//!
//! Labels name operations only, so their number is bounded whatever clients do.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    operation: &'static str,
}

/// The counters of one operation.
#[derive(Debug)]
pub(crate) struct OperationMetrics {
    records: Counter,
    bytes: Counter,
    throttled: Counter,
}

impl OperationMetrics {
    /// Counts records and their bytes of data and partition keys.
    pub(crate) fn count_records(&self, record_count: u64, byte_count: u64) {
        self.records.inc_by(record_count);
        self.bytes.inc_by(byte_count);
    }

    /// Counts what a shard's throughput limit refused: records for puts, calls for reads.
    pub(crate) fn count_throttled(&self, count: u64) {
        self.throttled.inc_by(count);
    }
}

/// The counters of the door.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) put_record: OperationMetrics,
    pub(crate) put_records: OperationMetrics,
    pub(crate) get_records: OperationMetrics,
    pub(crate) subscribe_to_shard: OperationMetrics,
    pub(crate) receive_queue_records: OperationMetrics,
    pub(crate) receive_dead_letter_queue_records: OperationMetrics,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("ingest_kinesis");
        let mut family = |name: &str, help: &str| {
            let family = Family::<Labels, Counter>::default();
            registry.register(name, help, family.clone());
            family
        };
        let records = family("records", "Records stored or returned");
        let bytes = family("bytes", "Bytes of data and partition keys of records stored or returned");
        let throttled = family("throttled", "Records (puts) or calls (reads) refused by a shard's throughput limit");
        let of = |operation| {
            let labels = Labels { operation };
            OperationMetrics {
                records: records.get_or_create(&labels).clone(),
                bytes: bytes.get_or_create(&labels).clone(),
                throttled: throttled.get_or_create(&labels).clone(),
            }
        };
        Self {
            put_record: of("PutRecord"),
            put_records: of("PutRecords"),
            get_records: of("GetRecords"),
            subscribe_to_shard: of("SubscribeToShard"),
            receive_queue_records: of("ReceiveQueueRecords"),
            receive_dead_letter_queue_records: of("ReceiveDeadLetterQueueRecords"),
        }
    }
}
