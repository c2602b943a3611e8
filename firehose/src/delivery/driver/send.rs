//! Sending: the records of an intent go to an endpoint, and those that it does not take to the error prefix.

use std::sync::Arc;

use super::deliver::InFlight;
use super::{Driver, Interruption, blocking};
use crate::delivery::build::{Built, Order, Records, build_refused};
use crate::delivery::recipe::Names;
use crate::delivery::source_records::SourceRecords;
use crate::delivery::{Intent, IntentObject};
use crate::endpoint::{self, Batch, Endpoint, EndpointContext, Verdict};
use crate::error::DeliveryError;
use crate::record::{Reason, Record, Refused};

/// How far sending got. Records are known by their place among the good records of the intent.
#[derive(Default)]
pub(super) struct Sending {
    /// When the first failure was, in milliseconds since the Unix epoch.
    failing_since_ms: Option<u64>,
    /// The records to send, each with what came of it last; `None` for all of them.
    open: Option<Vec<(usize, Arc<Reason>)>>,
    refused: Vec<(usize, Arc<Reason>)>,
    attempt_count: u32,
    /// The objects of the refused records.
    built_refused: Option<Built>,
}

impl Sending {
    /// The objects of the refused records.
    pub(super) fn landed(&self) -> impl Iterator<Item = &IntentObject> {
        self.built_refused.iter().flat_map(Built::landed)
    }
}

impl Driver {
    /// Sends what is not settled yet; once everything is, the refused records are in the error prefix.
    pub(super) async fn send(&mut self, intent: &Intent, in_flight: &mut InFlight) -> Result<(), Interruption> {
        let endpoint = self.endpoint()?;
        if in_flight.sending.open.as_ref().is_none_or(|open| !open.is_empty()) {
            self.send_open(&*endpoint, intent, in_flight).await?;
        }
        if in_flight.sending.refused.is_empty() {
            return Ok(());
        }
        if in_flight.sending.built_refused.is_none() {
            in_flight.sending.built_refused = Some(self.build_refused(intent, in_flight, endpoint).await?);
        }
        let Some(built) = &in_flight.sending.built_refused else { return Ok(()) };
        self.store_objects(built).await?;
        in_flight.built.failed_count += built.failed_count;
        Ok(())
    }

    async fn send_open(
        &mut self,
        endpoint: &dyn Endpoint,
        intent: &Intent,
        in_flight: &mut InFlight,
    ) -> Result<(), Interruption> {
        let records = self.records(intent, in_flight).await?;
        let sending = &mut in_flight.sending;
        let places: Vec<usize> = match &sending.open {
            Some(open) => open.iter().map(|(place, _)| *place).collect(),
            None => (0..records.len()).collect(),
        };
        let records: Vec<Record> = places.iter().filter_map(|place| records.get(*place).cloned()).collect();
        if records.is_empty() {
            sending.open = Some(Vec::new());
            return Ok(());
        }
        let id = intent.uuid();
        let recipe = Arc::clone(&self.recipe);
        let names = Names { recipe: &recipe, unique: &id };
        let prefix = names.data_prefix(&Default::default(), intent.oldest_ms);
        let object_key = &names.data_key(&prefix, intent.oldest_ms);
        let batch = Batch { id, object_key, records: &records, now_ms: self.now_ms() };
        sending.attempt_count += 1;
        let verdicts = self.unless_stopped(endpoint.send(&batch)).await?;
        let (mut open, mut left) = (Vec::new(), Vec::new());
        for ((place, record), verdict) in places.into_iter().zip(&records).zip(verdicts) {
            match verdict {
                Verdict::Delivered => {}
                Verdict::Again(reason) => {
                    open.push((place, reason));
                    left.push(record.clone());
                }
                Verdict::Refused(reason) => sending.refused.push((place, reason)),
            }
        }
        sending.open = Some(open);
        self.send_again_or_give_up(endpoint, sending, batch.object_key, id, &left).await
    }

    /// What is still open is sent again, until the retry duration is over.
    async fn send_again_or_give_up(
        &mut self,
        endpoint: &dyn Endpoint,
        sending: &mut Sending,
        object_key: &str,
        id: uuid::Uuid,
        left: &[Record],
    ) -> Result<(), Interruption> {
        let open = sending.open.take().unwrap_or_default();
        let Some((_, reason)) = open.first() else {
            sending.open = Some(open);
            return Ok(());
        };
        let now_ms = self.now_ms();
        let since_ms = *sending.failing_since_ms.get_or_insert(now_ms);
        let retry_seconds = self.definition.destination.endpoint.as_ref().map_or(0, |e| e.retry_seconds());
        if now_ms.saturating_sub(since_ms) < retry_seconds.saturating_mul(1_000) {
            let error = DeliveryError::Endpoint { reason: format!("{}: {}", reason.code, reason.message) };
            sending.open = Some(open);
            return Err(error.into());
        }
        let batch = Batch { id, object_key, records: left, now_ms };
        match self.unless_stopped(endpoint.give_up(&batch)).await? {
            Ok(true) => {}
            Ok(false) => sending.refused.extend(open),
            Err(error) => {
                sending.open = Some(open);
                return Err(error.into());
            }
        }
        sending.open = Some(Vec::new());
        Ok(())
    }

    /// The good records of an intent.
    async fn records(&self, intent: &Intent, in_flight: &InFlight) -> Result<Vec<Record>, Interruption> {
        let (ranges, logs) = (intent.ranges.clone(), Arc::clone(&self.logs));
        let staged = in_flight.staged.clone();
        let records = blocking(move || {
            let records = Records { source: SourceRecords::read(&ranges, &logs)?, staged };
            Ok::<_, DeliveryError>(records.iter_owned().collect())
        });
        Ok(records.await??)
    }

    async fn build_refused(
        &mut self,
        intent: &Intent,
        in_flight: &InFlight,
        endpoint: Arc<dyn Endpoint>,
    ) -> Result<Built, Interruption> {
        let records = self.records(intent, in_flight).await?;
        let mut refused = in_flight.sending.refused.clone();
        refused.sort_by_key(|(place, _)| *place);
        let order = Order {
            unique: intent.uuid(),
            oldest_ms: intent.oldest_ms,
            created_ms: self.now_ms(),
            schema: intent.schema.clone(),
        };
        let attempt_count = in_flight.sending.attempt_count;
        let (recipe, logs, spool) = (Arc::clone(&self.recipe), Arc::clone(&self.logs), self.shared.spool.clone());
        let built = blocking(move || {
            let refused = refused.into_iter().filter_map(|(place, reason)| {
                let record = records.get(place)?;
                let document = endpoint.document_name(record);
                let refused = Refused {
                    data: record.data.clone(),
                    origin: record.origin,
                    reason: Reason::clone(&reason),
                    attempt_count,
                };
                Some((refused, document))
            });
            build_refused(&recipe, &order, refused, &logs, &spool)
        });
        Ok(built.await??)
    }

    fn endpoint(&mut self) -> Result<Arc<dyn Endpoint>, Interruption> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(Arc::clone(endpoint));
        }
        let unset = || DeliveryError::Endpoint { reason: "the destination has no endpoint".to_owned() };
        let settings = self.definition.destination.endpoint.as_ref().ok_or_else(unset)?;
        let context =
            EndpointContext::new(&self.definition, &self.shared.options, &self.shared.sinks, &self.shared.spool);
        let endpoint = endpoint::open(settings, &context)
            .map_err(|error| DeliveryError::Endpoint { reason: error.to_string() })?;
        self.endpoint = Some(Arc::clone(&endpoint));
        Ok(endpoint)
    }
}
