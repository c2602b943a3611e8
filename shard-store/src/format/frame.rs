//! Batch frames and the records in them (layout in [`crate::format`]).

use std::io;
use std::sync::Arc;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use zstd::bulk::Compressor;

use super::{FieldWriter, checksum, u16_at, u32_at, u64_at};
use crate::keyring::KeyId;
use crate::log::{Malformed, NewRecord};

/// The bytes of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 32;
/// The bytes before a record's key.
const RECORD_HEADER_BYTES: usize = 8;
const RECORD_FLAG_EXPLICIT_HASH_KEY: u16 = 1;
const HASH_KEY_BYTES: usize = 16;
const FRAME_VERSION: u8 = 1;
const FLAG_ZSTD: u8 = 1;
const FLAG_ENCRYPTED: u8 = 2;

const CRC_AT: usize = 0;
const FRAME_BYTES_AT: usize = CRC_AT + 4;
const VERSION_AT: usize = FRAME_BYTES_AT + 4;
const FLAGS_AT: usize = VERSION_AT + 1;
const HEADER_BYTES_AT: usize = FLAGS_AT + 1;
const RECORD_COUNT_AT: usize = HEADER_BYTES_AT + 2;
const FIRST_ORDINAL_AT: usize = RECORD_COUNT_AT + 4;
const ARRIVAL_AT: usize = FIRST_ORDINAL_AT + 8;
const _: () = assert!(ARRIVAL_AT + 8 == FRAME_HEADER_BYTES);
/// What an encrypted frame's header has in addition.
pub(crate) const CIPHER_HEADER_BYTES: usize = 32;
const KEY_AT: usize = FRAME_HEADER_BYTES;
const TAG_AT: usize = KEY_AT + 16;
const ENCRYPTED_HEADER_BYTES: usize = TAG_AT + 16;
const _: () = assert!(ENCRYPTED_HEADER_BYTES == FRAME_HEADER_BYTES + CIPHER_HEADER_BYTES);
// What a compressed frame's header has in addition.
const RECORDS_BYTES_AT: usize = FRAME_HEADER_BYTES;
const COMPRESSED_BYTES_AT: usize = RECORDS_BYTES_AT + 4;
const COMPRESSED_HEADER_BYTES: usize = COMPRESSED_BYTES_AT + 4;
/// Batches whose records take more than this are never compressed, so that no read takes more memory for one.
pub(crate) const DECOMPRESSED_BYTES_MAX: usize = 16 << 20;

/// How a frame's records lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Zstd,
    Encrypted,
}

impl Coding {
    fn from_flags(flags: u8) -> Option<Self> {
        match flags {
            0 => Some(Self::Plain),
            FLAG_ZSTD => Some(Self::Zstd),
            FLAG_ENCRYPTED => Some(Self::Encrypted),
            _ => None,
        }
    }

    /// The least that a frame's header takes.
    fn header_bytes(self) -> usize {
        match self {
            Self::Plain => FRAME_HEADER_BYTES,
            Self::Zstd => COMPRESSED_HEADER_BYTES,
            Self::Encrypted => ENCRYPTED_HEADER_BYTES,
        }
    }
}

/// Encrypts the frames of one segment.
#[derive(Clone)]
pub(crate) struct FrameCipher {
    /// The version of the key that the segment's own key comes from.
    pub(crate) version: KeyId,
    pub(crate) key: Arc<LessSafeKey>,
}

/// A frame's first ordinal is never used twice in a segment, and no two segments have the same key.
fn cipher_nonce(first_ordinal: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(&first_ordinal.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// A record, borrowed from its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// The record's position in its log.
    pub ordinal: u64,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub arrival_ms: u64,
    /// The partition key, empty if it had none.
    pub partition_key: &'a str,
    /// The hash key that overrides the partition key's own.
    pub explicit_hash_key: Option<u128>,
    /// The data.
    pub data: &'a [u8],
    /// Whether it lies encrypted on the disk.
    pub is_encrypted: bool,
}

impl RecordView<'_> {
    /// What the record counts as: partition key and data.
    pub fn byte_count(&self) -> usize {
        self.partition_key.len() + self.data.len()
    }
}

/// The bytes that `records` take as one frame that is not encrypted.
pub(crate) fn encoded_bytes(records: &[NewRecord<'_>]) -> usize {
    let records_bytes: usize = records
        .iter()
        .map(|record| {
            let hash_key_bytes = if record.explicit_hash_key.is_some() { HASH_KEY_BYTES } else { 0 };
            RECORD_HEADER_BYTES + record.partition_key.len() + hash_key_bytes + record.data.byte_count()
        })
        .sum();
    (FRAME_HEADER_BYTES + records_bytes).next_multiple_of(8)
}

/// Fills `frame`, which is exactly [`encoded_bytes`] long, and with a cipher [`CIPHER_HEADER_BYTES`] more, with `records` and
/// their checksum.
///
/// # Errors
/// `Malformed` if a payload cannot be decoded; `frame` then holds rubbish.
pub(crate) fn encode_into(
    frame: &mut [u8],
    nonce: u64,
    first_ordinal: u64,
    arrival_ms: u64,
    records: &[NewRecord<'_>],
    cipher: Option<&FrameCipher>,
) -> Result<(), Malformed> {
    let frame_bytes = u32::try_from(frame.len()).map_err(|_| Malformed)?;
    let record_count = u32::try_from(records.len()).map_err(|_| Malformed)?;
    let (flags, header_bytes) =
        if cipher.is_some() { (FLAG_ENCRYPTED, ENCRYPTED_HEADER_BYTES) } else { (0, FRAME_HEADER_BYTES) };
    let fields = Fields { frame_bytes, flags, header_bytes, record_count, first_ordinal, arrival_ms };
    fields.write(frame);
    let (header, body) = frame.split_at_mut(header_bytes);
    let mut rest = &mut *body;
    for record in records {
        rest = encode_record(rest, record)?;
    }
    rest.fill(0);
    if let Some(FrameCipher { version, key }) = cipher {
        let aad = Aad::from(&header[VERSION_AT..FRAME_HEADER_BYTES]);
        let tag = key.seal_in_place_separate_tag(cipher_nonce(first_ordinal), aad, body).map_err(|_| Malformed)?;
        FieldWriter::at(header, KEY_AT).raw(&version.to_bytes()).raw(tag.as_ref());
    }
    write_checksum(frame, nonce);
    Ok(())
}

/// What every frame's header has.
struct Fields {
    frame_bytes: u32,
    flags: u8,
    header_bytes: usize,
    record_count: u32,
    first_ordinal: u64,
    arrival_ms: u64,
}

impl Fields {
    fn write(&self, frame: &mut [u8]) {
        FieldWriter::at(frame, FRAME_BYTES_AT)
            .u32(self.frame_bytes)
            .raw(&[FRAME_VERSION, self.flags])
            .u16(self.header_bytes as u16)
            .u32(self.record_count)
            .u64(self.first_ordinal)
            .u64(self.arrival_ms);
    }
}

fn write_checksum(frame: &mut [u8], nonce: u64) {
    let crc = checksum(nonce, &frame[FRAME_BYTES_AT..]);
    FieldWriter::at(frame, CRC_AT).u32(crc);
}

fn encode_record<'a>(destination: &'a mut [u8], record: &NewRecord<'_>) -> Result<&'a mut [u8], Malformed> {
    let data_bytes = record.data.byte_count();
    let (header, rest) = destination.split_at_mut(RECORD_HEADER_BYTES);
    FieldWriter::at(header, 0)
        .u32(u32::try_from(data_bytes).map_err(|_| Malformed)?)
        .u16(u16::try_from(record.partition_key.len()).map_err(|_| Malformed)?)
        .u16(if record.explicit_hash_key.is_some() { RECORD_FLAG_EXPLICIT_HASH_KEY } else { 0 });
    let (key, mut rest) = rest.split_at_mut(record.partition_key.len());
    key.copy_from_slice(record.partition_key.as_bytes());
    if let Some(hash_key) = record.explicit_hash_key {
        let (field, after) = rest.split_at_mut(HASH_KEY_BYTES);
        field.copy_from_slice(&hash_key.to_le_bytes());
        rest = after;
    }
    let (data, rest) = rest.split_at_mut(data_bytes);
    record.data.copy_into(data)?;
    Ok(rest)
}

/// A frame's header, parsed but not yet trusted: only lengths within bounds are known to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawFrame<'a> {
    bytes: &'a [u8],
    records_at: usize,
    pub(crate) coding: Coding,
    pub(crate) record_count: u32,
    pub(crate) first_ordinal: u64,
    pub(crate) arrival_ms: u64,
}

/// A frame whose checksum matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VerifiedFrame<'a>(RawFrame<'a>);

/// Parses the frame at the start of `bytes`.
///
/// # Errors
/// A sentence on what is wrong.
pub(crate) fn parse(bytes: &[u8]) -> Result<RawFrame<'_>, &'static str> {
    let header = bytes.get(..FRAME_HEADER_BYTES).ok_or("a frame header does not fit")?;
    let frame_bytes = u32_at(header, FRAME_BYTES_AT).ok_or("a frame header does not fit")? as usize;
    let records_at = usize::from(u16_at(header, HEADER_BYTES_AT).ok_or("a frame header does not fit")?);
    if !frame_bytes.is_multiple_of(8) || frame_bytes < FRAME_HEADER_BYTES || frame_bytes > bytes.len() {
        return Err("the frame's length is impossible");
    }
    let coding = Coding::from_flags(header[FLAGS_AT]).filter(|_| header[VERSION_AT] == FRAME_VERSION);
    let coding = coding.ok_or("the frame's version or flags are unknown")?;
    if records_at < coding.header_bytes() || records_at > frame_bytes {
        return Err("the frame's header length is impossible");
    }
    Ok(RawFrame {
        bytes: &bytes[..frame_bytes],
        records_at,
        coding,
        record_count: u32_at(header, RECORD_COUNT_AT).ok_or("a frame header does not fit")?,
        first_ordinal: u64_at(header, FIRST_ORDINAL_AT).ok_or("a frame header does not fit")?,
        arrival_ms: u64_at(header, ARRIVAL_AT).ok_or("a frame header does not fit")?,
    })
}

impl<'a> RawFrame<'a> {
    /// The frame's length in bytes.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The ordinal after the last record's.
    pub(crate) fn end_ordinal(&self) -> u64 {
        self.first_ordinal.saturating_add(u64::from(self.record_count))
    }

    /// Trusts the frame if its checksum matches.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub(crate) fn verify(self, nonce: u64) -> Result<VerifiedFrame<'a>, &'static str> {
        let crc = u32_at(self.bytes, CRC_AT).ok_or("a frame header does not fit")?;
        if checksum(nonce, &self.bytes[FRAME_BYTES_AT..]) != crc {
            return Err("the frame's checksum does not match its bytes");
        }
        if self.record_count == 0 {
            return Err("the frame holds no record");
        }
        if self.first_ordinal.checked_add(u64::from(self.record_count)).is_none() {
            return Err("the frame's ordinals are impossible");
        }
        Ok(VerifiedFrame(self))
    }
}

impl<'a> std::ops::Deref for VerifiedFrame<'a> {
    type Target = RawFrame<'a>;

    fn deref(&self) -> &RawFrame<'a> {
        &self.0
    }
}

impl VerifiedFrame<'_> {
    /// Where the encoded records begin, in bytes from the start of the frame.
    pub(crate) fn records_at(&self) -> usize {
        self.0.records_at
    }

    /// The version of the key that an encrypted frame needs.
    pub(crate) fn key_version(&self) -> Option<KeyId> {
        let id = self.0.bytes.get(KEY_AT..)?.first_chunk().copied()?;
        (self.0.coding == Coding::Encrypted).then(|| KeyId::from_bytes(id))
    }

    /// The encoded records of an encrypted frame.
    ///
    /// # Errors
    /// A sentence on what is wrong: the key is not the one that encrypted them.
    pub(crate) fn decrypt(&self, key: &LessSafeKey) -> Result<Vec<u8>, &'static str> {
        const WRONG: &str = "the frame cannot be decrypted with its key";
        let tag = self.0.bytes.get(TAG_AT..ENCRYPTED_HEADER_BYTES).ok_or(WRONG)?;
        let aad = Aad::from(&self.0.bytes[VERSION_AT..FRAME_HEADER_BYTES]);
        let encrypted = &self.0.bytes[self.0.records_at..];
        let mut records = vec![0; encrypted.len()];
        key.open_separate_gather(cipher_nonce(self.0.first_ordinal), aad, encrypted, tag, &mut records)
            .map_err(|_| WRONG)?;
        Ok(records)
    }

    /// The encoded records of a compressed frame.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub(crate) fn decompress(&self) -> Result<Vec<u8>, &'static str> {
        const WRONG: &str = "the frame's records cannot be decompressed";
        let records_bytes = u32_at(self.0.bytes, RECORDS_BYTES_AT).ok_or(WRONG)? as usize;
        let compressed_bytes = u32_at(self.0.bytes, COMPRESSED_BYTES_AT).ok_or(WRONG)? as usize;
        let compressed = self.0.bytes[self.0.records_at..].get(..compressed_bytes).ok_or(WRONG)?;
        if records_bytes > DECOMPRESSED_BYTES_MAX {
            return Err("the frame's records are larger than compressed ones can be");
        }
        let records = zstd::bulk::decompress(compressed, records_bytes).map_err(|_| WRONG)?;
        if records.len() == records_bytes { Ok(records) } else { Err(WRONG) }
    }

    /// Adds the same batch to `destination`, for a segment with this `nonce`: compressed if that makes it smaller.
    ///
    /// # Errors
    /// If the compressor has no memory.
    pub(crate) fn compress_into(
        &self,
        destination: &mut Vec<u8>,
        nonce: u64,
        compressor: &mut Compressor<'_>,
    ) -> io::Result<()> {
        let start = destination.len();
        let records = &self.0.bytes[self.0.records_at..];
        let is_compressible = self.0.coding == Coding::Plain && records.len() <= DECOMPRESSED_BYTES_MAX;
        let compressed = if is_compressible { Some(compressor.compress(records)?) } else { None };
        let frame_bytes = |compressed: &Vec<u8>| (COMPRESSED_HEADER_BYTES + compressed.len()).next_multiple_of(8);
        match compressed.filter(|compressed| frame_bytes(compressed) < self.frame_bytes()) {
            None => destination.extend_from_slice(self.0.bytes),
            Some(compressed) => {
                destination.resize(start + frame_bytes(&compressed), 0);
                let frame = &mut destination[start..];
                let fields = Fields {
                    frame_bytes: frame.len() as u32,
                    flags: FLAG_ZSTD,
                    header_bytes: COMPRESSED_HEADER_BYTES,
                    record_count: self.0.record_count,
                    first_ordinal: self.0.first_ordinal,
                    arrival_ms: self.0.arrival_ms,
                };
                fields.write(frame);
                FieldWriter::at(frame, RECORDS_BYTES_AT)
                    .u32(records.len() as u32)
                    .u32(compressed.len() as u32)
                    .raw(&compressed);
            }
        }
        write_checksum(&mut destination[start..], nonce);
        Ok(())
    }
}

/// Walks encoded records of one frame, the first of which has `first_ordinal`. It ends at the first bytes that are not a
/// record; in a verified frame those are the padding, so whoever knows the frame's record count takes that many.
pub(crate) fn records(records: &[u8], first_ordinal: u64, arrival_ms: u64, is_encrypted: bool) -> Records<'_> {
    Records { rest: records, ordinal: first_ordinal, arrival_ms, is_encrypted }
}

/// See [`records`].
#[derive(Clone, Debug)]
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    ordinal: u64,
    arrival_ms: u64,
    is_encrypted: bool,
}

impl<'a> Records<'a> {
    /// The bytes not walked yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn split(&mut self, byte_count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(byte_count)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordView<'a>;

    #[inline]
    fn next(&mut self) -> Option<RecordView<'a>> {
        let header = self.split(RECORD_HEADER_BYTES)?;
        let data_bytes = u32_at(header, 0)? as usize;
        let key_bytes = usize::from(u16_at(header, 4)?);
        let flags = u16_at(header, 6)?;
        let partition_key = std::str::from_utf8(self.split(key_bytes)?).ok()?;
        let explicit_hash_key = if flags & RECORD_FLAG_EXPLICIT_HASH_KEY != 0 {
            Some(u128::from_le_bytes(self.split(HASH_KEY_BYTES)?.first_chunk().copied()?))
        } else {
            None
        };
        let data = self.split(data_bytes)?;
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let (arrival_ms, is_encrypted) = (self.arrival_ms, self.is_encrypted);
        Some(RecordView { ordinal, arrival_ms, partition_key, explicit_hash_key, data, is_encrypted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(nonce: u64, records: &[NewRecord<'_>]) -> Vec<u8> {
        let mut frame = vec![0xAA; encoded_bytes(records)];
        encode_into(&mut frame, nonce, 7, 1_000, records, None).unwrap();
        frame
    }

    fn record<'a>(partition_key: &'a str, explicit_hash_key: Option<u128>, data: &'a &'a [u8]) -> NewRecord<'a> {
        NewRecord { partition_key, explicit_hash_key, data }
    }

    #[test]
    fn a_frame_is_laid_out_as_the_table_says() {
        let frame = encode(5, &[record("ké", Some(258), &&b"xyz"[..])]);
        let mut expected = Vec::new();
        expected.extend(64u32.to_le_bytes());
        expected.extend([1, 0]);
        expected.extend(32u16.to_le_bytes());
        expected.extend(1u32.to_le_bytes());
        expected.extend(7u64.to_le_bytes());
        expected.extend(1_000u64.to_le_bytes());
        expected.extend(3u32.to_le_bytes());
        expected.extend(3u16.to_le_bytes());
        expected.extend(1u16.to_le_bytes());
        expected.extend("ké".as_bytes());
        expected.extend([2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend(b"xyz");
        expected.extend([0, 0]);
        assert_eq!(frame[4..], expected);
        assert_eq!(frame[..4], crc32c::crc32c_append(5, &expected).to_le_bytes());
    }

    #[test]
    fn records_come_back_as_they_were() {
        let frame = encode(9, &[record("a", None, &&b""[..]), record("", Some(u128::MAX), &&b"data"[..])]);
        let verified = parse(&frame).unwrap().verify(9).unwrap();
        let views: Vec<_> = records(&frame[verified.records_at()..], 7, 1_000, false).take(2).collect();
        assert_eq!((views[0].ordinal, views[0].partition_key, views[0].data), (7, "a", &b""[..]));
        assert_eq!((views[1].ordinal, views[1].explicit_hash_key, views[1].data), (8, Some(u128::MAX), &b"data"[..]));
        assert_eq!((verified.end_ordinal(), views[1].arrival_ms), (9, 1_000));
    }

    #[test]
    fn every_flipped_bit_and_every_other_nonce_is_found() {
        let frame = encode(9, &[record("key", None, &&b"some data"[..])]);
        assert!(parse(&frame).unwrap().verify(10).is_err());
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&damaged).and_then(|raw| raw.verify(9)).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn an_encrypted_frame_hides_its_records_and_comes_back_with_its_key_alone() {
        let dir = tempfile::tempdir().unwrap();
        let keyring = crate::keyring::Keyring::open(&dir.path().join("keyring.json")).unwrap();
        let version = keyring.newest_version(keyring.create(None).unwrap()).unwrap();
        let key = |log, nonce| Arc::new(keyring.segment_key(version, log, nonce).unwrap());
        let (data, nothing) = (&b"secret data"[..], &b""[..]);
        let batch = [record("secret key", Some(1), &data), record("b", None, &nothing)];
        let mut frame = vec![0; encoded_bytes(&batch) + CIPHER_HEADER_BYTES];
        encode_into(&mut frame, 9, 7, 1_000, &batch, Some(&FrameCipher { version, key: key(1, 9) })).unwrap();
        assert!(!frame.windows(6).any(|window| window == b"secret"));
        let verified = parse(&frame).unwrap().verify(9).unwrap();
        assert_eq!(verified.key_version(), Some(version));
        let decrypted = verified.decrypt(&key(1, 9)).unwrap();
        let views: Vec<_> = records(&decrypted, 7, 1_000, true).take(2).collect();
        assert_eq!((views[0].partition_key, views[0].data), ("secret key", &b"secret data"[..]));
        assert_eq!((views[1].ordinal, views[1].is_encrypted), (8, true));
        assert!(verified.decrypt(&key(2, 9)).is_err() && verified.decrypt(&key(1, 8)).is_err());
    }

    fn compress(frame: &[u8], nonce: u64) -> Vec<u8> {
        let mut compressed = vec![7; 3];
        let verified = parse(frame).unwrap().verify(9).unwrap();
        verified.compress_into(&mut compressed, nonce, &mut Compressor::new(3).unwrap()).unwrap();
        compressed.split_off(3)
    }

    #[test]
    fn a_compressed_frame_is_laid_out_as_the_table_says() {
        let data = [b'z'; 500];
        let plain = encode(9, &[record("k", None, &&data[..])]);
        let frame = compress(&plain, 5);
        let zstd = zstd::bulk::compress(&plain[FRAME_HEADER_BYTES..], 3).unwrap();
        let mut expected = Vec::new();
        expected.extend((frame.len() as u32).to_le_bytes());
        expected.extend([1, 1]);
        expected.extend(40u16.to_le_bytes());
        expected.extend(1u32.to_le_bytes());
        expected.extend(7u64.to_le_bytes());
        expected.extend(1_000u64.to_le_bytes());
        expected.extend((plain.len() as u32 - 32).to_le_bytes());
        expected.extend((zstd.len() as u32).to_le_bytes());
        expected.extend(&zstd);
        expected.resize((expected.len() + 4).next_multiple_of(8) - 4, 0);
        assert_eq!(frame[4..], expected);
        assert_eq!(frame[..4], crc32c::crc32c_append(5, &expected).to_le_bytes());
        assert_eq!(parse(&frame).unwrap().verify(5).unwrap().decompress().unwrap(), plain[FRAME_HEADER_BYTES..]);
    }

    #[test]
    fn a_batch_that_does_not_shrink_only_gets_its_new_checksum() {
        let plain = encode(9, &[record("key", None, &&b"0123456789"[..])]);
        assert_eq!(compress(&plain, 5), encode(5, &[record("key", None, &&b"0123456789"[..])]));
    }

    #[test]
    fn a_frame_that_claims_other_lengths_is_refused_before_memory_is_taken() {
        let frame = compress(&encode(9, &[record("k", None, &&[b'z'; 500][..])]), 9);
        for (at, wrong) in [(32, u32::MAX), (32, 10), (32, 600), (36, u32::MAX), (36, 3)] {
            let mut damaged = frame.clone();
            damaged[at..at + 4].copy_from_slice(&wrong.to_le_bytes());
            write_checksum(&mut damaged, 9);
            assert!(parse(&damaged).unwrap().verify(9).unwrap().decompress().is_err(), "{wrong} at {at}");
        }
        let mut both = frame;
        both[FLAGS_AT] = FLAG_ZSTD | FLAG_ENCRYPTED;
        assert!(parse(&both).is_err(), "a frame is not both compressed and encrypted");
    }

    /// A frame with the greatest ordinal was walked: the ordinal after it does not exist, and adding one panicked.
    #[test]
    fn a_frame_behind_the_last_ordinal_is_refused() {
        let mut frame = encode(9, &[record("key", None, &&b"data"[..])]);
        for (ordinal, is_good) in [(u64::MAX, false), (u64::MAX - 1, true)] {
            frame[FIRST_ORDINAL_AT..FIRST_ORDINAL_AT + 8].copy_from_slice(&ordinal.to_le_bytes());
            write_checksum(&mut frame, 9);
            let verified = parse(&frame).unwrap().verify(9);
            assert_eq!(verified.is_ok(), is_good, "{ordinal}");
            let found =
                verified.map(|verified| records(&frame[verified.records_at()..], ordinal, 0, false).take(1).count());
            assert_eq!(found.unwrap_or_default(), usize::from(is_good));
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = parse(&bytes).map(|raw| raw.verify(0));
            let _ = parse(&bytes).map(|raw| VerifiedFrame(raw).decompress());
            assert!(records(&bytes, 0, 0, false).count() <= bytes.len());
        }
    }
}
