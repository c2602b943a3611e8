//! The metrics of readers: their names stand here and nowhere else.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    delivery_stream: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SkipLabels {
    delivery_stream: String,
    reason: &'static str,
}

const NO_VALUE: &str = "no-value";
const TOO_LARGE: &str = "too-large";

/// The families; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    read_records: Family<Labels, Counter>,
    read_bytes: Family<Labels, Counter>,
    missing_records: Family<Labels, Counter>,
    skipped_records: Family<SkipLabels, Counter>,
    lag: Family<Labels, Gauge>,
    undelivered_bytes: Family<Labels, Gauge>,
    is_held_back: Family<Labels, Gauge>,
    is_retrying: Family<Labels, Gauge>,
}

/// The metrics of one reader.
#[derive(Clone, Debug)]
pub(crate) struct ReaderMetrics {
    pub(crate) read_records: Counter,
    pub(crate) read_bytes: Counter,
    pub(crate) missing_records: Counter,
    pub(crate) valueless_records: Counter,
    pub(crate) too_large_records: Counter,
    pub(crate) lag: Gauge,
    pub(crate) undelivered_bytes: Gauge,
    pub(crate) is_held_back: Gauge,
    pub(crate) is_retrying: Gauge,
}

impl Metrics {
    /// Registers the metrics.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("kafka");
        let metrics = Self::default();
        registry.register("read_records", "Records that were taken in", metrics.read_records.clone());
        registry.register("read_bytes", "Bytes of their values", metrics.read_bytes.clone());
        registry.register(
            "missing_records",
            "Offsets that the cluster had removed before they were read",
            metrics.missing_records.clone(),
        );
        registry.register("skipped_records", "Records that were left out", metrics.skipped_records.clone());
        registry.register("lag_records", "Offsets between what was read and the topic's end", metrics.lag.clone());
        registry.register(
            "undelivered_bytes",
            "Bytes that were taken in and wait for delivery",
            metrics.undelivered_bytes.clone(),
        );
        registry.register("held_back", "1 while too much waits for delivery to read on", metrics.is_held_back.clone());
        registry.register("retrying", "1 while a topic cannot be read", metrics.is_retrying.clone());
        metrics
    }

    /// The metrics of the readers of delivery streams called `name`.
    pub(crate) fn reader(&self, name: &str) -> ReaderMetrics {
        let labels = labels(name);
        let skipped = |reason| {
            let labels = SkipLabels { delivery_stream: name.to_owned(), reason };
            self.skipped_records.get_or_create(&labels).clone()
        };
        ReaderMetrics {
            read_records: self.read_records.get_or_create(&labels).clone(),
            read_bytes: self.read_bytes.get_or_create(&labels).clone(),
            missing_records: self.missing_records.get_or_create(&labels).clone(),
            valueless_records: skipped(NO_VALUE),
            too_large_records: skipped(TOO_LARGE),
            lag: self.lag.get_or_create(&labels).clone(),
            undelivered_bytes: self.undelivered_bytes.get_or_create(&labels).clone(),
            is_held_back: self.is_held_back.get_or_create(&labels).clone(),
            is_retrying: self.is_retrying.get_or_create(&labels).clone(),
        }
    }

    /// Forgets what was measured of the delivery streams called `name`.
    pub(crate) fn remove(&self, name: &str) {
        let labels = labels(name);
        for counters in [&self.read_records, &self.read_bytes, &self.missing_records] {
            counters.remove(&labels);
        }
        for reason in [NO_VALUE, TOO_LARGE] {
            self.skipped_records.remove(&SkipLabels { delivery_stream: name.to_owned(), reason });
        }
        for gauges in [&self.lag, &self.undelivered_bytes, &self.is_held_back, &self.is_retrying] {
            gauges.remove(&labels);
        }
    }
}

fn labels(name: &str) -> Labels {
    Labels { delivery_stream: name.to_owned() }
}
