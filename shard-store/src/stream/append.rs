//! Putting records: route, throttle in order, one append per shard and request, then wait for all of them.
//!
//! Records are copied before [`Stream::append`] returns, so they may borrow from a request's body; what is awaited
//! afterwards borrows nothing. A record that is refused does not keep the others from being stored. A record whose shard
//! is closed in this very moment goes on to the shard's child.

use std::ops::Range;
use std::sync::Arc;

use super::definition::RecordDistribution;
use super::error::PutError;
use super::monitoring::ShardMetric;
use super::registry::Streams;
use super::sequence::SequenceNumber;
use super::shard::{Shard, ShardNumber};
use super::snapshot::Stream;
use crate::error::AppendError;
use crate::log::{Appended, BoxFuture, NewRecord};

/// What counts against the limits: data and partition key.
pub(super) fn counted_bytes(record: &NewRecord<'_>) -> usize {
    record.data.byte_count() + record.partition_key.len()
}

/// Records on their way to their shards.
#[must_use = "records are stored only once they were waited for"]
pub struct PendingAppend {
    results: Vec<Result<SequenceNumber, PutError>>,
    /// The places of the admitted records in the request, shard by shard.
    places: Vec<u32>,
    batches: Vec<PendingBatch>,
}

struct PendingBatch {
    shard: Arc<Shard>,
    durable: BoxFuture<'static, Result<Appended, AppendError>>,
    /// Which of the places are in this batch.
    members: Range<usize>,
}

/// A single record on its way to its shard.
#[must_use = "a record is stored only once it was waited for"]
pub struct PendingRecord {
    shard: Arc<Shard>,
    durable: BoxFuture<'static, Result<Appended, AppendError>>,
}

impl PendingRecord {
    /// Waits until the record is durable. Returns its sequence number, which names its shard.
    ///
    /// # Errors
    /// `Append` if it could not be made durable.
    pub async fn settle(self) -> Result<SequenceNumber, PutError> {
        let appended = self.durable.await?;
        Ok(self.shard.sequence_number(appended.first_ordinal))
    }
}

impl PendingAppend {
    /// Of a request of so many records, none of which has a shard yet.
    pub(super) fn throttled(record_count: usize, shard: ShardNumber) -> Self {
        Self {
            results: vec![Err(PutError::Throttled { shard }); record_count],
            places: Vec::with_capacity(record_count),
            batches: Vec::new(),
        }
    }

    /// How many records were admitted so far.
    pub(super) fn place_count(&self) -> usize {
        self.places.len()
    }

    /// Notes the place in the request of a record of the next batch.
    pub(super) fn add_place(&mut self, place: u32) {
        self.places.push(place);
    }

    /// Appends a batch, whose places begin at `members_start`, to its shard, and empties it.
    pub(super) fn append_batch(&mut self, shard: &Arc<Shard>, batch: &mut Vec<NewRecord<'_>>, members_start: usize) {
        if batch.is_empty() {
            return;
        }
        let members = members_start..self.places.len();
        match shard.log().append(batch) {
            Ok(durable) => self.batches.push(PendingBatch { shard: Arc::clone(shard), durable, members }),
            Err(error) => {
                let places = self.places.get(members).unwrap_or_default();
                settle_batch(&mut self.results, places, shard, &Err(error));
            }
        }
        batch.clear();
    }

    /// The places of the records whose shard was closed before it could take them.
    fn moved_places(&self) -> Vec<u32> {
        let results = self.results.iter().zip(0u32..);
        let moved = results.filter(|(result, _)| matches!(result, Err(PutError::Append(AppendError::Sealed))));
        moved.map(|(_, place)| place).collect()
    }

    /// Takes over what became of the records at `places` in another try.
    fn retry(&mut self, places: &[u32], again: Self) {
        let place_of = |index: usize| places.get(index).copied().unwrap_or(u32::MAX);
        for (index, result) in again.results.into_iter().enumerate() {
            if let Some(slot) = self.results.get_mut(place_of(index) as usize) {
                *slot = result;
            }
        }
        let base = self.places.len();
        self.places.extend(again.places.into_iter().map(|place| place_of(place as usize)));
        self.batches.extend(again.batches.into_iter().map(|batch| {
            let members = base + batch.members.start..base + batch.members.end;
            PendingBatch { members, ..batch }
        }));
    }

    /// Counts what the shards' logs took of the request's records.
    fn count_incoming(&self, records: &[NewRecord<'_>]) {
        for batch in &self.batches {
            let places = self.places.get(batch.members.clone()).unwrap_or_default();
            let taken = places.iter().filter_map(|place| records.get(*place as usize));
            batch.shard.counters.count_incoming(places.len(), taken.map(counted_bytes).sum());
        }
    }

    /// Waits until all batches are durable or lost. Returns what became of each record, in the order of the request.
    pub async fn settle(mut self) -> Vec<Result<SequenceNumber, PutError>> {
        for batch in self.batches {
            let outcome = batch.durable.await;
            let places = self.places.get(batch.members).unwrap_or_default();
            settle_batch(&mut self.results, places, &batch.shard, &outcome);
        }
        self.results
    }
}

/// Notes the outcome of one batch in the results of its records.
fn settle_batch(
    results: &mut [Result<SequenceNumber, PutError>],
    places: &[u32],
    shard: &Shard,
    outcome: &Result<Appended, AppendError>,
) {
    for (place, offset) in places.iter().zip(0u64..) {
        if let Some(result) = results.get_mut(*place as usize) {
            *result = match outcome {
                Ok(appended) => Ok(shard.sequence_number(appended.first_ordinal + offset)),
                Err(error) => Err(PutError::Append(error.clone())),
            };
        }
    }
}

impl Streams {
    /// Puts one record at `now_ms`. If its shard is being closed, this waits for the shard's children.
    ///
    /// # Errors
    /// As [`Stream::append_one`]; `Append(Sealed)` if the stream was deleted.
    pub async fn append_one(
        &self,
        stream: &Arc<Stream>,
        record: &NewRecord<'_>,
        now_ms: u64,
    ) -> Result<PendingRecord, PutError> {
        let mut outcome = stream.append_one(record, now_ms);
        let mut stream = Arc::clone(stream);
        while matches!(outcome, Err(PutError::Append(AppendError::Sealed))) {
            let Some(successor) = self.successor(&stream).await else { break };
            stream = successor;
            outcome = stream.append_one(record, now_ms);
        }
        outcome
    }

    /// Puts the records of one request at `now_ms`, as [`Stream::append`] does. If a shard is being closed, this waits
    /// for its children and puts its records there, in the same order.
    pub async fn append(&self, stream: &Arc<Stream>, records: &[NewRecord<'_>], now_ms: u64) -> PendingAppend {
        let mut pending = stream.append(records, now_ms);
        let mut stream = Arc::clone(stream);
        loop {
            let places = pending.moved_places();
            if places.is_empty() {
                return pending;
            }
            let Some(successor) = self.successor(&stream).await else { return pending };
            stream = successor;
            let moved: Vec<_> = places.iter().filter_map(|place| records.get(*place as usize)).copied().collect();
            pending.retry(&places, stream.append(&moved, now_ms));
        }
    }
}

impl Stream {
    /// Puts one record at `now_ms`.
    ///
    /// # Errors
    /// `Throttled` if the shard's write throughput is used up, `Append` if the log refuses the record. Nothing is
    /// written then.
    pub fn append_one(&self, record: &NewRecord<'_>, now_ms: u64) -> Result<PendingRecord, PutError> {
        let shard = match self.distribution() {
            RecordDistribution::UserPartitionKey => self.route_one(record, now_ms)?,
            RecordDistribution::Auto => self.spread_one(record, now_ms)?,
        };
        let durable = shard.log().append(std::slice::from_ref(record))?;
        if self.is_monitored() {
            shard.counters.count_incoming(1, counted_bytes(record));
        }
        Ok(PendingRecord { shard: Arc::clone(shard), durable })
    }

    /// The shard of a record's key, if its throttle admits the record.
    fn route_one(&self, record: &NewRecord<'_>, now_ms: u64) -> Result<&Arc<Shard>, PutError> {
        let shard = self.shard_at(self.route(record));
        if self.is_enforced() && !shard.writes.admit_one(now_ms, counted_bytes(record)) {
            self.count_refused(shard, 1);
            return Err(PutError::Throttled { shard: shard.number() });
        }
        Ok(shard)
    }

    /// Puts the records of one request at `now_ms`. Records of the same shard are stored in the order of `records` and
    /// without others between them; throttled ones are left out.
    pub fn append(&self, records: &[NewRecord<'_>], now_ms: u64) -> PendingAppend {
        let pending = match self.distribution() {
            RecordDistribution::UserPartitionKey => self.append_by_key(records, now_ms),
            RecordDistribution::Auto => self.spread(records, now_ms),
        };
        if self.is_monitored() {
            pending.count_incoming(records);
        }
        pending
    }

    fn append_by_key(&self, records: &[NewRecord<'_>], now_ms: u64) -> PendingAppend {
        let routed = self.append_route(records);
        // Overwritten for every record: it is either throttled, or in a batch.
        let mut pending = PendingAppend::throttled(records.len(), ShardNumber(0));
        let mut batch = Vec::with_capacity(records.len());
        for group in routed.chunk_by(|left, right| left.shard == right.shard) {
            let Some(first) = group.first() else { continue };
            let shard = self.shard_at(first.shard as usize);
            let members_start = pending.place_count();
            self.append_admit(shard, group, records, now_ms, &mut pending, &mut batch);
            self.count_refused(shard, group.len() - batch.len());
            pending.append_batch(shard, &mut batch, members_start);
        }
        pending
    }

    /// The records by shard, and for each shard in the order of the request.
    fn append_route(&self, records: &[NewRecord<'_>]) -> Vec<Routed> {
        let mut routed: Vec<_> = records
            .iter()
            .zip(0u32..)
            .map(|(record, place)| Routed { shard: self.route(record) as u32, place })
            .collect();
        routed.sort_unstable();
        routed
    }

    /// Moves the records of one shard that its throttle admits to `batch`, and notes their places.
    fn append_admit<'a>(
        &self,
        shard: &Shard,
        group: &[Routed],
        records: &[NewRecord<'a>],
        now_ms: u64,
        pending: &mut PendingAppend,
        batch: &mut Vec<NewRecord<'a>>,
    ) {
        let of_shard =
            group.iter().filter_map(|routed| records.get(routed.place as usize).map(|record| (routed.place, record)));
        let mut verdict = |(place, record): (u32, &NewRecord<'a>), is_admitted: bool| {
            if is_admitted {
                pending.places.push(place);
                batch.push(*record);
            } else if let Some(result) = pending.results.get_mut(place as usize) {
                *result = Err(PutError::Throttled { shard: shard.number() });
            }
        };
        if self.is_enforced() {
            let asking = of_shard.map(|(place, record)| ((place, record), counted_bytes(record)));
            shard.writes.admit(now_ms, asking, verdict);
        } else {
            of_shard.for_each(|asking| verdict(asking, true));
        }
    }

    /// Counts records that a shard's throttle refused, if anybody wants to know.
    pub(super) fn count_refused(&self, shard: &Shard, count: usize) {
        if self.is_monitored() {
            shard.counters.count_refused(ShardMetric::WriteProvisionedThroughputExceeded, count as u64);
        }
    }

    fn shard_at(&self, place: usize) -> &Arc<Shard> {
        self.shards().get(place).expect("a route leads to one of the stream's shards, of which there is at least one")
    }
}

/// A record of the request and the shard that takes it. They sort by shard, then by place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Routed {
    /// The place in [`Stream::shards`].
    shard: u32,
    /// The place in the request.
    place: u32,
}
