//! The engine's metrics: their names stand here and nowhere else.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What the engine counts.
#[derive(Clone)]
pub(crate) struct Metrics {
    appended_records: Counter,
    appended_bytes: Counter,
    commit_seconds: Histogram,
    commit_bytes: Counter,
    settled_segments: Counter,
    recycled_segments: Counter,
    spare_segments: Gauge,
    compacted_segments: Counter,
    compaction_read: Counter,
    compaction_written: Counter,
    journal_files: Gauge,
    fenced: Gauge,
}

impl Metrics {
    /// Registers the metrics.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("shard_store");
        let metrics = Self {
            appended_records: Counter::default(),
            appended_bytes: Counter::default(),
            // 50 µs to about 1.6 s.
            commit_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            commit_bytes: Counter::default(),
            settled_segments: Counter::default(),
            recycled_segments: Counter::default(),
            spare_segments: Gauge::default(),
            compacted_segments: Counter::default(),
            compaction_read: Counter::default(),
            compaction_written: Counter::default(),
            journal_files: Gauge::default(),
            fenced: Gauge::default(),
        };
        registry.register("appended_records", "Records appended to logs", metrics.appended_records.clone());
        registry.register_with_unit("appended", "Frames appended to logs", Unit::Bytes, metrics.appended_bytes.clone());
        registry.register_with_unit(
            "journal_commit",
            "Time to write and sync one group of batches",
            Unit::Seconds,
            metrics.commit_seconds.clone(),
        );
        registry.register_with_unit(
            "journal_written",
            "Groups written to the journal",
            Unit::Bytes,
            metrics.commit_bytes.clone(),
        );
        registry.register(
            "settled_segments",
            "Segments synced after their journal file",
            metrics.settled_segments.clone(),
        );
        registry.register(
            "recycled_segments",
            "Segments begun in the file of a dropped one",
            metrics.recycled_segments.clone(),
        );
        registry.register(
            "spare_segments",
            "Files of dropped segments that wait to be used again",
            metrics.spare_segments.clone(),
        );
        registry.register("compacted_segments", "Segments rewritten by compaction", metrics.compacted_segments.clone());
        registry.register_with_unit(
            "compaction_read",
            "Files of the segments that compaction rewrote, as they were before",
            Unit::Bytes,
            metrics.compaction_read.clone(),
        );
        registry.register_with_unit(
            "compaction_written",
            "Files of the segments that compaction rewrote, as they are now",
            Unit::Bytes,
            metrics.compaction_written.clone(),
        );
        registry.register(
            "journal_files",
            "Journal files whose segments are not synced yet",
            metrics.journal_files.clone(),
        );
        registry.register("fenced", "1 after a failed write or sync: nothing is acknowledged", metrics.fenced.clone());
        metrics
    }

    /// A batch was appended.
    pub(crate) fn observe_append(&self, record_count: usize, byte_count: usize) {
        self.appended_records.inc_by(record_count as u64);
        self.appended_bytes.inc_by(byte_count as u64);
    }

    /// A group was written and synced.
    pub(crate) fn observe_commit(&self, latency: Duration, byte_count: u64) {
        self.commit_seconds.observe(latency.as_secs_f64());
        self.commit_bytes.inc_by(byte_count);
    }

    /// A segment was synced.
    pub(crate) fn observe_settled(&self) {
        self.settled_segments.inc();
    }

    /// A segment was begun in the file of a dropped one.
    pub(crate) fn observe_recycled(&self) {
        self.recycled_segments.inc();
    }

    /// So many files of dropped segments wait to be used again.
    pub(crate) fn set_spare_segments(&self, count: usize) {
        self.spare_segments.set(count as i64);
    }

    /// A segment whose file had `bytes_before` was rewritten to one of `bytes_after`.
    pub(crate) fn observe_compacted(&self, bytes_before: u64, bytes_after: u64) {
        self.compacted_segments.inc();
        self.compaction_read.inc_by(bytes_before);
        self.compaction_written.inc_by(bytes_after);
    }

    /// So many journal files are waiting for their segments to be synced.
    pub(crate) fn set_journal_files(&self, count: usize) {
        self.journal_files.set(count as i64);
    }

    /// The store is fenced.
    pub(crate) fn set_fenced(&self) {
        self.fenced.set(1);
    }
}
