//! Which shards of an on-demand stream to split or merge, worked out from their loads without touching anything.
//!
//! A shard with more than half of what it takes is split in the middle, so that each shard, and the stream as a whole, has
//! room for double its load. Neighbours are merged when both were idle for a day, but only as far as the stream keeps room for
//! double its peak of thirty days. Between half a shard, which splits, and two eighths, which merge, nothing happens: a constant
//! load comes to rest.
//!
//! Source: Kinesis Data Streams Developer Guide, "Choose the right mode to stream in": splits beyond 500 KB/s a shard, evenly
//! and without looking for hot keys, and double the peak of thirty days. When AWS merges it does not say.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use super::hash_range::{HashKey, HashRange};
use super::limits::ON_DEMAND_SHARDS;
use super::load::IDLE_MILLI;
use super::reshard::{BOUNDARY_TOLERANCE, Reshape};
use super::shard::{Shard, ShardNumber};

/// Beyond this load, in thousandths of what a shard takes, it is split.
const SPLIT_MILLI: u64 = 500;

/// Half of a shard as narrow as this, a millionth of the key space, would hold one key or none of those that make it hot, and
/// splitting it for ever would use up the shards of the account.
const SPLIT_WIDTH_MIN: u128 = 1 << (128 - 20);

/// An open shard and its load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge {
    pub(super) shard: ShardNumber,
    pub(super) range: HashRange,
    /// In thousandths of what a shard takes.
    pub(super) milli: u64,
    /// Whether it was idle for long.
    pub(super) is_cold: bool,
}

impl Gauge {
    /// A shard with the load that was read last.
    pub(super) fn of_last_reading(shard: &Shard, now_ms: u64) -> Self {
        Self { shard: shard.number(), range: shard.range(), milli: shard.last_load(), is_cold: shard.is_cold(now_ms) }
    }
}

/// What the shards of a stream have to be enough for, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The greatest load of thirty days, in thousandths of what a shard takes.
    pub(super) peak_milli: u64,
    /// Shards that the user keeps warm.
    pub(super) warm_count: usize,
    /// How many more shards the account may have.
    pub(super) room_count: usize,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Splits a shard; the second half begins at `at`.
    Split { shard: ShardNumber, at: HashKey },
    /// Merges neighbours.
    Merge { shard: ShardNumber, adjacent: ShardNumber },
}

impl Step {
    /// Makes the change to `reshape`.
    pub(super) fn apply(self, reshape: &mut Reshape<'_>) -> Result<(), super::error::ReshardError> {
        match self {
            Self::Split { shard, at } => reshape.split(shard, at).map(drop),
            Self::Merge { shard, adjacent } => reshape.merge(shard, adjacent).map(drop),
        }
    }
}

/// How many shards have room for double such a load.
pub(super) fn shards_for(peak_milli: u64) -> usize {
    usize::try_from(peak_milli.div_ceil(SPLIT_MILLI)).unwrap_or(usize::MAX)
}

/// The load for double of which so many shards have room, in thousandths.
pub(super) fn load_of(shard_count: usize) -> u64 {
    (shard_count as u64).saturating_mul(SPLIT_MILLI)
}

/// The changes that fit the shards to their loads. `open` are in the order of their ranges, which tile the key space.
pub(super) fn plan_capacity(open: &[Gauge], bounds: &Bounds) -> Vec<Step> {
    let splits = plan_splits(open, bounds.room_count);
    if !splits.is_empty() {
        return splits;
    }
    let kept_count = shards_for(bounds.peak_milli).max(bounds.warm_count).max(ON_DEMAND_SHARDS as usize);
    plan_merges(open, open.len().saturating_sub(kept_count))
}

/// Ranges of which an even load of so many shards fills none: an even division, and beside its boundaries those of the shards
/// that are in use, which an uneven load has made narrow.
pub(super) fn plan_warm(open: &[Gauge], count: u32) -> impl Iterator<Item = HashRange> + use<> {
    let busy = open.iter().filter(|gauge| gauge.milli > IDLE_MILLI).map(|gauge| gauge.range);
    let mut starts: BTreeSet<u128> =
        busy.flat_map(|range| [Some(range.start.0), range.end.0.checked_add(1)]).flatten().collect();
    for range in HashRange::split_evenly(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)) {
        let start = range.start.0;
        let around = start.saturating_sub(BOUNDARY_TOLERANCE)..=start.saturating_add(BOUNDARY_TOLERANCE);
        if starts.range(around).next().is_none() {
            starts.insert(start);
        }
    }
    // The first even range begins at 0, unless a busy one does.
    let ends: Vec<_> = starts.iter().skip(1).map(|start| start - 1).chain([u128::MAX]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| HashRange { start: HashKey(start), end: HashKey(end) })
}

/// Splits the hottest shards, up to `count_max` of them.
fn plan_splits(open: &[Gauge], count_max: usize) -> Vec<Step> {
    let is_hot = |gauge: &&Gauge| gauge.milli > SPLIT_MILLI && width(gauge) >= SPLIT_WIDTH_MIN;
    let mut hot: Vec<_> = open.iter().filter(is_hot).collect();
    hot.sort_by_key(|gauge| std::cmp::Reverse(gauge.milli));
    let split = |gauge: &Gauge| Step::Split { shard: gauge.shard, at: middle(gauge.range) };
    hot.into_iter().take(count_max).map(split).collect()
}

/// Merges the narrowest pairs of cold neighbours, up to `count_max` of them.
fn plan_merges(open: &[Gauge], count_max: usize) -> Vec<Step> {
    let pairs = open.iter().zip(open.iter().skip(1));
    let mut pairs: Vec<_> = pairs.filter(|(left, right)| left.is_cold && right.is_cold).collect();
    pairs.sort_by_key(|(left, right)| width(left).saturating_add(width(right)));
    let mut merged = std::collections::HashSet::new();
    let mut steps = Vec::new();
    for (left, right) in pairs {
        if steps.len() == count_max {
            break;
        }
        if !merged.contains(&left.shard) && !merged.contains(&right.shard) {
            merged.extend([left.shard, right.shard]);
            steps.push(Step::Merge { shard: left.shard, adjacent: right.shard });
        }
    }
    steps
}

fn width(gauge: &Gauge) -> u128 {
    gauge.range.end.0 - gauge.range.start.0
}

/// Where the second half of a range begins.
fn middle(HashRange { start, end }: HashRange) -> HashKey {
    HashKey(start.0 + (end.0 - start.0) / 2 + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::log::LogId;
    use crate::stream::definition::{ShardDefinition, StreamKey};
    use crate::stream::hash_range::tile_the_key_space;

    const HOUR_MS: u64 = 3_600_000;
    const HOURS_OF_A_DAY: u64 = 24;

    /// A stream under a load that stays the same: thousandths of a shard by hash key.
    struct Simulation {
        loads: BTreeMap<u128, u64>,
        shards: Vec<ShardDefinition>,
        /// The hour in which each shard was last busy.
        busy: BTreeMap<ShardNumber, u64>,
        hour: u64,
        room: usize,
    }

    impl Simulation {
        fn new(loads: BTreeMap<u128, u64>, shard_count: u32, room: usize) -> Self {
            let ranges = HashRange::split_evenly(NonZeroU32::new(shard_count).unwrap());
            let shard = |(number, range)| ShardDefinition {
                number: ShardNumber(number),
                log: LogId(0),
                range,
                created_ms: 0,
                generation: 0,
                parent: None,
                adjacent_parent: None,
                closed_ms: None,
            };
            let shards = (0..).zip(ranges).map(shard).collect();
            Self { loads, shards, busy: BTreeMap::new(), hour: 0, room }
        }

        fn gauges(&mut self) -> Vec<Gauge> {
            let hour = self.hour;
            let open = self.shards.iter().filter(|shard| shard.closed_ms.is_none());
            let mut gauges: Vec<_> = open
                .map(|shard| {
                    let range = shard.range;
                    let milli = self.loads.range(range.start.0..=range.end.0).map(|(_, milli)| *milli).sum();
                    let busy = self.busy.entry(shard.number).or_insert(hour);
                    if milli > IDLE_MILLI {
                        *busy = hour;
                    }
                    Gauge { shard: shard.number, range, milli, is_cold: hour - *busy >= HOURS_OF_A_DAY }
                })
                .collect();
            gauges.sort_by_key(|gauge| gauge.range.start);
            gauges
        }

        /// Lets an hour pass. Returns what was changed.
        fn pass(&mut self, peak_milli: u64) -> Vec<Step> {
            self.hour += 1;
            let open = self.gauges();
            let bounds = Bounds { peak_milli, warm_count: 0, room_count: self.room.saturating_sub(open.len()) };
            let steps = plan_capacity(&open, &bounds);
            let key = StreamKey::new("000000000000", "us-east-1", "clicks");
            let mut reshape = Reshape::new(&key, std::mem::take(&mut self.shards), self.hour * HOUR_MS);
            steps.iter().for_each(|step| step.apply(&mut reshape).unwrap());
            let new_count = reshape.new_count();
            self.shards = reshape.finish(vec![LogId(0); new_count]);
            steps
        }

        fn total(&self) -> u64 {
            self.loads.values().sum()
        }
    }

    fn gauges(loads: &[(u64, bool)]) -> Vec<Gauge> {
        let ranges = HashRange::split_evenly(NonZeroU32::new(u32::try_from(loads.len()).unwrap()).unwrap());
        let gauge = |((range, (milli, is_cold)), number)| Gauge { shard: ShardNumber(number), range, milli, is_cold };
        ranges.zip(loads.iter().copied()).zip(0..).map(gauge).collect()
    }

    const FREE: Bounds = Bounds { peak_milli: 0, warm_count: 0, room_count: 1_000 };

    #[test]
    fn a_shard_with_more_than_half_of_what_it_takes_is_split_in_the_middle() {
        let open = gauges(&[(500, false), (501, false)]);
        let at = HashKey((1 << 127) + (1 << 126));
        assert_eq!(plan_capacity(&open, &FREE), [Step::Split { shard: ShardNumber(1), at }]);
    }

    #[test]
    fn the_hottest_shards_come_first_where_the_account_has_room_for_few() {
        let open = gauges(&[(600, false), (900, false), (700, false)]);
        let steps = plan_capacity(&open, &Bounds { room_count: 2, ..FREE });
        let split: Vec<_> = steps.iter().map(|step| matches!(step, Step::Split { shard, .. } if shard.0 > 0)).collect();
        assert_eq!(split, [true, true]);
        assert_eq!(plan_capacity(&open, &Bounds { room_count: 0, ..FREE }), []);
    }

    #[test]
    fn cold_neighbours_are_merged_down_to_what_must_be_kept() {
        let open = gauges(&[(0, true); 10]);
        let count = |bounds: Bounds| plan_capacity(&open, &bounds).len();
        assert_eq!(count(FREE), 5);
        assert_eq!(count(Bounds { warm_count: 7, ..FREE }), 3);
        assert_eq!(count(Bounds { peak_milli: 4_500, ..FREE }), 1);
        assert_eq!(count(Bounds { peak_milli: 4_501, ..FREE }), 0);
        assert_eq!(plan_capacity(&gauges(&[(0, true); 4]), &FREE), []);
        let mixed = gauges(&[(0, true), (0, false), (0, true), (0, true), (0, false)]);
        assert_eq!(plan_capacity(&mixed, &FREE), [Step::Merge { shard: ShardNumber(2), adjacent: ShardNumber(3) }]);
    }

    #[test]
    fn a_warm_stream_is_divided_evenly_and_its_busy_shards_stay_narrow() {
        let even: Vec<_> = plan_warm(&gauges(&[(0, false); 4]), 6).collect();
        assert_eq!(even, HashRange::split_evenly(NonZeroU32::new(6).unwrap()).collect::<Vec<_>>());
        let open = gauges(&[(0, true), (0, true), (0, true), (0, true), (0, true), (400, false), (0, true), (0, true)]);
        let ranges: Vec<_> = plan_warm(&open, 4).collect();
        let widths: Vec<_> = ranges.iter().map(|range| (range.end.0 - range.start.0) >> 125).collect();
        assert_eq!(widths, [1, 1, 0, 0, 1]);
        assert!(tile_the_key_space(ranges.iter().copied()));
        assert_eq!(ranges[3], open[5].range);
    }

    #[test]
    fn a_single_key_that_is_too_much_for_a_shard_takes_a_few_shards_only() {
        let mut simulation = Simulation::new([(12_345 << 100, 3_000)].into(), 4, 10_000);
        while !simulation.pass(3_000).is_empty() {
            assert!(simulation.hour < 100);
        }
        assert!(simulation.gauges().len() < 30);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_constant_load_comes_to_rest_and_never_splits_what_was_merged(
            loads in proptest::collection::btree_map(any::<u128>(), 1u64..400, 0..60),
            shard_count in 1u32..40,
        ) {
            let mut simulation = Simulation::new(loads, shard_count, usize::MAX);
            let total = simulation.total();
            let (mut has_merged, mut changed_hour) = (false, 0);
            for hour in 0..60 * HOURS_OF_A_DAY {
                // The peak is forgotten after thirty days of which this load is a part: it stays.
                let steps = simulation.pass(total);
                let merges = steps.iter().filter(|step| matches!(step, Step::Merge { .. })).count();
                prop_assert!(merges == steps.len() || !has_merged, "split after a merge");
                has_merged |= merges > 0;
                if !steps.is_empty() {
                    changed_hour = hour;
                }
            }
            prop_assert!(changed_hour < 20 * HOURS_OF_A_DAY, "still changing after {changed_hour} hours");
            let open = simulation.gauges();
            prop_assert!(open.iter().all(|gauge| gauge.milli <= SPLIT_MILLI || width(gauge) < SPLIT_WIDTH_MIN));
            prop_assert!(open.len() >= shards_for(total).min(shard_count as usize));
        }

        #[test]
        fn an_even_load_finds_room_for_double_itself(milli in 1u64..30_000) {
            let even = (0..1_024u128).map(|index| (index << 118, milli.div_ceil(1_024)));
            let mut simulation = Simulation::new(even.collect(), 4, usize::MAX);
            let total = simulation.total();
            while !simulation.pass(total).is_empty() {
                prop_assert!(simulation.hour < 15);
            }
            prop_assert!(simulation.gauges().len() as u64 * 1_000 >= 2 * total);
        }
    }
}
