//! Segment headers and marks (layout in [`crate::format`]).

use super::{FieldWriter, HEADER_BLOCK_BYTES, checksum, header, u32_at, u64_at};

const MAGIC: &[u8; 8] = b"HWSEGM1\0";

/// Where the marks stand: in sectors of their own, so that a torn write hits one of them at most.
pub(crate) const MARK_OFFSETS: [u64; 2] = [512, 1024];
/// The bytes of a mark.
pub(crate) const MARK_BYTES: usize = 32;
const FLAG_BEGINS_LOG: u64 = 1;
const MARK_CHECKED_AT: usize = 4;
const MARK_SERIAL_AT: usize = 8;
const MARK_SYNCED_END_AT: usize = MARK_SERIAL_AT + 8;

/// A segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) log_id: u64,
    pub(crate) first_ordinal: u64,
    pub(crate) nonce: u64,
    /// The file's size in bytes.
    pub(crate) capacity: u64,
    /// Whether everything before it was dropped, or was about to be when it was made.
    pub(crate) begins_log: bool,
}

impl Header {
    /// The header's bytes; the rest of the header block holds marks or zeros.
    pub(crate) fn encode(&self) -> [u8; header::HEADER_BYTES] {
        let flags = if self.begins_log { FLAG_BEGINS_LOG } else { 0 };
        header::encode(MAGIC, [self.log_id, self.first_ordinal, self.nonce, self.capacity, flags])
    }

    /// Decodes a header block.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub(crate) fn decode(block: &[u8]) -> Result<Self, &'static str> {
        let [log_id, first_ordinal, nonce, capacity, flags] = header::decode(MAGIC, block)?;
        if capacity < HEADER_BLOCK_BYTES as u64 || usize::try_from(capacity).is_err() {
            return Err("the segment's capacity is impossible");
        }
        Ok(Self { log_id, first_ordinal, nonce, capacity, begins_log: flags & FLAG_BEGINS_LOG != 0 })
    }
}

/// How far a segment is known to be synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) serial: u64,
    /// A byte offset in the file: everything before it is durable.
    pub(crate) synced_end: u64,
}

impl Mark {
    /// The mark's bytes, for the slot that its serial chooses (see [`Mark::offset`]).
    pub(crate) fn encode(&self, nonce: u64) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        FieldWriter::at(&mut bytes, MARK_SERIAL_AT).u64(self.serial).u64(self.synced_end);
        let crc = checksum(nonce, &bytes[MARK_CHECKED_AT..]);
        FieldWriter::at(&mut bytes, 0).u32(crc);
        bytes
    }

    /// Where the mark is written: slots take turns.
    pub(crate) fn offset(&self) -> u64 {
        MARK_OFFSETS[usize::from(self.serial % 2 == 1)]
    }

    /// The newest valid mark of a header block, if there is one.
    pub(crate) fn newest(block: &[u8], nonce: u64) -> Option<Self> {
        let decode = |&offset: &u64| Self::decode(block.get(offset as usize..)?, nonce);
        MARK_OFFSETS.iter().filter_map(decode).max_by_key(|mark| mark.serial)
    }

    fn decode(bytes: &[u8], nonce: u64) -> Option<Self> {
        let bytes = bytes.get(..MARK_BYTES)?;
        (u32_at(bytes, 0)? == checksum(nonce, &bytes[MARK_CHECKED_AT..])).then_some(())?;
        Some(Self { serial: u64_at(bytes, MARK_SERIAL_AT)?, synced_end: u64_at(bytes, MARK_SYNCED_END_AT)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_is_laid_out_as_the_table_says() {
        for (begins_log, flags) in [(false, 0u64), (true, 1)] {
            let header = Header { log_id: 3, first_ordinal: 70, nonce: 9, capacity: 65_536, begins_log };
            let bytes = header.encode();
            assert_eq!(bytes[40..56], [65_536u64.to_le_bytes(), flags.to_le_bytes()].concat());
            assert_eq!(Header::decode(&bytes), Ok(header));
        }
    }

    #[test]
    fn the_newest_valid_mark_counts() {
        let mut block = vec![0; HEADER_BLOCK_BYTES];
        assert_eq!(Mark::newest(&block, 9), None);
        let marks = [1, 2].map(|serial| Mark { serial, synced_end: 4096 * serial });
        for mark in &marks {
            let at = mark.offset() as usize;
            block[at..at + MARK_BYTES].copy_from_slice(&mark.encode(9));
        }
        assert_eq!(Mark::newest(&block, 9), Some(marks[1]));
        block[marks[1].offset() as usize + 16] ^= 1;
        assert_eq!(Mark::newest(&block, 9), Some(marks[0]));
    }
}
