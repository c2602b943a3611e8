//! Enhanced monitoring: what is counted of each shard while a stream's user asks for it.
//!
//! The counters stand in the shard itself, so that counting is an addition per batch, and nothing without monitoring.
//! What is counted is read by whoever shows it; it is not stored.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::definition::StreamKey;
use super::error::ChangeError;
use super::registry::Streams;
use super::snapshot::Stream;

/// What can be shown of each shard of a stream.
///
/// Source: Kinesis Data Streams API Reference, "EnhancedMetrics".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ShardMetric {
    /// Bytes of data and partition keys of the records put.
    IncomingBytes,
    /// Records put.
    IncomingRecords,
    /// Bytes of data and partition keys of the records read.
    OutgoingBytes,
    /// Records read.
    OutgoingRecords,
    /// Records that the shard's write throughput refused.
    WriteProvisionedThroughputExceeded,
    /// Reads that the shard's read throughput refused.
    ReadProvisionedThroughputExceeded,
    /// How old what the last read left to be read is.
    IteratorAgeMilliseconds,
}

impl ShardMetric {
    /// Every metric.
    pub const ALL: [Self; 7] = [
        Self::IncomingBytes,
        Self::IncomingRecords,
        Self::OutgoingBytes,
        Self::OutgoingRecords,
        Self::WriteProvisionedThroughputExceeded,
        Self::ReadProvisionedThroughputExceeded,
        Self::IteratorAgeMilliseconds,
    ];
}

/// What is counted of one shard. Closing the shard changes nothing about it.
#[derive(Debug, Default)]
pub(super) struct ShardCounters([AtomicU64; ShardMetric::ALL.len()]);

impl ShardCounters {
    /// Records were put.
    pub(super) fn count_incoming(&self, record_count: usize, byte_count: usize) {
        self.add(ShardMetric::IncomingRecords, record_count as u64);
        self.add(ShardMetric::IncomingBytes, byte_count as u64);
    }

    /// Records were read.
    pub(super) fn count_outgoing(&self, record_count: usize, byte_count: usize) {
        self.add(ShardMetric::OutgoingRecords, record_count as u64);
        self.add(ShardMetric::OutgoingBytes, byte_count as u64);
    }

    /// Something was refused, or not if `count` is 0.
    pub(super) fn count_refused(&self, metric: ShardMetric, count: u64) {
        if count > 0 {
            self.add(metric, count);
        }
    }

    /// A read left something behind that is so old, in milliseconds; 0 if it left nothing.
    pub(super) fn set_age(&self, age_ms: u64) {
        self.slot(ShardMetric::IteratorAgeMilliseconds).store(age_ms, Ordering::Relaxed);
    }

    // Relaxed: each number is by itself, and orders nothing.
    fn add(&self, metric: ShardMetric, count: u64) {
        self.slot(metric).fetch_add(count, Ordering::Relaxed);
    }

    fn slot(&self, metric: ShardMetric) -> &AtomicU64 {
        self.0.get(metric as usize).expect("there is a slot for each metric")
    }

    pub(super) fn value(&self, metric: ShardMetric) -> u64 {
        self.slot(metric).load(Ordering::Relaxed)
    }
}

/// The metrics of a stream that were shown before a change, and those that are shown after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoringChange {
    /// Those before.
    pub before: BTreeSet<ShardMetric>,
    /// Those after.
    pub after: BTreeSet<ShardMetric>,
    /// The stream.
    pub stream: StreamKey,
}

impl Streams {
    /// Shows more metrics of each shard of a stream, or, unless `is_enabled`, fewer. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound` or `Catalog`; nothing is changed then.
    pub fn monitor(
        &self,
        key: &StreamKey,
        metrics: &BTreeSet<ShardMetric>,
        is_enabled: bool,
    ) -> Result<MonitoringChange, ChangeError> {
        let mut before = BTreeSet::new();
        let changed = self.change(key, |facts, _| {
            before.clone_from(&facts.shard_metrics);
            if is_enabled {
                facts.shard_metrics.extend(metrics);
            } else {
                facts.shard_metrics.retain(|metric| !metrics.contains(metric));
            }
            Ok(())
        })?;
        Ok(MonitoringChange { before, after: changed.shard_metrics().clone(), stream: key.clone() })
    }

    /// The streams of which a metric is shown, in no particular order.
    pub fn monitored(&self) -> Vec<Arc<Stream>> {
        let mut streams = self.all();
        streams.retain(|stream| stream.is_monitored());
        streams
    }
}
