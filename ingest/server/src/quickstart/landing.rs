//! Waiting until the Parquet files hold as many rows as events were sent, by their footers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader, SerializedFileReader};

use super::progress::Progress;
use super::{ERROR_PREFIX, PREFIX};
use crate::failure::Failure;

/// How often the directory is looked at.
const POLL_PAUSE: Duration = Duration::from_millis(200);
/// How long no new row may land.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
/// How deep folders may be nested: the prefix, and year, month, day, hour.
const DEPTH_MAX: usize = 16;

/// What has landed.
pub(crate) struct Landing {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) file_bytes: u64,
    /// From the last acknowledgement to the last row.
    pub(crate) elapsed: Duration,
}

/// Waits for `row_count` rows in the files of `bucket`.
pub(crate) async fn wait(bucket: &Path, row_count: u64) -> Result<Landing, Failure> {
    let mut progress = Progress::new("delivering", row_count);
    let mut landed = Landed::default();
    let started = Instant::now();
    let mut moved_at = started;
    loop {
        let bucket = bucket.to_owned();
        let row_count_before = landed.row_count();
        landed = tokio::task::spawn_blocking(move || landed.look(&bucket))
            .await
            .map_err(|source| Failure::System { action: "look for Parquet files", source: source.into() })??;
        if let Some(path) = &landed.error_file {
            let reason = format!("events could not be converted; {} says why", path.display());
            return Err(Failure::Quickstart(reason));
        }
        progress.set(landed.row_count());
        if landed.row_count() >= row_count {
            break;
        }
        if landed.row_count() > row_count_before {
            moved_at = Instant::now();
        }
        if moved_at.elapsed() > STANDSTILL_MAX {
            let (rows, waited) = (landed.row_count(), STANDSTILL_MAX.as_secs());
            let reason = format!("{rows} of {row_count} events were delivered, and no more within {waited} s");
            return Err(Failure::Quickstart(reason));
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
    let file_bytes = landed.files.values().map(|file| file.byte_count).sum();
    Ok(Landing { files: landed.files.into_keys().collect(), file_bytes, elapsed: started.elapsed() })
}

/// The files seen so far. A file that has landed does not change any more.
#[derive(Default)]
struct Landed {
    files: BTreeMap<PathBuf, LandedFile>,
    error_file: Option<PathBuf>,
}

struct LandedFile {
    row_count: u64,
    byte_count: u64,
}

impl Landed {
    fn row_count(&self) -> u64 {
        self.files.values().map(|file| file.row_count).sum()
    }

    fn look(mut self, bucket: &Path) -> Result<Self, Failure> {
        for path in files_below(&bucket.join(PREFIX))? {
            if self.files.contains_key(&path) {
                continue;
            }
            // A file that is not complete yet has no footer; it is looked at again.
            if let Ok(file) = LandedFile::read(&path) {
                self.files.insert(path, file);
            }
        }
        self.error_file = files_below(&bucket.join(ERROR_PREFIX))?.into_iter().next();
        Ok(self)
    }
}

impl LandedFile {
    fn read(path: &Path) -> Result<Self, parquet::errors::ParquetError> {
        let file = File::open(path)?;
        let byte_count = file.metadata()?.len();
        let reader = SerializedFileReader::new(file)?;
        let row_count = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or_default();
        Ok(Self { row_count, byte_count })
    }
}

/// All files below a folder, which may not be there yet.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    collect_files(folder, DEPTH_MAX, &mut files)
        .map_err(|source| Failure::Input { path: folder.to_owned(), source })?;
    Ok(files)
}

fn collect_files(folder: &Path, depth_max: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        } else if depth_max > 0 {
            collect_files(&entry.path(), depth_max - 1, files)?;
        }
    }
    Ok(())
}
