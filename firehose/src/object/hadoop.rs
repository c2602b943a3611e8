//! The framing that Hadoop gives Snappy.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | bytes of the block before compression, big-endian |
//! | 4 | bytes of the chunk that follows, big-endian |
//! | … | the chunk, in Snappy's raw format |
//!
//! A block may have several chunks; here it has one. Blocks follow each other to the end of the file.
//!
//! Source: Apache Hadoop, `BlockCompressorStream` and `SnappyCodec`.

use std::io::{self, Write};

/// The default of `io.compression.codec.snappy.buffersize`: a reader has no room for larger chunks.
const READER_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes of a block before compression: what is left of the buffer if Snappy makes them longer.
const BLOCK_BYTES_MAX: usize = READER_BUFFER_BYTES - (READER_BUFFER_BYTES / 6 + 32);

/// Compresses what is written to it block by block; the last one is written by `flush`.
pub(super) struct BlockEncoder<W> {
    output: W,
    block: Vec<u8>,
    chunk: Vec<u8>,
    snappy: snap::raw::Encoder,
}

impl<W: Write> BlockEncoder<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            output,
            block: Vec::with_capacity(BLOCK_BYTES_MAX),
            chunk: vec![0; snap::raw::max_compress_len(BLOCK_BYTES_MAX)],
            snappy: snap::raw::Encoder::new(),
        }
    }

    fn end_block(&mut self) -> io::Result<()> {
        let chunk_bytes = self.snappy.compress(&self.block, &mut self.chunk)?;
        let chunk = self.chunk.get(..chunk_bytes).unwrap_or_default();
        for byte_count in [self.block.len(), chunk.len()] {
            let byte_count = u32::try_from(byte_count).map_err(io::Error::other)?;
            self.output.write_all(&byte_count.to_be_bytes())?;
        }
        self.output.write_all(chunk)?;
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for BlockEncoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK_BYTES_MAX {
            self.end_block()?;
        }
        let (taken, _) = bytes.split_at(bytes.len().min(BLOCK_BYTES_MAX - self.block.len()));
        self.block.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        self.output.flush()
    }
}
