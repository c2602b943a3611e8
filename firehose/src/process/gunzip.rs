//! Decompression: GZIP, and no more than a record may hold.
//!
//! The codes of the reasons are ours; AWS's documentation has none.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use crate::limits::DECOMPRESSED_BYTES_MAX;
use crate::record::Reason;

/// What is in GZIP data. Memory: at most [`DECOMPRESSED_BYTES_MAX`], whatever it would expand to.
pub(super) fn gunzip(data: &[u8]) -> Result<Bytes, Reason> {
    let mut content = Vec::new();
    let outcome = MultiGzDecoder::new(data).take(DECOMPRESSED_BYTES_MAX as u64 + 1).read_to_end(&mut content);
    if let Err(error) = outcome {
        let message = format!("The record is not GZIP: {error}.");
        return Err(Reason::processing_failed("Decompression.InvalidData", &message));
    }
    if content.len() > DECOMPRESSED_BYTES_MAX {
        let message = format!("The record holds more than {DECOMPRESSED_BYTES_MAX} bytes after decompression.");
        return Err(Reason::processing_failed("Decompression.TooLarge", &message));
    }
    Ok(content.into())
}

#[cfg(test)]
pub(super) fn gzip(data: &[u8]) -> Bytes {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_gzip_are_read_one_after_the_other() {
        let two = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(gunzip(&two).unwrap(), "onetwo");
    }

    #[test]
    fn what_is_no_gzip_or_too_much_is_refused() {
        let whole = gzip(b"some text");
        for data in [&b""[..], b"plain", &whole[..whole.len() - 3]] {
            assert_eq!(gunzip(data).unwrap_err().code, "Decompression.InvalidData");
        }
        let bomb = gzip(&vec![0; DECOMPRESSED_BYTES_MAX + 1]);
        assert!(bomb.len() < 1_000_000, "{}", bomb.len());
        assert_eq!(gunzip(&bomb).unwrap_err().code, "Decompression.TooLarge");
        assert_eq!(gunzip(&gzip(&vec![0; DECOMPRESSED_BYTES_MAX])).unwrap().len(), DECOMPRESSED_BYTES_MAX);
    }
}
