//! The outbox: notices of objects that have landed, until their targets were told.
//!
//! A notice is in the catalog by the transaction that moves the checkpoint past the object's records, so none is forgotten
//! in a crash. A task of its own sends them in order, and removes them once every target was told: at least once each,
//! and however long a target is away, it holds up nothing. At most [`NOTICES_MAX`] wait for one delivery stream; what lands
//! beyond that is counted, and not told.
//!
//! Told are the objects of records, whether they are good, failed, or kept as they came, and the manifests and markers of
//! partitions. Not told are objects that small ones were merged into: their rows were told before. So where objects are
//! merged, a manifest or a marker is what to wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shard_store::Store;
use shard_store::catalog::{self, Catalog, Change};
use shard_store::error::CatalogError;
use tokio::sync::{Notify, watch};

use crate::definition::Definition;
use crate::delivery::{Command, Trouble};
use crate::error::DeliveryError;
use crate::metrics::StreamMetrics;
use crate::notify::{LandedObject, Notifier};

/// Notices of one delivery stream that wait.
pub(crate) const NOTICES_MAX: u64 = 10_000;

/// Notices that are sent before any of them is removed.
const BATCH_MAX: usize = 100;

/// The pauses after failures: the first one, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// An object that is to be told, as it stands in the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Notice {
    bucket: String,
    key: String,
    byte_count: u64,
    /// When it landed, in milliseconds since the Unix epoch.
    landed_ms: u64,
}

fn prefix(id: &str) -> String {
    format!("delivery/notice/{id}/")
}

/// The keys of all notices of a delivery stream.
///
/// # Errors
/// The catalog cannot be read.
pub(crate) fn catalog_keys(catalog: &dyn Catalog, id: &str) -> Result<Vec<String>, CatalogError> {
    Ok(catalog.scan(&prefix(id))?.into_iter().map(|(key, _)| key).collect())
}

/// The notices of one delivery stream.
#[derive(Debug)]
pub(crate) struct Outbox {
    id: String,
    /// The number of the next notice.
    next: AtomicU64,
    /// About so many wait: a commit that failed may have been counted.
    waiting: AtomicU64,
    has_new: Notify,
    metrics: StreamMetrics,
}

impl Outbox {
    /// Goes on where the catalog says.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub(crate) fn open(catalog: &dyn Catalog, id: &str, metrics: StreamMetrics) -> Result<Self, CatalogError> {
        let keys = catalog_keys(catalog, id)?;
        let last = keys.last().and_then(|key| key.rsplit('/').next()?.parse::<u64>().ok());
        Ok(Self {
            id: id.to_owned(),
            next: AtomicU64::new(last.map_or(0, |last| last + 1)),
            waiting: AtomicU64::new(keys.len() as u64),
            has_new: Notify::new(),
            metrics,
        })
    }

    /// The change that makes an object be told: its bucket, its key and its size. None, if too many wait already.
    pub(crate) fn change(&self, bucket: &str, key: &str, byte_count: u64, landed_ms: u64) -> Option<Change> {
        // Counts are all that is shared, so no order between them matters.
        if self.waiting.load(Ordering::Relaxed) >= NOTICES_MAX {
            self.metrics.dropped_notices.inc();
            return None;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let notice = Notice { bucket: bucket.to_owned(), key: key.to_owned(), byte_count, landed_ms };
        Some(Change::put(format!("{}{number:020}", prefix(&self.id)), &notice))
    }

    /// The changes are in the catalog.
    pub(crate) fn wake(&self) {
        self.has_new.notify_one();
    }

    fn set_waiting(&self, count: u64) {
        self.waiting.store(count, Ordering::Relaxed);
        self.metrics.waiting_notices.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

/// The task that empties an outbox.
pub(crate) struct Sender {
    store: Store,
    definition: Arc<Definition>,
    outbox: Arc<Outbox>,
    notifier: Notifier,
    control: watch::Receiver<Command>,
    trouble: Arc<Trouble>,
}

impl Sender {
    pub(crate) fn new(
        store: Store,
        definition: Arc<Definition>,
        outbox: Arc<Outbox>,
        notifier: Notifier,
        control: watch::Receiver<Command>,
    ) -> Self {
        Self { store, definition, outbox, notifier, control, trouble: Arc::default() }
    }

    /// What it cannot do at the moment.
    pub(crate) fn trouble(&self) -> Arc<Trouble> {
        Arc::clone(&self.trouble)
    }

    /// Sends until the delivery stream is told to end. It may be ended anywhere.
    pub(crate) async fn run(self) {
        let mut control = self.control.clone();
        tokio::select! {
            biased;
            _ = control.wait_for(|command| *command != Command::Run) => {}
            () = self.send_all() => {}
        }
    }

    async fn send_all(&self) {
        let mut pause = PAUSE_MIN;
        loop {
            match self.send_some().await {
                Ok(is_empty) => {
                    self.trouble.clear(&self.definition.key.name);
                    pause = PAUSE_MIN;
                    if is_empty {
                        self.outbox.has_new.notified().await;
                    }
                }
                Err(error) => {
                    self.trouble.tell(&self.definition.key.name, format!("notifications are not sent: {error}"));
                    tokio::time::sleep(pause).await;
                    pause = PAUSE_MAX.min(pause * 2);
                }
            }
        }
    }

    /// Sends the oldest notices and removes them. Returns whether there were none.
    async fn send_some(&self) -> Result<bool, DeliveryError> {
        let (store, prefix) = (self.store.clone(), prefix(&self.outbox.id));
        let notices = blocking(move || catalog::scan::<Notice>(&**store.catalog(), &prefix)).await??;
        let waiting = notices.len() as u64;
        self.outbox.set_waiting(waiting);
        let (keys, objects): (Vec<String>, Vec<LandedObject>) = notices
            .into_iter()
            .take(BATCH_MAX)
            .map(|(key, Notice { bucket, key: object, byte_count, landed_ms })| {
                (key, LandedObject { bucket, key: object, byte_count, etag: None, landed_ms })
            })
            .unzip();
        if keys.is_empty() {
            return Ok(true);
        }
        let told = self.notifier.notify(&objects, self.store.clock().unix_millis()).await;
        told.map_err(|error| DeliveryError::Endpoint { reason: error.to_string() })?;
        let sent = keys.len() as u64;
        let store = self.store.clone();
        let changes: Vec<Change> = keys.into_iter().map(Change::delete).collect();
        blocking(move || store.catalog().commit(&changes)).await??;
        self.outbox.set_waiting(waiting - sent);
        Ok(false)
    }
}

/// Runs `work` on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DeliveryError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| DeliveryError::Build { reason: error.to_string() })
}
