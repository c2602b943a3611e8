//! The sparse index of a sealed segment (layout in [`crate::format`]).

use super::{FieldWriter, VERSION, checksum, u32_at, u64_at};

const MAGIC: &[u8; 8] = b"HWINDX1\0";
const CRC_AT: usize = 8;
const CHECKED_AT: usize = CRC_AT + 4;
const FIELDS_AT: usize = CHECKED_AT + 4;
const HEADER_BYTES: usize = 96;
const ENTRY_BYTES: usize = 24;

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    /// The ordinal of the frame's first record.
    pub(crate) ordinal: u64,
    /// The frame's arrival time, in milliseconds since the Unix epoch.
    pub(crate) arrival_ms: u64,
    /// The frame's offset in the segment, in bytes.
    pub(crate) offset: u64,
}

/// The sparse index of a segment, with what a reader must know of its extent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) log_id: u64,
    pub(crate) first_ordinal: u64,
    pub(crate) nonce: u64,
    /// Where the last frame ends, a byte offset in the segment.
    pub(crate) end_offset: u64,
    /// The ordinal after the last record's.
    pub(crate) end_ordinal: u64,
    pub(crate) first_arrival_ms: u64,
    pub(crate) last_arrival_ms: u64,
    /// Whether compaction has been over the segment, with or without success.
    pub(crate) is_compacted: bool,
    /// Ascending; the first frame's first.
    pub(crate) entries: Vec<IndexEntry>,
}

impl Index {
    /// The file's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES + self.entries.len() * ENTRY_BYTES];
        FieldWriter::at(&mut bytes, 0)
            .raw(MAGIC)
            .u32(0)
            .u32(VERSION)
            .u64(self.log_id)
            .u64(self.first_ordinal)
            .u64(self.nonce)
            .u64(self.end_offset)
            .u64(self.end_ordinal)
            .u64(self.first_arrival_ms)
            .u64(self.last_arrival_ms)
            .u64(self.entries.len() as u64)
            .u64(u64::from(self.is_compacted));
        let mut entries = FieldWriter::at(&mut bytes, HEADER_BYTES);
        for entry in &self.entries {
            entries = entries.u64(entry.ordinal).u64(entry.arrival_ms).u64(entry.offset);
        }
        let crc = checksum(0, &bytes[CHECKED_AT..]);
        FieldWriter::at(&mut bytes, CRC_AT).u32(crc);
        bytes
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
            return Err("the index header is missing");
        }
        if u32_at(bytes, CRC_AT) != Some(checksum(0, &bytes[CHECKED_AT..])) {
            return Err("the index's checksum does not match");
        }
        if u32_at(bytes, CHECKED_AT) != Some(VERSION) {
            return Err("the index's version is unknown");
        }
        let field = |n: usize| u64_at(bytes, FIELDS_AT + n * 8).ok_or("the index header is cut off");
        let (entries, rest) = bytes[HEADER_BYTES..].as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() || field(7)? != entries.len() as u64 {
            return Err("the index's entries are not as many as it says");
        }
        let entries = entries
            .iter()
            .map(|entry| {
                let field = |n: usize| u64_at(entry, n * 8).ok_or("an index entry is cut off");
                Ok(IndexEntry { ordinal: field(0)?, arrival_ms: field(1)?, offset: field(2)? })
            })
            .collect::<Result<_, &'static str>>()?;
        Ok(Self {
            log_id: field(0)?,
            first_ordinal: field(1)?,
            nonce: field(2)?,
            end_offset: field(3)?,
            end_ordinal: field(4)?,
            first_arrival_ms: field(5)?,
            last_arrival_ms: field(6)?,
            is_compacted: field(8)? & 1 != 0,
            entries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_comes_back_and_every_flipped_bit_is_found() {
        let index = Index {
            log_id: 1,
            first_ordinal: 10,
            nonce: 77,
            end_offset: 9_000,
            end_ordinal: 30,
            first_arrival_ms: 5,
            last_arrival_ms: 6,
            is_compacted: true,
            entries: vec![
                IndexEntry { ordinal: 10, arrival_ms: 5, offset: 4_096 },
                IndexEntry { ordinal: 20, arrival_ms: 6, offset: 7_000 },
            ],
        };
        let bytes = index.encode();
        assert_eq!(Index::decode(&bytes), Ok(index));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Index::decode(&damaged).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(Index::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
