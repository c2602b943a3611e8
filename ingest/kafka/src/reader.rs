//! [`Reader`]: the thread that reads one topic.
//!
//! It takes what librdkafka has fetched in rounds, appends each round, waits until that is durable, and only then takes the
//! next one; librdkafka fetches ahead meanwhile. What goes wrong with the cluster is for librdkafka to mend; the reader asks
//! for the topic's metadata to learn and to tell whether it is mended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firehose::topic::{Feed, Start, Stopped, TopicRecord};
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::context::Context;
use crate::limits::{ANSWER_TIMEOUT, POLL, RECORD_BYTES_MAX, RETRY_AFTER, ROUND_BYTES, ROUND_RECORDS_MAX};
use crate::metrics::ReaderMetrics;
use crate::options::Options;
use crate::position::{Extent, Position};

/// Reads one topic.
pub(crate) struct Reader {
    feed: Arc<Feed>,
    options: Arc<Options>,
    config: ClientConfig,
    metrics: ReaderMetrics,
}

/// Why reading was broken off.
enum Interruption {
    Stopped,
    /// Something, a sentence, has to be overcome first.
    Trouble(String),
}

impl From<Stopped> for Interruption {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl Reader {
    pub(crate) fn new(feed: Arc<Feed>, options: Arc<Options>, config: ClientConfig, metrics: ReaderMetrics) -> Self {
        Self { feed, options, config, metrics }
    }

    /// Reads until the feed is stopped.
    pub(crate) fn run(&self) {
        if let Err(error) = self.feed.count_backlog() {
            // Delivery will meet the same error, tell it, and not go on; reading may.
            tracing::warn!(delivery_stream = %self.feed.key(), %error, "what waits for delivery could not be counted");
        }
        while let Err(Interruption::Trouble(reason)) = self.read() {
            self.tell(reason);
            if self.feed.pause(RETRY_AFTER).is_err() {
                return;
            }
        }
    }

    fn tell(&self, reason: String) {
        self.metrics.is_retrying.set(1);
        self.feed.set_trouble(reason);
    }

    /// Reads with one consumer until that is of no more use.
    fn read(&self) -> Result<(), Interruption> {
        let positions = Arc::new(Mutex::new(Vec::new()));
        let context = Context {
            topic: self.feed.topic().name.clone(),
            positions: Arc::clone(&positions),
            lag: self.metrics.lag.clone(),
            last_error: Mutex::default(),
        };
        let consumer: BaseConsumer<Context> =
            self.config.create_with_context(context).map_err(|error| Interruption::Trouble(error.to_string()))?;
        let mut session =
            Session { reader: self, consumer: &consumer, positions, is_assigned: false, look_at: Instant::now() };
        loop {
            if self.feed.is_stopped() {
                return Err(Interruption::Stopped);
            }
            session.step()?;
        }
    }
}

/// Reading with one consumer.
struct Session<'a> {
    reader: &'a Reader,
    consumer: &'a BaseConsumer<Context>,
    /// The next offset of each partition that is read.
    positions: Arc<Mutex<Vec<u64>>>,
    /// Whether the consumer reads at these positions.
    is_assigned: bool,
    /// When the metadata is asked for.
    look_at: Instant,
}

impl<'a> Session<'a> {
    fn step(&mut self) -> Result<(), Interruption> {
        if Instant::now() >= self.look_at {
            match self.refresh() {
                Ok(()) => {
                    self.reader.metrics.is_retrying.set(0);
                    self.reader.feed.clear_trouble();
                    self.look_at = Instant::now() + self.reader.options.metadata_interval;
                }
                Err(reason) => {
                    self.reader.tell(reason);
                    self.look_at = Instant::now() + RETRY_AFTER;
                }
            }
        }
        let undelivered = self.reader.feed.backlog_bytes();
        self.reader.metrics.undelivered_bytes.set(i64::try_from(undelivered).unwrap_or(i64::MAX));
        let is_held_back = undelivered >= self.reader.options.undelivered_size.as_u64();
        self.reader.metrics.is_held_back.set(i64::from(is_held_back));
        if is_held_back {
            // librdkafka's own queue fills up, and then it stops fetching too.
            return Ok(self.reader.feed.pause(POLL)?);
        }
        for (partition, messages) in self.round()? {
            self.append(partition, &messages)?;
        }
        Ok(())
    }

    fn topic(&self) -> &'a str {
        &self.reader.feed.topic().name
    }

    /// Finds the partitions, and reads them if they are more than before. What fails is told as a sentence.
    fn refresh(&mut self) -> Result<(), String> {
        let metadata = self.consumer.fetch_metadata(Some(self.topic()), ANSWER_TIMEOUT);
        let metadata = metadata.map_err(|error| self.unanswered(&error))?;
        let topic = metadata.topics().iter().find(|found| found.name() == self.topic());
        let topic = topic.ok_or_else(|| format!("topic {} is not there", self.topic()))?;
        if let Some(error) = topic.error() {
            return Err(format!("topic {}: {}", self.topic(), RDKafkaErrorCode::from(error)));
        }
        let partitions = topic.partitions();
        self.reader.feed.grow(partitions.len()).map_err(|error| error.to_string())?;
        if !self.is_assigned || partitions.len() > self.positions.lock().len() {
            self.assign(partitions.len())?;
        }
        let failed = partitions.iter().find_map(|partition| Some((partition.id(), partition.error()?)));
        match failed {
            None => Ok(()),
            Some((id, error)) => {
                Err(format!("partition {id} of topic {}: {}", self.topic(), RDKafkaErrorCode::from(error)))
            }
        }
    }

    fn unanswered(&self, error: &KafkaError) -> String {
        // What happened to the connections is told through the queue of records.
        let detail = self.consumer.context().last_error.lock().take();
        let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("cluster {} does not answer: {error}{detail}", self.reader.feed.topic().cluster)
    }

    /// Reads `count` partitions, each where it was left.
    fn assign(&mut self, count: usize) -> Result<(), String> {
        let known = self.positions.lock().clone();
        let mut positions = Vec::with_capacity(count);
        let mut assignment = TopicPartitionList::with_capacity(count);
        for partition in 0..count {
            let offset = self.assign_position(partition, known.get(partition).copied())?;
            positions.push(offset);
            let at = Offset::Offset(i64::try_from(offset).map_err(|error| error.to_string())?);
            assignment.add_partition_offset(self.topic(), number(partition), at).map_err(|error| error.to_string())?;
        }
        *self.positions.lock() = positions;
        self.consumer.assign(&assignment).map_err(|error| error.to_string())?;
        self.is_assigned = true;
        Ok(())
    }

    /// Where a partition is read on; `known` is where this consumer has come to.
    fn assign_position(&self, partition: usize, known: Option<u64>) -> Result<u64, String> {
        let extent = self.extent(partition)?;
        let wanted =
            match known.map_or_else(|| self.reader.feed.start(partition), |offset| Ok(Start::Offset(offset)))? {
                Start::Beginning => extent.first,
                Start::Offset(offset) => offset,
                // The end was asked for first: what comes in between is of that time or later, and is found by it.
                Start::Time(millis) => self.offset_at(partition, millis)?.unwrap_or(extent.end),
            };
        let position = Position::decide(wanted, extent);
        self.assign_report(partition, wanted, position);
        Ok(position.offset())
    }

    fn assign_report(&self, partition: usize, wanted: u64, position: Position) {
        let (delivery_stream, topic) = (self.reader.feed.key(), self.topic());
        match position {
            Position::Kept(_) => {}
            Position::Gap { first, missing } => {
                self.reader.metrics.missing_records.inc_by(missing);
                tracing::warn!(
                    %delivery_stream, topic, partition, wanted, first,
                    "records were removed from the topic before they were read; going on at the first there is"
                );
            }
            Position::Renewed { first } => tracing::warn!(
                %delivery_stream, topic, partition, wanted, first,
                "the partition ends before what was read of it: it was made anew, or has lost records; going on at its beginning"
            ),
        }
    }

    fn extent(&self, partition: usize) -> Result<Extent, String> {
        let extent = self.consumer.fetch_watermarks(self.topic(), number(partition), ANSWER_TIMEOUT);
        let (first, end) =
            extent.map_err(|error| format!("partition {partition} of topic {}: {error}", self.topic()))?;
        Ok(Extent { first: u64::try_from(first).unwrap_or(0), end: u64::try_from(end).unwrap_or(0) })
    }

    /// The first offset of a time or later, if there is one.
    fn offset_at(&self, partition: usize, millis: u64) -> Result<Option<u64>, String> {
        let failed = |error: KafkaError| format!("partition {partition} of topic {}: {error}", self.topic());
        let mut asked = TopicPartitionList::with_capacity(1);
        let at = Offset::Offset(i64::try_from(millis).unwrap_or(i64::MAX));
        asked.add_partition_offset(self.topic(), number(partition), at).map_err(failed)?;
        let answered = self.consumer.offsets_for_times(asked, ANSWER_TIMEOUT).map_err(failed)?;
        let found = answered.find_partition(self.topic(), number(partition));
        found.as_ref().map_or(Ok(()), rdkafka::topic_partition_list::TopicPartitionListElem::error).map_err(failed)?;
        Ok(match found.map(|found| found.offset()) {
            Some(Offset::Offset(offset)) => u64::try_from(offset).ok(),
            _ => None,
        })
    }

    /// Takes what was fetched, by partition.
    fn round(&mut self) -> Result<BTreeMap<i32, Vec<BorrowedMessage<'a>>>, Interruption> {
        let mut round: BTreeMap<i32, Vec<BorrowedMessage<'a>>> = BTreeMap::new();
        let (mut byte_count, mut timeout) = (0, POLL);
        for _ in 0..ROUND_RECORDS_MAX {
            match self.consumer.poll(timeout) {
                None => break,
                Some(Ok(message)) => {
                    byte_count += message.payload_len();
                    round.entry(message.partition()).or_default().push(message);
                }
                Some(Err(error)) => {
                    self.meet(&error)?;
                    break;
                }
            }
            if byte_count >= ROUND_BYTES {
                break;
            }
            timeout = Duration::ZERO;
        }
        Ok(round)
    }

    /// Decides what an error means.
    fn meet(&mut self, error: &KafkaError) -> Result<(), Interruption> {
        tracing::debug!(delivery_stream = %self.reader.feed.key(), topic = self.topic(), %error, "while reading");
        match error {
            KafkaError::MessageConsumptionFatal(_) => return Err(Interruption::Trouble(error.to_string())),
            KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.is_assigned = false;
                self.look_at = Instant::now();
            }
            // The metadata tells whether it matters: a broker of several may be away for a while. If that is in doubt
            // already, it is asked for in due time.
            _ if self.look_at > Instant::now() + RETRY_AFTER => self.look_at = Instant::now(),
            _ => {}
        }
        Ok(())
    }

    /// Appends what was fetched of a partition.
    fn append(&self, partition: i32, messages: &[BorrowedMessage<'_>]) -> Result<(), Interruption> {
        let number = usize::try_from(partition).unwrap_or(usize::MAX);
        let Some(mut position) = self.positions.lock().get(number).copied() else { return Ok(()) };
        let batch_bytes_max = self.reader.feed.batch_bytes_max();
        let (mut batch, mut byte_count) = (Vec::with_capacity(messages.len()), 0);
        for message in messages {
            let Some(offset) = u64::try_from(message.offset()).ok().filter(|offset| *offset >= position) else {
                continue;
            };
            position = offset + 1;
            let Some(data) = self.deliverable(message) else { continue };
            let needed = data.len() + RECORD_OVERHEAD_BYTES;
            if byte_count + needed > batch_bytes_max {
                self.append_batch(number, &std::mem::take(&mut batch))?;
                byte_count = 0;
            }
            byte_count += needed;
            batch.push(TopicRecord { offset, data });
        }
        self.append_batch(number, &batch)?;
        if let Some(kept) = self.positions.lock().get_mut(number) {
            *kept = position;
        }
        Ok(())
    }

    fn append_batch(&self, partition: usize, batch: &[TopicRecord<'_>]) -> Result<(), Stopped> {
        self.reader.feed.append(partition, batch)?;
        self.reader.metrics.read_records.inc_by(batch.len() as u64);
        self.reader.metrics.read_bytes.inc_by(batch.iter().map(|record| record.data.len() as u64).sum());
        Ok(())
    }

    /// The value of a record, unless it has none or more than is taken.
    fn deliverable<'m>(&self, message: &'m BorrowedMessage<'_>) -> Option<&'m [u8]> {
        let Some(data) = message.payload() else {
            self.reader.metrics.valueless_records.inc();
            return None;
        };
        let byte_count_max = RECORD_BYTES_MAX.min(self.reader.feed.batch_bytes_max() - RECORD_OVERHEAD_BYTES);
        if data.len() > byte_count_max {
            self.reader.metrics.too_large_records.inc();
            tracing::warn!(
                delivery_stream = %self.reader.feed.key(),
                topic = self.topic(),
                partition = message.partition(),
                offset = message.offset(),
                byte_count = data.len(),
                byte_count_max,
                "a record is larger than can be delivered and is skipped"
            );
            return None;
        }
        Some(data)
    }
}

/// What a record takes in a log beside its value, at most.
const RECORD_OVERHEAD_BYTES: usize = 32;

/// A partition's number as Kafka has it.
fn number(partition: usize) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}
