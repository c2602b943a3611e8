//! What the headers of segments and journal files have in common (layout in [`crate::format`]).

use super::{FieldWriter, VERSION, checksum, u32_at, u64_at};

const CRC_AT: usize = 8;
const CHECKED_AT: usize = CRC_AT + 4;
const FIELDS_AT: usize = CHECKED_AT + 4;

/// The part of a header block that its checksum covers.
pub(crate) const HEADER_BYTES: usize = 64;
/// How many fields a header has room for; those that a file does not use are zero.
const FIELD_COUNT_MAX: usize = 6;
const _: () = assert!(FIELDS_AT + FIELD_COUNT_MAX * 8 == HEADER_BYTES);

/// Encodes a header. The rest of the header block is not covered.
pub(crate) fn encode<const FIELD_COUNT: usize>(magic: &[u8; 8], fields: [u64; FIELD_COUNT]) -> [u8; HEADER_BYTES] {
    const { assert!(FIELD_COUNT <= FIELD_COUNT_MAX) };
    let mut bytes = [0; HEADER_BYTES];
    let start = FieldWriter::at(&mut bytes, 0).raw(magic).u32(0).u32(VERSION);
    fields.into_iter().fold(start, FieldWriter::u64);
    let crc = checksum(0, &bytes[CHECKED_AT..]);
    FieldWriter::at(&mut bytes, CRC_AT).u32(crc);
    bytes
}

/// Decodes the header at the start of a header block.
///
/// # Errors
/// A sentence on what is wrong.
pub(crate) fn decode<const FIELD_COUNT: usize>(
    magic: &[u8; 8],
    block: &[u8],
) -> Result<[u64; FIELD_COUNT], &'static str> {
    const { assert!(FIELD_COUNT <= FIELD_COUNT_MAX) };
    const CUT: &str = "the file's header is cut off";
    let bytes = block.get(..HEADER_BYTES).ok_or(CUT)?;
    if !bytes.starts_with(magic) {
        return Err("the file's header does not begin as it must");
    }
    if u32_at(bytes, CRC_AT) != Some(checksum(0, &bytes[CHECKED_AT..])) {
        return Err("the checksum of the file's header does not match");
    }
    if u32_at(bytes, CHECKED_AT) != Some(VERSION) {
        return Err("the file's version is unknown");
    }
    let mut fields = [0; FIELD_COUNT];
    for (n, field) in fields.iter_mut().enumerate() {
        *field = u64_at(bytes, FIELDS_AT + n * 8).ok_or(CUT)?;
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_laid_out_as_the_table_says() {
        let mut expected = Vec::from(*b"HWSEGM1\0");
        let mut checked = Vec::from(1u32.to_le_bytes());
        for field in [3u64, 70, 0x1234_5678_9ABC_DEF0, 65_536, 0, 0] {
            checked.extend(field.to_le_bytes());
        }
        expected.extend(crc32c::crc32c(&checked).to_le_bytes());
        expected.extend(checked);
        let fields = [3, 70, 0x1234_5678_9ABC_DEF0, 65_536];
        assert_eq!(encode(b"HWSEGM1\0", fields)[..], expected);
        assert_eq!(decode(b"HWSEGM1\0", &expected), Ok(fields));
        assert!(decode::<4>(b"HWJRNL1\0", &expected).is_err());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let whole = encode(b"HWSEGM1\0", [1, 2, 3, 4]);
        for bit in 0..HEADER_BYTES * 8 {
            let mut damaged = whole;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<4>(b"HWSEGM1\0", &damaged).is_err(), "bit {bit}");
        }
        for end in 0..HEADER_BYTES {
            assert!(decode::<4>(b"HWSEGM1\0", &whole[..end]).is_err(), "cut at {end}");
        }
    }
}
