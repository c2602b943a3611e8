//! On-demand streams: their shards follow their load ([`super::capacity`] plans, [`super::scaling`] does it).
//!
//! A sweep looks at what was asked of each shard since the one before. A stream whose throughput limits are lifted is left as it
//! is: its shards have no capacity that could be used up.

use std::sync::{Arc, Weak};

use super::capacity::{Bounds, Gauge, plan_capacity};
use super::definition::StreamMode;
use super::error::ReshardError;
use super::registry::Streams;
use super::shard::Shard;
use super::snapshot::Stream;

impl Streams {
    /// Splits and merges the shards of on-demand streams as their load since the last call asks for. Blocks on the disk. A
    /// stream that fails is logged and tried again by the next call.
    pub fn follow_load(&self) {
        for stream in self.all() {
            if stream.mode() == StreamMode::OnDemand
                && stream.is_enforced()
                && let Err(error) = self.follow_load_of(&stream)
            {
                tracing::warn!(stream = %stream.key(), %error, "cannot fit the shards of an on-demand stream to its load");
            }
        }
    }

    fn follow_load_of(&self, stream: &Arc<Stream>) -> Result<(), ReshardError> {
        let now_ms = self.clock().unix_millis();
        let gauge = |shard| Gauge { milli: Shard::read_load(shard, now_ms), ..Gauge::of_last_reading(shard, now_ms) };
        let open: Vec<_> = stream.open_shards().map(|shard| gauge(shard)).collect();
        let load_milli = open.iter().map(|gauge| gauge.milli).fold(0, u64::saturating_add);
        let key = stream.key();
        let present = self.open_shard_count(&key.account, &key.region);
        let bounds = Bounds {
            peak_milli: self.note_load(key, stream.id(), load_milli, now_ms)?,
            warm_count: stream.warm_mibps() as usize,
            room_count: usize::try_from(u64::from(self.options().shards_max).saturating_sub(present)).unwrap_or(0),
        };
        let steps = plan_capacity(&open, &bounds);
        if steps.is_empty() {
            return Ok(());
        }
        let resharded = self.reshard(key, |_, facts, reshape, _| match facts.mode {
            StreamMode::OnDemand => steps.iter().try_for_each(|step| step.apply(reshape)),
            // It was changed meanwhile; its shards are no longer ours to change.
            StreamMode::Provisioned => Ok(()),
        })?;
        let (before, after) = (open.len(), resharded.open_shard_count());
        tracing::info!(stream = %key, load_milli, before, after, "on-demand stream scaled");
        Ok(())
    }

    /// A stream that becomes on-demand keeps the shards it has, as if their throughput had been needed today.
    pub(super) fn begin_on_demand(&self, stream: &Stream) -> Result<(), crate::error::CatalogError> {
        let now_ms = self.clock().unix_millis();
        stream.open_shards().for_each(|shard| shard.forget_load(now_ms));
        let milli = super::capacity::load_of(stream.open_shard_count());
        self.note_load(stream.key(), stream.id(), milli, now_ms).map(drop)
    }
}

/// Follows the load of on-demand streams, as often as configured, until the streams are dropped.
pub async fn run(streams: Weak<Streams>) {
    loop {
        let Some(interval) = streams.upgrade().map(|streams| streams.options().scaling_interval) else {
            return;
        };
        tokio::time::sleep(interval).await;
        let Some(streams) = streams.upgrade() else { return };
        if tokio::task::spawn_blocking(move || streams.follow_load()).await.is_err() {
            tracing::error!("the scaling of on-demand streams panicked; their shards stay as they are until a restart");
            return;
        }
    }
}
