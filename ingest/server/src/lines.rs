//! Lines of a file, of a gzip file or of stdin, each of bounded length.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use consumers::limits::RECORD_BYTES_MAX;
use flate2::bufread::MultiGzDecoder;

/// Lines without their ends; a last line may lack one.
pub(crate) struct Lines {
    reader: Box<dyn BufRead + Send>,
}

impl Lines {
    /// Opens `path`; `-` is stdin, and a name that ends in `.gz` is decompressed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self { reader: Box::new(BufReader::new(io::stdin())) });
        }
        let file = BufReader::new(File::open(path)?);
        if path.extension().is_some_and(|extension| extension == "gz") {
            return Ok(Self { reader: Box::new(BufReader::new(MultiGzDecoder::new(file))) });
        }
        Ok(Self { reader: Box::new(file) })
    }

    /// The next line, or `None` at the end. A line longer than any record fails with `InvalidData`.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        // One byte for the line end and one to see that there is too much.
        let byte_count_max = RECORD_BYTES_MAX as u64 + 2;
        let byte_count = self.reader.by_ref().take(byte_count_max).read_until(b'\n', &mut line)?;
        if byte_count == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        if line.len() > RECORD_BYTES_MAX {
            let reason = format!("the line is longer than the {RECORD_BYTES_MAX} bytes that a record may have");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: impl Into<Vec<u8>>) -> Lines {
        Lines { reader: Box::new(BufReader::new(io::Cursor::new(bytes.into()))) }
    }

    #[test]
    fn line_ends_are_cut_and_the_last_may_be_missing() {
        let mut lines = lines("a\nb\r\n\nlast");
        let mut texts = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            texts.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(texts, ["a", "b", "", "last"]);
    }

    #[test]
    fn line_without_end_is_not_read_into_memory() {
        assert_eq!(lines(vec![b'x'; RECORD_BYTES_MAX]).next().unwrap().map(|line| line.len()), Some(RECORD_BYTES_MAX));
        let error = lines(vec![b'x'; RECORD_BYTES_MAX + 10]).next().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn gzip_is_known_by_its_name() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.ndjson.gz");
        let mut encoder = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        encoder.write_all(b"one\ntwo\n").unwrap();
        encoder.finish().unwrap();
        let mut lines = Lines::open(&path).unwrap();
        assert_eq!(lines.next().unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(lines.next().unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(lines.next().unwrap(), None);
    }
}
