//! Building: the records of an intent become its objects.
//!
//! The same records, the same processed records, the same schema and the same names give the same objects, whenever they are
//! built. Bodies stand in scratch files; what is in memory is the columns of one chunk and the row group in the making, and
//! for divided objects a reference to each record.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::time::Instant;

use bytes::Bytes;
use shard_store::log::LogId;

use super::body::BodyWriter;
use super::intent::Period;
use super::recipe::{BackupRecipe, Names, Recipe};
use super::source_records::{Input, SourceRecords};
use super::staged::StagedRecords;
use super::{IntentObject, ObjectKind};
use crate::convert::{Conversion, convert};
use crate::endpoint::DocumentName;
use crate::error::DeliveryError;
use crate::error_output::{FailedRecord, FailureContext};
use crate::object;
use crate::prefix::Partition;
use crate::record::{ErrorOutputType, Reason, Record, Refused};
use crate::schema::Schema;
use crate::source::SourceLog;
use crate::spool::Spool;

/// What building depends on beside the records.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Tells the objects from all others.
    pub(crate) unique: uuid::Uuid,
    pub(crate) oldest_ms: u64,
    pub(crate) created_ms: u64,
    pub(crate) schema: Schema,
}

/// The records of an intent: as they lie in their logs, and as they were processed.
pub(super) struct Records {
    pub(super) source: SourceRecords,
    pub(super) staged: Option<StagedRecords>,
}

/// The objects of an intent, and what it took to make them.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// In the order of the objects.
    pub(super) bodies: Vec<Bytes>,
    pub(super) objects: Vec<IntentObject>,
    /// Those that are there already, and could not be built again as they are.
    pub(super) objects_in_place: Vec<IntentObject>,
    /// The schema with all that was learnt.
    pub(super) schema: Schema,
    pub(super) record_count: u64,
    pub(super) byte_count: u64,
    pub(super) failed_count: u64,
    pub(super) missing_count: u64,
    pub(super) seconds: f64,
    /// Bytes of the records of the largest partition.
    pub(super) largest_group_bytes: u64,
}

/// Failed records of an intent, an object for each way to fail.
struct Failures<'a> {
    names: Names<'a>,
    order: &'a Order,
    logs: &'a HashMap<LogId, SourceLog>,
    spool: &'a Spool,
    bodies: BTreeMap<ErrorOutputType, (BodyWriter, u64)>,
}

/// Good records that become one object.
struct Group<'a> {
    partition: Partition,
    oldest_ms: u64,
    byte_count: u64,
    inputs: Vec<Input<'a>>,
}

impl Records {
    /// The good records, in order.
    fn iter(&self) -> Box<dyn Iterator<Item = Input<'_>> + '_> {
        match &self.staged {
            Some(staged) => Box::new(staged.iter()),
            None => Box::new(self.source.iter()),
        }
    }

    /// The good records, in order, each keeping alive what it lies in.
    pub(super) fn iter_owned(&self) -> Box<dyn Iterator<Item = Record> + '_> {
        match &self.staged {
            Some(staged) => Box::new(staged.iter_owned()),
            None => Box::new(self.source.iter_owned()),
        }
    }
}

/// Builds the objects. Blocks on the disk and computes for a while.
///
/// # Errors
/// The spool has no room, or records cannot be encoded for a reason that lies with none of them.
pub(super) fn build(
    recipe: &Recipe,
    order: &Order,
    records: &Records,
    logs: &HashMap<LogId, SourceLog>,
    spool: &Spool,
) -> Result<Built, DeliveryError> {
    let started = Instant::now();
    let names = Names { recipe, unique: &order.unique };
    let mut failures = Failures { names, order, logs, spool, bodies: BTreeMap::new() };
    let mut built = Built {
        schema: order.schema.clone(),
        record_count: records.source.record_count,
        byte_count: records.source.byte_count,
        missing_count: if records.staged.is_some() { 0 } else { records.source.missing_count },
        ..Built::default()
    };
    let refused = records.staged.iter().flat_map(StagedRecords::refused);
    refused.into_iter().try_for_each(|refused| failures.push(&refused))?;
    let context = Context { recipe, names, order, spool };
    match (recipe.is_sent, recipe.is_partitioned) {
        (true, _) => {}
        (false, true) => context.build_partitions(records, &mut failures, &mut built)?,
        (false, false) => {
            let partition = recipe.partition(&Default::default(), order.oldest_ms).unwrap_or_default();
            context.build_data(&partition, order.oldest_ms, || records.iter(), &mut failures, &mut built)?;
        }
    }
    failures.finish(&mut built)?;
    if let Some(backup) = &recipe.backup {
        context.build_backup(backup, &records.source, &mut built)?;
    }
    built.seconds = started.elapsed().as_secs_f64();
    Ok(built)
}

/// The objects of records that a destination refused.
///
/// # Errors
/// The spool has no room.
pub(super) fn build_refused(
    recipe: &Recipe,
    order: &Order,
    refused: impl Iterator<Item = (Refused, Option<DocumentName>)>,
    logs: &HashMap<LogId, SourceLog>,
    spool: &Spool,
) -> Result<Built, DeliveryError> {
    let names = Names { recipe, unique: &order.unique };
    let mut failures = Failures { names, order, logs, spool, bodies: BTreeMap::new() };
    for (refused, document) in refused {
        failures.push_document(&refused, document)?;
    }
    let mut built = Built::default();
    failures.finish(&mut built)?;
    Ok(built)
}

#[derive(Clone, Copy)]
struct Context<'a> {
    recipe: &'a Recipe,
    names: Names<'a>,
    order: &'a Order,
    spool: &'a Spool,
}

impl Context<'_> {
    /// Divides the records, and makes one object after the other, so that many partitions take no more than one.
    fn build_partitions(
        self,
        records: &Records,
        failures: &mut Failures<'_>,
        built: &mut Built,
    ) -> Result<(), DeliveryError> {
        let mut groups: BTreeMap<Partition, Group<'_>> = BTreeMap::new();
        for (input, record) in records.iter().zip(records.iter_owned()) {
            match self.recipe.partition(&record.keys, input.origin.arrival_ms) {
                Ok(partition) => groups.entry(partition.clone()).or_insert_with(|| Group::new(partition)).push(input),
                Err(reason) => {
                    let refused = Refused { data: record.data, origin: input.origin, reason, attempt_count: 1 };
                    failures.push(&refused)?;
                }
            }
        }
        for group in groups.into_values() {
            built.largest_group_bytes = built.largest_group_bytes.max(group.byte_count);
            self.build_data(&group.partition, group.oldest_ms, || group.inputs.iter().copied(), failures, built)?;
        }
        Ok(())
    }

    /// One object of good records, and what failed of them.
    fn build_data<'a, I: Iterator<Item = Input<'a>>>(
        self,
        partition: &Partition,
        oldest_ms: u64,
        inputs: impl Fn() -> I,
        failures: &mut Failures<'_>,
        built: &mut Built,
    ) -> Result<(), DeliveryError> {
        let prefix = self.names.data_prefix(partition, oldest_ms);
        let key = self.names.data_key(&prefix, oldest_ms);
        let (body, record_count) = match &self.recipe.conversion {
            Some(conversion) => self.convert(conversion, inputs, failures, built)?,
            None => self.concatenate(&key, inputs())?,
        };
        let Some(body) = body else { return Ok(()) };
        let end_ms = self.recipe.period_end(partition, oldest_ms);
        let period = end_ms.map(|end_ms| Period { prefix, end_ms });
        built.push(ObjectKind::Data, key, body, record_count, period)
    }

    fn concatenate<'a>(
        self,
        key: &str,
        inputs: impl Iterator<Item = Input<'a>>,
    ) -> Result<(Option<BodyWriter>, u64), DeliveryError> {
        let mut record_count = 0;
        let data = inputs.inspect(|_| record_count += 1).map(|input| input.data);
        let mut body = BodyWriter::new(self.spool)?;
        object::encode_to(data, self.recipe.compression, key, &mut body)?;
        // Nothing compressed is something, but still no object.
        Ok(((record_count > 0).then_some(body), record_count))
    }

    fn convert<'a, I: Iterator<Item = Input<'a>>>(
        self,
        conversion: &Conversion,
        inputs: impl Fn() -> I,
        failures: &mut Failures<'_>,
        built: &mut Built,
    ) -> Result<(Option<BodyWriter>, u64), DeliveryError> {
        let mut scratch = Scratch { body: None, spool: self.spool, outcome: Ok(()) };
        let converted = convert(
            inputs,
            conversion,
            &built.schema,
            || BodyWriter::new(self.spool),
            |said| match said {
                None => scratch.body = None,
                Some((input, error)) => {
                    let reason = Reason {
                        output_type: ErrorOutputType::FormatConversionFailed,
                        code: error.code.to_string(),
                        message: error.message.clone(),
                    };
                    let record = FailedRecord { data: input.data, origin: input.origin, reason: &reason };
                    scratch.write(&failures.line(record, 1, None));
                }
            },
        )
        .map_err(|error| DeliveryError::Build { reason: error.to_string() })?;
        scratch.outcome?;
        if let Some(body) = scratch.body {
            failures.append(ErrorOutputType::FormatConversionFailed, body, converted.failed_count)?;
        }
        built.schema = converted.schema;
        Ok((converted.file, converted.row_count))
    }

    fn build_backup(
        self,
        backup: &BackupRecipe,
        source: &SourceRecords,
        built: &mut Built,
    ) -> Result<(), DeliveryError> {
        if source.record_count == 0 {
            return Ok(());
        }
        let key = self.names.backup_key(backup, self.order.oldest_ms);
        let mut body = BodyWriter::new(self.spool)?;
        object::encode_to(source.iter().map(|input| input.data), backup.compression, &key, &mut body)?;
        built.push(ObjectKind::Backup, key, body, source.record_count, None)
    }
}

/// Lines that may be taken back as a whole.
struct Scratch<'a> {
    body: Option<BodyWriter>,
    spool: &'a Spool,
    outcome: io::Result<()>,
}

impl Scratch<'_> {
    fn write(&mut self, line: &[u8]) {
        if self.outcome.is_ok() {
            self.outcome = self.try_write(line);
        }
    }

    fn try_write(&mut self, line: &[u8]) -> io::Result<()> {
        let body = match &mut self.body {
            Some(body) => body,
            none => none.insert(BodyWriter::new(self.spool)?),
        };
        body.write_all(line)
    }
}

impl<'a> Group<'a> {
    fn new(partition: Partition) -> Self {
        Self { partition, oldest_ms: u64::MAX, byte_count: 0, inputs: Vec::new() }
    }

    fn push(&mut self, input: Input<'a>) {
        self.oldest_ms = self.oldest_ms.min(input.origin.arrival_ms);
        self.byte_count += input.data.len() as u64;
        self.inputs.push(input);
    }
}

impl Failures<'_> {
    fn line(&self, record: FailedRecord<'_>, attempt_count: u32, document: Option<DocumentName>) -> Vec<u8> {
        let origin = record.origin;
        let sequence_number = self.logs.get(&origin.log).map(|log| log.record_name(origin.ordinal));
        let context = FailureContext {
            attempt_ended_ms: self.order.created_ms,
            attempt_count,
            sequence_number: sequence_number.unwrap_or_default(),
            table: self.names.recipe.table.as_ref(),
            function: self.names.recipe.pipeline.function(),
            document,
        };
        let mut line = Vec::new();
        record.write_line(&context, &mut line);
        line
    }

    fn body(&mut self, output_type: ErrorOutputType) -> io::Result<&mut (BodyWriter, u64)> {
        use std::collections::btree_map::Entry;
        Ok(match self.bodies.entry(output_type) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert((BodyWriter::new(self.spool)?, 0)),
        })
    }

    fn push(&mut self, refused: &Refused) -> Result<(), DeliveryError> {
        self.push_document(refused, None)
    }

    /// A record that was to become a document.
    fn push_document(&mut self, refused: &Refused, document: Option<DocumentName>) -> Result<(), DeliveryError> {
        let Refused { data, origin, reason, attempt_count } = refused;
        let line = self.line(FailedRecord { data, origin: *origin, reason }, *attempt_count, document);
        let (body, record_count) = self.body(refused.reason.output_type)?;
        body.write_all(&line)?;
        *record_count += 1;
        Ok(())
    }

    /// Adds the lines of another body.
    fn append(&mut self, output_type: ErrorOutputType, lines: BodyWriter, count: u64) -> Result<(), DeliveryError> {
        let lines = lines.finish()?;
        let (body, record_count) = self.body(output_type)?;
        body.write_all(&lines.bytes)?;
        *record_count += count;
        Ok(())
    }

    fn finish(self, built: &mut Built) -> Result<(), DeliveryError> {
        for (output_type, (body, record_count)) in self.bodies {
            let key = self.names.error_key(output_type, self.order.oldest_ms);
            built.failed_count += record_count;
            built.push(ObjectKind::Error, key, body, record_count, None)?;
        }
        Ok(())
    }
}

impl Built {
    /// All objects, once they are in place.
    pub(super) fn landed(&self) -> impl Iterator<Item = &IntentObject> {
        self.objects.iter().chain(&self.objects_in_place)
    }

    fn push(
        &mut self,
        kind: ObjectKind,
        key: String,
        body: BodyWriter,
        record_count: u64,
        period: Option<Period>,
    ) -> Result<(), DeliveryError> {
        let body = body.finish()?;
        let (byte_count, crc32) = (body.bytes.len() as u64, body.crc32);
        self.objects.push(IntentObject { key, kind, byte_count, crc32, record_count, period });
        self.bodies.push(body.bytes);
        Ok(())
    }
}
