//! Sizing: how much is read for an object of the size that is wanted.
//!
//! Compression and columns make of a MiB what they like, and division into partitions makes small objects of a large buffer.
//! So the size of the buffer is learnt: a delivery that was cut by its size shows what became of the bytes that were read, and
//! the next buffer is as large as that makes its largest object about what is wanted. It is never smaller than the buffering
//! hint, and never larger than memory allows; and age cuts it as ever. What was learnt is learnt again after a restart.
//!
//! Without `target-object-size`, the buffering hint counts for each partition of a divided delivery, as it does at AWS: the
//! bytes of the largest partition's records are made to be about as many.
//!
//! Source: Firehose Developer Guide, "Dynamic partitioning" (buffering hints count for each active partition).

use crate::config::StreamOptions;
use crate::definition::BufferHints;
use crate::limits::CHUNK_BYTES_MAX;

use super::ObjectKind;
use super::build::Built;

const MIB: u64 = 1024 * 1024;

/// A buffer grows to so many times its hint at most: interval and retention are for buffers about as large as the hint.
const GROWTH_MAX: u64 = 32;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// The bytes of the largest object of data.
    Stored,
    /// The bytes of the records in it.
    Records,
}

/// How much is read for an object of the size that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizing {
    measure: Measure,
    target_bytes: u64,
    bytes_min: u64,
    bytes_max: u64,
}

impl Sizing {
    /// The sizing that is asked for, if any. `memory_bytes` is what all objects in the making may take.
    pub(super) fn new(
        options: &StreamOptions,
        hints: BufferHints,
        is_partitioned: bool,
        memory_bytes: u64,
    ) -> Option<Self> {
        let bytes_min = hints.size_mib * MIB;
        let (measure, target_bytes) = match options.target_object_size {
            Some(target) => (Measure::Stored, target.as_u64()),
            None if is_partitioned => (Measure::Records, bytes_min),
            None => return None,
        };
        // Encrypted records are decrypted into memory, and references to divided ones stand there.
        let memory_bytes = memory_bytes.saturating_sub(CHUNK_BYTES_MAX as u64) / 2;
        let bytes_max = bytes_min.saturating_mul(GROWTH_MAX).min(memory_bytes).max(bytes_min);
        Some(Self { measure, target_bytes, bytes_min, bytes_max })
    }

    /// The most that is ever read.
    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// How much to read next, when `read_bytes` became `built`.
    pub(super) fn next_bytes(&self, read_bytes: u64, built: &Built) -> u64 {
        let data = built.objects.iter().filter(|object| object.kind == ObjectKind::Data);
        let largest_bytes = match self.measure {
            Measure::Stored => data.map(|object| object.byte_count).max().unwrap_or(0),
            Measure::Records => built.largest_group_bytes,
        };
        self.next(read_bytes, largest_bytes)
    }

    fn next(&self, read_bytes: u64, largest_bytes: u64) -> u64 {
        // Nothing good came of it, which says nothing about the next.
        if largest_bytes == 0 {
            return self.bytes_min;
        }
        let wanted = u128::from(read_bytes) * u128::from(self.target_bytes) / u128::from(largest_bytes);
        u64::try_from(wanted).unwrap_or(u64::MAX).clamp(self.bytes_min, self.bytes_max)
    }
}

#[cfg(test)]
mod tests {
    use bytesize::ByteSize;

    use super::*;

    const HINTS: BufferHints = BufferHints { size_mib: 4, interval_seconds: 60 };
    const MEMORY: u64 = 512 * MIB;

    fn of_target(mib: u64) -> Sizing {
        let options = StreamOptions { target_object_size: Some(ByteSize::mib(mib)), ..StreamOptions::default() };
        Sizing::new(&options, HINTS, false, MEMORY).unwrap()
    }

    #[test]
    fn without_a_target_only_divided_deliveries_are_sized() {
        let options = StreamOptions::default();
        assert_eq!(Sizing::new(&options, HINTS, false, MEMORY), None);
        let divided = Sizing::new(&options, HINTS, true, MEMORY).unwrap();
        assert_eq!(divided.next(4 * MIB, MIB), 16 * MIB, "the largest of four partitions has what the hint says");
    }

    #[test]
    fn the_next_buffer_follows_the_ratio_of_the_last() {
        let sizing = of_target(8);
        assert_eq!(sizing.next(4 * MIB, MIB), 32 * MIB);
        assert_eq!(sizing.next(32 * MIB, 8 * MIB), 32 * MIB);
        assert_eq!(sizing.next(32 * MIB, 16 * MIB), 16 * MIB);
    }

    #[test]
    fn a_buffer_is_never_smaller_than_the_hint_nor_larger_than_memory() {
        assert_eq!(of_target(8).next(4 * MIB, 64 * MIB), 4 * MIB);
        assert_eq!(of_target(8).next(4 * MIB, 0), 4 * MIB);
        assert_eq!(of_target(1_024).next(4 * MIB, MIB), 128 * MIB, "32 hints");
        let hints = BufferHints { size_mib: 128, ..HINTS };
        let options = StreamOptions { target_object_size: Some(ByteSize::gib(1)), ..StreamOptions::default() };
        assert_eq!(Sizing::new(&options, hints, false, MEMORY).unwrap().bytes_max(), 240 * MIB);
        assert_eq!(Sizing::new(&options, hints, false, 64 * MIB).unwrap().bytes_max(), 128 * MIB);
    }
}
