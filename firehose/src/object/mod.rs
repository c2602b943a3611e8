//! Objects of records that are not converted: the records verbatim, one after the other, compressed or not.

use std::io::{self, Write};

use flate2::write::GzEncoder;

use crate::definition::ObjectCompression;

/// The records as one object. `byte_count` is that of all records.
///
/// # Errors
/// The encoder's.
pub(crate) fn encode<'a>(
    records: impl Iterator<Item = &'a [u8]>,
    byte_count: u64,
    compression: ObjectCompression,
) -> io::Result<Vec<u8>> {
    let capacity = usize::try_from(byte_count).unwrap_or(0);
    match compression {
        ObjectCompression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::with_capacity(capacity / 4), flate2::Compression::default());
            for record in records {
                encoder.write_all(record)?;
            }
            encoder.finish()
        }
        _ => {
            let mut object = Vec::with_capacity(capacity);
            records.for_each(|record| object.extend_from_slice(record));
            Ok(object)
        }
    }
}

/// The extension of such objects, with its dot.
pub(crate) fn extension(compression: ObjectCompression) -> &'static str {
    match compression {
        ObjectCompression::Gzip => ".gz",
        _ => "",
    }
}
