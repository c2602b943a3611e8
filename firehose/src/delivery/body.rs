//! An object in the making: a scratch file that is counted and checksummed as it is written, then mapped.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use flate2::Crc;
use shard_store::map_file;

use crate::spool::Spool;

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// The body of an object in the making.
pub(crate) struct BodyWriter {
    file: BufWriter<File>,
    crc: Crc,
}

/// The body of an object: bytes that are the kernel's to keep or to drop.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) crc32: u32,
}

impl BodyWriter {
    pub(crate) fn new(spool: &Spool) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, spool.scratch()?);
        Ok(Self { file, crc: Crc::new() })
    }

    pub(crate) fn finish(self) -> io::Result<Body> {
        let crc32 = self.crc.sum();
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Body { bytes: map_file(&file)?, crc32 })
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.crc.update(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
