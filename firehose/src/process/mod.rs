//! What is done to records between their source and their destination.
//!
//! A [`Pipeline`] takes records in order and gives records in order. The steps are always done in this order, whatever their
//! order in a request:
//!
//! | step | what it does | fails a record |
//! |---|---|---|
//! | KPL aggregates | of a stream's records: each user record becomes one | never; what is no aggregate stays as it is |
//! | Decompression | GZIP, and what is in it | not GZIP, or too much |
//! | CloudWatchLogProcessing | leaves control messages out, and extracts the events' messages | not such a message |
//! | RecordDeAggregation | each JSON object, or text between delimiters, becomes a record | JSON that is not whole |
//! | Lambda | a function transforms records | it says so, or cannot be called |
//! | MetadataExtraction | a jq expression makes partition keys | it fails, or a key is null or no scalar |
//! | columns and event time | beyond AWS: members of the JSON record become partition keys | see [`crate::prefix`] |
//! | AppendDelimiterToRecord | appends the delimiter | never |
//!
//! Memory: [`Pipeline::process`] takes from its source until what came out weighs [`SLICE_BYTES_MAX`], so what it holds is
//! bounded by that and by what one record expands to ([`DECOMPRESSED_BYTES_MAX`](crate::limits::DECOMPRESSED_BYTES_MAX),
//! [`SUB_RECORDS_MAX`]). Sub-records are slices of the record that held them.
//!
//! All but the function give the same for the same records, so that a delivery that is done again does the same.
//!
//! Source: Firehose Developer Guide, "Transform source data", "Partition streaming data" and "Send CloudWatch Logs to Firehose".
//! AWS takes at most 500 records out of one ("PutRecord"); here the limit is [`SUB_RECORDS_MAX`]. There is no limit of active
//! partitions either (500 at AWS): records are sorted by partition on the disk rather than buffered for each.
//!
//! What this does not do: tell the partition of a record, which is [`crate::prefix::Prefixes`]'s; store anything.

mod cloudwatch;
mod columns;
mod error;
mod gunzip;
mod kpl;
mod lambda;
mod query;
mod split;

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use shard_store::log::LogId;

use crate::config::Options;
use crate::definition::{Definition, Processor, Source, SubRecords};
use crate::limits::SUB_RECORDS_MAX;
use crate::prefix::Prefixes;
use crate::record::{PartitionKeys, Reason, Record, Refused};
use crate::source::SourceLog;

use columns::ColumnKeys;
pub use error::ProcessorError;
use lambda::Function;
use query::Query;

/// Bytes that a slice holds before it is given out; each record counts for more than its data.
const SLICE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a record takes beside its data.
const RECORD_OVERHEAD_BYTES: usize = 256;

/// The steps of a delivery stream, ready for use.
pub(crate) struct Pipeline {
    /// Records come from a stream: AWS takes KPL aggregates apart for these, and for these only.
    is_stream: bool,
    is_compressed: bool,
    /// Records are of CloudWatch Logs; whether their messages are extracted.
    cloudwatch: Option<cloudwatch::Extraction>,
    sub_records: Option<SubRecords>,
    transform: Option<Function>,
    query: Option<Query>,
    columns: ColumnKeys,
    delimiter: Option<Bytes>,
}

/// What came out of some records.
#[derive(Debug, Default)]
pub(crate) struct Processed {
    /// In order.
    pub(crate) records: Vec<Record>,
    /// In order; they go to the error prefix.
    pub(crate) refused: Vec<Refused>,
    /// Records that were meant to be left out.
    pub(crate) dropped: u64,
}

impl Pipeline {
    /// The steps that a definition asks for.
    ///
    /// # Errors
    /// What is wrong with them, for the person who wrote them.
    pub(crate) fn new(definition: &Definition, options: &Options) -> Result<Self, ProcessorError> {
        let destination = &definition.destination;
        let stream = options.stream(&definition.key.name);
        let prefixes = Prefixes::new(destination, &stream)?;
        let mut pipeline = Self {
            is_stream: matches!(definition.source, Source::Stream { .. }),
            is_compressed: false,
            cloudwatch: None,
            sub_records: None,
            transform: None,
            query: None,
            columns: ColumnKeys::new(&prefixes, &stream)?,
            delimiter: None,
        };
        let has_delimiter = destination.processors.iter().any(|step| matches!(step, Processor::Delimiter { .. }));
        for step in &destination.processors {
            match step {
                Processor::Decompression => pipeline.is_compressed = true,
                Processor::CloudWatchLogs { extracts_messages } => {
                    pipeline.cloudwatch = Some(cloudwatch::Extraction {
                        is_by_message: *extracts_messages,
                        // The delimiter's step ends each record later.
                        ends_lines: !has_delimiter,
                    });
                }
                Processor::Deaggregation(sub_records) => pipeline.sub_records = Some(sub_records.clone()),
                Processor::Lambda(transform) => {
                    pipeline.transform = Some(Function::new(transform, definition, options)?);
                }
                Processor::MetadataExtraction { query } => pipeline.query = Some(Query::new(query)?),
                Processor::Delimiter { text } => pipeline.delimiter = Some(Bytes::copy_from_slice(text.as_bytes())),
            }
        }
        Ok(pipeline)
    }

    /// Whether there is nothing to do for records that are not KPL aggregates.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { is_stream: _, is_compressed, cloudwatch, sub_records, transform, query, columns, delimiter } = self;
        let is_taken_apart = *is_compressed || cloudwatch.is_some() || sub_records.is_some();
        let has_keys = query.is_some() || !columns.is_empty();
        !is_taken_apart && transform.is_none() && !has_keys && delimiter.is_none()
    }

    /// Whether something is called that need not answer the same twice.
    pub(crate) fn is_external(&self) -> bool {
        self.transform.is_some()
    }

    /// The function that transforms records, as it was asked for.
    pub(crate) fn function(&self) -> Option<&str> {
        self.transform.as_ref().map(Function::name)
    }

    /// Whether the record holds several of the Kinesis Producer Library, and they are to be taken apart.
    pub(crate) fn is_aggregated(&self, data: &[u8]) -> bool {
        self.is_stream && kpl::is_aggregated(data)
    }

    /// Takes records from `source` until there is enough to give out; `None` when there are no more. `logs` are those that
    /// the records lie in.
    ///
    /// Computes for a while, and waits for the function if there is one: to be called on a blocking thread by `block_on`.
    /// It ends by itself, whatever the function does.
    pub(crate) async fn process(
        &self,
        source: &mut (dyn Iterator<Item = Record> + Send),
        logs: &HashMap<LogId, SourceLog>,
    ) -> Option<Processed> {
        let mut expansion = Expansion::default();
        let mut is_any = false;
        while expansion.weight < SLICE_BYTES_MAX
            && let Some(record) = source.next()
        {
            is_any = true;
            self.expand(record, &mut expansion);
        }
        let mut processed = expansion.processed;
        if let Some(function) = &self.transform {
            function.transform(&mut processed, logs).await;
        }
        for record in std::mem::take(&mut processed.records) {
            match self.finish(record) {
                Ok(record) => processed.records.push(record),
                Err(refused) => processed.refused.push(*refused),
            }
        }
        is_any.then_some(processed)
    }

    /// Takes a record apart.
    fn expand(&self, record: Record, expansion: &mut Expansion) {
        let parts = self.is_stream.then(|| kpl::user_records(&record.data)).flatten();
        let parts = parts.unwrap_or_else(|| vec![record.data.clone()]);
        let is_several = parts.len() != 1;
        let mut outcomes = Vec::new();
        for part in parts {
            match self.expand_part(&part, SUB_RECORDS_MAX.saturating_sub(outcomes.len())) {
                Ok(records) => outcomes.extend(records.into_iter().map(|data| (data, None))),
                Err(reason) => outcomes.push((part, Some(reason))),
            }
        }
        expansion.push(&record, outcomes, is_several);
    }

    /// What is in one record, or in one user record of an aggregate.
    fn expand_part(&self, data: &Bytes, count_max: usize) -> Result<Vec<Bytes>, Reason> {
        let data = if self.is_compressed { gunzip::gunzip(data)? } else { data.clone() };
        let parts = match &self.cloudwatch {
            Some(extraction) => extraction.records(&data)?,
            None => vec![data],
        };
        let Some(sub_records) = &self.sub_records else { return within(parts, count_max) };
        let mut records = Vec::new();
        for part in &parts {
            split::split(part, sub_records, &mut records, count_max)?;
        }
        Ok(records)
    }

    fn find_keys(&self, data: &[u8], keys: &mut PartitionKeys) -> Result<(), Reason> {
        if let Some(query) = &self.query {
            keys.query = query.keys(data)?;
        }
        self.columns.extract(data, keys)
    }

    /// Finds the keys of a record, and ends it.
    fn finish(&self, mut record: Record) -> Result<Record, Box<Refused>> {
        if let Err(reason) = self.find_keys(&record.data, &mut record.keys) {
            return Err(Box::new(Refused { data: record.data, origin: record.origin, reason, attempt_count: 1 }));
        }
        if let Some(delimiter) = &self.delimiter {
            let mut data = BytesMut::with_capacity(record.data.len() + delimiter.len());
            data.extend_from_slice(&record.data);
            data.extend_from_slice(delimiter);
            record.data = data.freeze();
        }
        Ok(record)
    }
}

/// At most as many records as one may hold.
fn within(records: Vec<Bytes>, count_max: usize) -> Result<Vec<Bytes>, Reason> {
    if records.len() > count_max { Err(split::too_many()) } else { Ok(records) }
}

/// What each way of taking `data` apart gives, for the fuzzers; the message of an aggregate has no digest there, which none
/// would guess.
#[cfg(feature = "fuzzing")]
pub(crate) fn sub_records(data: &Bytes, delimiter: &[u8]) -> [Option<Vec<Bytes>>; 3] {
    let split = |kind: &SubRecords| {
        let mut records = Vec::new();
        split::split(data, kind, &mut records, SUB_RECORDS_MAX).ok().map(|()| records)
    };
    let delimited = SubRecords::Delimited { delimiter: delimiter.to_vec() };
    [kpl::user_records(&kpl::sealed(data)), split(&SubRecords::Json), split(&delimited)]
}

/// What came out of taking records apart, and what it weighs.
#[derive(Default)]
struct Expansion {
    processed: Processed,
    weight: usize,
}

impl Expansion {
    /// Adds what came out of `record`: data, and the reason of what is refused.
    fn push(&mut self, record: &Record, outcomes: Vec<(Bytes, Option<Reason>)>, is_several: bool) {
        let Processed { records, refused, dropped } = &mut self.processed;
        if outcomes.is_empty() {
            *dropped += 1;
        }
        let is_several = is_several || outcomes.len() > 1;
        for (index, (data, reason)) in (0..).zip(outcomes) {
            let mut origin = record.origin;
            origin.sub = if is_several { Some(index) } else { origin.sub };
            self.weight += data.len() + RECORD_OVERHEAD_BYTES;
            match reason {
                None => records.push(Record { data, origin, keys: record.keys.clone() }),
                Some(reason) => refused.push(Refused { data, origin, reason, attempt_count: 1 }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
