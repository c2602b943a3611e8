//! `GetRecords`: records of one shard from an iterator on, and the iterator that goes on behind them.

use std::sync::Arc;

use bytes::Bytes;
use ingest_core::fault::kinesis;
use ingest_core::{Arn, Code, Context, Fault, Validator};
use ingest_wire::{Blob, Protocol, Timestamp};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use shard_store::format::frame::RecordView;
use shard_store::stream::error::GetError;
use shard_store::stream::{Shard, ShardIterator, ShardRead};

use crate::access;
use crate::door::Kinesis;
use crate::json::write_json;
use crate::limits::{RECORDS_PER_GET_MAX, STREAM_ARN_CHARS_MAX};
use crate::model::{ChildShard, ENCRYPTED, timestamp};
use crate::text::{SequenceText, Text};
use crate::validate::{self, STREAM_ARN};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    #[serde(borrow)]
    shard_iterator: Option<Text<'a>>,
    limit: Option<i64>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    stream_id: Option<Text<'a>>,
}

/// What is read, and all that the answer tells beside the records. An event of `SubscribeToShard` tells the same.
pub(crate) struct Answer<'a> {
    pub(crate) shard: &'a Shard,
    pub(crate) read: &'a ShardRead,
    /// Where the reader goes on, unless the shard has ended: the member's name and its value.
    pub(crate) next: Option<(&'static str, String)>,
    pub(crate) child_shards: Vec<ChildShard>,
}

/// Source: Kinesis Data Streams API Reference, "GetRecords".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    let input: Input<'_> = context.decode(&body)?;
    let limit = validate(&input)?;
    let now_ms = door.now_ms();
    let token = input.shard_iterator.as_deref().unwrap_or_default();
    let iterator = ShardIterator::open(door.streams.signer(), token, now_ms).map_err(kinesis::shard_iterator)?;
    let owner = owner(&context, input.stream_arn.as_deref(), &iterator.stream_name)?;
    let stream = access::stream(&door.streams, &context, owner, &iterator.stream_name)?;
    let gone = || kinesis::shard_not_found(owner, &iterator.stream_name, iterator.shard);
    // There may be another stream of this name by now.
    let stream = stream.filter(|stream| stream.id() == iterator.stream_id).ok_or_else(gone)?;
    let shard = stream.shard(iterator.shard).ok_or_else(gone)?;
    let read = stream.get(shard, iterator.ordinal, limit, now_ms).map_err(|error| {
        if matches!(error, GetError::Throttled { .. }) {
            door.metrics.get_records.count_throttled(1);
        }
        kinesis::get(stream.key(), error)
    })?;
    door.metrics.get_records.count_records(read.batch.record_count() as u64, read.batch.byte_count() as u64);

    let next = read.next_ordinal.map(|ordinal| ShardIterator { ordinal, ..iterator });
    let is_drained = next.is_none();
    let children = stream.children(shard.number()).filter(|_| is_drained);
    let answer = Answer {
        shard,
        read: &read,
        next: next.map(|next| ("NextShardIterator", next.seal(door.streams.signer(), now_ms))),
        child_shards: children.map(|child| ChildShard::of(child)).collect(),
    };
    Ok(answer.encode(context.protocol)?.into())
}

impl Answer<'_> {
    /// The answer's body.
    pub(crate) fn encode(&self, protocol: Protocol) -> Result<Vec<u8>, Fault> {
        match protocol {
            Protocol::Json11 => write_json(self),
            Protocol::Cbor11 => Ok(protocol.encode(self)?),
        }
    }
}

/// Puts the model's constraints upon the input. Returns the most records to be read.
fn validate(input: &Input<'_>) -> Result<usize, Fault> {
    let mut validator = Validator::new();
    let iterator = validator.member("shardIterator", input.shard_iterator.as_deref());
    iterator.required().length(1, shard_store::stream::limits::ITERATOR_CHARS_MAX);
    let limit = validator.member("limit", input.limit).range(1, RECORDS_PER_GET_MAX).value();
    let arn = validator.member("streamARN", input.stream_arn.as_deref());
    arn.pattern(STREAM_ARN).length(1, STREAM_ARN_CHARS_MAX);
    validate::stream_id(&mut validator, input.stream_id.as_deref());
    validator.finish()?;
    Ok(usize::try_from(limit.unwrap_or(RECORDS_PER_GET_MAX)).unwrap_or(usize::MAX))
}

/// The account that the iterator's stream belongs to: the caller's, unless the request's ARN tells of another.
///
/// # Errors
/// `InvalidArgumentException` if the ARN is not that of the iterator's stream.
fn owner<'a>(context: &'a Context, arn: Option<&'a str>, stream_name: &str) -> Result<&'a str, Fault> {
    let Some(arn) = arn else { return Ok(&context.account) };
    let arn = Arn::parse(arn).ok().filter(|arn| arn.region == &*context.region);
    let arn = arn.filter(|arn| arn.resource_name("stream") == Some(stream_name));
    let other = "The StreamARN in the request is not that of the ShardIterator's stream.";
    arn.map(|arn| arn.account).ok_or_else(|| Fault::new(Code::InvalidArgument, other))
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let member_count = 2 + usize::from(self.next.is_some()) + usize::from(!self.child_shards.is_empty());
        let mut answer = serializer.serialize_struct("GetRecordsOutput", member_count)?;
        answer.serialize_field("Records", &Records(self))?;
        if let Some((name, place)) = &self.next {
            answer.serialize_field(name, place)?;
        }
        answer.serialize_field("MillisBehindLatest", &self.read.millis_behind)?;
        if !self.child_shards.is_empty() {
            answer.serialize_field("ChildShards", &self.child_shards)?;
        }
        answer.end()
    }
}

struct Records<'a>(&'a Answer<'a>);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Answer { shard, read, .. } = self.0;
        serializer.collect_seq(read.batch.records().map(|record| Record { shard, record }))
    }
}

struct Record<'a> {
    shard: &'a Shard,
    record: RecordView<'a>,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let has_key = !self.record.partition_key.is_empty();
        let field_count = 3 + usize::from(has_key) + usize::from(self.record.is_encrypted);
        let mut record = serializer.serialize_struct("Record", field_count)?;
        let sequence = self.shard.sequence_number(self.record.ordinal);
        record.serialize_field("SequenceNumber", &SequenceText(sequence))?;
        let arrival: Timestamp = timestamp(self.record.arrival_ms);
        record.serialize_field("ApproximateArrivalTimestamp", &arrival)?;
        record.serialize_field("Data", &Blob::raw(self.record.data))?;
        // A record that was put without one has none.
        if has_key {
            record.serialize_field("PartitionKey", self.record.partition_key)?;
        }
        if self.record.is_encrypted {
            record.serialize_field("EncryptionType", ENCRYPTED)?;
        }
        record.end()
    }
}
