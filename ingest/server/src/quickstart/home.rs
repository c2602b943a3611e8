//! The directory of a quickstart, and what becomes of it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::failure::Failure;
use crate::output::note;

/// Where the store and the Parquet files are.
pub(crate) enum Home {
    /// A directory that was asked for; it stays.
    Given(PathBuf),
    /// A fresh one; it goes, unless something is wrong with what is in it.
    Temporary(TempDir),
}

impl Home {
    /// The given directory, or a fresh one.
    pub(crate) fn open(given: Option<PathBuf>) -> Result<Self, Failure> {
        match given {
            Some(dir) => Ok(Self::Given(dir)),
            None => tempfile::Builder::new()
                .prefix("headwater-quickstart-")
                .tempdir()
                .map(Self::Temporary)
                .map_err(|source| Failure::System { action: "make a temporary directory", source }),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        match self {
            Self::Given(dir) => dir,
            Self::Temporary(dir) => dir.path(),
        }
    }

    /// Removes a temporary directory if all went well, says what became of the directory, and returns it if it is kept.
    pub(crate) fn settle(self, is_well: bool) -> Option<PathBuf> {
        let kept = match self {
            Self::Given(dir) => dir,
            Self::Temporary(dir) if !is_well => dir.keep(),
            Self::Temporary(dir) => {
                let path = dir.path().to_owned();
                match dir.close() {
                    Ok(()) => note(format_args!("the temporary directory {} was removed", path.display())),
                    Err(error) => {
                        note(format_args!("the temporary directory {} was not removed: {error}", path.display()))
                    }
                }
                return None;
            }
        };
        note(format_args!("the data was kept in {}", kept.display()));
        Some(kept)
    }
}
