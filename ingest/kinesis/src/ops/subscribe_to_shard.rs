//! `SubscribeToShard`: records are pushed as they arrive, for five minutes.
//!
//! A task per subscription waits for records and puts them into the event stream, one event at a time, each made only when
//! the client has taken the one before. It ends with the client, the shard, its consumer or stream, the five minutes, a
//! call that takes over, or the server. While there are no records an empty event now and then shows that it is alive.
//! At the end of a shard `ContinuationSequenceNumber` is left out, as AWS does although its model requires it.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Code, Context, EventSink, EventStream, Fault, Place, Unread, Validator};
use ingest_wire::event_stream::INITIAL_RESPONSE;
use ingest_wire::{Protocol, Timestamp};
use serde::Deserialize;
use shard_store::log::ReadLimit;
use shard_store::stream::{ConsumerKey, ConsumerThrottle, ShardNumber, ShardRead, Stream};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::get_records::Answer;
use super::get_shard_iterator::{Start, TYPES};
use crate::door::Kinesis;
use crate::limits::{
    EVENT_BYTES_MAX, EVENT_RECORDS_MAX, STREAM_ARN_CHARS_MAX, SUBSCRIPTION_HEARTBEAT, SUBSCRIPTION_LIFETIME,
};
use crate::model::ChildShard;
use crate::resource::{Resource, find};
use crate::subscriptions::{Claim, SubscriptionKey};
use crate::validate::{self, CONSUMER_ARN, SEQUENCE_NUMBER};

const EVENT: &str = "SubscribeToShardEvent";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "ConsumerARN")]
    consumer_arn: Option<String>,
    stream_id: Option<String>,
    shard_id: Option<String>,
    starting_position: Option<StartingPositionInput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartingPositionInput {
    #[serde(rename = "Type")]
    kind: Option<String>,
    sequence_number: Option<String>,
    timestamp: Option<Timestamp>,
}

/// Source: Kinesis Data Streams API Reference, "SubscribeToShard".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<EventStream, Fault> {
    validate(&input)?;
    let consumer = match Resource::of(&door.streams, &context, input.consumer_arn.as_deref().unwrap_or_default())? {
        Resource::Consumer(key) => key,
        Resource::Stream(key) => return Err(kinesis::stream_not_found(&key.account, &key.name)),
    };
    let stream = find(&door.streams, &consumer.stream)?;
    let registered_ms = stream.consumer(&consumer)?.created_ms;
    let StreamFacts { account, name } = StreamFacts::of(&stream);
    let text = input.shard_id.as_deref().unwrap_or_default();
    let number: ShardNumber = text.parse().map_err(|_| kinesis::not_a_shard(account, name, text))?;
    let shard = stream.shard(number).ok_or_else(|| kinesis::shard_not_found(account, name, number))?;
    let now_ms = door.now_ms();
    let position = input.starting_position.as_ref();
    let start = Start {
        kind: position.and_then(|position| position.kind.as_deref()).unwrap_or_default(),
        sequence_number: position.and_then(|position| position.sequence_number.as_deref()),
        timestamp: position.and_then(|position| position.timestamp),
    };
    let next_ordinal = start.ordinal(&stream, shard, now_ms)?;
    let key = SubscriptionKey { stream: stream.id(), consumer: consumer.name.clone(), registered_ms, shard: number };
    let claim = door.subscriptions.claim(key, now_ms).ok_or_else(|| in_use(&consumer, number))?;
    let (sink, events) = EventStream::channel(context.protocol);
    if let Ok(place) = sink.place().await {
        place.put(INITIAL_RESPONSE, &initial_response(context.protocol)?);
    }
    let throttle = ConsumerThrottle::new(now_ms);
    let protocol = context.protocol;
    let subscription = Subscription { door, stream, consumer, shard: number, next_ordinal, throttle, sink, protocol };
    tokio::spawn(subscription.run(claim));
    Ok(events)
}

/// Puts the model's constraints upon the input.
fn validate(input: &Input) -> Result<(), Fault> {
    let mut validator = Validator::new();
    let arn = validator.member("consumerARN", input.consumer_arn.as_deref());
    arn.required().pattern(CONSUMER_ARN).length(1, STREAM_ARN_CHARS_MAX);
    validate::stream_id(&mut validator, input.stream_id.as_deref());
    validate::shard_id(&mut validator, "shardId", input.shard_id.as_deref(), true);
    match &input.starting_position {
        None => drop(validator.member("startingPosition", None::<&str>).required()),
        Some(position) => {
            validator.member("startingPosition.type", position.kind.as_deref()).required().one_of(&TYPES);
            let sequence = position.sequence_number.as_deref();
            validator.member("startingPosition.sequenceNumber", sequence).pattern(SEQUENCE_NUMBER);
        }
    }
    validator.finish()
}

/// The members of the output beside the events: none.
fn initial_response(protocol: Protocol) -> Result<Vec<u8>, Fault> {
    Ok(protocol.encode(&crate::model::Nothing {})?)
}

fn in_use(consumer: &ConsumerKey, shard: ShardNumber) -> Fault {
    let message = format!(
        "Another active subscription exists for consumer {} and shard {shard}, or was begun within the last 5 seconds.",
        consumer.name
    );
    Fault::new(Code::ResourceInUse, message)
}

/// What messages name of a stream.
struct StreamFacts<'a> {
    account: &'a str,
    name: &'a str,
}

impl<'a> StreamFacts<'a> {
    fn of(stream: &'a Stream) -> Self {
        Self { account: &stream.key().account, name: &stream.key().name }
    }
}

/// A subscription under way.
struct Subscription {
    door: Arc<Kinesis>,
    /// The newest snapshot.
    stream: Arc<Stream>,
    consumer: ConsumerKey,
    shard: ShardNumber,
    next_ordinal: u64,
    throttle: ConsumerThrottle,
    sink: EventSink,
    protocol: Protocol,
}

/// Why a subscription ends.
enum End {
    /// There is nothing to be said about it, or nobody to hear it.
    Silent,
    /// The client is told.
    Fault(Fault),
}

impl From<Unread> for End {
    fn from(Unread: Unread) -> Self {
        Self::Silent
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Subscription {
    async fn run(mut self, mut claim: Claim) {
        let deadline = Instant::now() + SUBSCRIPTION_LIFETIME;
        let end = tokio::select! {
            biased;
            () = claim.superseded() => End::Fault(in_use(&self.consumer, self.shard)),
            () = sleep_until(deadline) => End::Silent,
            end = self.push() => end,
        };
        if let End::Fault(fault) = end {
            // A client that does not take the event before must not hold the task.
            let told = tokio::time::timeout(SUBSCRIPTION_HEARTBEAT, self.sink.place()).await;
            if let Ok(Ok(place)) = told {
                place.put_fault(&fault);
            }
        }
    }

    /// Pushes events until there is a reason to end.
    async fn push(&mut self) -> End {
        loop {
            match self.push_next().await {
                Ok(true) => {}
                Ok(false) => return End::Silent,
                Err(end) => return end,
            }
        }
    }

    /// Waits for records, or the time to show signs of life, and puts one event. Returns whether the shard goes on.
    async fn push_next(&mut self) -> Result<bool, End> {
        self.wait_for_throughput().await?;
        self.wait_for_records().await?;
        let place = self.sink.place().await?;
        self.refresh()?;
        let shard = self.stream.shard(self.shard).ok_or_else(|| self.shard_gone())?;
        let limit = ReadLimit { record_count: EVENT_RECORDS_MAX, byte_count: EVENT_BYTES_MAX };
        let read = self.stream.read(shard, self.next_ordinal, limit, self.door.now_ms());
        let read = read.map_err(|error| kinesis::get(self.stream.key(), error.into()))?;
        self.put(place, &read)?;
        let byte_count = read.batch.byte_count();
        self.door.metrics.subscribe_to_shard.count_records(read.batch.record_count() as u64, byte_count as u64);
        self.throttle.charge(byte_count);
        self.next_ordinal = read.batch.next_ordinal();
        Ok(read.next_ordinal.is_some())
    }

    fn put(&self, place: Place, read: &ShardRead) -> Result<(), Fault> {
        let shard = self.stream.shard(self.shard).ok_or_else(|| self.shard_gone())?;
        let next = read.next_ordinal.map(|next| shard.sequence_number_before(next).to_string());
        let children = self.stream.children(self.shard).filter(|_| next.is_none());
        let answer = Answer {
            shard,
            read,
            child_shards: children.map(|child| ChildShard::of(child)).collect(),
            next: next.map(|next| ("ContinuationSequenceNumber", next)),
        };
        place.put(EVENT, &answer.encode(self.protocol)?);
        Ok(())
    }

    /// Waits until the consumer's throughput allows for more.
    async fn wait_for_throughput(&mut self) -> Result<(), Unread> {
        while self.stream.is_enforced() {
            let wait_ms = self.throttle.wait_ms(self.door.now_ms());
            if wait_ms == 0 {
                break;
            }
            tokio::select! {
                () = self.sink.unread() => return Err(Unread),
                () = sleep(Duration::from_millis(wait_ms)) => {}
            }
        }
        Ok(())
    }

    /// Waits until there are records, the shard has ended, or it is time to show signs of life.
    async fn wait_for_records(&mut self) -> Result<(), End> {
        let heartbeat = Instant::now() + SUBSCRIPTION_HEARTBEAT;
        loop {
            self.refresh()?;
            let shard = self.stream.shard(self.shard).ok_or_else(|| self.shard_gone())?;
            if !shard.is_open() || shard.log().end() > self.next_ordinal {
                return Ok(());
            }
            let arrival = async {
                shard.log().wait_past(self.next_ordinal).await;
                if shard.log().end() <= self.next_ordinal {
                    // The log is sealed: the shard is being closed or deleted, and there is about to be a word of it.
                    self.door.streams.successor(&self.stream).await;
                }
            };
            tokio::select! {
                () = arrival => {}
                () = sleep_until(heartbeat) => return Ok(()),
                () = self.sink.unread() => return Err(End::Silent),
            }
        }
    }

    /// Takes up the newest snapshot of the stream.
    fn refresh(&mut self) -> Result<(), Fault> {
        let stream = find(&self.door.streams, &self.consumer.stream)?;
        if stream.id() != self.stream.id() {
            return Err(kinesis::stream_not_found(&self.consumer.stream.account, &self.consumer.stream.name));
        }
        stream.consumer(&self.consumer)?;
        self.stream = stream;
        Ok(())
    }

    fn shard_gone(&self) -> Fault {
        let StreamFacts { account, name } = StreamFacts::of(&self.stream);
        kinesis::shard_not_found(account, name, self.shard)
    }
}
