//! What librdkafka tells beside records.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;
use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// Takes librdkafka's log, errors and statistics.
pub(crate) struct Context {
    pub(crate) topic: String,
    /// The next offset of each partition.
    pub(crate) positions: Arc<Mutex<Vec<u64>>>,
    pub(crate) lag: Gauge,
    /// The last thing that went wrong, as librdkafka puts it.
    pub(crate) last_error: Mutex<Option<String>>,
}

impl ClientContext for Context {
    /// It repeats itself with each attempt, and what concerns people is told by the reader.
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", topic = self.topic, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", topic = self.topic, %error, reason);
        *self.last_error.lock() = Some(reason.to_owned());
    }

    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(&self.topic) else { return };
        let positions = self.positions.lock();
        let lag = positions.iter().enumerate().filter_map(|(number, position)| {
            let partition = topic.partitions.get(&i32::try_from(number).ok()?)?;
            Some(u64::try_from(partition.hi_offset).ok()?.saturating_sub(*position))
        });
        self.lag.set(i64::try_from(lag.sum::<u64>()).unwrap_or(i64::MAX));
    }
}

impl ConsumerContext for Context {}
