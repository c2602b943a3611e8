//! A directory of files for what is about to be delivered.
//!
//! What a delivery makes is written to a file and mapped, so that it counts as no memory while it waits for its destination,
//! however long. Nearly all files are scratch: they are unlinked while they are open, and gone with whoever holds them. A
//! file that must outlive a crash is kept under a name, and removed once its delivery is done.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use shard_store::map_file;

/// What the names of kept files end with.
const KEPT: &str = ".staged";

/// The directory; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    dir: Arc<Path>,
}

impl Spool {
    /// Opens the directory, made if it is not there, and removes what scratch files a killed process left in it.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if !path.to_string_lossy().ends_with(KEPT) {
                fs::remove_file(path)?;
            }
        }
        Ok(Self { dir: dir.into() })
    }

    /// A new file without a name.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn scratch(&self) -> io::Result<File> {
        let path = self.dir.join(uuid::Uuid::new_v4().simple().to_string());
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        fs::remove_file(path)?;
        Ok(file)
    }

    /// A new file called `name`, empty whatever was there before.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn create_kept(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(self.path(name))
    }

    /// Makes the file called `name`, with all that was written to it, last through power loss.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn sync_kept(&self, file: &File) -> io::Result<()> {
        file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    /// The bytes of the file called `name`.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn read_kept(&self, name: &str) -> io::Result<Bytes> {
        // For writing too, as mappings ask for it.
        map_file(&OpenOptions::new().read(true).write(true).open(self.path(name))?)
    }

    /// Removes the file called `name`, if it is there.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn remove_kept(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the kept files whose names `is_wanted` does not know.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn sweep(&self, is_wanted: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if name.strip_suffix(KEPT).is_some_and(|name| !is_wanted(name)) {
                fs::remove_file(self.dir.join(&*name))?;
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}{KEPT}"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn scratch_files_leave_nothing_and_kept_ones_stay_until_they_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
        let spool = Spool::open(dir.path()).unwrap();
        let mut scratch = spool.scratch().unwrap();
        scratch.write_all(b"for now").unwrap();
        assert_eq!(map_file(&scratch).unwrap(), "for now");
        assert!(names().is_empty());
        let mut kept = spool.create_kept("a").unwrap();
        kept.write_all(b"for later").unwrap();
        spool.sync_kept(&kept).unwrap();
        fs::write(dir.path().join("left-behind"), "").unwrap();
        let spool = Spool::open(dir.path()).unwrap();
        assert_eq!(names(), ["a.staged"]);
        spool.sweep(|name| name == "a").unwrap();
        assert_eq!(spool.read_kept("a").unwrap(), "for later");
        spool.sweep(|_| false).unwrap();
        spool.remove_kept("a").unwrap();
        assert!(names().is_empty());
    }
}
