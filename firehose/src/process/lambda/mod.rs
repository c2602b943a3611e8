//! Lambda: a function transforms records, over HTTP and with the contract that Firehose and Lambda have.
//!
//! The event is posted as JSON to the URL that is configured for the function; the body of the answer is what the function
//! returns (see [`payload`]). Records go in batches of `BufferSizeInMBs` and at most [`PAYLOAD_BYTES_MAX`] of JSON, a few
//! batches at a time, and come back in order.
//!
//! | what happens | what becomes of it |
//! |---|---|
//! | no connection, no answer in time, 429, 5xx | tried again `NumberOfRetries` times, with a growing pause; then the batch fails |
//! | another status; `X-Amz-Function-Error`; an answer that is no answer, or longer than [`PAYLOAD_BYTES_MAX`] | the batch fails |
//! | a record's id is missing, or there twice; its data is no base64; its result is none | the record fails |
//! | `Ok`, `Dropped`, `ProcessingFailed` | as they say |
//!
//! What fails goes to the error prefix with AWS's codes. Ids that were not asked for are ignored, as their records are missing.
//!
//! Memory: [`CONCURRENT`] events and answers of [`PAYLOAD_BYTES_MAX`] each, whatever the function answers, and what it made of
//! a slice of records. Time: each invocation has a timeout, so all of it ends.
//!
//! Source: Firehose Developer Guide, "Transform source data", "Handle failure in data transformation" and "Monitor with CloudWatch
//! Logs" (the codes and messages); Lambda Developer Guide, "Lambda quotas" (payload).

mod answer;
mod invoke;
mod payload;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use shard_store::log::LogId;
use uuid::Uuid;

use super::{Processed, ProcessorError};
use crate::config::Options;
use crate::definition::{Definition, Transform};
use crate::record::{PartitionKeys, Reason, Record, Refused};
use crate::source::SourceLog;

use answer::Outcome;
use invoke::{Failure, Invoker};
use payload::Event;

/// Bytes of an event, and of an answer. Source: Lambda Developer Guide, "Lambda quotas" (6 MB, synchronous).
const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Invocations at a time, of one delivery stream.
const CONCURRENT: usize = 4;

/// Before the first repetition; each pause is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A function, ready to be called.
#[derive(Debug)]
pub(super) struct Function {
    name: String,
    invoker: Invoker,
    event: Event,
    buffer_bytes: u64,
    retry_count: u32,
}

impl Function {
    /// Finds the URL of a function.
    ///
    /// # Errors
    /// It has none, or one that cannot be called.
    pub(super) fn new(
        transform: &Transform,
        definition: &Definition,
        options: &Options,
    ) -> Result<Self, ProcessorError> {
        let failed = |reason: String| ProcessorError::Function { function: transform.function.clone(), reason };
        let url = find_url(&transform.function, options)
            .ok_or_else(|| ProcessorError::FunctionNotFound { function: transform.function.clone() })?;
        Ok(Self {
            name: transform.function.clone(),
            // What stands in the configuration was written by whoever runs the server; what does not, by whoever calls it.
            invoker: Invoker::new(url, !is_url(&transform.function), options).map_err(failed)?,
            event: Event::new(definition),
            buffer_bytes: transform.buffer_bytes,
            retry_count: transform.retry_count,
        })
    }

    /// What it is called in the configuration of the delivery stream.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Has the function transform all records.
    pub(super) async fn transform(&self, processed: &mut Processed, logs: &HashMap<LogId, SourceLog>) {
        let records = std::mem::take(&mut processed.records);
        let batches = self.batches(records);
        let mut done =
            futures_util::stream::iter(batches).map(|batch| self.transform_batch(batch, logs)).buffered(CONCURRENT);
        while let Some(batch) = done.next().await {
            processed.records.extend(batch.records);
            processed.refused.extend(batch.refused);
            processed.dropped += batch.dropped;
        }
    }

    /// Divides records among events.
    fn batches(&self, records: Vec<Record>) -> Vec<Vec<Record>> {
        let mut batches = Vec::new();
        let mut batch = Vec::new();
        let (mut data_bytes, mut event_bytes) = (0_u64, self.event.frame_bytes());
        for record in records {
            let bytes = self.event.record_bytes(&record);
            let data = record.data.len() as u64;
            let is_full = data_bytes + data > self.buffer_bytes || event_bytes + bytes > PAYLOAD_BYTES_MAX;
            if is_full && !batch.is_empty() {
                batches.push(std::mem::take(&mut batch));
                (data_bytes, event_bytes) = (0, self.event.frame_bytes());
            }
            data_bytes += data;
            event_bytes += bytes;
            batch.push(record);
        }
        if !batch.is_empty() {
            batches.push(batch);
        }
        batches
    }

    async fn transform_batch(&self, batch: Vec<Record>, logs: &HashMap<LogId, SourceLog>) -> Processed {
        let event = self.event.encode(&Uuid::new_v4().to_string(), &batch, logs);
        if event.len() > PAYLOAD_BYTES_MAX {
            let message = format!("The record makes an event of more than {PAYLOAD_BYTES_MAX} bytes.");
            return refuse_all(batch, &Reason::processing_failed("Lambda.RequestTooLarge", &message), 0);
        }
        let (outcome, attempt_count) = self.invoke(event.into()).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(failure) => return refuse_all(batch, &failure.reason(), attempt_count),
        };
        let ids: Vec<String> = batch.iter().map(payload::record_id).collect();
        let outcomes = match answer::read(&answer, &ids) {
            Ok(outcomes) => outcomes,
            Err(reason) => return refuse_all(batch, &reason, attempt_count),
        };
        let mut processed = Processed::default();
        for (record, outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Ok { data, keys } => {
                    let keys = PartitionKeys { lambda: keys, ..record.keys };
                    processed.records.push(Record { data: data.into(), keys, ..record });
                }
                Outcome::Dropped => processed.dropped += 1,
                Outcome::Failed(reason) => processed.refused.push(refuse(record, reason, attempt_count)),
            }
        }
        processed
    }

    /// Calls the function until it answers, or the retries are over. Tells how often it was called.
    async fn invoke(&self, event: Bytes) -> (Result<Bytes, Failure>, u32) {
        let mut pause = PAUSE_MIN;
        let mut attempt_count = 1;
        loop {
            match self.invoker.invoke(event.clone()).await {
                Err(failure) if failure.is_transient() && attempt_count <= self.retry_count => {
                    tracing::debug!(error = %failure, attempt_count, "a function was not called; it is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    attempt_count += 1;
                }
                outcome => return (outcome, attempt_count),
            }
        }
    }
}

fn refuse(record: Record, reason: Reason, attempt_count: u32) -> Refused {
    Refused { data: record.data, origin: record.origin, reason, attempt_count }
}

fn refuse_all(batch: Vec<Record>, reason: &Reason, attempt_count: u32) -> Processed {
    let refused = batch.into_iter().map(|record| refuse(record, reason.clone(), attempt_count)).collect();
    Processed { refused, ..Processed::default() }
}

fn is_url(function: &str) -> bool {
    function.starts_with("http://") || function.starts_with("https://")
}

/// The URL of a function: itself if it is one, or what is configured for its ARN, its ARN without version or alias, or its
/// name.
fn find_url<'a>(function: &'a str, options: &'a Options) -> Option<&'a str> {
    if is_url(function) {
        return Some(function);
    }
    let find = |key: &str| options.functions.get(key).map(String::as_str);
    let parts: Vec<&str> = function.split(':').collect();
    let name = || match parts.as_slice() {
        ["arn", _, "lambda", _, _, "function", name, ..] => Some(*name),
        _ => None,
    };
    let unqualified = || parts.get(..7).map(|parts| parts.join(":"));
    find(function).or_else(|| find(&unqualified()?)).or_else(|| find(name()?))
}

#[cfg(test)]
mod tests;
