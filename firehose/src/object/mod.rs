//! Objects of records that are not converted: the records verbatim, one after the other, compressed or not.
//!
//! | compression | format | extension |
//! |---|---|---|
//! | GZIP | one member, without a name and a time | `.gz` |
//! | ZIP | one entry, named like the object without its `.zip`, of 1 January 1980 | `.zip` |
//! | Snappy | Snappy's framing format, with checksums | `.snappy` |
//! | Hadoop Snappy | the blocks of Hadoop's `BlockCompressorStream` | `.hsnappy` |
//! | zstd (ours) | one frame with a checksum | `.zst` |
//!
//! Source: Firehose Developer Guide, "Configure Amazon S3 object name format" (extensions). AWS documents neither what its
//! ZIP entry is called nor which of Snappy's formats it writes: the framing format is the one of Snappy's own for streams,
//! which Athena reads beside Hadoop's. What is written is pinned by the tests.
//!
//! What this does not do: write more than 4 GiB into a ZIP; that is an error.

mod hadoop;

use std::io::{self, Write};

use flate2::write::GzEncoder;
use snap::write::FrameEncoder;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use crate::definition::ObjectCompression;
use hadoop::BlockEncoder;

/// Zstandard's own default: smaller than GZIP, and several times faster.
const ZSTD_LEVEL: i32 = 3;

/// Writes the records to `output` as one object, whose key is `key`. Only the encoder's window is in memory; the same
/// records under the same key give the same bytes. `output` should be buffered where a write costs a system call.
///
/// # Errors
/// The output's, or the encoder's.
pub(crate) fn encode_to<'a>(
    records: impl Iterator<Item = &'a [u8]>,
    compression: ObjectCompression,
    key: &str,
    output: &mut impl Write,
) -> io::Result<()> {
    match compression {
        ObjectCompression::Uncompressed => write_all(records, output),
        ObjectCompression::Gzip => {
            let mut encoder = GzEncoder::new(output, flate2::Compression::default());
            write_all(records, &mut encoder)?;
            encoder.finish().map(|_| ())
        }
        ObjectCompression::Zip => {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(DateTime::default());
            let mut encoder = ZipWriter::new_stream(output);
            encoder.start_file(entry_name(key), options)?;
            write_all(records, &mut encoder)?;
            encoder.finish()?;
            Ok(())
        }
        ObjectCompression::Snappy => {
            let mut encoder = FrameEncoder::new(output);
            write_all(records, &mut encoder)?;
            encoder.flush()
        }
        ObjectCompression::HadoopSnappy => {
            let mut encoder = BlockEncoder::new(output);
            write_all(records, &mut encoder)?;
            encoder.flush()
        }
        ObjectCompression::Zstd => {
            let mut encoder = zstd::Encoder::new(output, ZSTD_LEVEL)?;
            encoder.include_checksum(true)?;
            write_all(records, &mut encoder)?;
            encoder.finish().map(|_| ())
        }
    }
}

fn write_all<'a>(mut records: impl Iterator<Item = &'a [u8]>, output: &mut impl Write) -> io::Result<()> {
    records.try_for_each(|record| output.write_all(record))
}

/// What the entry of a ZIP is called: a name without folders, so that unpacking makes one file beside the object.
fn entry_name(key: &str) -> &str {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    name.strip_suffix(extension(ObjectCompression::Zip)).unwrap_or(name)
}

/// The extension of such objects, with its dot.
pub(crate) fn extension(compression: ObjectCompression) -> &'static str {
    match compression {
        ObjectCompression::Uncompressed => "",
        ObjectCompression::Gzip => ".gz",
        ObjectCompression::Zip => ".zip",
        ObjectCompression::Snappy => ".snappy",
        ObjectCompression::HadoopSnappy => ".hsnappy",
        ObjectCompression::Zstd => ".zst",
    }
}

#[cfg(test)]
mod tests;
