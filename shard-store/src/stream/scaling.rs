//! Changing the shards of a stream.
//!
//! One commit closes the parents and opens the children: after a crash either the old shards are there or the new ones.
//! Only then are the parents' logs sealed, so that a commit that fails costs nothing. What was on its way to a parent in
//! between is in its log, which ends where the seal found it, before any child takes its first record; what comes later
//! is refused by the log, waits for the new snapshot, and goes to the children ([`Streams::append`]). So the records of a
//! partition key are in order across the parents and then the children. A start seals the logs of closed shards again.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::definition::{Definition, Facts, StreamKey, StreamMode};
use super::error::ReshardError;
use super::hash_range::{HashKey, HashRange};
use super::limits::{SHARD_COUNT_UPDATES_MAX, SHARD_COUNT_UPDATES_PERIOD};
use super::registry::{Streams, open_shard};
use super::reshard::Reshape;
use super::shard::{Shard, ShardNumber};
use super::snapshot::Stream;
use crate::catalog::Change;
use crate::sync::thread::{self, Thread};

impl Streams {
    /// Splits an open shard in two, the second of which begins at the hash key `at`. Blocks on the disk.
    ///
    /// # Errors
    /// See [`ReshardError`]; nothing is changed then.
    pub fn split_shard(&self, key: &StreamKey, shard: ShardNumber, at: HashKey) -> Result<Arc<Stream>, ReshardError> {
        self.reshard_by_hand(key, |_, reshape, _| reshape.split(shard, at).map(drop))
    }

    /// Merges two open shards whose ranges lie side by side. Blocks on the disk.
    ///
    /// # Errors
    /// See [`ReshardError`]; nothing is changed then.
    pub fn merge_shards(
        &self,
        key: &StreamKey,
        shard: ShardNumber,
        adjacent: ShardNumber,
    ) -> Result<Arc<Stream>, ReshardError> {
        self.reshard_by_hand(key, |_, reshape, _| reshape.merge(shard, adjacent).map(drop))
    }

    /// Splits and merges shards until `target` of equal width are open. Blocks on the disk.
    ///
    /// # Errors
    /// See [`ReshardError`]; nothing is changed then.
    pub fn update_shard_count(&self, key: &StreamKey, target: NonZeroU32) -> Result<Arc<Stream>, ReshardError> {
        self.reshard_by_hand(key, |facts, reshape, now_ms| {
            let present = u32::try_from(reshape.open_count()).unwrap_or(u32::MAX);
            if target.get() > present.saturating_mul(2) || target.get() < present.div_ceil(2) {
                return Err(ReshardError::OutOfProportion { key: key.clone(), present, target: target.get() });
            }
            note_shard_count_update(facts, now_ms)?;
            reshape.divide(HashRange::split_evenly(target))
        })
    }

    fn reshard_by_hand(
        &self,
        key: &StreamKey,
        plan: impl FnOnce(&mut Facts, &mut Reshape<'_>, u64) -> Result<(), ReshardError>,
    ) -> Result<Arc<Stream>, ReshardError> {
        self.reshard(key, |_, facts, reshape, now_ms| match facts.mode {
            StreamMode::Provisioned => plan(facts, reshape, now_ms),
            StreamMode::OnDemand => Err(ReshardError::OnDemand { key: key.clone() }),
        })
    }

    /// Makes what `plan` does to the shards of a stream come true.
    pub(super) fn reshard(
        &self,
        key: &StreamKey,
        plan: impl FnOnce(&Stream, &mut Facts, &mut Reshape<'_>, u64) -> Result<(), ReshardError>,
    ) -> Result<Arc<Stream>, ReshardError> {
        let _control = self.take_control();
        let stream = self.find(key).ok_or_else(|| ReshardError::NotFound { key: key.clone() })?;
        let now_ms = self.clock().unix_millis();
        let Definition { mut facts, shards } = stream.define();
        let mut reshape = Reshape::new(key, shards, now_ms);
        plan(&stream, &mut facts, &mut reshape, now_ms)?;
        let added_count = reshape.open_count().saturating_sub(stream.open_shard_count());
        self.check_shard_limit(&key.account, &key.region, added_count as u64)?;
        let new_count = u32::try_from(reshape.new_count()).unwrap_or(u32::MAX);
        let definition = Definition { facts, shards: reshape.finish(self.store().allocate_logs(new_count)?) };
        // A stream with a gap in its ranges could not be opened again.
        assert_eq!(definition.check_invariants(), Ok(()), "resharding keeps the key space tiled");
        self.store().catalog().commit(&[Change::put(key.catalog_key(), &definition)])?;
        let resharded = Arc::new(self.reshard_open(&stream, definition, now_ms));
        self.replace(Arc::clone(&resharded));
        Ok(resharded)
    }

    /// Seals the logs of the shards that the new definition closes, and makes the snapshot of it.
    fn reshard_open(&self, stream: &Stream, definition: Definition, now_ms: u64) -> Stream {
        let Definition { facts, shards } = definition;
        let closing = shards.iter().filter(|shard| shard.closed_ms.is_some());
        let closing = closing.filter_map(|shard| stream.shard(shard.number)).filter(|shard| shard.is_open());
        // All of them refuse records at once; their last ones become durable together.
        let seals: Vec<_> = closing.map(|shard| shard.log().seal()).collect();
        for seal in seals {
            wait_for(seal);
        }
        let shards = shards.into_iter().map(|definition| match stream.shard(definition.number) {
            Some(shard) if shard.is_open() && definition.closed_ms.is_some() => {
                Arc::new(Shard::close(shard, definition, now_ms))
            }
            Some(shard) => Arc::clone(shard),
            None => Arc::new(open_shard(self.store(), definition, now_ms)),
        });
        Stream::new(facts, shards.collect(), stream.is_enforced())
    }

    /// Forgets the shards of a stream that ended longer ago than its retention. Blocks on the disk.
    pub(super) fn forget_expired_shards(&self, key: &StreamKey) -> Result<(), ReshardError> {
        let control = self.take_control();
        let Some(stream) = self.find(key) else { return Ok(()) };
        let horizon_ms = stream.horizon_ms(self.clock().unix_millis());
        let (expired, kept): (Vec<_>, Vec<_>) =
            stream.shards().iter().cloned().partition(|shard| shard.ended_before(horizon_ms));
        if expired.is_empty() {
            return Ok(());
        }
        let logs: Vec<_> = expired.iter().map(|shard| shard.log_id()).collect();
        let remaining = Stream::new(stream.define().facts, kept, stream.is_enforced());
        let mut changes = self.store().drop_logs(&logs);
        changes.push(Change::put(key.catalog_key(), &remaining.define()));
        self.store().catalog().commit(&changes)?;
        self.replace(Arc::new(remaining));
        drop(control);
        if let Err(error) = self.store().remove_logs(&logs) {
            tracing::warn!(stream = %key, %error, "cannot remove all files of expired shards");
        }
        Ok(())
    }
}

/// Notes that the number of shards is updated now, unless that was done too often.
fn note_shard_count_update(facts: &mut Facts, now_ms: u64) -> Result<(), ReshardError> {
    let since_ms = u128::from(now_ms).saturating_sub(SHARD_COUNT_UPDATES_PERIOD.as_millis());
    facts.shard_count_updates_ms.retain(|updated_ms| u128::from(*updated_ms) > since_ms);
    let count = facts.shard_count_updates_ms.len();
    if count >= SHARD_COUNT_UPDATES_MAX {
        return Err(ReshardError::TooOften { key: facts.key.clone(), count });
    }
    facts.shard_count_updates_ms.push(now_ms);
    Ok(())
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks the thread until `future` is ready.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
}
