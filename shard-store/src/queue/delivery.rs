//! [`Queue`]: receiving the records of a stream, and saying what became of them.
//!
//! A receive takes what is visible again and what nobody has received yet, in turns which of the two comes first, so that
//! records that fail again and again do not keep the others back; and begins with another shard each time. It does not wait
//! until it is durable that it took place: a power loss makes the record visible sooner, and its receive may not be counted.
//! Acknowledgements and all other changes are durable before they are answered.
//!
//! # Waiting
//! Of all readers that wait for a queue one has the turn: it waits for the shards to grow, for the next record to become
//! visible, and for the bell, which is rung when somebody makes something visible earlier. Once it has received something,
//! or gives up, the next one has the turn, looks, and waits. So a record wakes one reader, and a queue costs one look-out
//! however many read it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::definition::Definition;
use super::error::{DeliveryError, ReceiptError};
use super::event::{Event, Place};
use super::ledger::{Book, Ledger, Written};
use super::limits::{ALIVE_RECORDS_MAX, DEAD_RECORDS_MAX};
use super::receipt::Receipt;
use crate::error::{AppendError, CatalogError, ReadError};
use crate::format::frame::RecordView;
use crate::log::{Log, ReadBatch, ReadLimit};
use crate::stream::limits::READ_BYTES_MAX;
use crate::stream::{SequenceNumber, Shard, ShardNumber, Stream, Streams};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{ArcSwap, Notify};

/// The burials of one record of the log.
const BURIALS_PER_WRITE: usize = 10_000;

/// How many records that have expired one try removes.
const EXPIRED_PER_TRY: usize = 1_000;

/// What a receive asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// At most this many records.
    pub record_count: usize,
    /// How long to wait for the first one.
    pub wait: Duration,
    /// For how long they are in flight, in seconds; as the queue says if none.
    pub visibility_timeout_s: Option<u32>,
    /// Whether dead letters are asked for.
    pub is_dead: bool,
}

/// A received record.
#[derive(Clone, Debug)]
pub struct Delivered {
    batch: Arc<ReadBatch>,
    nth: usize,
    id: SequenceNumber,
    /// Names this delivery of it.
    pub handle: String,
    /// When it was first received from this queue, in milliseconds since the Unix epoch.
    pub first_received_ms: u64,
    /// How often it was received, this time included.
    pub receives: u32,
}

impl Delivered {
    /// The record.
    pub fn record(&self) -> Option<RecordView<'_>> {
        self.batch.records().nth(self.nth)
    }

    /// What names it in its stream.
    pub fn id(&self) -> SequenceNumber {
        self.id
    }
}

/// What is done about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The record is never delivered again.
    Acknowledge,
    /// It becomes visible in so many seconds.
    Delay {
        /// The seconds.
        timeout_s: u32,
    },
    /// The dead letter is delivered again as if it had never been received.
    Restore,
}

/// Where the readers of one kind wait.
#[derive(Default)]
struct Watch {
    turn: tokio::sync::Mutex<()>,
    bell: Notify,
}

/// A queue that delivers the records of one stream.
pub struct Queue {
    definition: ArcSwap<Definition>,
    ledger: Ledger,
    alive: Watch,
    dead: Watch,
    /// Counts receives, to take turns.
    turns: AtomicUsize,
    is_deleted: AtomicBool,
    is_checkpointing: AtomicBool,
}

/// A record that is being received.
struct Taken {
    at: Place,
    batch: Arc<ReadBatch>,
    nth: usize,
    id: SequenceNumber,
}

/// What a receive makes happen.
#[derive(Default)]
struct Haul {
    taken: Vec<Taken>,
    byte_count: usize,
    /// Beside the receives.
    events: Vec<Event>,
}

impl Haul {
    fn room(&self, ask: &Ask) -> Option<ReadLimit> {
        let record_count = ask.record_count.saturating_sub(self.taken.len());
        let byte_count = READ_BYTES_MAX.saturating_sub(self.byte_count);
        (record_count > 0 && byte_count > 0).then_some(ReadLimit { record_count, byte_count })
    }

    /// Takes what was read, unless it has become too much: a read returns one record however large it is. Returns whether it
    /// was taken.
    fn take(&mut self, shard: &Shard, batch: ReadBatch) -> bool {
        if !self.taken.is_empty() && self.byte_count + batch.byte_count() > READ_BYTES_MAX {
            return false;
        }
        self.byte_count += batch.byte_count();
        let batch = Arc::new(batch);
        self.taken.extend(batch.records().enumerate().map(|(nth, record)| Taken {
            at: Place { source: shard.number().0, ordinal: record.ordinal },
            batch: Arc::clone(&batch),
            nth,
            id: shard.sequence_number(record.ordinal),
        }));
        true
    }
}

impl Queue {
    pub(super) fn new(definition: Definition, ledger: Ledger) -> Self {
        Self {
            definition: ArcSwap::from_pointee(definition),
            ledger,
            alive: Watch::default(),
            dead: Watch::default(),
            turns: AtomicUsize::new(0),
            is_deleted: AtomicBool::new(false),
            is_checkpointing: AtomicBool::new(false),
        }
    }

    /// What it is.
    pub fn definition(&self) -> Arc<Definition> {
        self.definition.load_full()
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Puts another definition in the place of its own.
    pub(super) fn redefine(&self, definition: Definition) {
        let receives_max = definition.attributes.receives_max;
        self.definition.store(Arc::new(definition));
        self.ledger.lock().state.set_receives_max(receives_max);
        self.ring();
    }

    /// Delivers nothing any more. Whoever waits is told.
    pub(super) fn end(&self) {
        self.is_deleted.store(true, Ordering::SeqCst);
        self.ring();
    }

    fn ring(&self) {
        self.alive.bell.notify_waiters();
        self.dead.bell.notify_waiters();
    }

    /// How many records were received and neither acknowledged nor became dead letters, and how many dead letters there
    /// are.
    pub fn counts(&self) -> (usize, usize) {
        let book = self.ledger.lock();
        (book.state.alive_count(), book.state.dead_count())
    }

    /// Its stream as it is now.
    fn stream(&self, streams: &Streams) -> Result<Arc<Stream>, DeliveryError> {
        let definition = self.definition.load();
        let key = &definition.stream;
        let stream = streams.get(&key.account, &key.region, &key.name);
        let stream = stream.filter(|stream| stream.id() == definition.stream_id);
        stream.filter(|_| !self.is_deleted.load(Ordering::SeqCst)).ok_or_else(|| self.not_found())
    }

    fn not_found(&self) -> DeliveryError {
        DeliveryError::NotFound { id: self.definition.load().id.to_string() }
    }

    /// Receives records, and waits for them as long as it is asked to. Empty if none became visible meanwhile. If this is
    /// dropped nothing is received.
    ///
    /// # Errors
    /// See [`DeliveryError`]; nothing is received then.
    pub async fn receive(self: &Arc<Self>, streams: &Streams, ask: Ask) -> Result<Vec<Delivered>, DeliveryError> {
        let deadline = Instant::now() + ask.wait;
        let delivered = self.try_receive(streams, &ask)?;
        if !delivered.is_empty() {
            return Ok(delivered);
        }
        let watch = if ask.is_dead { &self.dead } else { &self.alive };
        let Ok(_turn) = timeout_at(deadline, watch.turn.lock()).await else { return Ok(Vec::new()) };
        loop {
            // Registered before the look, so that nothing in between is missed.
            let mut rung = pin!(watch.bell.notified());
            rung.as_mut().enable();
            let delivered = self.try_receive(streams, &ask)?;
            if !delivered.is_empty() {
                return Ok(delivered);
            }
            tokio::select! {
                () = sleep_until(deadline) => return Ok(Vec::new()),
                () = rung => {}
                outcome = self.look_out(streams, ask.is_dead) => outcome?,
            }
        }
    }

    /// Waits until there may be something to receive.
    async fn look_out(&self, streams: &Streams, is_dead: bool) -> Result<(), DeliveryError> {
        let stream = self.stream(streams)?;
        let mut logs: Vec<(Arc<dyn Log>, u64)> = Vec::new();
        let visible_ms = {
            let book = self.ledger.lock();
            // One who may not receive more does not wait for more.
            if !is_dead && book.state.alive_count() < ALIVE_RECORDS_MAX {
                let open = stream.shards().iter().filter(|shard| shard.is_open());
                logs.extend(open.map(|shard| (Arc::clone(shard.log()), book.state.cursor(shard.number().0))));
            }
            if is_dead { book.state.next_dead_ms(DEAD_RECORDS_MAX) } else { book.state.next_alive_ms() }
        };
        let now_ms = streams.clock().unix_millis();
        let visible = async {
            match visible_ms {
                Some(visible_ms) => sleep(Duration::from_millis(visible_ms.saturating_sub(now_ms))).await,
                None => std::future::pending().await,
            }
        };
        let mut growing: FuturesUnordered<_> = logs
            .iter()
            .map(|(log, cursor)| async move {
                log.wait_past(*cursor).await;
                if log.end() <= *cursor {
                    // The log is sealed: there will be another snapshot of the stream.
                    std::future::pending::<()>().await;
                }
            })
            .collect();
        let grown = async {
            match growing.next().await {
                Some(()) => {}
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = visible => {}
            () = grown => {}
            _ = streams.successor(&stream) => {}
        }
        Ok(())
    }

    /// Receives what there is now.
    fn try_receive(self: &Arc<Self>, streams: &Streams, ask: &Ask) -> Result<Vec<Delivered>, DeliveryError> {
        let stream = self.stream(streams)?;
        let now_ms = streams.clock().unix_millis();
        let mut book = self.ledger.lock();
        self.bury(&mut book, now_ms)?;
        let mut haul = Haul::default();
        if ask.is_dead {
            haul.take_visible(&stream, book.state.visible_dead(now_ms), ask, now_ms)?;
        } else {
            let turn = self.turns.fetch_add(1, Ordering::Relaxed);
            if turn.is_multiple_of(2) {
                haul.take_visible(&stream, book.state.visible(now_ms), ask, now_ms)?;
                haul.take_unread(&stream, &book, ask, turn / 2, now_ms)?;
            } else {
                haul.take_unread(&stream, &book, ask, turn / 2, now_ms)?;
                haul.take_visible(&stream, book.state.visible(now_ms), ask, now_ms)?;
            }
        }
        self.receive_haul(&mut book, haul, ask, streams, now_ms)
    }

    /// Makes the receives happen.
    fn receive_haul(
        self: &Arc<Self>,
        book: &mut Book,
        haul: Haul,
        ask: &Ask,
        streams: &Streams,
        now_ms: u64,
    ) -> Result<Vec<Delivered>, DeliveryError> {
        let definition = self.definition.load();
        let timeout_s = ask.visibility_timeout_s.unwrap_or(definition.attributes.visibility_timeout_s);
        let visible_ms = now_ms.saturating_add(u64::from(timeout_s) * 1_000);
        let deliveries = book.state.next_delivery(now_ms)..;
        let Haul { taken, mut events, .. } = haul;
        let mut delivered = Vec::with_capacity(taken.len());
        for (Taken { at, batch, nth, id }, delivery) in taken.into_iter().zip(deliveries) {
            events.push(Event::Receive { at, delivery, received_ms: now_ms, visible_ms });
            let before = book.state.entry(at);
            delivered.push(Delivered {
                batch,
                nth,
                id,
                handle: Receipt { at, delivery }.seal(&definition.id, streams.signer(), now_ms),
                first_received_ms: before.map_or(now_ms, |entry| entry.first_received_ms),
                receives: before.map_or(0, |entry| entry.receives).saturating_add(1),
            });
        }
        // Not waited for: see the module's documentation.
        drop(self.write(book, &events)?);
        Ok(delivered)
    }

    /// Does something about deliveries, durably. Returns what became of each, in the order of the request.
    ///
    /// # Errors
    /// See [`DeliveryError`]; nothing is promised of any of them then.
    pub async fn act(
        self: &Arc<Self>,
        streams: &Streams,
        is_dead: bool,
        acts: &[(&str, Act)],
    ) -> Result<Vec<Result<(), ReceiptError>>, DeliveryError> {
        self.stream(streams)?;
        let now_ms = streams.clock().unix_millis();
        let id = self.definition.load().id.clone();
        let (outcomes, written) = {
            let mut book = self.ledger.lock();
            self.bury(&mut book, now_ms)?;
            let mut events = Vec::with_capacity(acts.len());
            let outcomes: Vec<_> = acts
                .iter()
                .map(|(handle, act)| {
                    let receipt = Receipt::open(&id, streams.signer(), handle, now_ms).ok_or(ReceiptError::Foreign)?;
                    let Receipt { at, delivery } = receipt;
                    book.state.check(at, delivery, is_dead)?;
                    events.push(act.event(at, now_ms));
                    Ok(())
                })
                .collect();
            (outcomes, self.write(&mut book, &events)?)
        };
        if let Some(written) = written {
            written.await?;
        }
        Ok(outcomes)
    }

    /// Makes those dead letters that were received often enough.
    fn bury(self: &Arc<Self>, book: &mut Book, now_ms: u64) -> Result<(), AppendError> {
        loop {
            let burials: Vec<_> = book.state.plan_burials(now_ms, DEAD_RECORDS_MAX).take(BURIALS_PER_WRITE).collect();
            if burials.is_empty() {
                return Ok(());
            }
            drop(self.write(book, &burials)?);
        }
    }

    /// Makes events happen, and rings if something becomes visible earlier than those who wait know.
    fn write(self: &Arc<Self>, book: &mut Book, events: &[Event]) -> Result<Option<Written>, AppendError> {
        let sight = |book: &Book| {
            let state = &book.state;
            let is_full = state.alive_count() >= ALIVE_RECORDS_MAX;
            (is_full, state.next_alive_ms(), state.next_dead_ms(DEAD_RECORDS_MAX))
        };
        let (was_full, alive_ms, dead_ms) = sight(book);
        let written = self.ledger.write(book, events)?;
        let (is_full, alive_ms_now, dead_ms_now) = sight(book);
        let is_earlier =
            |now: Option<u64>, before: Option<u64>| now.is_some_and(|now| before.is_none_or(|ms| now < ms));
        if (was_full && !is_full) || is_earlier(alive_ms_now, alive_ms) {
            self.alive.bell.notify_waiters();
        }
        if is_earlier(dead_ms_now, dead_ms) {
            self.dead.bell.notify_waiters();
        }
        if book.is_long() {
            self.checkpoint_soon();
        }
        Ok(written)
    }

    /// Makes a checkpoint off the event loop, unless one is being made.
    fn checkpoint_soon(self: &Arc<Self>) {
        if self.is_checkpointing.swap(true, Ordering::SeqCst) {
            return;
        }
        let queue = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = queue.checkpoint() {
                let definition = queue.definition.load();
                tracing::warn!(queue = %definition.id, %error, "cannot store the state of a queue; its log grows on");
            }
            queue.is_checkpointing.store(false, Ordering::SeqCst);
        });
    }

    /// Stores what a start needs, so that it replays nothing that happened before. Blocks on the disk.
    ///
    /// # Errors
    /// If the catalog cannot be changed.
    pub fn checkpoint(&self) -> Result<(), CatalogError> {
        self.ledger.checkpoint()
    }

    /// Takes note of what became of the stream's logs while the queue was closed: after a power loss they may end before
    /// what was delivered of them.
    pub(super) fn open_check(&self, stream: &Stream) -> Result<(), AppendError> {
        let mut book = self.ledger.lock();
        let cut: Vec<_> = stream
            .shards()
            .iter()
            .map(|shard| Place { source: shard.number().0, ordinal: shard.log().end() })
            .filter(|end| book.state.cursor(end.source) > end.ordinal)
            .map(|at| Event::Cut { at })
            .collect();
        drop(self.ledger.write(&mut book, &cut)?);
        Ok(())
    }

    /// Forgets entries of records that have expired, and shards that are no more.
    pub(super) fn sweep(self: &Arc<Self>, streams: &Streams) -> Result<(), DeliveryError> {
        let stream = self.stream(streams)?;
        let horizon_ms = stream.horizon_ms(streams.clock().unix_millis());
        let mut book = self.ledger.lock();
        let mut events = Vec::new();
        for source in book.state.sources() {
            match (stream.shard(ShardNumber(source)), book.state.first_entry(source)) {
                (None, _) => events.push(Event::Forget { source }),
                (Some(shard), Some(first)) => {
                    let ordinal = shard.log().position_at(horizon_ms)?.max(shard.log().start());
                    if ordinal > first.ordinal {
                        events.push(Event::Trim { at: Place { source, ordinal } });
                    }
                }
                (Some(_), None) => {}
            }
        }
        drop(self.write(&mut book, &events)?);
        Ok(())
    }
}

impl Act {
    fn event(self, at: Place, now_ms: u64) -> Event {
        match self {
            Self::Acknowledge => Event::Done { at },
            Self::Delay { timeout_s } => {
                Event::Delay { at, visible_ms: now_ms.saturating_add(u64::from(timeout_s) * 1_000) }
            }
            Self::Restore => Event::Restore { at, visible_ms: now_ms },
        }
    }
}

impl Haul {
    /// Takes records that were received before, as far as they are still kept.
    fn take_visible(
        &mut self,
        stream: &Stream,
        visible: impl Iterator<Item = Place>,
        ask: &Ask,
        now_ms: u64,
    ) -> Result<(), ReadError> {
        for at in visible {
            let Some(room) = self.room(ask).filter(|_| self.events.len() < EXPIRED_PER_TRY) else { break };
            let found = match stream.shard(ShardNumber(at.source)) {
                Some(shard) => {
                    let batch = stream.read_kept(shard, at.ordinal, ReadLimit { record_count: 1, ..room }, now_ms)?;
                    let is_it = batch.records().next().is_some_and(|record| record.ordinal == at.ordinal);
                    is_it.then_some((shard, batch))
                }
                None => None,
            };
            match found {
                Some((shard, batch)) => {
                    if !self.take(shard, batch) {
                        break;
                    }
                }
                None => self.events.push(Event::Done { at }),
            }
        }
        Ok(())
    }

    /// Takes records that nobody has received yet, from one shard after the other.
    fn take_unread(
        &mut self,
        stream: &Stream,
        book: &Book,
        ask: &Ask,
        turn: usize,
        now_ms: u64,
    ) -> Result<(), ReadError> {
        let shards = stream.shards();
        let begin = turn % shards.len().max(1);
        let (before, from) = shards.split_at(begin);
        let mut alive_count = book.state.alive_count();
        for shard in from.iter().chain(before) {
            let room = self.room(ask).map(|room| ReadLimit {
                record_count: room.record_count.min(ALIVE_RECORDS_MAX.saturating_sub(alive_count)),
                ..room
            });
            let Some(room) = room.filter(|room| room.record_count > 0) else { break };
            let cursor = book.state.cursor(shard.number().0);
            if shard.log().end() <= cursor {
                continue;
            }
            let batch = stream.read_kept(shard, cursor, room, now_ms)?;
            if batch.is_empty() && batch.next_ordinal() > cursor {
                let at = Place { source: shard.number().0, ordinal: batch.next_ordinal() };
                self.events.push(Event::Trim { at });
            }
            alive_count += batch.record_count();
            if !self.take(shard, batch) {
                break;
            }
        }
        Ok(())
    }
}
