//! Building: the records of an intent become its objects.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use flate2::Crc;
use shard_store::log::{LogId, ReadBatch, ReadLimit};
use tokio::sync::OwnedSemaphorePermit;

use super::{IntentObject, Range};
use crate::columns::Naming;
use crate::convert::{Columns, Conversion, ParquetOptions, convert};
use crate::definition::{Definition, Destination, ObjectCompression};
use crate::error::DeliveryError;
use crate::error_output::{CatalogTable, FailedRecord};
use crate::limits::READ_RECORDS_MAX;
use crate::object;
use crate::prefix::{Partition, PrefixError, Prefixes};
use crate::record::ErrorOutputType;
use crate::schema::{ClashPolicy, Schema};
use crate::source::SourceLog;

/// Bytes of one read; what is read is not copied.
const READ_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How a delivery stream makes its objects: its definition, ready for use.
pub(crate) struct Recipe {
    prefixes: Prefixes,
    name: String,
    version: u32,
    extension: String,
    compression: ObjectCompression,
    conversion: Option<Conversion>,
    table: Option<CatalogTable>,
}

/// The objects of an intent, and what it took to make them.
pub(crate) struct Built {
    /// In the order of the intent's objects.
    pub(crate) bodies: Vec<Bytes>,
    pub(crate) objects: Vec<IntentObject>,
    /// The schema with all that was learnt.
    pub(crate) schema: Schema,
    pub(crate) record_count: u64,
    pub(crate) byte_count: u64,
    pub(crate) failed_count: u64,
    /// Records of the ranges that are no longer there.
    pub(crate) missing_count: u64,
    pub(crate) seconds: f64,
    /// What the objects take of the memory budget, given back with them.
    pub(crate) _memory: OwnedSemaphorePermit,
}

/// What building depends on beside the records.
pub(crate) struct Order {
    pub(crate) ranges: Vec<Range>,
    pub(crate) data_key: String,
    pub(crate) error_key: String,
    pub(crate) created_ms: u64,
    pub(crate) schema: Schema,
}

/// One record with its place.
struct Input<'a> {
    data: &'a [u8],
    arrival_ms: u64,
    ordinal: u64,
    log: &'a SourceLog,
}

impl AsRef<[u8]> for Input<'_> {
    fn as_ref(&self) -> &[u8] {
        self.data
    }
}

impl Recipe {
    /// Reads a definition, with the policy for the clashes of inferred schemas.
    pub(crate) fn new(definition: &Definition, policy: ClashPolicy) -> Result<Self, PrefixError> {
        let destination = &definition.destination;
        Ok(Self {
            prefixes: Prefixes::parse(&destination.prefix, &destination.error_prefix, &destination.time_zone)?,
            name: definition.key.name.clone(),
            version: definition.version,
            extension: extension(destination),
            compression: destination.compression,
            conversion: conversion(destination, policy),
            table: destination.conversion.as_ref().and_then(|conversion| conversion.table.clone()),
        })
    }

    /// The keys of the objects whose oldest record arrived at `oldest_ms`. `unique` tells them from all others.
    pub(crate) fn keys(&self, oldest_ms: u64, unique: &uuid::Uuid) -> (String, String) {
        // Eleven characters, as AWS's; the name's own is the whole id, so nothing hangs on these.
        let simple = unique.simple().to_string();
        let random = simple.get(..11).unwrap_or(&simple);
        let suffix = self.prefixes.suffix(&self.name, self.version, oldest_ms, &unique.to_string());
        let data_key = format!(
            "{}{suffix}{}",
            self.prefixes.data_prefix(&Partition::default(), oldest_ms, random),
            self.extension
        );
        let output_type = ErrorOutputType::FormatConversionFailed;
        let error_key = format!("{}{suffix}", self.prefixes.error_prefix(oldest_ms, random, output_type));
        (data_key, error_key)
    }

    /// Builds the objects. Blocks on the disk and computes for a while.
    ///
    /// # Errors
    /// Stored records are damaged, or cannot be encoded.
    pub(crate) fn build(
        &self,
        order: &Order,
        logs: &HashMap<LogId, SourceLog>,
        memory: OwnedSemaphorePermit,
    ) -> Result<Built, DeliveryError> {
        let started = Instant::now();
        let batches = read_ranges(&order.ranges, logs)?;
        let wanted: u64 = order.ranges.iter().map(|range| range.to.saturating_sub(range.from)).sum();
        let inputs = || {
            batches.iter().flat_map(|(log, to, batch)| {
                let records = batch.records().take_while(|record| record.ordinal < *to);
                records.map(|record| Input {
                    data: record.data,
                    arrival_ms: record.arrival_ms,
                    ordinal: record.ordinal,
                    log,
                })
            })
        };
        let (found, byte_count) =
            inputs().fold((0, 0), |(records, bytes), input| (records + 1_u64, bytes + input.data.len() as u64));
        let mut built = Built {
            bodies: Vec::new(),
            objects: Vec::new(),
            schema: order.schema.clone(),
            record_count: found,
            byte_count,
            failed_count: 0,
            missing_count: wanted.saturating_sub(found),
            seconds: 0.0,
            _memory: memory,
        };
        match &self.conversion {
            Some(conversion) => self.build_converted(order, conversion, inputs, &mut built)?,
            None if found > 0 => {
                let body =
                    object::encode(inputs().map(|input| input.data), byte_count, self.compression, &order.data_key)
                        .map_err(|error| DeliveryError::Build { reason: error.to_string() })?;
                built.push(&order.data_key, body, found);
            }
            None => {}
        }
        built.seconds = started.elapsed().as_secs_f64();
        Ok(built)
    }

    fn build_converted<'a, I: Iterator<Item = Input<'a>>>(
        &self,
        order: &Order,
        conversion: &Conversion,
        inputs: impl Fn() -> I,
        built: &mut Built,
    ) -> Result<(), DeliveryError> {
        let mut failures = Vec::new();
        let converted = convert(
            inputs,
            conversion,
            &order.schema,
            || Ok(Vec::new()),
            |said| match said {
                None => failures.clear(),
                Some((input, error)) => FailedRecord {
                    arrival_ms: input.arrival_ms,
                    attempt_ended_ms: order.created_ms,
                    error,
                    data: input.data,
                    sequence_number: input.log.record_name(input.ordinal),
                    table: self.table.as_ref(),
                }
                .write_line(&mut failures),
            },
        )
        .map_err(|error| DeliveryError::Build { reason: error.to_string() })?;
        built.failed_count = converted.failed_count;
        built.schema = converted.schema;
        if let Some(file) = converted.file {
            built.push(&order.data_key, file, built.record_count - built.failed_count);
        }
        if !failures.is_empty() {
            built.push(&order.error_key, failures, built.failed_count);
        }
        Ok(())
    }
}

impl Built {
    fn push(&mut self, key: &str, body: Vec<u8>, record_count: u64) {
        let mut crc = Crc::new();
        crc.update(&body);
        let (key, byte_count, crc32) = (key.to_owned(), body.len() as u64, crc.sum());
        self.objects.push(IntentObject { key, byte_count, crc32, record_count });
        self.bodies.push(body.into());
    }
}

/// The batches of all ranges, each with its log and the ordinal where the range ends.
fn read_ranges<'a>(
    ranges: &[Range],
    logs: &'a HashMap<LogId, SourceLog>,
) -> Result<Vec<(&'a SourceLog, u64, ReadBatch)>, DeliveryError> {
    let mut batches = Vec::new();
    for range in ranges {
        // A log that is gone has no records: its stream was deleted.
        let Some(log) = logs.get(&range.log) else { continue };
        let mut position = range.from;
        while position < range.to {
            let left = usize::try_from(range.to - position).unwrap_or(usize::MAX);
            let limit = ReadLimit { record_count: left.min(READ_RECORDS_MAX), byte_count: READ_BYTES_MAX };
            if position > log.log.end() {
                break;
            }
            let batch =
                log.log.read(position, limit).map_err(|error| DeliveryError::Read { reason: error.to_string() })?;
            // Expired records are skipped over, perhaps to beyond the range.
            if batch.next_ordinal() <= position {
                break;
            }
            position = batch.next_ordinal();
            let is_within = batch.records().next().is_some_and(|record| record.ordinal < range.to);
            if is_within {
                batches.push((log, range.to, batch));
            }
        }
    }
    Ok(batches)
}

fn extension(destination: &Destination) -> String {
    match destination {
        Destination { file_extension, .. } if !file_extension.is_empty() => file_extension.clone(),
        Destination { conversion: Some(_), .. } => ".parquet".to_owned(),
        Destination { compression, .. } => object::extension(*compression).to_owned(),
    }
}

fn conversion(destination: &Destination, policy: ClashPolicy) -> Option<Conversion> {
    let settings = destination.conversion.as_ref()?;
    let normalised = |key: &str| if settings.is_case_insensitive { key.to_lowercase() } else { key.to_owned() };
    let mappings = settings.keys_by_column.iter();
    Some(Conversion {
        columns: if settings.table.is_some() { Columns::Given } else { Columns::Inferred(policy) },
        is_lenient: settings.is_lenient,
        naming: Naming {
            is_case_insensitive: settings.is_case_insensitive,
            converts_dots: settings.converts_dots,
            columns_by_key: mappings.map(|(column, key)| (normalised(key), column.clone())).collect(),
        },
        parquet: ParquetOptions {
            compression: settings.compression,
            version: settings.version,
            is_dictionary_enabled: settings.is_dictionary_enabled,
            block_bytes: usize::try_from(settings.block_bytes).unwrap_or(usize::MAX),
            page_bytes: usize::try_from(settings.page_bytes).unwrap_or(usize::MAX),
        },
    })
}
