//! Warm throughput: shards that an on-demand stream keeps for a load that is yet to come.
//!
//! They are there when the call returns, and the scaler ([`super::on_demand`]) does not merge them. Asking for less releases at
//! once what nobody asked for of late, whatever the peaks were. Only accounts with a commitment to a minimum throughput may ask.
//!
//! Source: Kinesis Data Streams API Reference, "UpdateStreamWarmThroughput"; Developer Guide, "Choose the right mode to stream
//! in", "On-demand Advantage mode features and use cases".

use std::sync::Arc;

use super::capacity::{Gauge, plan_warm, shards_for};
use super::definition::{Facts, StreamKey, StreamMode};
use super::error::{ReshardError, WarmError};
use super::limits::{ON_DEMAND_SHARDS, WARM_MIBPS_MAX};
use super::registry::Streams;
use super::settings::note_mode_change;
use super::snapshot::Stream;
use crate::error::CatalogError;

/// How many shards an on-demand stream has at least that is kept warm for so many MiB a second: a shard takes one.
pub fn warm_shards(mibps: u32) -> u32 {
    mibps.max(ON_DEMAND_SHARDS)
}

impl Streams {
    /// Keeps an on-demand stream warm for writes of so many MiB a second, or with 0 no longer. Blocks on the disk.
    ///
    /// # Errors
    /// `Warm`, `NotFound`, `TooManyShards` or `Catalog`; nothing is changed then.
    pub fn set_warm_throughput(&self, key: &StreamKey, mibps: u32) -> Result<Arc<Stream>, ReshardError> {
        self.set_warm(key, mibps, |facts, _| match facts.mode {
            StreamMode::OnDemand => Ok(()),
            StreamMode::Provisioned => Err(WarmError::Provisioned { key: facts.key.clone() }.into()),
        })
    }

    /// Makes a stream on-demand, if it is not, and keeps it warm as [`Streams::set_warm_throughput`] does. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Streams::set_warm_throughput`], and `Settings` if the mode was changed too often; nothing is changed then.
    pub fn set_on_demand_and_warm(&self, key: &StreamKey, mibps: u32) -> Result<Arc<Stream>, ReshardError> {
        if let Some(stream) = self.find(key).filter(|stream| stream.mode() == StreamMode::Provisioned) {
            self.begin_on_demand(&stream)?;
        }
        self.set_warm(key, mibps, |facts, now_ms| Ok(note_mode_change(facts, StreamMode::OnDemand, now_ms)?))
    }

    fn set_warm(
        &self,
        key: &StreamKey,
        mibps: u32,
        change: impl FnOnce(&mut Facts, u64) -> Result<(), ReshardError>,
    ) -> Result<Arc<Stream>, ReshardError> {
        self.reshard(key, |stream, facts, reshape, now_ms| {
            self.check_warm(key, mibps)??;
            change(facts, now_ms)?;
            facts.warm_mibps = mibps;
            let open: Vec<_> = stream.open_shards().map(|shard| Gauge::of_last_reading(shard, now_ms)).collect();
            // What is being asked for now keeps its room; a stream without limits needs none.
            let load_milli = open.iter().map(|gauge| gauge.milli).fold(0, u64::saturating_add);
            let needed = u32::try_from(shards_for(load_milli)).unwrap_or(u32::MAX);
            reshape.divide(plan_warm(&open, warm_shards(mibps).max(needed)))
        })
    }

    /// Whether the account may keep a stream as warm as that.
    pub(super) fn check_warm(&self, key: &StreamKey, mibps: u32) -> Result<Result<(), WarmError>, CatalogError> {
        let StreamKey { account, region, .. } = key;
        let settings = self.account_settings(account, region)?;
        Ok(if mibps > WARM_MIBPS_MAX {
            Err(WarmError::TooWarm { key: key.clone(), mibps, mibps_max: WARM_MIBPS_MAX })
        } else if !settings.is_committed(self.clock().unix_millis()) {
            Err(WarmError::Uncommitted { account: account.clone(), region: region.clone() })
        } else {
            Ok(())
        })
    }
}
