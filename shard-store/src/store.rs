//! One open data directory: its logs and its catalog.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

use crate::catalog::{self, Catalog, Change};
use crate::clock::Clock;
use crate::config::{Compaction, Durability, Options};
use crate::durable_fs::{DurableFs, RealFs};
use crate::embedded::catalog::RedbCatalog;
use crate::embedded::compact::{self, Compactor};
use crate::embedded::decode::Decoder;
use crate::embedded::engine::{Engine, Fence};
use crate::embedded::journal::{Journal, Surroundings};
use crate::embedded::log::{EmbeddedLog, Found};
use crate::embedded::prefault::Prefaulter;
use crate::embedded::recover::{self, Recovered};
use crate::embedded::settle::Settler;
use crate::embedded::spare::Spares;
use crate::error::{AppendError, CatalogError, OpenError, StorageError};
use crate::format::STORE_FORMAT;
use crate::keyring::Keyring;
use crate::log::{Log, LogId};
use crate::metrics::Metrics;
use crate::sync::Mutex;

const LOCK_FILE: &str = "LOCK";
const FORMAT_FILE: &str = "headwater.json";
const CATALOG_FILE: &str = "catalog.redb";
const SPARE_DIR: &str = "spare";
const KEYRING_FILE: &str = "keyring.json";

const NEXT_LOG_KEY: &str = "store/next-log";
const SECRET_KEY: &str = "store/secret";
const DROPPED_PREFIX: &str = "store/dropped-log/";

/// What the format file says.
#[derive(Serialize, Deserialize)]
struct StoreFormat {
    format: u32,
}

/// One open data directory. Cloning lends another handle.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    engine: Arc<Engine>,
    catalog: Arc<dyn Catalog>,
    secret: [u8; 32],
    logs: Mutex<HashMap<LogId, Arc<EmbeddedLog>>>,
    /// Serialises the allocation of log ids.
    allocation: Mutex<()>,
    /// Held, and with it the directory, until the store is dropped.
    _lock: File,
}

impl Store {
    /// Opens the store in `dir`, creating it if the directory is new or empty, and recovers what a crash left.
    ///
    /// # Errors
    /// See [`OpenError`]. On `Locked`, `Foreign` and `Version` nothing is changed; on `Damaged` no acknowledged byte is.
    pub fn open(
        dir: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
        registry: &mut Registry,
    ) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealFs), dir, options, clock, registry)
    }

    /// As [`Store::open`], on a given file system: this is where tests let faults in.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(
        fs: Arc<dyn DurableFs>,
        dir: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
        registry: &mut Registry,
    ) -> Result<Self, OpenError> {
        let lock = claim(&*fs, dir)?;
        let catalog: Arc<dyn Catalog> = Arc::new(RedbCatalog::open(&dir.join(CATALOG_FILE))?);
        fs.sync_dir(dir).map_err(|error| StorageError::new("sync", dir, error))?;
        let secret = secret(&*catalog, dir)?;
        let dropped = dropped_logs(&*catalog)?;
        let recovered = recover::recover(&*fs, dir, &dropped)?;
        forget_dropped(&*catalog, &dropped, &recovered.mentioned)?;
        let (engine, logs) = start(fs, dir, options, clock, registry, recovered)?;
        Ok(Self(Arc::new(Inner {
            dir: dir.to_owned(),
            engine,
            catalog,
            secret,
            logs: Mutex::new(logs),
            allocation: Mutex::new(()),
            _lock: lock,
        })))
    }

    /// The catalog.
    pub fn catalog(&self) -> &Arc<dyn Catalog> {
        &self.0.catalog
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.engine.clock
    }

    /// Where the keyring of the store in `dir` is.
    pub fn keyring_path(dir: &Path) -> PathBuf {
        dir.join(KEYRING_FILE)
    }

    /// The keys that records are encrypted with at rest.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.0.engine.decoder.keyring
    }

    /// A secret of 32 bytes, made when the store was created; it signs iterators.
    pub fn secret(&self) -> &[u8; 32] {
        &self.0.secret
    }

    /// The largest batch that one append takes, in bytes of the encoded frame.
    pub fn batch_bytes_max(&self) -> usize {
        self.0.engine.frame_bytes_max()
    }

    /// Reserves ids for `count` new logs; one that is never used costs nothing. It blocks on the disk.
    ///
    /// # Errors
    /// `CatalogError` if the catalog cannot be changed.
    pub fn allocate_logs(&self, count: u32) -> Result<Vec<LogId>, CatalogError> {
        let _allocation = self.0.allocation.lock();
        let first: u64 = catalog::get(&*self.0.catalog, NEXT_LOG_KEY)?.unwrap_or(1);
        let next = first + u64::from(count);
        self.0.catalog.commit(&[Change::put(NEXT_LOG_KEY, &next)])?;
        Ok((first..next).map(LogId).collect())
    }

    /// The log with this id, which [`Store::allocate_logs`] gave. A log that has no record yet has no file.
    pub fn log(&self, id: LogId) -> Arc<dyn Log> {
        let mut logs = self.0.logs.lock();
        let log = logs.entry(id).or_insert_with(|| {
            let dir = recover::log_dir(&self.0.dir, id).into();
            Arc::new(EmbeddedLog::new(Arc::clone(&self.0.engine), id, dir, Arc::default(), Found::default()))
        });
        Arc::clone(log) as Arc<dyn Log>
    }

    /// The changes to commit, together with the removal of whatever refers to these logs, before [`Store::remove_logs`]:
    /// with them, a start after a crash in between removes the files.
    pub fn drop_logs(&self, ids: &[LogId]) -> Vec<Change> {
        ids.iter().map(|id| Change::put(format!("{DROPPED_PREFIX}{id}"), &id)).collect()
    }

    /// Seals the logs, wakes whoever waits on them, and removes their files. It blocks on the disk.
    ///
    /// # Errors
    /// `StorageError`, the first of them, if files cannot be removed; the next start tries again.
    pub fn remove_logs(&self, ids: &[LogId]) -> Result<(), StorageError> {
        let removed: Vec<_> = {
            let mut logs = self.0.logs.lock();
            ids.iter().filter_map(|id| logs.remove(id)).collect()
        };
        // All of them, whatever becomes of one: they must not go on taking records.
        removed.iter().map(|log| log.remove()).fold(Ok(()), Result::and)
    }

    /// Whether appends can still be acknowledged.
    ///
    /// # Errors
    /// `Fenced` after a failed write or sync, until the store is opened again.
    pub fn check(&self) -> Result<(), AppendError> {
        self.0.engine.fence.check()
    }

    /// Syncs every segment that takes no more records and, if `compact` says so, compacts now those that the journal does not
    /// hold any more. Both happen by themselves too, later. It blocks until they are done.
    pub fn compact(&self) {
        self.0.engine.settler.flush();
    }

    /// Makes everything appended durable and ends the background threads. Appends fail afterwards. It blocks on the disk.
    pub fn close(&self) {
        if self.0.engine.journal.is_none() {
            self.0.logs.lock().values().for_each(|log| log.settle_active());
        }
        self.0.engine.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.engine.close();
    }
}

/// Takes possession of the directory.
fn claim(fs: &dyn DurableFs, dir: &Path) -> Result<File, OpenError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |error| StorageError::new(action, path, error)
    };
    fs::create_dir_all(dir).map_err(failed("create the data directory", dir))?;
    let format_path = dir.join(FORMAT_FILE);
    check_format(dir, &format_path)?;
    let lock = take_lock(dir)?;
    for name in ["journal", "logs"] {
        let path = dir.join(name);
        fs::create_dir_all(&path).map_err(failed("create", &path))?;
    }
    if !format_path.exists() {
        let text = serde_json::json!(StoreFormat { format: STORE_FORMAT }).to_string();
        let temporary = dir.join(format!("{FORMAT_FILE}.tmp"));
        fs::write(&temporary, text).map_err(failed("write", &temporary))?;
        File::open(&temporary).and_then(|file| fs.sync(&file, &temporary)).map_err(failed("sync", &temporary))?;
        fs.rename(&temporary, &format_path).map_err(failed("write", &format_path))?;
        fs.sync_dir(dir).map_err(failed("sync", dir))?;
    }
    Ok(lock)
}

/// Takes possession of a directory that holds a store.
///
/// # Errors
/// `Locked`, `Foreign`, `Version` or `Storage`.
pub(crate) fn claim_existing(dir: &Path) -> Result<File, OpenError> {
    let format_path = dir.join(FORMAT_FILE);
    check_format(dir, &format_path)?;
    if !format_path.exists() {
        return Err(OpenError::Foreign { path: dir.to_owned() });
    }
    take_lock(dir)
}

fn take_lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK_FILE);
    let failed = |error| StorageError::new("lock the data directory with", &path, error);
    let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error).into()),
    }
}

fn check_format(dir: &Path, format_path: &Path) -> Result<(), OpenError> {
    let foreign = || OpenError::Foreign { path: dir.to_owned() };
    match fs::read(format_path) {
        Ok(text) => {
            let found: StoreFormat = serde_json::from_slice(&text).map_err(|_| foreign())?;
            if found.format == STORE_FORMAT {
                return Ok(());
            }
            Err(OpenError::Version { path: dir.to_owned(), found: found.format, known: STORE_FORMAT })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut entries = fs::read_dir(dir).map_err(|error| StorageError::new("list", dir, error))?;
            // A start that was cut short may have left only the lock; keys may have been made before the first start.
            let temporary = format!("{FORMAT_FILE}.tmp");
            let ours = [LOCK_FILE, KEYRING_FILE, "journal", "logs", &temporary];
            let is_ours = |name: &std::ffi::OsStr| ours.iter().any(|ours| name == *ours);
            let is_foreign = entries.any(|entry| entry.is_ok_and(|entry| !is_ours(&entry.file_name())));
            if is_foreign { Err(foreign()) } else { Ok(()) }
        }
        Err(error) => Err(StorageError::new("read", format_path, error).into()),
    }
}

fn secret(catalog: &dyn Catalog, dir: &Path) -> Result<[u8; 32], OpenError> {
    if let Some(secret) = catalog::get(catalog, SECRET_KEY)? {
        return Ok(secret);
    }
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).map_err(|_| {
        StorageError::new("make a secret for", dir, std::io::Error::other("the system gave no random bytes"))
    })?;
    catalog.commit(&[Change::put(SECRET_KEY, &secret)])?;
    Ok(secret)
}

fn dropped_logs(catalog: &dyn Catalog) -> Result<HashSet<LogId>, CatalogError> {
    Ok(catalog::scan(catalog, DROPPED_PREFIX)?.into_iter().map(|(_, id)| id).collect())
}

/// Forgets dropped logs that the journal mentions no more, so that nothing could bring them back.
fn forget_dropped(
    catalog: &dyn Catalog,
    dropped: &HashSet<LogId>,
    mentioned: &HashSet<LogId>,
) -> Result<(), CatalogError> {
    let forgotten: Vec<Change> =
        dropped.difference(mentioned).map(|id| Change::delete(format!("{DROPPED_PREFIX}{id}"))).collect();
    if forgotten.is_empty() { Ok(()) } else { catalog.commit(&forgotten) }
}

fn start_compactor(
    fs: &Arc<dyn DurableFs>,
    options: &Options,
    fence: &Arc<Fence>,
    metrics: &Metrics,
) -> std::io::Result<Option<Arc<Compactor>>> {
    match options.compact {
        Compaction::None => Ok(None),
        Compaction::Zstd => {
            let (fs, fence, metrics) = (Arc::clone(fs), Arc::clone(fence), metrics.clone());
            let surroundings = compact::Surroundings { fs, fence, metrics, level: options.compact_level };
            Compactor::start(surroundings).map(|compactor| Some(Arc::new(compactor)))
        }
    }
}

type Logs = HashMap<LogId, Arc<EmbeddedLog>>;

/// Starts the threads and opens the recovered logs.
fn start(
    fs: Arc<dyn DurableFs>,
    dir: &Path,
    options: Options,
    clock: Arc<dyn Clock>,
    registry: &mut Registry,
    recovered: Recovered,
) -> Result<(Arc<Engine>, Logs), OpenError> {
    let failed = |error| StorageError::new("start the threads of", dir, error);
    let metrics = Metrics::register(registry);
    let fence = Arc::new(Fence::default());
    let compactor = start_compactor(&fs, &options, &fence, &metrics).map_err(failed)?;
    let settler =
        Settler::start(Arc::clone(&fs), metrics.clone(), compactor.clone(), recovered.spares).map_err(failed)?;
    recovered.retired.into_iter().for_each(|file| settler.retire(file));
    recovered.unsettled.into_iter().for_each(|dirty| settler.settle(dirty));
    recovered.sealed.into_iter().for_each(|sealed| settler.note_sealed(sealed));
    let journal = match options.durability {
        Durability::PageCache => None,
        durability => Some(Journal::start(
            Surroundings {
                fs: Arc::clone(&fs),
                dir: recover::journal_dir(dir),
                file_bytes: options.journal_file_size.as_u64(),
                sync_interval: if durability == Durability::Interval { options.sync_interval } else { Duration::ZERO },
                fence: Arc::clone(&fence),
                settler: Arc::clone(&settler),
                metrics: metrics.clone(),
            },
            recovered.journal,
        )?),
    };
    let prefaulter = Prefaulter::start().map_err(failed)?;
    let keyring = Arc::new(Keyring::open(&Store::keyring_path(dir))?);
    let decoder = Decoder::new(keyring);
    let (file_bytes, spare_bytes) = (options.segment_size.as_u64(), options.spare_size.as_u64());
    let spares = Spares::open(Arc::clone(&fs), dir.join(SPARE_DIR), file_bytes, spare_bytes, metrics.clone())?;
    let engine = Arc::new(Engine {
        fs,
        clock,
        options,
        metrics,
        fence,
        settler,
        prefaulter,
        decoder,
        spares,
        compactor,
        journal,
    });
    let open = |log: recover::RecoveredLog| {
        (log.id, Arc::new(EmbeddedLog::new(Arc::clone(&engine), log.id, log.dir, log.core, log.found)))
    };
    let logs = recovered.logs.into_iter().map(open).collect();
    Ok((engine, logs))
}
