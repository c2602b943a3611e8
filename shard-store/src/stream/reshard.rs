//! [`Reshape`]: which shards close and which open, worked out without touching anything.
//!
//! There are two steps, a split and a merge; every change of the number of shards is a sequence of them, as in AWS. Shards
//! that open and close within one sequence stay empty, and are there for the lineage's sake. Ranges of the open shards
//! tile the key space after each step.

use super::definition::{ShardDefinition, StreamKey};
use super::error::ReshardError;
use super::hash_range::{HashKey, HashRange};
use super::shard::ShardNumber;
use crate::log::LogId;

/// How far a boundary may be from where an even division would have it: 2^-64 of the key space. Even divisions by
/// different numbers miss each other by a few keys for rounding, which would split off shards of a few keys.
pub(super) const BOUNDARY_TOLERANCE: u128 = 1 << 64;

/// The shards of a stream while they are being changed.
#[derive(Debug)]
pub(super) struct Reshape<'a> {
    key: &'a StreamKey,
    now_ms: u64,
    /// In the order of their numbers.
    shards: Vec<ShardDefinition>,
    /// How many of them there were before.
    known_count: usize,
}

/// An open shard, or a part of one that is to be.
#[derive(Clone, Copy, Debug)]
struct Piece {
    shard: ShardNumber,
    range: HashRange,
}

impl<'a> Reshape<'a> {
    /// Begins with the shards that there are, in the order of their numbers.
    pub(super) fn new(key: &'a StreamKey, shards: Vec<ShardDefinition>, now_ms: u64) -> Self {
        Self { key, now_ms, known_count: shards.len(), shards }
    }

    /// How many of its shards are open.
    pub(super) fn open_count(&self) -> usize {
        self.shards.iter().filter(|shard| shard.closed_ms.is_none()).count()
    }

    /// How many shards are new, and need logs.
    pub(super) fn new_count(&self) -> usize {
        self.shards.len() - self.known_count
    }

    /// The shards as they are now, the new ones with these logs.
    pub(super) fn finish(mut self, logs: Vec<LogId>) -> Vec<ShardDefinition> {
        debug_assert_eq!(logs.len(), self.new_count());
        for (shard, log) in self.shards.iter_mut().skip(self.known_count).zip(logs) {
            shard.log = log;
        }
        self.shards
    }

    /// Splits an open shard in two, the second of which begins at `at`.
    ///
    /// # Errors
    /// `ShardNotFound`, `ShardClosed`, or `NotWithin` where AWS would have a child of less than two keys.
    pub(super) fn split(&mut self, number: ShardNumber, at: HashKey) -> Result<[ShardNumber; 2], ReshardError> {
        let range = self.open(number)?.range;
        if at.0 <= range.start.0.saturating_add(1) || at >= range.end {
            let range = Box::new(range);
            return Err(ReshardError::NotWithin { key: self.key.clone(), shard: number, at, range });
        }
        self.close(number);
        let left = self.add(HashRange { start: range.start, end: HashKey(at.0 - 1) }, number, None);
        let right = self.add(HashRange { start: at, end: range.end }, number, None);
        Ok([left, right])
    }

    /// Merges two open shards that lie side by side, in whatever order.
    ///
    /// # Errors
    /// `ShardNotFound`, `ShardClosed` or `NotAdjacent`.
    pub(super) fn merge(&mut self, shard: ShardNumber, adjacent: ShardNumber) -> Result<ShardNumber, ReshardError> {
        let (one, other) = (self.open(shard)?.range, self.open(adjacent)?.range);
        let touches = |left: HashRange, right: HashRange| left.end.0.checked_add(1) == Some(right.start.0);
        let range = if touches(one, other) {
            HashRange { start: one.start, end: other.end }
        } else if touches(other, one) {
            HashRange { start: other.start, end: one.end }
        } else {
            return Err(ReshardError::NotAdjacent { key: self.key.clone(), shard, adjacent });
        };
        self.close(shard);
        self.close(adjacent);
        Ok(self.add(range, shard, Some(adjacent)))
    }

    /// Splits and merges until the key space is divided evenly among the ranges' number of shards.
    ///
    /// # Errors
    /// None that the ranges of an even division could cause.
    pub(super) fn divide(&mut self, ranges: impl Iterator<Item = HashRange>) -> Result<(), ReshardError> {
        let mut open: Vec<_> = self.shards.iter().filter(|shard| shard.closed_ms.is_none()).collect();
        open.sort_unstable_by_key(|shard| shard.range.start);
        let open: Vec<_> = open.into_iter().map(|shard| Piece { shard: shard.number, range: shard.range }).collect();
        let starts: Vec<_> = ranges.map(|range| nearest_start(&open, range.start)).collect();
        let mut pieces = Vec::with_capacity(open.len() + starts.len());
        for piece in open {
            let cuts_from = starts.partition_point(|start| *start <= piece.range.start);
            let cuts_to = starts.partition_point(|start| *start <= piece.range.end);
            self.divide_piece(piece, starts.get(cuts_from..cuts_to).unwrap_or_default(), &mut pieces)?;
        }
        for parts in pieces.chunk_by(|_, next| starts.binary_search(&next.range.start).is_err()) {
            self.divide_join(parts)?;
        }
        Ok(())
    }

    /// Splits a shard at each of `cuts`, in the middle first.
    fn divide_piece(&mut self, piece: Piece, cuts: &[HashKey], pieces: &mut Vec<Piece>) -> Result<(), ReshardError> {
        let (before, after) = cuts.split_at(cuts.len() / 2);
        let Some((at, after)) = after.split_first() else {
            pieces.push(piece);
            return Ok(());
        };
        let [left, right] = self.split(piece.shard, *at)?;
        let left = Piece { shard: left, range: HashRange { start: piece.range.start, end: HashKey(at.0 - 1) } };
        let right = Piece { shard: right, range: HashRange { start: *at, end: piece.range.end } };
        self.divide_piece(left, before, pieces)?;
        self.divide_piece(right, after, pieces)
    }

    /// Merges shards that lie side by side into one.
    fn divide_join(&mut self, parts: &[Piece]) -> Result<(), ReshardError> {
        let mut shards: Vec<_> = parts.iter().map(|part| part.shard).collect();
        while shards.len() > 1 {
            let mut merged = Vec::with_capacity(shards.len().div_ceil(2));
            for pair in shards.chunks(2) {
                merged.push(match *pair {
                    [shard, adjacent] => self.merge(shard, adjacent)?,
                    _ => continue,
                });
            }
            if let [.., single] = *shards
                && shards.len() % 2 == 1
            {
                merged.push(single);
            }
            shards = merged;
        }
        Ok(())
    }

    fn place(&self, number: ShardNumber) -> Option<usize> {
        self.shards.binary_search_by_key(&number, |shard| shard.number).ok()
    }

    fn get(&self, number: ShardNumber) -> Option<&ShardDefinition> {
        self.shards.get(self.place(number)?)
    }

    fn open(&self, number: ShardNumber) -> Result<&ShardDefinition, ReshardError> {
        let shard = self.get(number);
        let shard = shard.ok_or_else(|| ReshardError::ShardNotFound { key: self.key.clone(), shard: number })?;
        if shard.closed_ms.is_some() {
            return Err(ReshardError::ShardClosed { key: self.key.clone(), shard: number });
        }
        Ok(shard)
    }

    fn close(&mut self, number: ShardNumber) {
        let place = self.place(number);
        if let Some(shard) = place.and_then(|place| self.shards.get_mut(place)) {
            // A clock set back must not close a shard before it was created.
            shard.closed_ms = Some(self.now_ms.max(shard.created_ms));
        }
    }

    /// Opens a shard that comes from one or two others.
    fn add(&mut self, range: HashRange, parent: ShardNumber, adjacent_parent: Option<ShardNumber>) -> ShardNumber {
        let parents = [Some(parent), adjacent_parent].into_iter().flatten().filter_map(|number| self.get(number));
        let (mut created_ms, mut generation) = (self.now_ms, self.now_ms / 1_000);
        for parent in parents {
            created_ms = created_ms.max(parent.closed_ms.unwrap_or_default());
            // Every sequence number of a child is greater than all of its parents'.
            generation = generation.max(parent.generation + 1);
        }
        let number = ShardNumber(self.shards.last().map_or(0, |last| last.number.0 + 1));
        self.shards.push(ShardDefinition {
            number,
            // Given by `finish`.
            log: LogId(0),
            range,
            created_ms,
            generation,
            parent: Some(parent),
            adjacent_parent,
            closed_ms: None,
        });
        number
    }
}

/// Where one of the shards begins, if that is as good as `wanted`; otherwise `wanted`.
fn nearest_start(open: &[Piece], wanted: HashKey) -> HashKey {
    let behind = open.partition_point(|piece| piece.range.start < wanted);
    let neighbours = open.get(behind.saturating_sub(1)..).unwrap_or_default().iter().take(2);
    let starts = neighbours.map(|piece| piece.range.start);
    let nearest = starts.min_by_key(|start| start.0.abs_diff(wanted.0));
    nearest.filter(|start| start.0.abs_diff(wanted.0) < BOUNDARY_TOLERANCE).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::super::hash_range::tile_the_key_space;
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn clicks() -> StreamKey {
        StreamKey::new("000000000000", "us-east-1", "clicks")
    }

    fn evenly(count: u32) -> impl Iterator<Item = HashRange> {
        HashRange::split_evenly(NonZeroU32::new(count).unwrap())
    }

    fn shards(count: u32) -> Vec<ShardDefinition> {
        let shard = |(number, range)| ShardDefinition {
            number: ShardNumber(number),
            log: LogId(u64::from(number) + 1),
            range,
            created_ms: NOW_MS,
            generation: NOW_MS / 1_000,
            parent: None,
            adjacent_parent: None,
            closed_ms: None,
        };
        (0..).zip(evenly(count)).map(shard).collect()
    }

    fn open_ranges(reshape: &Reshape<'_>) -> Vec<HashRange> {
        let open = reshape.shards.iter().filter(|shard| shard.closed_ms.is_none());
        open.map(|shard| shard.range).collect()
    }

    /// Checks what must hold of the shards of any stream.
    fn check(shards: &[ShardDefinition]) {
        let open = shards.iter().filter(|shard| shard.closed_ms.is_none());
        assert!(tile_the_key_space(open.map(|shard| shard.range)));
        assert!(shards.is_sorted_by(|left, right| left.number < right.number));
        for child in shards {
            let parents: BTreeSet<_> = [child.parent, child.adjacent_parent].into_iter().flatten().collect();
            for parent in shards.iter().filter(|shard| parents.contains(&shard.number)) {
                assert!(parent.number < child.number && parent.generation < child.generation);
                assert!(parent.closed_ms.is_some_and(|closed_ms| closed_ms <= child.created_ms));
                let touches = parent.range.start <= child.range.end && child.range.start <= parent.range.end;
                assert!(touches, "a child takes keys of each of its parents");
            }
        }
    }

    #[test]
    fn a_split_has_two_children_and_a_merge_one() {
        let key = clicks();
        let mut reshape = Reshape::new(&key, shards(1), NOW_MS);
        let [left, right] = reshape.split(ShardNumber(0), HashKey(1 << 100)).unwrap();
        assert_eq!((left, right), (ShardNumber(1), ShardNumber(2)));
        let whole = reshape.merge(right, left).unwrap();
        let shards = reshape.finish(vec![LogId(7), LogId(8), LogId(9)]);
        check(&shards);
        let last = shards.last().unwrap();
        assert_eq!((last.number, last.parent, last.adjacent_parent), (whole, Some(right), Some(left)));
        assert_eq!((last.log, last.range), (LogId(9), evenly(1).next().unwrap()));
    }

    #[test]
    fn impossible_steps_are_refused_and_change_nothing() {
        let key = clicks();
        let mut reshape = Reshape::new(&key, shards(3), NOW_MS);
        let range = reshape.shards[1].range;
        for at in [range.start.0, range.start.0 + 1, range.end.0, 5] {
            let refused = reshape.split(ShardNumber(1), HashKey(at));
            assert!(matches!(refused, Err(ReshardError::NotWithin { .. })), "{at}");
        }
        let far = reshape.merge(ShardNumber(0), ShardNumber(2));
        assert!(matches!(far, Err(ReshardError::NotAdjacent { .. })));
        let itself = reshape.merge(ShardNumber(0), ShardNumber(0));
        assert!(matches!(itself, Err(ReshardError::NotAdjacent { .. })));
        let unknown = reshape.merge(ShardNumber(0), ShardNumber(9));
        assert!(matches!(unknown, Err(ReshardError::ShardNotFound { shard: ShardNumber(9), .. })));
        assert_eq!((reshape.new_count(), reshape.open_count()), (0, 3));
        reshape.split(ShardNumber(1), HashKey(range.start.0 + 2)).unwrap();
        let again = reshape.split(ShardNumber(1), HashKey(range.start.0 + 2));
        assert!(matches!(again, Err(ReshardError::ShardClosed { shard: ShardNumber(1), .. })));
    }

    #[test]
    fn doubling_splits_each_shard_once_and_halving_merges_pairs() {
        let key = clicks();
        for count in [1, 3, 7, 100] {
            let mut reshape = Reshape::new(&key, shards(count), NOW_MS);
            reshape.divide(evenly(2 * count)).unwrap();
            assert_eq!(reshape.new_count(), 2 * count as usize, "{count}");
            let mut reshape = Reshape::new(&key, shards(2 * count), NOW_MS);
            reshape.divide(evenly(count)).unwrap();
            assert_eq!(reshape.new_count(), count as usize, "{count}");
        }
    }

    #[test]
    fn a_division_that_is_there_already_needs_no_step() {
        let key = clicks();
        let mut reshape = Reshape::new(&key, shards(7), NOW_MS);
        reshape.divide(evenly(7)).unwrap();
        assert_eq!(reshape.new_count(), 0);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Split { shard: prop::sample::Index, at: u128 },
        Merge { shard: prop::sample::Index },
        Divide { count: u32 },
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let index = any::<prop::sample::Index>;
        prop_oneof![
            (index(), any::<u128>()).prop_map(|(shard, at)| Step::Split { shard, at }),
            index().prop_map(|shard| Step::Merge { shard }),
            (1u32..40).prop_map(|count| Step::Divide { count }),
        ]
    }

    proptest! {
        #[test]
        fn ranges_of_open_shards_tile_the_key_space_after_any_steps(
            count in 1u32..20,
            steps in proptest::collection::vec((any_step(), 0u64..5_000), 0..12),
        ) {
            let key = clicks();
            let (mut present, mut now_ms) = (shards(count), NOW_MS);
            for (step, elapsed_ms) in steps {
                now_ms += elapsed_ms;
                let mut reshape = Reshape::new(&key, present, now_ms);
                let mut open: Vec<_> =
                    reshape.shards.iter().filter(|shard| shard.closed_ms.is_none()).cloned().collect();
                open.sort_by_key(|shard| shard.range.start);
                match step {
                    Step::Split { shard, at } => {
                        let ShardDefinition { number, range, .. } = *shard.get(&open);
                        let width = range.end.0 - range.start.0;
                        // Shards become as narrow as can be; then they cannot be split any more.
                        let at = if width == u128::MAX { at } else { range.start.0 + at % (width + 1) };
                        let refused = at - range.start.0 < 2 || at >= range.end.0;
                        prop_assert_eq!(reshape.split(number, HashKey(at)).is_err(), refused);
                    }
                    Step::Merge { shard } => {
                        let place = shard.index(open.len());
                        if let Some([left, right]) = open.get(place..place + 2) {
                            reshape.merge(left.number, right.number).unwrap();
                        }
                    }
                    Step::Divide { count } => {
                        reshape.divide(evenly(count)).unwrap();
                        prop_assert_eq!(reshape.open_count(), count as usize);
                        let widths = open_ranges(&reshape).into_iter().map(|range| range.end.0 - range.start.0);
                        let even = u128::MAX / u128::from(count);
                        prop_assert!(widths.into_iter().all(|width| width.abs_diff(even) < 2 * BOUNDARY_TOLERANCE));
                    }
                }
                let new_count = reshape.new_count();
                present = reshape.finish((0..new_count as u64).map(LogId).collect());
                check(&present);
            }
        }
    }
}
