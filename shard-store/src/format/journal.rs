//! Journal files: header, groups and their entries (layout in [`crate::format`]).

use super::{FieldWriter, VERSION, checksum, checksum_append, u32_at, u64_at};

const MAGIC: &[u8; 8] = b"HWJRNL1\0";
const CRC_AT: usize = 8;
const CHECKED_AT: usize = CRC_AT + 4;
const FIELDS_AT: usize = CHECKED_AT + 4;
const CHECKED_END: usize = 64;

/// The bytes of a group's header.
pub(crate) const GROUP_HEADER_BYTES: usize = 48;
/// The bytes of one entry of a group's table.
pub(crate) const ENTRY_BYTES: usize = 40;
const GROUP_MAGIC: &[u8; 4] = b"HWGR";

/// A journal file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) nonce: u64,
    /// The number of the file's first group.
    pub(crate) first_group: u64,
    /// The file's size in bytes.
    pub(crate) capacity: u64,
}

impl Header {
    /// The header's bytes; the rest of the header block is not used.
    pub(crate) fn encode(&self) -> [u8; CHECKED_END] {
        let mut bytes = [0; CHECKED_END];
        FieldWriter::at(&mut bytes, 0)
            .raw(MAGIC)
            .u32(0)
            .u32(VERSION)
            .u64(self.number)
            .u64(self.nonce)
            .u64(self.first_group)
            .u64(self.capacity);
        let crc = checksum(0, &bytes[CHECKED_AT..]);
        FieldWriter::at(&mut bytes, CRC_AT).u32(crc);
        bytes
    }

    /// Decodes a header block.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub(crate) fn decode(block: &[u8]) -> Result<Self, &'static str> {
        let bytes = block.get(..CHECKED_END).ok_or("the journal header is cut off")?;
        if !bytes.starts_with(MAGIC) {
            return Err("the journal header's magic is missing");
        }
        if u32_at(bytes, CRC_AT) != Some(checksum(0, &bytes[CHECKED_AT..])) {
            return Err("the journal header's checksum does not match");
        }
        if u32_at(bytes, CHECKED_AT) != Some(VERSION) {
            return Err("the journal's version is unknown");
        }
        let field = |n: usize| u64_at(bytes, FIELDS_AT + n * 8).ok_or("the journal header is cut off");
        Ok(Self { number: field(0)?, nonce: field(1)?, first_group: field(2)?, capacity: field(3)? })
    }
}

/// One frame of a group: where in which segment it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) log_id: u64,
    pub(crate) segment_first_ordinal: u64,
    pub(crate) segment_nonce: u64,
    /// A byte offset in the segment.
    pub(crate) offset: u64,
    pub(crate) frame_bytes: u32,
    pub(crate) segment_capacity_kib: u32,
}

/// A group's header and entry table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) number: u64,
    /// The last group known to be durable when this one was written.
    pub(crate) durable_up_to: u64,
    pub(crate) entries: Vec<Entry>,
}

impl Group {
    /// The bytes before the group's frames.
    pub(crate) fn head_bytes(&self) -> usize {
        GROUP_HEADER_BYTES + self.entries.len() * ENTRY_BYTES
    }

    /// The bytes of the whole group.
    pub(crate) fn group_bytes(&self) -> u64 {
        let frames: u64 = self.entries.iter().map(|entry| u64::from(entry.frame_bytes)).sum();
        self.head_bytes() as u64 + frames
    }

    /// Header and entry table; the frames follow.
    pub(crate) fn encode_head(&self, nonce: u64) -> Vec<u8> {
        let mut bytes = vec![0; self.head_bytes()];
        let mut fields = FieldWriter::at(&mut bytes, 4)
            .raw(GROUP_MAGIC)
            .u64(self.group_bytes())
            .u64(self.number)
            .u64(self.durable_up_to)
            .u32(self.entries.len() as u32)
            .u32(0)
            .u64(nonce);
        for entry in &self.entries {
            fields = fields
                .u64(entry.log_id)
                .u64(entry.segment_first_ordinal)
                .u64(entry.segment_nonce)
                .u64(entry.offset)
                .u32(entry.frame_bytes)
                .u32(entry.segment_capacity_kib);
        }
        let crc = checksum(nonce, &bytes[4..]);
        FieldWriter::at(&mut bytes, 0).u32(crc);
        bytes
    }

    /// Decodes the header and entry table at the start of `bytes`. The frames are verified by whoever uses them.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub(crate) fn decode_head(bytes: &[u8], nonce: u64) -> Result<Self, &'static str> {
        let header = bytes.get(..GROUP_HEADER_BYTES).ok_or("a group header does not fit")?;
        if &header[4..8] != GROUP_MAGIC || u64_at(header, 40) != Some(nonce) {
            return Err("there is no group header");
        }
        let entry_count = u32_at(header, 32).ok_or("a group header does not fit")? as usize;
        let table_bytes = entry_count.checked_mul(ENTRY_BYTES).ok_or("the group's entry count is impossible")?;
        let table = bytes[GROUP_HEADER_BYTES..].get(..table_bytes).ok_or("the group's entry count is impossible")?;
        if u32_at(header, 0) != Some(checksum_append(checksum(nonce, &header[4..]), table)) {
            return Err("the group's checksum does not match");
        }
        let (entries, _) = table.as_chunks::<ENTRY_BYTES>();
        let group = Self {
            number: u64_at(header, 16).ok_or("a group header does not fit")?,
            durable_up_to: u64_at(header, 24).ok_or("a group header does not fit")?,
            entries: entries.iter().filter_map(Entry::decode).collect(),
        };
        if u64_at(header, 8) != Some(group.group_bytes()) || group.group_bytes() > bytes.len() as u64 {
            return Err("the group's length is impossible");
        }
        Ok(group)
    }
}

impl Entry {
    fn decode(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        Some(Self {
            log_id: u64_at(bytes, 0)?,
            segment_first_ordinal: u64_at(bytes, 8)?,
            segment_nonce: u64_at(bytes, 16)?,
            offset: u64_at(bytes, 24)?,
            frame_bytes: u32_at(bytes, 32)?,
            segment_capacity_kib: u32_at(bytes, 36)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_comes_back_and_every_flipped_bit_is_found() {
        let entry = Entry {
            log_id: 4,
            segment_first_ordinal: 100,
            segment_nonce: 11,
            offset: 4_096,
            frame_bytes: 40,
            segment_capacity_kib: 64,
        };
        let group = Group { number: 8, durable_up_to: 7, entries: vec![entry, Entry { log_id: 5, ..entry }] };
        let mut bytes = group.encode_head(99);
        bytes.resize(group.group_bytes() as usize, 0);
        assert_eq!(Group::decode_head(&bytes, 99), Ok(group.clone()));
        assert!(Group::decode_head(&bytes, 98).is_err());
        for bit in 0..group.head_bytes() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Group::decode_head(&damaged, 99).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(Group::decode_head(&bytes[..end], 99).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_file_header_comes_back_and_every_flipped_bit_is_found() {
        let header = Header { number: 3, nonce: 5, first_group: 9, capacity: 1 << 26 };
        assert_eq!(Header::decode(&header.encode()), Ok(header));
        for bit in 0..CHECKED_END * 8 {
            let mut damaged = header.encode();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&damaged).is_err(), "bit {bit}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Group::decode_head(&bytes, 0);
            let _ = Header::decode(&bytes);
        }
    }
}
