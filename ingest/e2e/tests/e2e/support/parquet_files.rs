//! Reading what was delivered, from the files themselves.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};

/// The files below a directory, sorted by path; none if it is not there.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Whether a file is an object that is still being written, beside its place.
fn is_staged(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains('#'))
}

/// The objects below a directory, sorted by path.
pub(crate) fn objects_below(dir: &Path) -> Vec<PathBuf> {
    files_below(dir).into_iter().filter(|path| !is_staged(path)).collect()
}

fn parquet_files_below(dir: &Path) -> impl Iterator<Item = PathBuf> {
    objects_below(dir).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
}

/// How many rows the Parquet files below a directory have together, by their footers.
pub(crate) fn row_count_below(dir: &Path) -> usize {
    let counts = parquet_files_below(dir).map(|path| {
        let reader = SerializedFileReader::new(File::open(&path).unwrap());
        let reader = reader.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap()
    });
    counts.sum()
}

/// The rows of every Parquet file below a directory.
///
/// # Panics
/// If a file cannot be read to its end: an object appears whole or not at all.
pub(crate) fn rows_below(dir: &Path) -> Vec<RecordBatch> {
    parquet_files_below(dir).flat_map(|path| rows_of(&path)).collect()
}

/// The rows of one Parquet file.
pub(crate) fn rows_of(path: &Path) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap());
    let builder = builder.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    builder.build().unwrap().map(|batch| batch.unwrap_or_else(|error| panic!("{}: {error}", path.display()))).collect()
}
