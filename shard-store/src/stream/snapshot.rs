//! A stream as one moment knows it: routing, reading, and which shards a list shows.
//!
//! A change of the stream (its shards, its retention) makes another snapshot around the same logs; whoever holds an older
//! one finishes with it. Appending is in [`super::append`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::definition::{Consumer, Definition, Encryption, Facts, RecordDistribution, StreamId, StreamKey, StreamMode};
use super::error::GetError;
use super::hash_range::HashKey;
use super::limits::READ_BYTES_MAX;
use super::monitoring::ShardMetric;
use super::policy::PolicyText;
use super::shard::{Shard, ShardNumber};
use crate::error::ReadError;
use crate::log::{NewRecord, ReadBatch, ReadLimit};
use crate::sync::atomic::{AtomicUsize, Ordering};

const HOUR_MS: u64 = 3_600_000;

/// One stream.
#[derive(Debug)]
pub struct Stream {
    facts: Facts,
    is_enforced: bool,
    /// In the order of their numbers, closed ones included.
    shards: Vec<Arc<Shard>>,
    /// The open shards in the order of their ranges, which tile the key space: the end of each, and its place in
    /// `shards`.
    routes: Vec<(HashKey, usize)>,
    /// How many turns were taken; see [`super::spread`].
    turns: AtomicUsize,
}

/// What one read of a shard returns.
#[derive(Debug)]
pub struct ShardRead {
    /// The records.
    pub batch: ReadBatch,
    /// Where the next read goes on; none if the shard is closed and was read to its end.
    pub next_ordinal: Option<u64>,
    /// How long ago the record arrived that comes next, in milliseconds; 0 if there is none.
    pub millis_behind: u64,
}

/// Which shards a list shows. Shards that were closed longer ago than the retention are never shown.
///
/// Source: Kinesis Data Streams API Reference, "ShardFilter".
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ShardFilter {
    /// Those with a greater number.
    AfterShard(ShardNumber),
    /// Those that were open at the time of the oldest records kept.
    AtTrimHorizon,
    /// All of them.
    FromTrimHorizon,
    /// Those that are open now.
    AtLatest,
    /// Those that were open at this time (milliseconds since the Unix epoch), or at the trim horizon if that is later.
    AtTimestamp(u64),
    /// Those that were open at this time or later, likewise.
    FromTimestamp(u64),
}

impl Stream {
    /// A stream whose definition's invariants were checked. `shards` are in the order of their numbers. Their logs encrypt
    /// from now on as the stream says: they do not remember it.
    pub(super) fn new(facts: Facts, shards: Vec<Arc<Shard>>, is_enforced: bool) -> Self {
        let key = facts.encryption.as_ref().map(|encryption| encryption.key);
        shards.iter().for_each(|shard| shard.log().encrypt(key));
        let mut open: Vec<_> = shards.iter().enumerate().filter(|(_, shard)| shard.is_open()).collect();
        open.sort_unstable_by_key(|(_, shard)| shard.range().start);
        let routes = open.into_iter().map(|(place, shard)| (shard.range().end, place)).collect();
        Self { facts, is_enforced, shards, routes, turns: AtomicUsize::new(0) }
    }

    /// As it is stored.
    pub(super) fn define(&self) -> Definition {
        let shards = self.shards.iter().map(|shard| shard.definition().clone()).collect();
        Definition { facts: self.facts.clone(), shards }
    }

    /// Its name, account and region.
    pub fn key(&self) -> &StreamKey {
        &self.facts.key
    }

    /// What tells it from another stream that has or had its name.
    pub fn id(&self) -> StreamId {
        self.facts.id
    }

    /// When it was created, in milliseconds since the Unix epoch.
    pub fn created_ms(&self) -> u64 {
        self.facts.created_ms
    }

    /// How its capacity is decided.
    pub fn mode(&self) -> StreamMode {
        self.facts.mode
    }

    /// How long its records are kept, in hours.
    pub fn retention_hours(&self) -> u32 {
        self.facts.retention_hours
    }

    /// The most bytes of data and partition key together that a record may have.
    pub fn record_bytes_max(&self) -> u64 {
        self.facts.record_bytes_max
    }

    /// The MiB a second that it is kept warm for, if it is on-demand.
    pub fn warm_mibps(&self) -> u32 {
        self.facts.warm_mibps
    }

    /// Which shards its records go to.
    pub fn distribution(&self) -> RecordDistribution {
        self.facts.distribution
    }

    /// Takes so many turns of its open shards. Returns the first of them.
    pub(super) fn take_turns(&self, count: usize) -> usize {
        // Nothing but the number itself depends on it.
        self.turns.fetch_add(count, Ordering::Relaxed)
    }

    /// The open shard whose turn it is.
    pub(super) fn shard_in_turn(&self, turn: usize) -> &Arc<Shard> {
        let place = self.routes.get(turn % self.routes.len().max(1)).map(|(_, place)| *place);
        let shard = place.and_then(|place| self.shards.get(place));
        shard.expect("the open shards tile the key space, so there is at least one")
    }

    /// Its tags, by key.
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.facts.tags
    }

    /// What its records are encrypted with at rest.
    pub fn encryption(&self) -> Option<&Encryption> {
        self.facts.encryption.as_ref()
    }

    /// Its registered consumers, by name.
    pub fn consumers(&self) -> &BTreeMap<String, Consumer> {
        &self.facts.consumers
    }

    /// Whether queues deliver its records.
    pub fn has_queues(&self) -> bool {
        !self.facts.queues.is_empty()
    }

    /// Who may do what with it.
    pub fn policy(&self) -> Option<&PolicyText> {
        self.facts.policy.as_ref()
    }

    /// What is shown of each of its shards.
    pub fn shard_metrics(&self) -> &BTreeSet<ShardMetric> {
        &self.facts.shard_metrics
    }

    /// Whether anything is.
    pub(super) fn is_monitored(&self) -> bool {
        !self.facts.shard_metrics.is_empty()
    }

    /// Its shards in the order of their numbers, closed ones included.
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// Its open shards in the order of their ranges, which tile the key space.
    pub(super) fn open_shards(&self) -> impl Iterator<Item = &Arc<Shard>> {
        self.routes.iter().filter_map(|(_, place)| self.shards.get(*place))
    }

    /// The number of its open shards.
    pub fn open_shard_count(&self) -> usize {
        self.routes.len()
    }

    /// The shard with this number.
    pub fn shard(&self, number: ShardNumber) -> Option<&Arc<Shard>> {
        let place = self.shards.binary_search_by_key(&number, |shard| shard.number()).ok()?;
        self.shards.get(place)
    }

    /// The shards that came from this one by a split or merge.
    pub fn children(&self, parent: ShardNumber) -> impl Iterator<Item = &Arc<Shard>> {
        self.shards
            .iter()
            .filter(move |shard| shard.parent() == Some(parent) || shard.adjacent_parent() == Some(parent))
    }

    /// The shards that `filter` shows at `now_ms`, in the order of their numbers.
    pub fn shards_shown(&self, filter: ShardFilter, now_ms: u64) -> impl Iterator<Item = &Arc<Shard>> {
        let horizon_ms = self.horizon_ms(now_ms).max(self.facts.created_ms);
        let is_shown = move |shard: &Shard| {
            let was_open_since = |time_ms: u64| shard.ended_ms().is_none_or(|ended_ms| ended_ms >= time_ms);
            let was_open_at = |time_ms: u64| shard.created_ms() <= time_ms && was_open_since(time_ms);
            match filter {
                ShardFilter::AfterShard(number) => shard.number() > number,
                ShardFilter::AtTrimHorizon => was_open_at(horizon_ms),
                ShardFilter::FromTrimHorizon => true,
                ShardFilter::AtLatest => shard.is_open(),
                ShardFilter::AtTimestamp(time_ms) => was_open_at(time_ms.max(horizon_ms)),
                ShardFilter::FromTimestamp(time_ms) => was_open_since(time_ms.max(horizon_ms)),
            }
        };
        self.shards.iter().filter(move |shard| !shard.ended_before(horizon_ms) && is_shown(shard))
    }

    /// Before which time records are no longer given out, in milliseconds since the Unix epoch.
    pub(crate) fn horizon_ms(&self, now_ms: u64) -> u64 {
        horizon_ms(&self.facts, now_ms)
    }

    /// Whether the throughput limits of its shards hold.
    pub fn is_enforced(&self) -> bool {
        self.is_enforced
    }

    /// The place in [`Stream::shards`] of the open shard that takes `record`.
    pub(super) fn route(&self, record: &NewRecord<'_>) -> usize {
        let key = record.explicit_hash_key.map_or_else(|| HashKey::of_partition_key(record.partition_key), HashKey);
        let position = self.routes.partition_point(|(end, _)| *end < key);
        // The ranges tile the key space: there is always one.
        self.routes.get(position).map_or(0, |(_, place)| *place)
    }

    /// Reads up to `record_count` records of one of its shards from `from` on, as one call against the shard's read
    /// throughput. A position before the oldest record kept is moved up to it.
    ///
    /// # Errors
    /// `Throttled` if the shard's read throughput is used up, `Read` if the log cannot be read there.
    pub fn get(&self, shard: &Shard, from: u64, record_count: usize, now_ms: u64) -> Result<ShardRead, GetError> {
        if self.is_enforced && !shard.reads.admit(now_ms) {
            if self.is_monitored() {
                shard.counters.count_refused(ShardMetric::ReadProvisionedThroughputExceeded, 1);
            }
            return Err(GetError::Throttled { shard: shard.number() });
        }
        let read = self.read(shard, from, ReadLimit { record_count, byte_count: READ_BYTES_MAX }, now_ms)?;
        if self.is_enforced {
            shard.reads.charge(read.batch.byte_count());
        }
        if self.is_monitored() {
            shard.counters.set_age(read.millis_behind);
        }
        Ok(read)
    }

    /// As [`Stream::get`], but not counted against the shard's read throughput.
    ///
    /// # Errors
    /// If the log cannot be read there.
    pub fn read(&self, shard: &Shard, from: u64, limit: ReadLimit, now_ms: u64) -> Result<ShardRead, ReadError> {
        let batch = self.read_kept(shard, from, limit, now_ms)?;
        if self.is_monitored() {
            shard.counters.count_outgoing(batch.record_count(), batch.byte_count());
        }
        let next = batch.next_ordinal();
        let is_drained = !shard.is_open() && next >= shard.log().end();
        Ok(ShardRead {
            next_ordinal: (!is_drained).then_some(next),
            millis_behind: read_millis_behind(shard, next, now_ms)?,
            batch,
        })
    }

    /// Reads records that are not older than the retention. Trimming drops whole segments, so a log may hold older ones.
    pub(crate) fn read_kept(
        &self,
        shard: &Shard,
        from: u64,
        limit: ReadLimit,
        now_ms: u64,
    ) -> Result<ReadBatch, ReadError> {
        let batch = shard.log().read(from, limit)?;
        let horizon_ms = self.horizon_ms(now_ms);
        if batch.records().next().is_none_or(|record| record.arrival_ms >= horizon_ms) {
            return Ok(batch);
        }
        let kept_from = shard.log().position_at(horizon_ms)?;
        shard.log().read(kept_from, limit)
    }
}

/// Before which time the records of a stream have expired, in milliseconds since the Unix epoch.
pub(super) fn horizon_ms(facts: &Facts, now_ms: u64) -> u64 {
    now_ms.saturating_sub(u64::from(facts.retention_hours) * HOUR_MS).max(facts.expired_before_ms)
}

fn read_millis_behind(shard: &Shard, next: u64, now_ms: u64) -> Result<u64, ReadError> {
    if next >= shard.log().end() {
        return Ok(0);
    }
    let unread = shard.log().read(next, ReadLimit { record_count: 1, byte_count: 0 })?;
    Ok(unread.records().next().map_or(0, |record| now_ms.saturating_sub(record.arrival_ms)))
}
