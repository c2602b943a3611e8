//! The on-disk format, version 1, for a reader who will never see the rest of the code.
//!
//! ```text
//! DATA-DIR/
//!   LOCK                          held by the process that has the store open
//!   headwater.json                {"format":1}: what this directory is
//!   catalog.redb                  the catalog (see `crate::catalog`)
//!   keyring.json                  the keys of encrypted records, once there are any (see `crate::keyring`)
//!   journal/NNNNNNNNNNNNNNNNNNNN.journal    journal files by number; spare-*.journal wait to be used
//!   logs/NNNNNNNNNNNN/            one directory a log, by log id
//!     NNNNNNNNNNNNNNNNNNNN.new    a segment by its first ordinal, not yet known to be durable
//!     NNNNNNNNNNNNNNNNNNNN.log    a segment that has been synced at least once
//!     NNNNNNNNNNNNNNNNNNNN.idx    its sparse index: the segment is sealed and synced; only compaction still replaces it
//!     *.tmp                         a file that was to get one of the names above; the next start removes it
//!   spare/                        files of dropped segments, to become the next ones; a start removes them
//! ```
//!
//! All numbers are little-endian. Checksums are CRC-32C, begun not from zero but from a **seed** that is folded from the
//! file's random nonce, so that bytes which an earlier life of the same disk blocks left behind never pass for valid.
//! Structures are 8-byte aligned. Reserved bytes are written as zero and covered by the checksum. An unknown version is
//! refused. Offsets count from the start of the structure.
//!
//! # Segment: a header block of 4,096 bytes, then batch frames back to back
//!
//! | offset | size | field | meaning and trust |
//! |---|---|---|---|
//! | 0 | 8 | magic | `HWSEGM1\0` |
//! | 8 | 4 | crc32c | over bytes 12 to 64, seed of nonce 0 |
//! | 12 | 4 | version | 1 |
//! | 16 | 8 | log id | which log it belongs to |
//! | 24 | 8 | first ordinal | as in the file's name |
//! | 32 | 8 | nonce | random, the seed of the frames' checksums |
//! | 40 | 8 | capacity | the file's size in bytes; a shorter file was cut by somebody |
//! | 48 | 8 | flags | bit 0: the log begins here; when the segment was made, everything before it was to be dropped |
//! | 56 | 8 | reserved | |
//! | 512, 1024 | 32 | marks | how far the segment is known to be synced; the valid one with the higher serial counts |
//!
//! A **mark**: crc32c (4, over bytes 4 to 32, seed of the nonce), reserved (4), serial (8), synced end (8, a byte offset in
//! the file), reserved (8).
//!
//! # Frame: one batch, atomic
//!
//! | offset | size | field | meaning and trust |
//! |---|---|---|---|
//! | 0 | 4 | crc32c | over bytes 4 to the end, seed of the segment's nonce; until it matches only a bounded `frame bytes` is used |
//! | 4 | 4 | frame bytes | the whole frame with padding, a multiple of 8 |
//! | 8 | 1 | version | 1 |
//! | 9 | 1 | flags | bit 0: the records are compressed; bit 1: they are encrypted; never both, and no other |
//! | 10 | 2 | header bytes | 32, or 40 if compressed, or 64 if encrypted; later fields can be skipped by it |
//! | 12 | 4 | record count | at least 1 |
//! | 16 | 8 | first ordinal | that of the first record; frames follow each other without gaps |
//! | 24 | 8 | arrival time | milliseconds since the Unix epoch; never decreasing in a log |
//! | 32 | 4 | records bytes | if compressed: what the records take decompressed, at most 16 MiB; checked before memory is taken |
//! | 36 | 4 | compressed bytes | if compressed: what they take in the frame, without the padding |
//! | 32 | 16 | key version | if encrypted: which version of which key in `keyring.json` (see [`crate::keyring`]) |
//! | 48 | 16 | tag | if encrypted: of AES-256-GCM over the records, the padding included, and bytes 8 to 32 |
//!
//! Then the records: data bytes (4), key bytes (2), flags (2; bit 0: an explicit hash key follows the key), the partition
//! key in UTF-8, the explicit hash key (16, if flagged), the data; no padding between records, zeros after the last. In a
//! compressed frame stands one zstd frame in their place, which decompresses to exactly these bytes, the zeros after the last
//! record included. Only compaction writes such frames; a version that does not know them calls them damaged.
//!
//! Behind the last frame stand zeros, or the frames of another segment whose file was used again: their checksums begin from
//! its nonce, so none of them passes for a frame of this one. Such a file gets a new header block (the old marks go with it)
//! before it gets its new name, and its old name is durably gone before it is written to.
//!
//! # Index: a header of 96 bytes, then entries of 24 bytes
//!
//! magic `HWINDX1\0` (8), crc32c (4, over bytes 12 to the end, seed of nonce 0), version (4), log id, first ordinal, nonce,
//! end offset, end ordinal, first arrival, last arrival, entry count (8 each), flags (8; bit 0: compaction has been over the
//! segment, and need not look at it again), reserved (8). An entry: ordinal, arrival time, byte offset of a frame (8 each),
//! ascending, the first frame first. An index that does not fit its segment is made again from it.
//!
//! # Compaction
//!
//! A sealed segment may be rewritten, each batch compressed by itself. It must be synced and out of the journal, for journal
//! entries name a segment by its nonce. The steps, of which any may be the last:
//!
//! ```text
//! N.log        N.idx       N.log.tmp            N.idx.tmp         what a start finds
//! old          old         being written        -                 the old segment; removes *.tmp
//! old          old         synced               being written     the same
//! old          -           synced               synced            the old segment; makes its index again; removes *.tmp
//! new          -           -                    synced            the new segment; makes its index again; removes *.tmp
//! new          new         -                    -                 the new segment
//! ```
//!
//! The new file has the log id and first ordinal of the old one, the same ordinals and arrival times, a nonce of its own (an
//! old index never fits it), a capacity that ends with its last frame, and a mark that says all of it is synced. Batches that
//! do not shrink, or are larger than a compressed one may be, stand in it as they were, with a new checksum. A segment with
//! an encrypted batch, or one that would not shrink by an eighth, stays; its index is exchanged for one with the flag.
//!
//! # Journal file: a header block of 4,096 bytes, then groups back to back
//!
//! Header: magic `HWJRNL1\0` (8), crc32c (4, over bytes 12 to 64, seed of nonce 0), version (4), file number (8), nonce (8),
//! first group (8), capacity (8), reserved (16). The header is synced before the file gets its numbered name.
//!
//! | offset | size | field of a group | meaning and trust |
//! |---|---|---|---|
//! | 0 | 4 | crc32c | over bytes 4 to the end of the entry table, seed of the file's nonce; frames carry their own |
//! | 4 | 4 | magic | `HWGR` |
//! | 8 | 8 | group bytes | the whole group |
//! | 16 | 8 | number | ascending by one, across files |
//! | 24 | 8 | durable up to | the last group known to be durable when this one was written |
//! | 32 | 4 | entry count | 0 in a note, which only tells what is durable and is overwritten by the next group |
//! | 36 | 4 | reserved | |
//! | 40 | 8 | nonce | the file's, so that a search can find a group behind damage |
//!
//! Then the entry table, 40 bytes each: log id (8), segment's first ordinal (8), segment's nonce (8), frame's offset in the
//! segment (8), frame bytes (4), segment capacity in KiB (4); then the frames in the order of the table.
//!
//! # Recovery, case by case
//!
//! | case | rule |
//! |---|---|
//! | group invalid, no later group or note says it was durable | nobody was told: it and what follows is cut |
//! | group invalid, a later one says it was durable | acknowledged bytes are damaged: refuse, name file and offset |
//! | journal frame that differs in its segment, or whose segment is missing or has no valid header yet (`.new`) | written again from the journal |
//! | first invalid frame of the last segment at or after its durable end (mark and journal) | cut there; whole frames before it are synced, then kept |
//! | first invalid frame before the durable end, or in a segment that others follow | damaged: refuse |
//! | `.log` without a valid header or shorter than its capacity | damaged: refuse |
//! | `.new` without a valid header and nothing in the journal | nobody was told: removed, and those after it too if they are the same; else damaged: refuse |
//! | segment without index that ends before the next one begins, the next ones being `.new` and not in the journal | power loss before they were synced: the log is cut there |
//! | anything before a `.log` whose header says that the log begins there | was being dropped: removed, whatever its state |
//! | ordinals missing between segments | damaged: refuse |
//! | index missing, invalid, or of another nonce | made again from the segment |
//! | old frames behind the last one, or an old header, in a file that was used again | frames of another nonce are invalid frames; a header of another log or ordinal is no valid header |
//! | `spare/*` | nobody's: removed |
//! | `*.tmp` | a compaction, or the writing of a file, was broken off: removed |
//!
//! After every start the first append goes to a new segment, so that bytes behind a cut are never taken for records.

pub mod frame;
mod header;
pub(crate) mod index;
pub(crate) mod journal;
pub(crate) mod segment;

/// The format of the whole directory, as `headwater.json` states it.
pub(crate) const STORE_FORMAT: u32 = 1;

/// Segments and journal files begin with a header block of this size.
pub(crate) const HEADER_BLOCK_BYTES: usize = 4096;

/// The version that every structure carries.
pub(crate) const VERSION: u32 = 1;

/// The CRC-32C of `bytes`, begun from the seed of `nonce`.
pub(crate) fn checksum(nonce: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(fold(nonce), bytes)
}

/// Goes on with a checksum over more bytes.
pub(crate) fn checksum_append(checksum: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(checksum, bytes)
}

fn fold(nonce: u64) -> u32 {
    (nonce as u32) ^ ((nonce >> 32) as u32)
}

/// Reads the little-endian number at `offset`, or `None` if it does not lie wholly in `bytes`.
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(offset..)?.first_chunk().copied()?))
}

/// Reads the little-endian number at `offset`, or `None` if it does not lie wholly in `bytes`.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(offset..)?.first_chunk().copied()?))
}

/// Reads the little-endian number at `offset`, or `None` if it does not lie wholly in `bytes`.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(offset..)?.first_chunk().copied()?))
}

/// Writes little-endian fields one after the other; the counterpart of the `*_at` readers.
pub(crate) struct FieldWriter<'a> {
    bytes: &'a mut [u8],
    offset: usize,
}

impl<'a> FieldWriter<'a> {
    /// Begins at `offset` of `bytes`.
    pub(crate) fn at(bytes: &'a mut [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// Writes a field as it is.
    pub(crate) fn raw(mut self, field: &[u8]) -> Self {
        self.bytes[self.offset..self.offset + field.len()].copy_from_slice(field);
        self.offset += field.len();
        self
    }

    /// Writes a 64-bit field.
    pub(crate) fn u64(self, field: u64) -> Self {
        self.raw(&field.to_le_bytes())
    }

    /// Writes a 32-bit field.
    pub(crate) fn u32(self, field: u32) -> Self {
        self.raw(&field.to_le_bytes())
    }

    /// Writes a 16-bit field.
    pub(crate) fn u16(self, field: u16) -> Self {
        self.raw(&field.to_le_bytes())
    }
}
