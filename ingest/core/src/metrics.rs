//! The metrics of the listener and of every operation.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::fault::Code;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabels {
    service: &'static str,
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusLabels {
    service: &'static str,
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FaultLabels {
    service: &'static str,
    operation: &'static str,
    code: &'static str,
}

/// The families; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: Family<StatusLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    seconds: Family<OperationLabels, Histogram>,
    request_bytes: Family<OperationLabels, Counter>,
    response_bytes: Family<OperationLabels, Counter>,
    /// Connections being served.
    pub(crate) connections: Gauge,
}

impl Metrics {
    /// Creates the families in `registry`.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("ingest_core");
        let metrics = Self {
            requests: Family::default(),
            faults: Family::default(),
            // From 50 µs to 13 s.
            seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(50e-6, 2.0, 19))),
            request_bytes: Family::default(),
            response_bytes: Family::default(),
            connections: Gauge::default(),
        };
        registry.register("requests", "Requests answered, by HTTP status", metrics.requests.clone());
        registry.register("faults", "Requests that failed, by AWS error code", metrics.faults.clone());
        registry.register(
            "request_duration_seconds",
            "Time from the last byte of the headers to the first of the answer",
            metrics.seconds.clone(),
        );
        registry.register("request_bytes", "Bytes of request bodies", metrics.request_bytes.clone());
        registry.register("response_bytes", "Bytes of answers", metrics.response_bytes.clone());
        registry.register("connections", "Connections being served", metrics.connections.clone());
        metrics
    }

    /// The metrics of one operation, looked up once so that the hot path looks nothing up.
    pub(crate) fn operation(&self, service: &'static str, operation: &'static str) -> OperationMetrics {
        let labels = OperationLabels { service, operation };
        OperationMetrics {
            service,
            operation,
            succeeded: self.requests.get_or_create_owned(&StatusLabels { service, operation, status: 200 }),
            seconds: self.seconds.get_or_create_owned(&labels),
            request_bytes: self.request_bytes.get_or_create_owned(&labels),
            response_bytes: self.response_bytes.get_or_create_owned(&labels),
            families: self.clone(),
        }
    }
}

/// The metrics of one operation.
#[derive(Debug)]
pub(crate) struct OperationMetrics {
    service: &'static str,
    operation: &'static str,
    succeeded: Counter,
    seconds: Histogram,
    request_bytes: Counter,
    response_bytes: Counter,
    families: Metrics,
}

impl OperationMetrics {
    /// Counts a request body that arrived.
    pub(crate) fn observe_body(&self, byte_count: usize) {
        self.request_bytes.inc_by(byte_count as u64);
    }

    /// Counts an answer: a success, or the code of a fault.
    pub(crate) fn observe_answer(&self, fault: Option<Code>, byte_count: usize, latency: Duration) {
        self.seconds.observe(latency.as_secs_f64());
        self.response_bytes.inc_by(byte_count as u64);
        let (service, operation) = (self.service, self.operation);
        match fault {
            None => {
                self.succeeded.inc();
            }
            Some(code) => {
                let status = StatusLabels { service, operation, status: code.status() };
                self.families.requests.get_or_create(&status).inc();
                self.families.faults.get_or_create(&FaultLabels { service, operation, code: code.name() }).inc();
            }
        }
    }
}
