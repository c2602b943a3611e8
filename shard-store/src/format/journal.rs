//! Journal files: header, groups and their entries (layout in [`crate::format`]).

use super::{FieldWriter, checksum, checksum_append, header, u32_at, u64_at};

const MAGIC: &[u8; 8] = b"HWJRNL1\0";

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
    pub(crate) fn encode(&self) -> [u8; header::HEADER_BYTES] {
        header::encode(MAGIC, [self.number, self.nonce, self.first_group, self.capacity])
    }

    /// Decodes a header block.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub(crate) fn decode(block: &[u8]) -> Result<Self, &'static str> {
        let [number, nonce, first_group, capacity] = header::decode(MAGIC, block)?;
        Ok(Self { number, nonce, first_group, capacity })
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

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Group::decode_head(&bytes, 0);
            let _ = Header::decode(&bytes);
        }
    }
}
