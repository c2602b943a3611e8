//! The hash key space and its division among shards.
//!
//! A partition key is hashed with MD5 to a [`HashKey`], a number of 128 bits. The ranges of the open shards of a stream
//! tile the whole space: each hash key lies in exactly one of them.
//!
//! Nothing here knows of shards; [`super::shard`] gives the ranges to them.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// A point of the hash key space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashKey(pub u128);

impl HashKey {
    /// The greatest hash key, 2^128 - 1.
    pub const MAX: Self = Self(u128::MAX);

    /// The hash key of a partition key: the MD5 of its UTF-8 bytes, read as a big-endian number.
    pub fn of_partition_key(partition_key: &str) -> Self {
        let digest: [u8; 16] = Md5::digest(partition_key.as_bytes()).into();
        Self(u128::from_be_bytes(digest))
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text is not a decimal number below 2^128 without superfluous zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hash key")]
pub struct NotAHashKey;

impl FromStr for HashKey {
    type Err = NotAHashKey;

    fn from_str(text: &str) -> Result<Self, NotAHashKey> {
        let is_canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
        if !is_canonical {
            return Err(NotAHashKey);
        }
        text.parse().map(Self).map_err(|_| NotAHashKey)
    }
}

// JSON numbers beyond 2^53 are not safe in every reader, so a hash key is stored as text.
impl Serialize for HashKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HashKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The hash keys from `start` to `end`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashRange {
    /// The first hash key.
    pub start: HashKey,
    /// The last hash key.
    pub end: HashKey,
}

impl HashRange {
    /// Divides the whole space as AWS does: every range is as long as 2^128 / `count`, rounded down, and the last one
    /// takes the rest.
    pub fn split_evenly(count: NonZeroU32) -> impl ExactSizeIterator<Item = Self> {
        let divisor = u128::from(count.get());
        // 2^128 itself does not fit, so its quotient is made from that of 2^128 - 1.
        let length = u128::MAX / divisor + u128::from(u128::MAX % divisor == divisor - 1 && divisor > 1);
        (0..count.get()).map(move |index| {
            let start = length.wrapping_mul(u128::from(index));
            let is_last = index + 1 == count.get();
            let end = if is_last { u128::MAX } else { start + (length - 1) };
            Self { start: HashKey(start), end: HashKey(end) }
        })
    }

    /// Whether `key` lies in this range.
    pub fn contains(&self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }
}

/// Whether `ranges`, in any order, cover the whole space without an overlap.
pub(crate) fn tile_the_key_space(ranges: impl IntoIterator<Item = HashRange>) -> bool {
    let mut ranges: Vec<_> = ranges.into_iter().collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let mut next_start = Some(0);
    for range in ranges {
        if next_start != Some(range.start.0) || range.end < range.start {
            return false;
        }
        next_start = range.end.0.checked_add(1);
    }
    next_start.is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(count: u32) -> Vec<HashRange> {
        HashRange::split_evenly(NonZeroU32::new(count).unwrap()).collect()
    }

    #[test]
    fn three_shards_get_the_ranges_that_aws_gives_them() {
        let ranges: Vec<_> =
            split(3).into_iter().map(|range| (range.start.to_string(), range.end.to_string())).collect();
        let expected = [
            ("0", "113427455640312821154458202477256070484"),
            ("113427455640312821154458202477256070485", "226854911280625642308916404954512140969"),
            ("226854911280625642308916404954512140970", "340282366920938463463374607431768211455"),
        ]
        .map(|(start, end)| (start.to_owned(), end.to_owned()));
        assert_eq!(ranges, expected);
    }

    #[test]
    fn powers_of_two_are_split_exactly() {
        assert_eq!(split(1), [HashRange { start: HashKey(0), end: HashKey::MAX }]);
        assert_eq!(split(2)[1].start, HashKey(1 << 127));
        assert_eq!(split(4)[1].start, HashKey(1 << 126));
    }

    #[test]
    fn a_partition_key_hashes_to_its_md5() {
        // echo -n hello | md5sum
        assert_eq!(HashKey::of_partition_key("hello"), HashKey(0x5d41402abc4b2a76b9719d911017c592));
    }

    #[test]
    fn a_hash_key_is_a_canonical_decimal_below_two_to_the_128() {
        assert_eq!("0".parse(), Ok(HashKey(0)));
        assert_eq!("340282366920938463463374607431768211455".parse(), Ok(HashKey::MAX));
        for refused in ["", "00", "+1", "-1", "1x", "340282366920938463463374607431768211456"] {
            assert_eq!(refused.parse::<HashKey>(), Err(NotAHashKey), "{refused}");
        }
    }

    #[test]
    fn gaps_and_overlaps_do_not_tile() {
        let range = |start, end| HashRange { start: HashKey(start), end: HashKey(end) };
        assert!(!tile_the_key_space([]));
        assert!(!tile_the_key_space([range(0, 5)]));
        assert!(!tile_the_key_space([range(0, 5), range(7, u128::MAX)]));
        assert!(!tile_the_key_space([range(0, 5), range(5, u128::MAX)]));
        assert!(tile_the_key_space([range(6, u128::MAX), range(0, 5)]));
    }

    proptest! {
        #[test]
        fn split_ranges_tile_the_key_space(count in 1u32..=10_000) {
            prop_assert!(tile_the_key_space(split(count)));
        }

        #[test]
        fn every_key_lies_in_exactly_one_range(count in 1u32..=1_000, key in any::<u128>()) {
            prop_assert_eq!(split(count).iter().filter(|range| range.contains(HashKey(key))).count(), 1);
        }

        #[test]
        fn hash_keys_survive_their_text(key in any::<u128>()) {
            prop_assert_eq!(HashKey(key).to_string().parse(), Ok(HashKey(key)));
        }
    }
}
