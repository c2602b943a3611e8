//! Changing a delivery stream that is there: another destination, or delivering again what was delivered.
//!
//! Both stop its task, change what the catalog says, and start another task there. An open intent is given up on the way: its
//! objects are removed from the old destination as far as that can be reached, and its records are delivered by the new task.

use std::sync::Arc;

use shard_store::catalog::{self, Change};
use shard_store::error::CatalogError;
use shard_store::stream::StreamKey;

use super::{DeliveryStream, DeliveryStreams, STOP_PATIENCE};
use crate::definition::{Checkpoint, Definition, Destination, Position};
use crate::delivery::{Command, Intent, ObjectKind, Recipe};
use crate::error::{ReplayError, UpdateError};
use crate::schema::TableSource;
use crate::source::SourceLog;

/// From where on records are delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayFrom {
    /// From the records that arrived at this time on, in milliseconds since the Unix epoch.
    Timestamp(u64),
    /// From the record with this sequence number on, in its shard alone. A record that was put to the delivery stream is known
    /// by its record id.
    Sequence(String),
}

impl DeliveryStreams {
    /// Gives a delivery stream another destination. `attributes` take the place of those it was created with. Records that
    /// are not delivered yet go to the new destination.
    ///
    /// # Errors
    /// See [`UpdateError`]; nothing is changed then. `Version` unless the delivery stream is of the version `version`.
    pub async fn update(
        self: &Arc<Self>,
        key: &StreamKey,
        version: u32,
        destination: Destination,
        attributes: serde_json::Value,
    ) -> Result<(), UpdateError> {
        let stream = self.get(key).ok_or_else(|| UpdateError::NotFound { key: key.clone() })?;
        let before = stream.definition();
        if before.version != version {
            return Err(UpdateError::Version { key: key.clone(), version: before.version });
        }
        let definition = Definition {
            destination,
            attributes,
            version: before.version + 1,
            updated_ms: Some(self.shared.now_ms()),
            ..before.clone()
        };
        // Everything that can be wrong with it is found before anything is stopped.
        Recipe::new(&definition, &self.shared)?;
        if let Some(table) = TableSource::new(&self.shared.tables, &definition) {
            let name = table.key().to_string();
            table.schema(1).map_err(|error| UpdateError::Table { name, error })?;
        }
        let change = Change::put(Definition::catalog_key(key), &definition);
        let streams = Arc::clone(self);
        let restarted = async move { streams.restart(&stream, definition, vec![change]).await };
        self.to_the_end(restarted).await??.ok_or_else(|| {
            let version = self.get(key).map_or(0, |stream| stream.definition().version);
            UpdateError::Version { key: key.clone(), version }
        })
    }

    /// Delivers again what a delivery stream delivered from `from` on, as far as its source still keeps it; also, of a
    /// source stream, what arrived before the delivery stream was created. Returns how many records that is.
    ///
    /// # Errors
    /// See [`ReplayError`]; nothing is changed then.
    pub async fn replay(self: &Arc<Self>, key: &StreamKey, from: ReplayFrom) -> Result<u64, ReplayError> {
        let stream = self.get(key).ok_or_else(|| ReplayError::NotFound { key: key.clone() })?;
        let streams = Arc::clone(self);
        self.to_the_end(async move { streams.replay_stopped(stream, from).await }).await?
    }

    /// Runs a change to its end even if whoever asked for it goes away: a task that was stopped is started again.
    pub(super) async fn to_the_end<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, CatalogError> {
        let task = self.runtime.spawn(change);
        task.await.map_err(|error| CatalogError::Storage { reason: error.to_string() })
    }

    async fn replay_stopped(
        self: Arc<Self>,
        stream: Arc<DeliveryStream>,
        from: ReplayFrom,
    ) -> Result<u64, ReplayError> {
        // Its checkpoint stands still once its task does.
        stream.stop(Command::Stop, STOP_PATIENCE).await;
        let (streams, rewound) = (Arc::clone(&self), Arc::clone(&stream));
        let rewound = tokio::task::spawn_blocking(move || streams.rewind(&rewound, &from)).await;
        let rewound = rewound.unwrap_or_else(|error| Err(CatalogError::Storage { reason: error.to_string() }.into()));
        let (changes, outcome) = match rewound {
            Ok((change, record_count)) => (vec![change], Ok(record_count)),
            Err(error) => (Vec::new(), Err(error)),
        };
        let restarted = self.restart(&stream, stream.definition().clone(), changes).await?;
        restarted.ok_or_else(|| ReplayError::NotFound { key: stream.definition().key.clone() })?;
        outcome
    }

    /// The change that moves the checkpoint back to `from`, and how many records lie between.
    fn rewind(&self, stream: &DeliveryStream, from: &ReplayFrom) -> Result<(Change, u64), ReplayError> {
        let definition = stream.definition();
        let key = || definition.key.clone();
        let catalog = &**self.shared.store.catalog();
        let mut checkpoint: Checkpoint = catalog::get(catalog, &definition.checkpoint_key())?.unwrap_or_default();
        let mut record_count = 0;
        let mut is_known = false;
        for log in self.shared.logs_of(&definition.source, stream.topic.as_deref()).unwrap_or_default() {
            let found = log.position_of(from);
            let found = found.map_err(|error| ReplayError::Read { key: key(), reason: error.to_string() })?;
            let Some(position) = found else { continue };
            is_known = true;
            record_count += move_back(&mut checkpoint, &log, position);
        }
        match (from, is_known) {
            (ReplayFrom::Sequence(number), false) => Err(ReplayError::Sequence { key: key(), number: number.clone() }),
            _ if record_count == 0 => Err(ReplayError::Nothing { key: key() }),
            _ => Ok((Change::put(definition.checkpoint_key(), &checkpoint), record_count)),
        }
    }

    /// Stops the task of `stream`, gives its open intent up if there is anything to change, and starts a task for
    /// `definition`. `None` if the delivery stream is no longer that one.
    async fn restart(
        self: &Arc<Self>,
        stream: &Arc<DeliveryStream>,
        definition: Definition,
        mut changes: Vec<Change>,
    ) -> Result<Option<()>, CatalogError> {
        stream.stop(Command::Stop, STOP_PATIENCE).await;
        let is_changed = !changes.is_empty();
        if is_changed {
            self.give_up_intent(stream.definition()).await?;
            changes.push(Change::delete(definition.intent_key()));
        }
        let (streams, stream) = (Arc::clone(self), Arc::clone(stream));
        let restarted = tokio::task::spawn_blocking(move || streams.restart_stored(&stream, definition, &changes));
        restarted.await.unwrap_or_else(|error| Err(CatalogError::Storage { reason: error.to_string() }))
    }

    fn restart_stored(
        &self,
        stream: &Arc<DeliveryStream>,
        definition: Definition,
        changes: &[Change],
    ) -> Result<Option<()>, CatalogError> {
        let _control = self.control.lock();
        let key = definition.key.clone();
        if !self.get(&key).is_some_and(|present| Arc::ptr_eq(&present, stream)) {
            return Ok(None);
        }
        let committed = if changes.is_empty() { Ok(()) } else { self.shared.store.catalog().commit(changes) };
        // What is in the catalog decides, so that the delivery goes on in any case.
        let definition = if committed.is_ok() { definition } else { stream.definition().clone() };
        let recipe = Recipe::new(&definition, &self.shared)
            .map_err(|error| CatalogError::Storage { reason: error.to_string() })?;
        let started = self.start(definition, recipe)?;
        self.index.write().insert(key, started);
        committed.map(Some)
    }

    /// Removes what an open intent may have put in place.
    async fn give_up_intent(&self, definition: &Definition) -> Result<(), CatalogError> {
        let catalog = &**self.shared.store.catalog();
        let Some(intent) = catalog::get::<Intent>(catalog, &definition.intent_key())? else { return Ok(()) };
        for object in &intent.objects {
            let destination = &definition.destination;
            let bucket = match (object.kind, &destination.backup) {
                (ObjectKind::Backup, Some(backup)) => &backup.bucket,
                _ => &destination.bucket,
            };
            let removed = match self.shared.sinks.open(bucket) {
                Ok(sink) => {
                    tokio::time::timeout(STOP_PATIENCE, sink.delete(&object.key)).await.map_err(|e| e.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(reason) | Ok(Err(reason)) = removed.map(|removed| removed.map_err(|error| error.to_string())) {
                tracing::warn!(
                    delivery_stream = %definition.key, key = object.key, reason,
                    "an object of a delivery that was given up may be left; its records are delivered again"
                );
                // The others would have to be waited for too.
                break;
            }
        }
        if let Some(file) = &intent.staged {
            drop(self.shared.spool.remove_kept(&file.name));
        }
        Ok(())
    }
}

/// Moves the checkpoint of `log` back to `position`; returns by how many records.
fn move_back(checkpoint: &mut Checkpoint, log: &SourceLog, position: u64) -> u64 {
    let position = position.max(log.log.start());
    match checkpoint.positions.iter_mut().find(|known| known.log == log.id) {
        Some(known) => {
            let before = known.next_ordinal;
            known.next_ordinal = before.min(position);
            before - known.next_ordinal
        }
        // It is delivered from its start anyway.
        None => {
            checkpoint.positions.push(Position { log: log.id, next_ordinal: position.min(log.log.start()) });
            0
        }
    }
}
