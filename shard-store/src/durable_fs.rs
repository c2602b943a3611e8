//! The file system as the store needs it: what makes bytes and names survive power loss, in one place.
//!
//! [`DurableFs`] is also where faults enter: tests give the store a double that fails a call, or that keeps durable bytes
//! apart from live ones. Writes through a mapping do not pass here; they become durable with [`DurableFs::sync`].

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::FallocateFlags;

/// What the store asks of a file system. All calls block.
pub trait DurableFs: Send + Sync + 'static {
    /// Creates a file that must not exist, with `byte_count` bytes of reserved space that read as zero.
    ///
    /// # Errors
    /// `StorageFull` if there is no room: the file is then removed again.
    fn create(&self, path: &Path, byte_count: u64) -> io::Result<File>;

    /// Writes all of `slices`, one after the other, at `offset`.
    ///
    /// # Errors
    /// As the system says; some of the bytes may have been written.
    fn write_at(&self, file: &File, path: &Path, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;

    /// Makes the file's bytes durable, those written through mappings included.
    ///
    /// # Errors
    /// As the system says. It must not be tried again: the kernel may have dropped the dirty pages.
    fn sync(&self, file: &File, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name, perhaps in another directory of the store, replacing what was there.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real file system.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealFs;

impl DurableFs for RealFs {
    fn create(&self, path: &Path, byte_count: u64) -> io::Result<File> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        // Reserved now, a full disk is an error here; found out later, it would be a SIGBUS in a mapping.
        if let Err(error) = rustix::fs::fallocate(file.as_fd(), FallocateFlags::empty(), 0, byte_count) {
            drop(file);
            fs::remove_file(path)?;
            return Err(error.into());
        }
        Ok(file)
    }

    fn write_at(&self, file: &File, _path: &Path, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        write_all_vectored_at(file, slices, offset)
    }

    fn sync(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// The most slices one `pwritev` takes on Linux (`IOV_MAX`).
const SLICES_PER_WRITE_MAX: usize = 1024;

fn write_all_vectored_at(file: &File, mut slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        let window = &slices[..slices.len().min(SLICES_PER_WRITE_MAX)];
        match rustix::io::pwritev(file.as_fd(), window, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                offset += written as u64;
                IoSlice::advance_slices(&mut slices, written);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_slices_than_one_call_takes_are_all_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = RealFs.create(&path, 4096).unwrap();
        let parts: Vec<[u8; 3]> = (0..3000u16).map(|n| [n as u8, (n >> 8) as u8, 7]).collect();
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        RealFs.write_at(&file, &path, &mut slices, 5).unwrap();
        assert_eq!(&fs::read(&path).unwrap()[5..5 + 9000], parts.concat());
    }

    #[test]
    fn a_reserved_file_reads_as_zero_and_is_not_created_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        RealFs.create(&path, 10_000).unwrap();
        assert_eq!(fs::read(&path).unwrap(), vec![0; 10_000]);
        assert_eq!(RealFs.create(&path, 1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
