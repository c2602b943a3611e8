//! Records that are spread over the open shards, whatever their partition keys: [`RecordDistribution::Auto`].
//!
//! Shards are taken in turn, which spreads an even load evenly; a shard that has no throughput left passes its records on to the
//! next. The records of one request stay together as far as that costs no evenness: each shard that a request touches costs a
//! batch of its own. A record is refused only when every open shard has refused it, and then counts as asked of one of them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::append::{PendingAppend, counted_bytes};
use super::error::PutError;
use super::shard::Shard;
use super::snapshot::Stream;
use crate::log::NewRecord;

/// A request of so many records, or fewer, goes to one shard as a whole if that has room.
const RECORDS_TOGETHER_MIN: usize = 64;

impl Stream {
    /// The shard that takes a record at `now_ms`.
    ///
    /// # Errors
    /// `Throttled` if the write throughput of all shards is used up.
    pub(super) fn spread_one(&self, record: &NewRecord<'_>, now_ms: u64) -> Result<&Arc<Shard>, PutError> {
        let turn = self.take_turns(1);
        let first = self.shard_in_turn(turn);
        if !self.is_enforced() {
            return Ok(first);
        }
        let byte_count = counted_bytes(record);
        let mut shards = (0..self.open_shard_count()).map(|offset| self.shard_in_turn(turn.wrapping_add(offset)));
        shards.find(|shard| shard.writes.offer_one(now_ms, byte_count)).ok_or_else(|| {
            first.writes.count_refused([byte_count]);
            self.count_refused(first, 1);
            PutError::Throttled { shard: first.number() }
        })
    }

    /// Puts the records of one request at `now_ms`, each where there is room.
    pub(super) fn spread(&self, records: &[NewRecord<'_>], now_ms: u64) -> PendingAppend {
        let shard_count = self.open_shard_count();
        let share = records.len().div_ceil(shard_count.max(1)).max(RECORDS_TOGETHER_MIN);
        let turn = self.take_turns(records.len().div_ceil(share));
        let first = self.shard_in_turn(turn);
        let mut spread = Spread {
            records,
            now_ms,
            is_enforced: self.is_enforced(),
            waiting: (0u32..).take(records.len()).collect(),
            batch: Vec::with_capacity(share.min(records.len())),
            pending: PendingAppend::throttled(records.len(), first.number()),
        };
        // Once around with even shares, and once more for what found no room.
        for round in 0..2 * shard_count {
            if spread.waiting.is_empty() {
                break;
            }
            let count = if round < shard_count { share } else { records.len() };
            spread.offer(self.shard_in_turn(turn.wrapping_add(round)), count);
        }
        first.writes.count_refused(spread.waiting_records().map(counted_bytes));
        self.count_refused(first, spread.waiting.len());
        spread.pending
    }
}

/// The records of a request that are being spread.
struct Spread<'r, 'a> {
    records: &'r [NewRecord<'a>],
    now_ms: u64,
    is_enforced: bool,
    /// The places of those that have no shard yet.
    waiting: VecDeque<u32>,
    batch: Vec<NewRecord<'a>>,
    pending: PendingAppend,
}

impl<'r, 'a> Spread<'r, 'a> {
    /// Offers a shard up to `count` of the waiting records. Those it has no room for wait on.
    fn offer(&mut self, shard: &Arc<Shard>, count: usize) {
        let Self { records, waiting, batch, pending, .. } = self;
        let members_start = pending.place_count();
        let offered: Vec<_> = waiting.drain(..count.min(waiting.len())).collect();
        let asking = offered.into_iter().filter_map(|place| Some((place, records.get(place as usize)?)));
        let mut verdict = |(place, record): (u32, &NewRecord<'a>), is_admitted: bool| {
            if is_admitted {
                pending.add_place(place);
                batch.push(*record);
            } else {
                waiting.push_back(place);
            }
        };
        if self.is_enforced {
            shard.writes.offer(self.now_ms, asking.map(|asking| (asking, counted_bytes(asking.1))), verdict);
        } else {
            asking.for_each(|asking| verdict(asking, true));
        }
        self.pending.append_batch(shard, &mut self.batch, members_start);
    }

    fn waiting_records(&self) -> impl Iterator<Item = &'r NewRecord<'a>> {
        self.waiting.iter().filter_map(|place| self.records.get(*place as usize))
    }
}
