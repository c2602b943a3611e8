//! Sequence numbers: the public names of a record's position.
//!
//! A sequence number is a decimal number of 56 digits, always, so that it sorts as text and as a number alike:
//!
//! | digits | field |
//! |---|---|
//! | 2 | `49`, which keeps the length constant |
//! | 12 | generation: the second in which the shard was created, greater than that of its parents |
//! | 20 | index: the record's ordinal + 1; 0 stands for the shard's start |
//! | 10 | the shard's number |
//! | 12 | zeros |
//!
//! The generation comes first, so every number of a child shard is greater than every number of its parents. Clients
//! must take the number as opaque; nothing here promises AWS's own bit layout.

use std::fmt;
use std::str::FromStr;

use super::shard::ShardNumber;

const PREFIX: &[u8; 2] = b"49";
const GENERATION_START: usize = PREFIX.len();
const INDEX_START: usize = GENERATION_START + 12;
const SHARD_START: usize = INDEX_START + 20;
const RESERVED_START: usize = SHARD_START + 10;

/// The digits of every sequence number.
pub const SEQUENCE_NUMBER_CHARS: usize = RESERVED_START + 12;

/// The greatest generation that its field holds (some thirty thousand years from now).
const GENERATION_MAX: u64 = 999_999_999_999;

/// Names a position of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber {
    // The order of these fields is the order of the numbers.
    generation: u64,
    index: u64,
    shard: ShardNumber,
}

impl SequenceNumber {
    /// The number of the record at `ordinal` of the shard with this generation (in seconds) and number.
    pub fn of_record(generation: u64, shard: ShardNumber, ordinal: u64) -> Self {
        debug_assert!(generation <= GENERATION_MAX, "a generation is a time in seconds");
        Self { generation, index: ordinal.saturating_add(1), shard }
    }

    /// The number at which a shard starts, less than that of every record in it.
    pub fn of_start(generation: u64, shard: ShardNumber) -> Self {
        Self { generation, index: 0, shard }
    }

    /// The second in which the shard was created.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The shard.
    pub fn shard(&self) -> ShardNumber {
        self.shard
    }

    /// The ordinal of the record that this number names, or of the shard's first record if it names the start.
    pub fn ordinal_at(&self) -> u64 {
        self.index.saturating_sub(1)
    }

    /// The ordinal of the record behind the one that this number names.
    pub fn ordinal_after(&self) -> u64 {
        self.index
    }

    /// The digits.
    pub fn to_digits(&self) -> [u8; SEQUENCE_NUMBER_CHARS] {
        let mut digits = [b'0'; SEQUENCE_NUMBER_CHARS];
        let (prefix, rest) = digits.split_at_mut(GENERATION_START);
        prefix.copy_from_slice(PREFIX);
        let (generation, rest) = rest.split_at_mut(INDEX_START - GENERATION_START);
        let (index, rest) = rest.split_at_mut(SHARD_START - INDEX_START);
        let (shard, _reserved) = rest.split_at_mut(RESERVED_START - SHARD_START);
        write_right_aligned(generation, self.generation);
        write_right_aligned(index, self.index);
        write_right_aligned(shard, u64::from(self.shard.0));
        digits
    }
}

/// Writes `value` at the right end of `field`, which is filled with zeros and wide enough.
pub(super) fn write_right_aligned(field: &mut [u8], mut value: u64) {
    for digit in field.iter_mut().rev() {
        if value == 0 {
            return;
        }
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    debug_assert_eq!(value, 0, "the field is wide enough for its values");
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_digits()).map_err(|_| fmt::Error)?)
    }
}

/// A text is not a sequence number that this store gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence number of this store")]
pub struct ForeignSequenceNumber;

impl FromStr for SequenceNumber {
    type Err = ForeignSequenceNumber;

    fn from_str(text: &str) -> Result<Self, ForeignSequenceNumber> {
        if text.len() != SEQUENCE_NUMBER_CHARS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ForeignSequenceNumber);
        }
        let field = |start, end| text.get(start..end).ok_or(ForeignSequenceNumber);
        let number = |start, end| field(start, end)?.parse::<u64>().map_err(|_| ForeignSequenceNumber);
        if field(0, GENERATION_START)?.as_bytes() != PREFIX || number(RESERVED_START, SEQUENCE_NUMBER_CHARS)? != 0 {
            return Err(ForeignSequenceNumber);
        }
        let shard = u32::try_from(number(SHARD_START, RESERVED_START)?).map_err(|_| ForeignSequenceNumber)?;
        Ok(Self {
            generation: number(GENERATION_START, INDEX_START)?,
            index: number(INDEX_START, SHARD_START)?,
            shard: ShardNumber(shard),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_sequence_number() -> impl Strategy<Value = SequenceNumber> {
        (0..=GENERATION_MAX, any::<u64>(), any::<u32>()).prop_map(|(generation, index, shard)| SequenceNumber {
            generation,
            index,
            shard: ShardNumber(shard),
        })
    }

    #[test]
    fn the_digits_stand_where_the_table_says() {
        let number = SequenceNumber::of_record(1_700_000_000, ShardNumber(7), 41);
        let expected = ["49", "001700000000", "00000000000000000042", "0000000007", "000000000000"].concat();
        assert_eq!(number.to_string(), expected);
    }

    #[test]
    fn the_start_precedes_the_first_record() {
        let start = SequenceNumber::of_start(5, ShardNumber(0));
        let first = SequenceNumber::of_record(5, ShardNumber(0), 0);
        assert!(start < first);
        assert_eq!((start.ordinal_at(), start.ordinal_after()), (0, 0));
        assert_eq!((first.ordinal_at(), first.ordinal_after()), (0, 1));
    }

    #[test]
    fn foreign_numbers_are_refused() {
        let good = SequenceNumber::of_record(1_700_000_000, ShardNumber(7), 41).to_string();
        let spoilt = |at: usize, with: &str| format!("{}{with}{}", &good[..at], &good[at + with.len()..]);
        let refused = [
            String::new(),
            "0".to_owned(),
            good[1..].to_owned(),
            format!("{good}0"),
            spoilt(0, "50"),
            spoilt(55, "1"),
            spoilt(20, "x"),
            spoilt(20, "+"),
            spoilt(20, "é"),
            spoilt(INDEX_START, "99999999999999999999"),
            spoilt(SHARD_START, "9999999999"),
        ];
        for text in refused {
            assert_eq!(text.parse::<SequenceNumber>(), Err(ForeignSequenceNumber), "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_survive_their_text_and_have_constant_length(number in any_sequence_number()) {
            let text = number.to_string();
            prop_assert_eq!(text.len(), SEQUENCE_NUMBER_CHARS);
            prop_assert_eq!(text.parse(), Ok(number));
        }

        #[test]
        fn numbers_sort_as_their_texts(left in any_sequence_number(), right in any_sequence_number()) {
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,80}") {
            let _ = text.parse::<SequenceNumber>();
        }
    }
}
