//! Objects of records that are not converted: the records verbatim, one after the other, compressed or not.

use std::io::{self, Write};

use flate2::write::GzEncoder;

use crate::definition::ObjectCompression;

/// The records as one object, in memory. `byte_count` is that of all records; `key` is the object's.
///
/// # Errors
/// The encoder's.
pub(crate) fn encode<'a>(
    records: impl Iterator<Item = &'a [u8]>,
    byte_count: u64,
    compression: ObjectCompression,
    key: &str,
) -> io::Result<Vec<u8>> {
    let capacity = usize::try_from(byte_count).unwrap_or(0);
    let is_compressed = compression != ObjectCompression::Uncompressed;
    let mut object = Vec::with_capacity(if is_compressed { capacity / 4 } else { capacity });
    encode_to(records, compression, key, &mut object)?;
    Ok(object)
}

/// Writes the records to `output` as one object. Only the encoder's window is in memory; the same records under the same
/// `key` give the same bytes. `output` should be buffered where a write costs a system call.
///
/// # Errors
/// The output's, or the encoder's.
pub(crate) fn encode_to<'a>(
    records: impl Iterator<Item = &'a [u8]>,
    compression: ObjectCompression,
    _key: &str,
    output: &mut impl Write,
) -> io::Result<()> {
    match compression {
        ObjectCompression::Gzip => {
            let mut encoder = GzEncoder::new(output, flate2::Compression::default());
            write_all(records, &mut encoder)?;
            encoder.finish()?;
            Ok(())
        }
        _ => write_all(records, output),
    }
}

fn write_all<'a>(mut records: impl Iterator<Item = &'a [u8]>, output: &mut impl Write) -> io::Result<()> {
    records.try_for_each(|record| output.write_all(record))
}

/// The extension of such objects, with its dot.
pub(crate) fn extension(compression: ObjectCompression) -> &'static str {
    match compression {
        ObjectCompression::Gzip => ".gz",
        _ => "",
    }
}
