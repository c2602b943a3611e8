//! File systems that fail: one stops at the n-th call, one cannot sync some files, one forgets what was not synced.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use shard_store::durable_fs::{DurableFs, RealFs};

/// Fails every call from the n-th on, as if the process had been killed, or the disk unplugged, just before it.
pub(crate) struct HaltingFs {
    calls_left: AtomicI64,
    kind: io::ErrorKind,
}

impl HaltingFs {
    /// Fails with `kind` after `calls` calls.
    pub(crate) fn after(calls: i64, kind: io::ErrorKind) -> Self {
        Self { calls_left: AtomicI64::new(calls), kind }
    }

    /// Lets `calls` more calls through.
    pub(crate) fn allow(&self, calls: i64) {
        self.calls_left.store(calls, Ordering::SeqCst);
    }

    fn pass(&self) -> io::Result<()> {
        if self.calls_left.fetch_sub(1, Ordering::SeqCst) > 0 { Ok(()) } else { Err(self.kind.into()) }
    }
}

impl DurableFs for HaltingFs {
    fn create(&self, path: &Path, byte_count: u64) -> io::Result<File> {
        self.pass()?;
        RealFs.create(path, byte_count)
    }

    fn write_at(&self, file: &File, path: &Path, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        if let Err(error) = self.pass() {
            // The first half may have reached the file.
            let half = slices.len() / 2;
            RealFs.write_at(file, path, &mut slices[..half], offset)?;
            return Err(error);
        }
        RealFs.write_at(file, path, slices, offset)
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.sync(file, path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.remove(path)
    }
}

/// Fails to sync whatever lies below one directory, once it is told which.
#[derive(Default)]
pub(crate) struct BadSectorFs(Mutex<Option<PathBuf>>);

impl BadSectorFs {
    /// From now on no file below `dir` can be synced.
    pub(crate) fn break_below(&self, dir: PathBuf) {
        *self.0.lock().unwrap() = Some(dir);
    }
}

impl DurableFs for BadSectorFs {
    fn create(&self, path: &Path, byte_count: u64) -> io::Result<File> {
        RealFs.create(path, byte_count)
    }

    fn write_at(&self, file: &File, path: &Path, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        RealFs.write_at(file, path, slices, offset)
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        if self.0.lock().unwrap().as_ref().is_some_and(|dir| path.starts_with(dir)) {
            // EIO, as the kernel reports a page that could not be written.
            return Err(io::Error::from_raw_os_error(5));
        }
        RealFs.sync(file, path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealFs.remove(path)
    }
}

/// Keeps durable bytes and names apart from live ones, so that a test can cut the power between two calls.
#[derive(Default)]
pub(crate) struct PowerFs(Mutex<Durable>);

#[derive(Default)]
struct Durable {
    /// By inode: the bytes at the last sync.
    contents: HashMap<u64, Vec<u8>>,
    /// Files and directories whose names are durable; a directory has no inode here.
    names: BTreeMap<PathBuf, Option<u64>>,
    /// By directory: what happened to its names since it was last synced, in order.
    pending: BTreeMap<PathBuf, Vec<NameChange>>,
    /// Every file created: while it is open, its inode's number does not go to another.
    held: Vec<File>,
}

#[derive(Clone)]
enum NameChange {
    Link(PathBuf, Option<u64>),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
}

impl Durable {
    fn note(&mut self, path: &Path, change: NameChange) {
        let Some(dir) = path.parent() else { return };
        self.pending.entry(dir.to_owned()).or_default().push(change);
    }

    /// A directory is made without passing here; its name is noted when something is put into it.
    fn note_dirs(&mut self, path: &Path) {
        let Some(dir) = path.parent() else { return };
        let is_noted = |change: &NameChange| matches!(change, NameChange::Link(noted, None) if noted == dir);
        let is_pending =
            dir.parent().and_then(|up| self.pending.get(up)).is_some_and(|changes| changes.iter().any(is_noted));
        if !self.names.contains_key(dir) && !is_pending && dir.parent().is_some() {
            self.note(dir, NameChange::Link(dir.to_owned(), None));
            self.note_dirs(dir);
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Option<u64>>, change: &NameChange) {
    match change {
        NameChange::Link(path, inode) => drop(names.insert(path.clone(), *inode)),
        NameChange::Unlink(path) => drop(names.remove(path)),
        NameChange::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

impl PowerFs {
    /// Writes into `to` what a power loss now may leave of `from`: of the bytes that were not synced, the pages for which
    /// `survives` holds, and of each directory's changes, those before the first for which it does not.
    pub(crate) fn cut_power(&self, from: &Path, to: &Path, mut survives: impl FnMut() -> bool) {
        // Held all the while: no call is under way.
        let durable = self.0.lock().unwrap();
        let mut names = durable.names.clone();
        for changes in durable.pending.values() {
            changes.iter().take_while(|_| survives()).for_each(|change| apply(&mut names, change));
        }
        let mut live = HashMap::new();
        list(from, &mut live);
        fs::create_dir_all(to).unwrap();
        for (path, inode) in names.iter().filter(|(path, _)| path.starts_with(from) && *path != from) {
            let is_reachable = path.ancestors().skip(1).take_while(|up| *up != from).all(|up| names.contains_key(up));
            let target = to.join(path.strip_prefix(from).unwrap());
            match inode {
                _ if !is_reachable => {}
                None => fs::create_dir_all(target).unwrap(),
                Some(inode) => {
                    let synced = durable.contents.get(inode).cloned().unwrap_or_default();
                    fs::create_dir_all(target.parent().unwrap()).unwrap();
                    fs::write(target, mix(synced, live.get(inode), &mut survives)).unwrap();
                }
            }
        }
        // The catalog syncs itself, without passing here.
        fs::copy(from.join("catalog.redb"), to.join("catalog.redb")).unwrap();
    }
}

fn mix(mut synced: Vec<u8>, live: Option<&PathBuf>, survives: &mut impl FnMut() -> bool) -> Vec<u8> {
    const PAGE_BYTES: usize = 512;
    let Some(live) = live.map(|path| fs::read(path).unwrap()) else { return synced };
    for (at, page) in live.chunks(PAGE_BYTES).enumerate() {
        let start = at * PAGE_BYTES;
        if synced.get(start..start + page.len()) != Some(page) && survives() {
            synced.resize(synced.len().max(start + page.len()), 0);
            synced[start..start + page.len()].copy_from_slice(page);
        }
    }
    synced
}

fn list(dir: &Path, into: &mut HashMap<u64, PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.metadata().unwrap();
        if metadata.is_dir() {
            list(&path, into);
        } else {
            into.insert(metadata.ino(), path);
        }
    }
}

impl DurableFs for PowerFs {
    fn create(&self, path: &Path, byte_count: u64) -> io::Result<File> {
        let mut durable = self.0.lock().unwrap();
        let file = RealFs.create(path, byte_count)?;
        let inode = file.metadata()?.ino();
        durable.held.push(file.try_clone()?);
        durable.note_dirs(path);
        durable.note(path, NameChange::Link(path.to_owned(), Some(inode)));
        Ok(file)
    }

    fn write_at(&self, file: &File, path: &Path, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let _durable = self.0.lock().unwrap();
        RealFs.write_at(file, path, slices, offset)
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        let mut durable = self.0.lock().unwrap();
        let mut bytes = vec![0; file.metadata()?.len() as usize];
        std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0)?;
        let inode = file.metadata()?.ino();
        durable.contents.insert(inode, bytes);
        // A file that was made without passing here (the format file) is noted now.
        let is_known = |inode: &u64| durable.names.values().any(|known| known.as_ref() == Some(inode));
        let is_linked = |change: &NameChange| matches!(change, NameChange::Link(_, Some(linked)) if *linked == inode);
        let is_pending = durable.pending.values().flatten().any(is_linked);
        if !is_known(&inode) && !is_pending {
            durable.note(path, NameChange::Link(path.to_owned(), Some(inode)));
        }
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut durable = self.0.lock().unwrap();
        for change in durable.pending.remove(path).unwrap_or_default() {
            apply(&mut durable.names, &change);
        }
        // Directories are made without passing here.
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                durable.names.insert(entry.path(), None);
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut durable = self.0.lock().unwrap();
        RealFs.rename(from, to)?;
        if from.parent() == to.parent() {
            durable.note(from, NameChange::Rename(from.to_owned(), to.to_owned()));
        } else {
            // Each directory may keep its part without the other.
            let inode = to.metadata()?.ino();
            durable.note_dirs(to);
            durable.note(from, NameChange::Unlink(from.to_owned()));
            durable.note(to, NameChange::Link(to.to_owned(), Some(inode)));
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut durable = self.0.lock().unwrap();
        RealFs.remove(path)?;
        durable.note(path, NameChange::Unlink(path.to_owned()));
        Ok(())
    }
}
