//! What the tasks of all delivery streams work with.

use std::sync::Arc;

use shard_store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Options;
use crate::definition::Source;
use crate::schema::TableSchemas;
use crate::sink::Sinks;
use crate::source::{SourceLog, SourceStreams};
use crate::spool::Spool;
use crate::topic::TopicLogs;

/// What the tasks of all delivery streams work with.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) sources: Arc<dyn SourceStreams>,
    pub(crate) sinks: Arc<dyn Sinks>,
    pub(crate) tables: TableSchemas,
    pub(crate) spool: Spool,
    pub(crate) options: Options,
    /// KiB of memory for objects in the making.
    pub(crate) memory: Arc<Semaphore>,
    pub(crate) memory_kib: u32,
    /// Objects that are built at a time.
    pub(crate) builders: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn now_ms(&self) -> u64 {
        self.store.clock().unix_millis()
    }

    /// The right to so much of the memory for objects in the making, or to all of it if that is less. `None` at the end of
    /// the program.
    pub(crate) async fn reserve(&self, byte_count: u64) -> Option<OwnedSemaphorePermit> {
        let needed_kib = u32::try_from(byte_count.div_ceil(1024)).unwrap_or(u32::MAX).min(self.memory_kib);
        Arc::clone(&self.memory).acquire_many_owned(needed_kib).await.ok()
    }

    /// The logs to read now; `None` if the source is gone.
    pub(crate) fn logs_of(&self, source: &Source, topic: Option<&TopicLogs>) -> Option<Vec<SourceLog>> {
        match source {
            Source::DirectPut { log } => Some(vec![SourceLog::direct(*log, self.store.log(*log))]),
            Source::Topic { .. } => topic.map(TopicLogs::source_logs),
            Source::Stream { key, id, .. } => {
                self.sources.find(key).filter(|stream| stream.id == *id).map(|stream| stream.logs)
            }
        }
    }
}
