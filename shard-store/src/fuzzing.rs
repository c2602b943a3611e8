//! What must hold of every decoder of this crate, whatever the bytes: for the fuzzers in `ingest/fuzz`.
//!
//! Each function takes one input, whose first byte chooses the decoder, and panics if something does not hold. A checksum
//! keeps a fuzzer from everything behind it, so what carries one is read twice: as it came, and with its checksum made right.
//!
//! Compiled for the unit tests and with the feature `fuzzing` only.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use zstd::bulk::Compressor;

use crate::format::frame::{self, Coding, FrameCipher, RecordView};
use crate::format::index::Index;
use crate::format::{FieldWriter, checksum, journal, segment, u32_at, u64_at};
use crate::keyring::{self, KeyId};
use crate::log::NewRecord;
use crate::stream::definition::Definition;
use crate::stream::{HashKey, SequenceNumber, ShardIterator, ShardNumber, Signer, TokenKind};

/// The nonce of the files that the inputs stand for.
const NONCE: u64 = 0x0123_4567_89ab_cdef;

/// The structures of the on-disk format: headers, marks, frames, indices, journal groups.
pub fn format(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 5 {
        0 => headers(bytes),
        1 => marks(bytes),
        2 => frames(bytes),
        3 => indices(bytes),
        _ => groups(bytes),
    }
}

/// What is stored or given out as text: stream definitions, the keyring, sequence numbers, hash keys, tokens, iterators.
pub fn stored(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 6 {
        0 => definitions(bytes),
        1 => keyring::check_reading(bytes),
        2 => sequence_numbers(bytes),
        3 => hash_keys(bytes),
        4 => tokens(bytes),
        _ => iterators(bytes),
    }
}

/// Inputs of [`format`] to begin with: one whole structure of each kind.
pub fn format_seeds() -> Vec<Vec<u8>> {
    let header = segment::Header { log_id: 1, first_ordinal: 0, nonce: NONCE, capacity: 65_536, begins_log: true };
    let data: &[u8] = b"data";
    let record = NewRecord { partition_key: "key", explicit_hash_key: Some(7), data: &data };
    let records = [record, NewRecord { explicit_hash_key: None, ..record }];
    let mut frame = vec![0; frame::encoded_bytes(&records)];
    let entry = journal::Entry {
        log_id: 1,
        segment_first_ordinal: 0,
        segment_nonce: NONCE,
        offset: 4096,
        frame_bytes: frame.len() as u32,
        segment_capacity_kib: 64,
    };
    let group = journal::Group { number: 3, durable_up_to: 2, entries: vec![entry] };
    let index_entry = crate::format::index::IndexEntry { ordinal: 0, arrival_ms: 5, offset: 4096 };
    let index = Index {
        log_id: 1,
        first_ordinal: 0,
        nonce: NONCE,
        end_offset: 8192,
        end_ordinal: 9,
        first_arrival_ms: 5,
        last_arrival_ms: 6,
        is_compacted: false,
        entries: vec![index_entry; 2],
    };
    frame::encode_into(&mut frame, NONCE, 0, 5, &records, None).expect("the records are well-formed");
    let long: &[u8] = &[b'z'; 300];
    let long = [NewRecord { data: &long, ..record }];
    let mut plain = vec![0; frame::encoded_bytes(&long)];
    frame::encode_into(&mut plain, NONCE, 0, 5, &long, None).expect("the record is well-formed");
    let mut compressed = Vec::new();
    let plain = frame::parse(&plain).and_then(|frame| frame.verify(NONCE)).expect("it was just encoded");
    let mut compressor = Compressor::new(1).expect("zstd has the level 1");
    plain.compress_into(&mut compressed, NONCE, &mut compressor).expect("there is memory");
    let seed = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    vec![
        seed(2, &compressed),
        seed(0, &header.encode()),
        seed(1, &segment::Mark { serial: 1, synced_end: 4096 }.encode(NONCE)),
        seed(2, &frame),
        seed(3, &index.encode()),
        seed(4, &[group.encode_head(NONCE), frame].concat()),
    ]
}

/// Inputs of [`stored`] to begin with.
pub fn stored_seeds() -> Vec<Vec<u8>> {
    let definition = r#"{"key":{"account":"000000000000","region":"us-east-1","name":"clicks"},"id":1,"created_ms":5,
        "mode":"PROVISIONED","retention_hours":24,"tags":{"a":"b"},"shards":[{"number":0,"log":1,"range":{"start":"0",
        "end":"340282366920938463463374607431768211455"},"created_ms":5,"generation":7,"closed_ms":null}]}"#;
    let keyring = r#"{"keys":[{"id":"01234567-89ab-4def-8123-456789abcdef","alias":"alias/aws/kinesis","versions":
        [{"id":"01234567-89ab-4def-8123-456789abcde0","material":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}]}]}"#;
    let sequence_number = SequenceNumber::of_record(1_700_000_000, ShardNumber(1), 41).to_string();
    let token = Signer::new(&[7; 32]).seal(TokenKind::ShardPage, 5, b"body");
    let seed = |kind: u8, text: &str| [&[kind], text.as_bytes()].concat();
    vec![
        seed(0, definition),
        seed(1, keyring),
        seed(2, &sequence_number),
        seed(3, "340282366920938463463374607431768211455"),
        seed(4, &token),
        seed(5, "stream id, shard number, ordinal"),
    ]
}

fn headers(bytes: &[u8]) {
    if let Ok(header) = segment::Header::decode(bytes) {
        assert_eq!(segment::Header::decode(&header.encode()), Ok(header));
    }
    let _ = journal::Header::decode(bytes);
    let field = |n: usize| u64_at(bytes, n * 8).unwrap_or_default();
    let header = segment::Header {
        log_id: field(0),
        first_ordinal: field(1),
        nonce: field(2),
        capacity: field(3) | 4096,
        begins_log: field(4) & 1 != 0,
    };
    assert_eq!(segment::Header::decode(&header.encode()), Ok(header));
    let header = journal::Header { number: field(0), nonce: field(1), first_group: field(2), capacity: field(3) };
    assert_eq!(journal::Header::decode(&header.encode()), Ok(header));
    assert!(segment::Header::decode(&header.encode()).is_err(), "a journal file is no segment");
}

fn marks(bytes: &[u8]) {
    let _ = segment::Mark::newest(bytes, NONCE);
    let mark = segment::Mark {
        serial: u64_at(bytes, 0).unwrap_or_default(),
        synced_end: u64_at(bytes, 8).unwrap_or_default(),
    };
    let mut block = vec![0; crate::format::HEADER_BLOCK_BYTES];
    FieldWriter::at(&mut block, mark.offset() as usize).raw(&mark.encode(NONCE));
    assert_eq!(segment::Mark::newest(&block, NONCE), Some(mark));
}

fn frames(bytes: &[u8]) {
    let Ok(raw) = frame::parse(bytes) else { return };
    if let Ok(frame) = raw.verify(NONCE) {
        decode(bytes, &frame);
    }
    let frame_bytes = raw.frame_bytes();
    assert!(frame_bytes <= bytes.len() && raw.end_ordinal() >= raw.first_ordinal);
    let mut sealed = bytes[..frame_bytes].to_vec();
    let crc = checksum(NONCE, &sealed[4..]);
    FieldWriter::at(&mut sealed, 0).u32(crc);
    match frame::parse(&sealed).and_then(|frame| frame.verify(NONCE)) {
        Ok(frame) => decode(&sealed, &frame),
        Err(reason) => {
            let has_ordinals = raw.record_count > 0 && raw.end_ordinal() < u64::MAX;
            assert!(!has_ordinals, "a frame whose checksum is right is refused: {reason}");
        }
    }
}

fn decode(bytes: &[u8], frame: &frame::VerifiedFrame<'_>) {
    match frame.coding {
        Coding::Plain => walk(&bytes[frame.records_at()..frame.frame_bytes()], frame),
        Coding::Zstd => drop(frame.decompress().map(|records| walk(&records, frame))),
        Coding::Encrypted => assert!(frame.decrypt(&key()).is_err(), "nobody encrypted these bytes"),
    }
}

fn key() -> Arc<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("a key of AES-256 has 32 bytes");
    Arc::new(LessSafeKey::new(key))
}

/// The records of a frame, which lie one behind the other in what it decodes to, are the same in every coding.
fn walk(encoded: &[u8], frame: &frame::VerifiedFrame<'_>) {
    let records: Vec<_> = frame::records(encoded, frame.first_ordinal, frame.arrival_ms, false)
        .take(frame.record_count as usize)
        .collect();
    assert!(records.iter().map(RecordView::byte_count).sum::<usize>() <= encoded.len());
    if !records.is_empty() {
        encode_again(&records, None);
        encode_again(&records, Some(&FrameCipher { version: KeyId::from_bytes([9; 16]), key: key() }));
    }
}

/// Records that were read are the same after they were written and read once more.
fn encode_again(records: &[RecordView<'_>], cipher: Option<&FrameCipher>) {
    let first = records[0];
    let new_records: Vec<_> = records
        .iter()
        .map(|record| NewRecord {
            partition_key: record.partition_key,
            explicit_hash_key: record.explicit_hash_key,
            data: &record.data,
        })
        .collect();
    let cipher_bytes = if cipher.is_some() { frame::CIPHER_HEADER_BYTES } else { 0 };
    let mut bytes = vec![0xa5; frame::encoded_bytes(&new_records) + cipher_bytes];
    frame::encode_into(&mut bytes, NONCE, first.ordinal, first.arrival_ms, &new_records, cipher)
        .expect("records that were in a frame fit one");
    let frame = frame::parse(&bytes).and_then(|frame| frame.verify(NONCE)).expect("what was encoded decodes");
    assert_eq!(frame.key_version(), cipher.map(|cipher| cipher.version));
    let decoded = match cipher {
        None => {
            compress_again(&bytes, &frame);
            bytes[frame.records_at()..].to_vec()
        }
        Some(cipher) => frame.decrypt(&cipher.key).expect("what was encrypted decrypts"),
    };
    let found: Vec<_> = frame::records(&decoded, first.ordinal, first.arrival_ms, false).take(records.len()).collect();
    assert_eq!(found, records);
}

/// What the compactor makes of a frame decodes to the same.
fn compress_again(bytes: &[u8], frame: &frame::VerifiedFrame<'_>) {
    let mut compressor = Compressor::new(1).expect("zstd has the level 1");
    let mut compressed = Vec::new();
    frame.compress_into(&mut compressed, NONCE, &mut compressor).expect("there is memory");
    let smaller = frame::parse(&compressed).and_then(|frame| frame.verify(NONCE)).expect("it is a frame");
    let records = match smaller.coding {
        Coding::Zstd => smaller.decompress().expect("what was compressed is decompressed"),
        _ => compressed[smaller.records_at()..].to_vec(),
    };
    assert_eq!(records, bytes[frame.records_at()..frame.frame_bytes()]);
}

fn indices(bytes: &[u8]) {
    let _ = Index::decode(bytes);
    let mut sealed = bytes.to_vec();
    if sealed.len() < 12 {
        return;
    }
    let crc = checksum(0, &sealed[12..]);
    FieldWriter::at(&mut sealed, 8).u32(crc);
    if let Ok(index) = Index::decode(&sealed) {
        assert_eq!(Index::decode(&index.encode()), Ok(index));
    }
}

fn groups(bytes: &[u8]) {
    let _ = journal::Group::decode_head(bytes, NONCE);
    if bytes.len() < journal::GROUP_HEADER_BYTES {
        return;
    }
    let mut sealed = bytes.to_vec();
    FieldWriter::at(&mut sealed, 40).u64(NONCE);
    let table = u32_at(&sealed, 32).unwrap_or_default() as usize * journal::ENTRY_BYTES;
    let head_bytes = (journal::GROUP_HEADER_BYTES + table).min(sealed.len());
    let crc = checksum(NONCE, &sealed[4..head_bytes]);
    FieldWriter::at(&mut sealed, 0).u32(crc);
    if let Ok(group) = journal::Group::decode_head(&sealed, NONCE) {
        assert!(group.group_bytes() <= sealed.len() as u64);
        let mut again = group.encode_head(NONCE);
        again.extend_from_slice(&sealed[group.head_bytes()..]);
        assert_eq!(journal::Group::decode_head(&again, NONCE), Ok(group));
    }
}

fn definitions(bytes: &[u8]) {
    let Ok(definition) = serde_json::from_slice::<Definition>(bytes) else { return };
    let _ = definition.check_invariants();
    let stored = serde_json::to_vec(&definition).expect("a definition has a form in JSON");
    assert_eq!(serde_json::from_slice::<Definition>(&stored).expect("what was stored is read"), definition);
}

/// Two numbers, separated by a space, compare as their texts do.
fn sequence_numbers(bytes: &[u8]) {
    let texts = String::from_utf8_lossy(bytes);
    let read: Vec<(&str, SequenceNumber)> =
        texts.split(' ').filter_map(|text| Some((text, text.parse().ok()?))).collect();
    for (text, number) in &read {
        assert_eq!(number.to_string(), *text);
        assert!(number.ordinal_at() <= number.ordinal_after());
    }
    for pair in read.windows(2) {
        assert_eq!(pair[0].1.cmp(&pair[1].1), pair[0].0.cmp(pair[1].0));
    }
}

fn hash_keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    HashKey::of_partition_key(&text);
    if let Ok(key) = text.parse::<HashKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(number) = text.parse::<ShardNumber>() {
        assert_eq!(number.to_string(), text);
    }
}

/// Nobody makes a token without the secret, and none is taken for another kind, nor after its time.
fn tokens(bytes: &[u8]) {
    const HOUR: Duration = Duration::from_secs(3600);
    const NOW_MS: u64 = 1_700_000_000_000;
    let signer = Signer::new(&[1; 32]);
    let text = String::from_utf8_lossy(bytes);
    assert!(signer.open(TokenKind::ShardPage, &text, NOW_MS, HOUR).is_err(), "a token was forged");
    let token = signer.seal(TokenKind::ShardPage, NOW_MS, bytes);
    let open = |kind, now_ms| signer.open(kind, &token, now_ms, HOUR);
    assert_eq!(open(TokenKind::ShardPage, NOW_MS).as_deref(), Ok(bytes));
    assert!(open(TokenKind::StreamPage, NOW_MS).is_err());
    assert!(open(TokenKind::ShardPage, NOW_MS + 3_600_001).is_err());
}

/// The body of an iterator is read or refused, and what is read is written as it was.
fn iterators(bytes: &[u8]) {
    let signer = Signer::new(&[1; 32]);
    let token = signer.seal(TokenKind::ShardIterator, 5, bytes);
    if let Ok(iterator) = ShardIterator::open(&signer, &token, 5) {
        assert_eq!(iterator.seal(&signer, 5), token);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn what_the_fuzzers_begin_with_is_read() {
        super::format_seeds().iter().for_each(|seed| super::format(seed));
        super::stored_seeds().iter().for_each(|seed| super::stored(seed));
    }

    proptest! {
        #[test]
        fn whole_structures_with_some_bytes_changed_break_nothing(
            seed in 0usize..64,
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        ) {
            let changed = |seeds: Vec<Vec<u8>>| {
                let mut input = seeds[seed % seeds.len()].clone();
                for (at, byte) in &edits {
                    let at = at.index(input.len());
                    input[at] = *byte;
                }
                input
            };
            super::format(&changed(super::format_seeds()));
            super::stored(&changed(super::stored_seeds()));
        }
    }
}
