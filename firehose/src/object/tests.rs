use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::*;

const ALL: [ObjectCompression; 6] = [
    ObjectCompression::Uncompressed,
    ObjectCompression::Gzip,
    ObjectCompression::Zip,
    ObjectCompression::Snappy,
    ObjectCompression::HadoopSnappy,
    ObjectCompression::Zstd,
];

/// Records of every size around the blocks of the formats: some that compress well, one that does not compress at all.
fn records() -> Vec<Vec<u8>> {
    let mut random = 1_u64;
    let noise = |_| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 56) as u8
    };
    let mut records: Vec<Vec<u8>> = [0, 1, 100, 65_536, 218_421, 218_422, 218_423, 500_000]
        .map(|length| (0..length).map(|position| (position % 251) as u8).collect())
        .to_vec();
    records.push((0..600_000).map(noise).collect());
    records
}

fn encoded(records: &[Vec<u8>], compression: ObjectCompression) -> Vec<u8> {
    let records = records.iter().map(Vec::as_slice);
    let mut object = Vec::new();
    encode_to(records, compression, "logs/2026/stream-1-uuid.zip", &mut object).unwrap();
    object
}

/// Reads an object as its readers do.
fn decoded(object: &[u8], compression: ObjectCompression) -> Vec<u8> {
    let mut bytes = Vec::new();
    match compression {
        ObjectCompression::Uncompressed => bytes.extend_from_slice(object),
        ObjectCompression::Gzip => {
            MultiGzDecoder::new(object).read_to_end(&mut bytes).unwrap();
        }
        ObjectCompression::Zip => {
            let mut archive = zip::ZipArchive::new(Cursor::new(object)).unwrap();
            assert_eq!(archive.len(), 1);
            let mut entry = archive.by_index(0).unwrap();
            assert_eq!(entry.name().unwrap(), "stream-1-uuid");
            entry.read_to_end(&mut bytes).unwrap();
        }
        ObjectCompression::Snappy => {
            snap::read::FrameDecoder::new(object).read_to_end(&mut bytes).unwrap();
        }
        ObjectCompression::HadoopSnappy => bytes = hadoop_decoded(object),
        ObjectCompression::Zstd => bytes = zstd::decode_all(object).unwrap(),
    }
    bytes
}

/// Reads as Hadoop's `BlockDecompressorStream` does: a chunk must fit its buffer, before and after.
fn hadoop_decoded(mut object: &[u8]) -> Vec<u8> {
    let length = |rest: &mut &[u8]| {
        let (length, after) = rest.split_first_chunk::<4>().unwrap();
        *rest = after;
        u32::from_be_bytes(*length) as usize
    };
    let mut bytes = Vec::new();
    while !object.is_empty() {
        let block_bytes = length(&mut object);
        let chunk_bytes = length(&mut object);
        assert!(block_bytes <= 256 * 1024 && chunk_bytes <= 256 * 1024, "a reader has no room for the chunk");
        let (chunk, rest) = object.split_at(chunk_bytes);
        let block = snap::raw::Decoder::new().decompress_vec(chunk).unwrap();
        assert_eq!(block.len(), block_bytes);
        bytes.extend(block);
        object = rest;
    }
    bytes
}

#[test]
fn every_compression_is_read_back_and_repeats_its_bytes() {
    let records = records();
    for compression in ALL {
        let object = encoded(&records, compression);
        assert!(decoded(&object, compression) == records.concat(), "{compression:?}");
        assert!(object == encoded(&records, compression), "{compression:?} depends on something beside the records");
        assert_eq!(compression != ObjectCompression::Uncompressed, object.len() < 800_000, "{compression:?}");
    }
}

#[test]
fn every_format_begins_as_its_readers_expect() {
    for (compression, magic) in [
        (ObjectCompression::Gzip, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0][..]),
        (ObjectCompression::Zip, b"PK\x03\x04"),
        (ObjectCompression::Snappy, b"\xff\x06\x00\x00sNaPpY"),
        (ObjectCompression::HadoopSnappy, &[0, 0, 0, 5, 0, 0, 0, 7, 5, 16, b'h', b'e', b'l', b'l', b'o']),
        (ObjectCompression::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
    ] {
        let object = encoded(&[b"hello".to_vec()], compression);
        assert!(object.starts_with(magic), "{compression:?}: {object:x?}");
    }
}

#[test]
fn an_output_that_refuses_is_an_error_of_every_compression() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("no space left"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let records = records();
    for compression in ALL {
        let error = encode_to(records.iter().map(Vec::as_slice), compression, "key", &mut Full).unwrap_err();
        assert!(error.to_string().contains("no space left"), "{compression:?}: {error}");
    }
}

#[test]
fn the_entry_of_a_zip_has_no_folder() {
    assert_eq!(entry_name("a/b/stream-1.zip"), "stream-1");
    assert_eq!(entry_name("stream-1.other"), "stream-1.other");
}
