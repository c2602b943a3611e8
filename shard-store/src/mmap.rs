//! The one module with unsafe code: a file mapped for one writer and any number of readers.
//!
//! The contract, on which every `SAFETY` comment below rests:
//! 1. The data directory is locked by this process, and a mapped file never shrinks.
//! 2. Bytes below the **frozen** watermark never change again; readers slice only below it.
//! 3. There is one [`Writer`] per mapping; it touches only bytes at or above the watermark, and moves it (Release) after
//!    the bytes below the new one are in place. Readers load it (Acquire).
//!
//! What the bytes mean, and which of the frozen ones may be shown to users, is not decided here.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::{Advice, MmapOptions, MmapRaw};

use crate::sync::atomic::{AtomicUsize, Ordering};

/// A mapped file.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: MmapRaw,
    frozen: AtomicUsize,
}

/// The right to write to a [`Mapping`] at its watermark.
#[derive(Debug)]
pub(crate) struct Writer {
    mapping: Arc<Mapping>,
}

/// The bytes of a whole file that nobody changes or shortens any more: they are the kernel's to keep or to drop, so they
/// count as no memory of this process. The file may be removed meanwhile.
///
/// # Errors
/// As the system says.
pub fn map_file(file: &File) -> io::Result<Bytes> {
    let byte_count = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // Nothing can be mapped of nothing.
    if byte_count == 0 {
        return Ok(Bytes::new());
    }
    Ok(Mapping::open(file, byte_count, byte_count)?.mapping().to_bytes())
}

impl Mapping {
    /// Maps `byte_count` bytes of `file`, of which the first `frozen` will never change.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file is shorter, and as the system says.
    pub(crate) fn open(file: &File, byte_count: usize, frozen: usize) -> io::Result<Writer> {
        // A page beyond the end of the file would be a SIGBUS.
        if file.metadata()?.len() < byte_count as u64 || frozen > byte_count {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let map = MmapOptions::new().len(byte_count).map_raw(file)?;
        Ok(Writer { mapping: Arc::new(Self { map, frozen: AtomicUsize::new(frozen) }) })
    }

    /// The frozen bytes.
    #[expect(unsafe_code, reason = "a slice of the mapping")]
    pub(crate) fn frozen(&self) -> &[u8] {
        let byte_count = self.frozen.load(Ordering::Acquire);
        debug_assert!(byte_count <= self.map.len());
        // SAFETY: the mapping is at least `frozen` bytes long (checked in `open` and `freeze`) and lives as long as
        // `self`; bytes below the watermark are initialised (they come from a file) and never change (contract 2, 3).
        unsafe { std::slice::from_raw_parts(self.map.as_ptr(), byte_count) }
    }

    /// The frozen bytes, owning the mapping.
    pub(crate) fn to_bytes(self: &Arc<Self>) -> Bytes {
        struct Owner(Arc<Mapping>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                self.0.frozen()
            }
        }
        Bytes::from_owner(Owner(Arc::clone(self)))
    }

    /// Brings the pages of a range into memory, ready to be written; a hint, so errors do not matter.
    pub(crate) fn populate(&self, offset: usize, byte_count: usize) {
        let byte_count = byte_count.min(self.map.len().saturating_sub(offset));
        if byte_count > 0 {
            // An old kernel that does not know the advice leaves us with ordinary page faults.
            let _ = self.map.advise_range(Advice::PopulateWrite, offset, byte_count);
        }
    }
}

impl Writer {
    /// The mapping, to be shared with readers.
    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Where the next window begins, in bytes from the start of the file.
    pub(crate) fn position(&self) -> usize {
        // Relaxed: only this writer stores it.
        self.mapping.frozen.load(Ordering::Relaxed)
    }

    /// The bytes left after the watermark.
    pub(crate) fn remaining(&self) -> usize {
        self.mapping.map.len() - self.position()
    }

    /// The `byte_count` bytes after the watermark, to be filled and then frozen; `None` if there is not that much left.
    #[expect(unsafe_code, reason = "a slice of the mapping")]
    pub(crate) fn window(&mut self, byte_count: usize) -> Option<&mut [u8]> {
        if byte_count > self.remaining() {
            return None;
        }
        let position = self.position();
        // SAFETY: the range lies inside the mapping (checked above). No reader slices at or above the watermark, and
        // `&mut self` on the only writer makes this the only mutable slice (contract 2, 3).
        Some(unsafe { std::slice::from_raw_parts_mut(self.mapping.map.as_mut_ptr().add(position), byte_count) })
    }

    /// Freezes `byte_count` bytes after the watermark: they never change again.
    ///
    /// # Panics
    /// If there are not that many bytes left.
    pub(crate) fn freeze(&mut self, byte_count: usize) {
        assert!(byte_count <= self.remaining(), "only bytes of a window can be frozen");
        // Release: pairs with the Acquire in `frozen`, so a reader that sees the watermark sees the bytes.
        self.mapping.frozen.store(self.position() + byte_count, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(byte_count: usize) -> (tempfile::TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path).unwrap();
        file.set_len(byte_count as u64).unwrap();
        let writer = Mapping::open(&file, byte_count, 0).unwrap();
        (dir, writer)
    }

    #[test]
    fn readers_see_exactly_what_is_frozen() {
        let (_dir, mut writer) = mapped(4096);
        writer.window(4).unwrap().copy_from_slice(b"abcd");
        assert_eq!(writer.mapping().frozen(), b"");
        writer.freeze(4);
        let kept = writer.mapping().to_bytes();
        writer.window(2).unwrap().copy_from_slice(b"ef");
        writer.freeze(2);
        assert_eq!((&kept[..], writer.mapping().frozen()), (&b"abcd"[..], &b"abcdef"[..]));
    }

    #[test]
    fn a_window_never_reaches_past_the_file() {
        let (_dir, mut writer) = mapped(4096);
        assert!(writer.window(4097).is_none());
        writer.freeze(4090);
        assert!(writer.window(7).is_none());
        assert_eq!(writer.window(6).unwrap().len(), 6);
    }

    #[test]
    fn a_file_shorter_than_the_mapping_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = File::create_new(dir.path().join("file")).unwrap();
        assert_eq!(Mapping::open(&file, 1, 0).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
