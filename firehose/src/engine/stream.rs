//! [`DeliveryStream`]: one delivery stream, as those who put to it and ask after it see it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use shard_store::clock::Clock;
use shard_store::error::AppendError;
use shard_store::log::{Appended, BoxFuture, Log, LogId, NewRecord};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::STOP_PATIENCE;
use crate::definition::{Definition, Settings};
use crate::delivery::{Command, DeliveryStatus, Status, Trouble};
use crate::error::PutError;
use crate::metrics::StreamMetrics;
use crate::throttle::PutThrottle;
use crate::topic::TopicLogs;

/// One delivery stream.
pub struct DeliveryStream {
    pub(super) definition: Arc<Definition>,
    /// Its own log, if it takes direct puts.
    pub(super) log: Option<(LogId, Arc<dyn Log>)>,
    pub(super) settings: RwLock<Arc<Settings>>,
    pub(super) throttle: PutThrottle,
    pub(super) is_enforced: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: StreamMetrics,
    pub(super) status: Arc<Status>,
    /// What the tasks beside the delivery cannot do.
    pub(super) troubles: Vec<Arc<Trouble>>,
    /// The logs of the topic that it is fed from, if any.
    pub(super) topic: Option<Arc<TopicLogs>>,
    pub(super) control: watch::Sender<Command>,
    pub(super) task: Mutex<Option<JoinHandle<()>>>,
}

/// The records of one call that were admitted, on their way into the log.
pub struct PendingPut {
    /// How many of the records were admitted, from the first one on.
    pub admitted_count: usize,
    log: LogId,
    /// `None` if no record was admitted.
    appended: Option<BoxFuture<'static, Result<Appended, AppendError>>>,
}

impl PendingPut {
    /// Waits until the records are as durable as the store makes them. The ids are unique, one for each admitted record.
    ///
    /// # Errors
    /// `Append` if they may be lost.
    pub async fn record_ids(self) -> Result<Vec<String>, PutError> {
        let Some(appended) = self.appended else { return Ok(Vec::new()) };
        let first_ordinal = appended.await?.first_ordinal;
        let ordinals = (first_ordinal..).take(self.admitted_count);
        Ok(ordinals.map(|ordinal| format!("{}{ordinal:020}", self.log)).collect())
    }
}

impl DeliveryStream {
    /// What is stored about it.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// What of it can be changed while its delivery goes on, as it is now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read())
    }

    /// Acts upon settings that are stored. The log does not remember its key.
    pub(super) fn apply_settings(&self, settings: Arc<Settings>) {
        if let Some((_, log)) = &self.log {
            log.encrypt(settings.encryption.as_ref().map(|encryption| encryption.key));
        }
        *self.settings.write() = settings;
    }

    /// How it is doing.
    pub fn status(&self) -> DeliveryStatus {
        let trouble = self.topic.as_ref().and_then(|topic| topic.trouble());
        let trouble = trouble.or_else(|| self.troubles.iter().find_map(|trouble| trouble.get()));
        match (self.status.get(), trouble) {
            (DeliveryStatus::Running, Some(reason)) => DeliveryStatus::Retrying { reason },
            (status, _) => status,
        }
    }

    /// Puts records, in order; those beyond what the limits admit are left out.
    ///
    /// # Errors
    /// `NotDirectPut`, `Throttled` if not even the first record is admitted, `Append` if the log refuses.
    pub fn put(&self, records: &[NewRecord<'_>]) -> Result<PendingPut, PutError> {
        let key = || self.definition.key.clone();
        let (id, log) =
            self.log.as_ref().ok_or_else(|| PutError::NotDirectPut { key: key(), is_topic: self.topic.is_some() })?;
        let byte_counts = records.iter().map(|record| record.data.byte_count());
        let admitted_count = match self.is_enforced {
            true => self.throttle.admit(self.clock.unix_millis(), byte_counts.clone()),
            false => records.len(),
        };
        self.metrics.throttled_records.inc_by((records.len() - admitted_count) as u64);
        if admitted_count == 0 && !records.is_empty() {
            return Err(PutError::Throttled { key: key() });
        }
        let (admitted, _) = records.split_at(admitted_count);
        let appended = if admitted.is_empty() { None } else { Some(log.append(admitted)?) };
        self.metrics.put_records.inc_by(admitted_count as u64);
        self.metrics.put_bytes.inc_by(byte_counts.take(admitted_count).sum::<usize>() as u64);
        Ok(PendingPut { admitted_count, log: *id, appended })
    }

    /// Gives the task a last command; returns whether it came to its end by itself in `patience`.
    pub(super) async fn stop(&self, command: Command, patience: Duration) -> bool {
        self.control.send_replace(command);
        let Some(mut task) = self.task.lock().take() else { return true };
        if tokio::time::timeout(patience, &mut task).await.is_ok() {
            return true;
        }
        self.control.send_replace(Command::Stop);
        if tokio::time::timeout(STOP_PATIENCE, &mut task).await.is_err() {
            task.abort();
        }
        false
    }
}

impl Drop for DeliveryStream {
    fn drop(&mut self) {
        self.control.send_replace(Command::Stop);
    }
}
