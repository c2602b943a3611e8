//! `GetShardIterator`: where a reader of a shard begins.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Code, Context, Fault, Validator};
use ingest_wire::Timestamp;
use shard_store::stream::{SequenceNumber, Shard, ShardIterator, ShardNumber, StartingPosition, Stream, StreamKey};

use crate::access;
use crate::door::Kinesis;
use crate::model::{GetShardIteratorInput, GetShardIteratorOutput, unix_millis};
use crate::validate::{self, SEQUENCE_NUMBER};

const AT_SEQUENCE_NUMBER: &str = "AT_SEQUENCE_NUMBER";
const AFTER_SEQUENCE_NUMBER: &str = "AFTER_SEQUENCE_NUMBER";
const TRIM_HORIZON: &str = "TRIM_HORIZON";
const LATEST: &str = "LATEST";
const AT_TIMESTAMP: &str = "AT_TIMESTAMP";

/// The types of starting positions.
pub(super) const TYPES: [&str; 5] = [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON];

/// Source: Kinesis Data Streams API Reference, "GetShardIterator".
pub(crate) async fn run(
    door: Arc<Kinesis>,
    context: Context,
    input: GetShardIteratorInput,
) -> Result<GetShardIteratorOutput, Fault> {
    validate(&input)?;
    let stream = input.stream().resolve(&door.streams, &context)?;
    let StreamKey { account, name, .. } = stream.key();
    let text = input.shard_id.as_deref().unwrap_or_default();
    let number: ShardNumber = text.parse().map_err(|_| kinesis::not_a_shard(account, name, text))?;
    let shard = stream.shard(number).ok_or_else(|| kinesis::shard_not_found(account, name, number))?;
    access::count_shard_call(&context, &stream, number)?;
    let now_ms = door.now_ms();
    let start = Start {
        kind: input.shard_iterator_type.as_deref().unwrap_or_default(),
        sequence_number: input.starting_sequence_number.as_deref(),
        timestamp: input.timestamp,
    };
    let ordinal = start.ordinal(&stream, shard, now_ms)?;
    let iterator =
        ShardIterator { stream_id: stream.id(), stream_name: stream.key().name.clone(), shard: number, ordinal };
    Ok(GetShardIteratorOutput { shard_iterator: iterator.seal(door.streams.signer(), now_ms) })
}

fn validate(input: &GetShardIteratorInput) -> Result<(), Fault> {
    let mut validator = Validator::new();
    validate::shard_id(&mut validator, "shardId", input.shard_id.as_deref(), true);
    validator.member("shardIteratorType", input.shard_iterator_type.as_deref()).required().one_of(&TYPES);
    validator.member("startingSequenceNumber", input.starting_sequence_number.as_deref()).pattern(SEQUENCE_NUMBER);
    input.stream().validate(&mut validator);
    validator.finish()
}

/// Where a request asks to begin.
pub(super) struct Start<'a> {
    pub(super) kind: &'a str,
    pub(super) sequence_number: Option<&'a str>,
    pub(super) timestamp: Option<Timestamp>,
}

impl Start<'_> {
    /// The ordinal to begin at.
    ///
    /// # Errors
    /// `InvalidArgumentException` if the type and its companions do not fit each other, or the shard.
    pub(super) fn ordinal(&self, stream: &Stream, shard: &Shard, now_ms: u64) -> Result<u64, Fault> {
        let given = self.sequence_number.unwrap_or_default();
        let position = self.position(stream, shard.number())?;
        shard.position(position, now_ms).map_err(|error| kinesis::position(stream.key(), shard.number(), given, error))
    }

    /// The position that the type and its companion ask for.
    fn position(&self, stream: &Stream, shard: ShardNumber) -> Result<StartingPosition, Fault> {
        let sequence = |text: &str| {
            text.parse::<SequenceNumber>().map_err(|_| kinesis::sequence_number(stream.key(), shard, text, ""))
        };
        let misfit = |with: &str| Fault::new(Code::InvalidArgument, misfit_message(self.kind, with));
        match (self.kind, self.sequence_number, self.timestamp) {
            (TRIM_HORIZON, None, None) => Ok(StartingPosition::TrimHorizon),
            (LATEST, None, None) => Ok(StartingPosition::Latest),
            (AT_SEQUENCE_NUMBER, Some(text), None) => Ok(StartingPosition::AtSequenceNumber(sequence(text)?)),
            (AFTER_SEQUENCE_NUMBER, Some(text), None) => Ok(StartingPosition::AfterSequenceNumber(sequence(text)?)),
            (AT_TIMESTAMP, None, Some(timestamp)) => Ok(StartingPosition::AtTimestamp(unix_millis(timestamp))),
            (AT_SEQUENCE_NUMBER | AFTER_SEQUENCE_NUMBER, None, _) => Err(misfit("no StartingSequenceNumber")),
            (AT_TIMESTAMP, _, None) => Err(misfit("no Timestamp")),
            (AT_SEQUENCE_NUMBER | AFTER_SEQUENCE_NUMBER, _, Some(_)) => Err(misfit("also a Timestamp")),
            (_, Some(_), _) => Err(misfit("also a StartingSequenceNumber")),
            (_, None, _) => Err(misfit("also a Timestamp")),
        }
    }
}

fn misfit_message(kind: &str, with: &str) -> String {
    format!(
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
         TRIM_HORIZON or LATEST and no StartingSequenceNumber or (3) AT_TIMESTAMP and Timestamp. Request specified \
         {kind} and {with}."
    )
}
