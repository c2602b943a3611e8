//! Delivering: the objects of an intent are put in place, its records are sent, and the checkpoint moves past it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use shard_store::catalog::Change;

use super::send::Sending;
use super::{Driver, Interruption, blocking};
use crate::definition::{Checkpoint, Source};
use crate::delivery::build::{Built, Order};
use crate::delivery::staged::StagedRecords;
use crate::delivery::{DeliveryStatus, Intent, IntentObject, ObjectKind};
use crate::sink::Sink;

/// Uploads of one delivery stream at a time.
const UPLOADS_MAX: usize = 4;

/// What was made for an open intent, and how far it got. It stands in scratch files, so it is kept however long its
/// destination is away.
pub(super) struct InFlight {
    pub(super) built: Built,
    /// The processed records, for those who send them.
    pub(super) staged: Option<StagedRecords>,
    /// Whether the objects are all in place.
    is_stored: bool,
    pub(super) sending: Sending,
}

impl InFlight {
    pub(super) fn new(built: Built, staged: Option<StagedRecords>) -> Self {
        Self { built, staged, is_stored: false, sending: Sending::default() }
    }
}

impl Driver {
    /// Puts the objects of an intent in place, sends its records, and moves the checkpoint.
    pub(super) async fn deliver(&mut self, intent: Intent) -> Result<(), Interruption> {
        let mut in_flight = match self.in_flight.take() {
            Some(in_flight) => in_flight,
            None => self.rebuild(&intent).await?,
        };
        let delivered = self.deliver_parts(&intent, &mut in_flight).await;
        let checkpoint = match delivered {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                self.in_flight = Some(in_flight);
                return Err(error);
            }
        };
        // What was cut by age says too little of a full buffer.
        if let Some(sizing) = self.sizing.filter(|_| self.machine.is_full()) {
            self.machine.set_size_bytes(sizing.next_bytes(self.machine.buffered_bytes(), &in_flight.built));
        }
        self.machine.on_delivered(&checkpoint);
        self.report(&in_flight.built);
        if let Some(landing) = &self.landing {
            landing.wake();
        }
        if let Some(outbox) = &self.outbox {
            outbox.wake();
        }
        self.clean_up(&intent, &checkpoint).await;
        Ok(())
    }

    async fn deliver_parts(&mut self, intent: &Intent, in_flight: &mut InFlight) -> Result<Checkpoint, Interruption> {
        if !in_flight.is_stored {
            self.store_objects(&in_flight.built).await?;
            in_flight.is_stored = true;
        }
        if self.recipe.is_sent {
            self.send(intent, in_flight).await?;
        }
        let checkpoint =
            self.machine.checkpoint_after(intent, |log| !self.is_source_missing && !self.logs.contains_key(&log));
        let mut changes = vec![
            Change::put(self.definition.checkpoint_key(), &checkpoint),
            Change::delete(self.definition.intent_key()),
        ];
        if let Some(landing) = &self.landing {
            changes.extend(landing.changes(in_flight.built.landed()));
        }
        changes.extend(self.notices(in_flight));
        self.commit(changes).await?;
        Ok(checkpoint)
    }

    /// The notices of the objects in place.
    fn notices(&self, in_flight: &InFlight) -> Vec<Change> {
        let Some(outbox) = &self.outbox else { return Vec::new() };
        let now_ms = self.now_ms();
        let objects = in_flight.built.landed().chain(in_flight.sending.landed());
        let notices =
            objects.filter_map(|object| outbox.change(self.bucket_of(object), &object.key, object.byte_count, now_ms));
        notices.collect()
    }

    /// Puts all objects in place, a few at a time. Putting one there again does no harm.
    pub(super) async fn store_objects(&mut self, built: &Built) -> Result<(), Interruption> {
        let mut uploads = Vec::new();
        for (object, body) in built.objects.iter().zip(&built.bodies) {
            uploads.push((self.sink_of(object).await?, object.key.clone(), body.clone()));
        }
        let histogram = self.metrics.upload_seconds.clone();
        let uploads = stream::iter(uploads).map(Ok).try_for_each_concurrent(UPLOADS_MAX, move |upload| {
            let histogram = histogram.clone();
            async move {
                let (sink, key, body): (Arc<dyn Sink>, String, Bytes) = upload;
                let started = Instant::now();
                sink.put(&key, body).await?;
                histogram.observe(started.elapsed().as_secs_f64());
                Ok::<_, Interruption>(())
            }
        });
        self.unless_stopped(uploads).await?
    }

    fn bucket_of(&self, object: &IntentObject) -> &str {
        let destination = &self.definition.destination;
        match (&object.kind, &destination.backup) {
            (ObjectKind::Backup, Some(backup)) => &backup.bucket,
            _ => &destination.bucket,
        }
    }

    async fn sink_of(&mut self, object: &IntentObject) -> Result<Arc<dyn Sink>, Interruption> {
        let bucket = self.bucket_of(object).to_owned();
        if let Some(sink) = self.sinks.get(&bucket) {
            return Ok(Arc::clone(sink));
        }
        let (sinks, name) = (Arc::clone(&self.shared.sinks), bucket.clone());
        let sink = blocking(move || sinks.open(&name)).await??;
        self.sinks.insert(bucket, Arc::clone(&sink));
        Ok(sink)
    }

    /// Makes the objects of an open intent again, after a restart.
    async fn rebuild(&mut self, intent: &Intent) -> Result<InFlight, Interruption> {
        // A bucket that still refuses is not worth the work.
        if let Some(object) = intent.objects.first() {
            let sink = self.sink_of(object).await?;
            self.unless_stopped(sink.size_of(&object.key)).await??;
        }
        let staged = self.restage(intent).await?;
        let order = Order {
            unique: intent.uuid(),
            oldest_ms: intent.oldest_ms,
            created_ms: intent.created_ms,
            schema: intent.schema.clone(),
        };
        let mut built = self.build(&intent.ranges, order, staged.clone()).await?;
        if built.objects != intent.objects {
            self.rebuild_otherwise(intent, &mut built).await?;
        }
        Ok(InFlight::new(built, staged))
    }

    /// Records have expired since, or another version of this program encodes otherwise. Objects that are in place already
    /// are whole, and hold what may be gone; if one of them is not, all give way to those that were built now.
    async fn rebuild_otherwise(&mut self, intent: &Intent, built: &mut Built) -> Result<(), Interruption> {
        let mut is_in_place = true;
        for object in &intent.objects {
            let sink = self.sink_of(object).await?;
            let size = self.unless_stopped(sink.size_of(&object.key)).await??;
            is_in_place &= size == Some(object.byte_count);
        }
        tracing::warn!(
            delivery_stream = self.name(),
            intent = intent.unique,
            missing = built.missing_count,
            is_in_place,
            "the objects of an open intent could not be built again as they were"
        );
        if is_in_place {
            // They count as what was delivered, with nothing to upload.
            built.objects.clone_from(&intent.objects);
            built.bodies.clear();
            built.objects_in_place.clone_from(&intent.objects);
            return Ok(());
        }
        for object in &intent.objects {
            if built.objects.iter().all(|again| again.key != object.key) {
                let sink = self.sink_of(object).await?;
                self.unless_stopped(sink.delete(&object.key)).await??;
            }
        }
        Ok(())
    }

    fn report(&mut self, built: &Built) {
        let metrics = &self.metrics;
        metrics.delivered_records.inc_by(built.record_count);
        metrics.delivered_bytes.inc_by(built.byte_count);
        metrics.delivered_objects.inc_by(built.objects.len() as u64);
        metrics.stored_bytes.inc_by(built.objects.iter().map(|object| object.byte_count).sum());
        metrics.failed_records.inc_by(built.failed_count);
        metrics.missing_records.inc_by(built.missing_count);
        if built.missing_count > 0 {
            tracing::warn!(
                delivery_stream = self.name(),
                records = built.missing_count,
                "records expired or their stream was deleted before they were delivered"
            );
        }
        self.report_recovery();
        tracing::debug!(
            delivery_stream = self.name(),
            records = built.record_count,
            failed = built.failed_count,
            objects = built.objects.len(),
            "delivered"
        );
    }

    fn report_recovery(&self) {
        if !matches!(self.status.get(), DeliveryStatus::Retrying { .. }) {
            return;
        }
        self.metrics.is_retrying.set(0);
        tracing::info!(delivery_stream = self.name(), "delivery goes on");
        let is_missing = self.is_source_missing;
        self.status.set(if is_missing { DeliveryStatus::SourceMissing } else { DeliveryStatus::Running });
    }

    /// Gives the space of delivered records back; those of a stream belong to the stream.
    async fn clean_up(&self, intent: &Intent, checkpoint: &Checkpoint) {
        let (spool, staged, topic) = (self.shared.spool.clone(), intent.staged.clone(), self.topic.clone());
        let own = match &self.definition.source {
            Source::DirectPut { log } => checkpoint.positions.iter().find(|position| position.log == *log),
            Source::Stream { .. } | Source::Topic { .. } => None,
        };
        let own = own.map(|position| (self.shared.store.log(position.log), position.next_ordinal));
        let (checkpoint, name) = (checkpoint.clone(), self.definition.key.name.clone());
        let cleaned = blocking(move || {
            if let Some(Err(error)) = staged.map(|file| spool.remove_kept(&file.name)) {
                tracing::warn!(delivery_stream = name, %error, "delivered records could not be removed from the spool");
            }
            let trimmed = own.map(|(log, next_ordinal)| log.trim_before(next_ordinal).map(drop));
            if let Some(Err(error)) = trimmed.or_else(|| topic.map(|topic| topic.on_delivered(&checkpoint))) {
                // The next delivery tries again.
                tracing::warn!(delivery_stream = name, %error, "delivered records could not be removed");
            }
        });
        // Nothing is lost if it was not done: a start sweeps the spool.
        drop(cleaned.await);
    }
}
