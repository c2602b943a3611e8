//! Where an export goes.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Stdout, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// The permissions of a new file, of which the process's mask takes away.
const FILE_MODE: u32 = 0o666;
/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// The output of an export.
pub(super) enum Target {
    /// Standard output.
    Stdout(BufWriter<Stdout>),
    /// Something that is written in place: a pipe, a device.
    InPlace(BufWriter<File>, PathBuf),
    /// A file that takes its name once it is complete.
    Whole(Box<BufWriter<NamedTempFile>>, PathBuf),
}

impl Target {
    /// Opens the output; without a path it is standard output.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Stdout(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()))) };
        // What a symbolic link leads to is replaced, and not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let failure = |source| Failure::OutputFile { path: path.clone(), source };
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            let file = File::options().write(true).open(&path).map_err(failure)?;
            return Ok(Self::InPlace(BufWriter::with_capacity(BUFFER_BYTES, file), path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".headwater-export-").permissions(Permissions::from_mode(FILE_MODE));
        let file = builder.tempfile_in(folder).map_err(failure)?;
        Ok(Self::Whole(Box::new(BufWriter::with_capacity(BUFFER_BYTES, file)), path))
    }

    /// Why nothing more can be written.
    pub(super) fn failure(&self, source: io::Error) -> Failure {
        match self {
            Self::Stdout(_) => Failure::Output(source),
            Self::InPlace(_, path) | Self::Whole(_, path) => Failure::OutputFile { path: path.clone(), source },
        }
    }

    /// Writes what is left and lets the file appear, with its bytes on the disk.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.flush().map_err(|source| self.failure(source))?;
        let Self::Whole(writer, path) = self else { return Ok(()) };
        let failure = |source| Failure::OutputFile { path: path.clone(), source };
        let file = writer.into_inner().map_err(|error| failure(error.into_error()))?;
        file.as_file().sync_all().map_err(failure)?;
        file.persist(&path).map_err(|error| failure(error.error))?;
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::InPlace(out, _) => out.write(bytes),
            Self::Whole(out, _) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::InPlace(out, _) => out.flush(),
            Self::Whole(out, _) => out.flush(),
        }
    }
}
