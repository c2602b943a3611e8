//! The metrics of delivery: their names stand here and nowhere else.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    delivery_stream: String,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The families; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    delivered_records: Family<Labels, Counter>,
    delivered_bytes: Family<Labels, Counter>,
    delivered_objects: Family<Labels, Counter>,
    stored_bytes: Family<Labels, Counter>,
    failed_records: Family<Labels, Counter>,
    missing_records: Family<Labels, Counter>,
    retries: Family<Labels, Counter>,
    put_records: Family<Labels, Counter>,
    put_bytes: Family<Labels, Counter>,
    throttled_records: Family<Labels, Counter>,
    merged_objects: Family<Labels, Counter>,
    closed_partitions: Family<Labels, Counter>,
    dropped_notices: Family<Labels, Counter>,
    waiting_notices: Family<Labels, Gauge>,
    open_partitions: Family<Labels, Gauge>,
    lag: Family<Labels, Seconds>,
    buffered_bytes: Family<Labels, Gauge>,
    is_retrying: Family<Labels, Gauge>,
    build_seconds: Histogram,
    upload_seconds: Histogram,
}

/// The metrics of one delivery stream.
#[derive(Clone, Debug)]
pub(crate) struct StreamMetrics {
    pub(crate) delivered_records: Counter,
    pub(crate) delivered_bytes: Counter,
    pub(crate) delivered_objects: Counter,
    pub(crate) stored_bytes: Counter,
    pub(crate) failed_records: Counter,
    pub(crate) missing_records: Counter,
    pub(crate) retries: Counter,
    pub(crate) put_records: Counter,
    pub(crate) put_bytes: Counter,
    pub(crate) throttled_records: Counter,
    pub(crate) merged_objects: Counter,
    pub(crate) closed_partitions: Counter,
    pub(crate) dropped_notices: Counter,
    pub(crate) waiting_notices: Gauge,
    pub(crate) open_partitions: Gauge,
    pub(crate) lag_seconds: Seconds,
    pub(crate) buffered_bytes: Gauge,
    pub(crate) is_retrying: Gauge,
    pub(crate) build_seconds: Histogram,
    pub(crate) upload_seconds: Histogram,
}

impl Metrics {
    /// Registers the metrics.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("firehose");
        // 1 ms to about 65 s.
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 17));
        let metrics = Self {
            delivered_records: Family::default(),
            delivered_bytes: Family::default(),
            delivered_objects: Family::default(),
            stored_bytes: Family::default(),
            failed_records: Family::default(),
            missing_records: Family::default(),
            retries: Family::default(),
            put_records: Family::default(),
            put_bytes: Family::default(),
            throttled_records: Family::default(),
            merged_objects: Family::default(),
            closed_partitions: Family::default(),
            dropped_notices: Family::default(),
            waiting_notices: Family::default(),
            open_partitions: Family::default(),
            lag: Family::default(),
            buffered_bytes: Family::default(),
            is_retrying: Family::default(),
            build_seconds: seconds(),
            upload_seconds: seconds(),
        };
        metrics.register_in(registry);
        metrics
    }

    fn register_in(&self, registry: &mut Registry) {
        let counters = [
            (
                "delivered_records",
                "Records whose objects are in place, those in error objects included",
                &self.delivered_records,
            ),
            ("delivered_bytes", "Bytes of data of the delivered records", &self.delivered_bytes),
            ("delivered_objects", "Objects in place", &self.delivered_objects),
            ("stored_bytes", "Bytes of the objects in place", &self.stored_bytes),
            ("failed_records", "Records that did not convert and went to the error prefix", &self.failed_records),
            (
                "missing_records",
                "Records that expired or whose stream was deleted before delivery",
                &self.missing_records,
            ),
            ("retries", "Failures that are tried again", &self.retries),
            ("put_records", "Records put directly", &self.put_records),
            ("put_bytes", "Bytes of data put directly", &self.put_bytes),
            ("throttled_records", "Records that were refused by the limits of direct puts", &self.throttled_records),
            ("merged_objects", "Small objects that became part of larger ones", &self.merged_objects),
            ("closed_partitions", "Partitions that were closed, each time it was", &self.closed_partitions),
            ("dropped_notices", "Objects that are not told, as too many notices waited", &self.dropped_notices),
        ];
        for (name, help, family) in counters {
            registry.register(name, help, family.clone());
        }
        registry.register("delivery_lag_seconds", "Age of the oldest record not yet delivered", self.lag.clone());
        registry.register("open_partitions", "Partitions that are to be closed", self.open_partitions.clone());
        registry.register("waiting_notices", "Objects that are still to be told", self.waiting_notices.clone());
        registry.register("buffered_bytes", "Bytes that wait for delivery", self.buffered_bytes.clone());
        registry.register("delivery_retrying", "1 while a delivery is being retried", self.is_retrying.clone());
        registry.register("build_seconds", "Time to build the objects of a delivery", self.build_seconds.clone());
        registry.register("upload_seconds", "Time to store one object", self.upload_seconds.clone());
    }

    /// The metrics of the delivery streams called `name`.
    pub(crate) fn stream(&self, name: &str) -> StreamMetrics {
        let labels = Labels { delivery_stream: name.to_owned() };
        let counter = |family: &Family<Labels, Counter>| family.get_or_create(&labels).clone();
        let gauge = |family: &Family<Labels, Gauge>| family.get_or_create(&labels).clone();
        StreamMetrics {
            delivered_records: counter(&self.delivered_records),
            delivered_bytes: counter(&self.delivered_bytes),
            delivered_objects: counter(&self.delivered_objects),
            stored_bytes: counter(&self.stored_bytes),
            failed_records: counter(&self.failed_records),
            missing_records: counter(&self.missing_records),
            retries: counter(&self.retries),
            put_records: counter(&self.put_records),
            put_bytes: counter(&self.put_bytes),
            throttled_records: counter(&self.throttled_records),
            merged_objects: counter(&self.merged_objects),
            closed_partitions: counter(&self.closed_partitions),
            dropped_notices: counter(&self.dropped_notices),
            waiting_notices: gauge(&self.waiting_notices),
            open_partitions: gauge(&self.open_partitions),
            lag_seconds: self.lag.get_or_create(&labels).clone(),
            buffered_bytes: gauge(&self.buffered_bytes),
            is_retrying: gauge(&self.is_retrying),
            build_seconds: self.build_seconds.clone(),
            upload_seconds: self.upload_seconds.clone(),
        }
    }

    /// Forgets what was measured of the delivery streams called `name`.
    pub(crate) fn remove(&self, name: &str) {
        let labels = Labels { delivery_stream: name.to_owned() };
        for family in [
            &self.delivered_records,
            &self.delivered_bytes,
            &self.delivered_objects,
            &self.stored_bytes,
            &self.failed_records,
            &self.missing_records,
            &self.retries,
            &self.put_records,
            &self.put_bytes,
            &self.throttled_records,
            &self.merged_objects,
            &self.closed_partitions,
            &self.dropped_notices,
        ] {
            family.remove(&labels);
        }
        self.lag.remove(&labels);
        self.buffered_bytes.remove(&labels);
        self.open_partitions.remove(&labels);
        self.waiting_notices.remove(&labels);
        self.is_retrying.remove(&labels);
    }
}
