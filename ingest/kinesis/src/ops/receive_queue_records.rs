//! `ReceiveQueueRecords`, and what it shares with `ReceiveDeadLetterQueueRecords`: wait for records, and hand them out.
//!
//! A client that goes away while it waits receives nothing: the operation is dropped where it waits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ingest_core::fault::queues;
use ingest_core::{Context, Fault, Validator};
use ingest_wire::{Blob, Timestamp};
use serde::{Deserialize, Serialize};
use shard_store::queue::{Ask, Delivered};

use crate::door::Kinesis;
use crate::limits::{RECEIVE_WAIT_SECONDS, RECEIVE_WAIT_SECONDS_DEFAULT, RECORDS_PER_QUEUE_CALL_MAX};
use crate::metrics::OperationMetrics;
use crate::model::timestamp;
use crate::queue::{self, to_u32};
use crate::text::SequenceText;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(rename = "QueueARN")]
    queue_arn: Option<String>,
    limit: Option<i64>,
    wait_time_seconds: Option<i64>,
    visibility_timeout_seconds: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    queue_records: Vec<QueueRecord<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueRecord<'a> {
    receipt_handle: &'a str,
    record_id: SequenceText,
    /// Left out where the producer gave none.
    #[serde(skip_serializing_if = "str::is_empty")]
    partition_key: &'a str,
    data: Blob<'a>,
    approximate_arrival_timestamp: Timestamp,
    first_receive_timestamp: Timestamp,
    receive_count: u32,
}

/// Source: Kinesis Data Streams API Reference, "ReceiveQueueRecords".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    receive(&door, &context, &body, false, &door.metrics.receive_queue_records).await
}

/// Receives records, or dead letters.
pub(super) async fn receive(
    door: &Kinesis,
    context: &Context,
    body: &Bytes,
    is_dead: bool,
    metrics: &OperationMetrics,
) -> Result<Bytes, Fault> {
    let input: Input = context.decode(body)?;
    let ask = validate(&input, is_dead)?;
    let queue = queue::find(door, context, input.queue_arn.as_deref())?;
    let delivered = queue.receive(&door.streams, ask).await;
    let delivered = delivered.map_err(|error| queues::delivery(&queue.definition().stream, error))?;
    let output = Output { queue_records: delivered.iter().filter_map(QueueRecord::of).collect() };
    let bytes = delivered.iter().filter_map(|delivered| Some(delivered.record()?.byte_count() as u64)).sum();
    metrics.count_records(delivered.len() as u64, bytes);
    context.encode(&output)
}

/// Puts the model's constraints upon the input. Returns what it asks for.
fn validate(input: &Input, is_dead: bool) -> Result<Ask, Fault> {
    let mut validator = Validator::new();
    queue::validate_arn(&mut validator, input.queue_arn.as_deref());
    let record_count = validator.member("limit", input.limit).range(1, RECORDS_PER_QUEUE_CALL_MAX as i64).value();
    let (wait_min, wait_max) = RECEIVE_WAIT_SECONDS;
    let wait = validator.member("waitTimeSeconds", input.wait_time_seconds).range(wait_min, wait_max).value();
    queue::visibility_timeout(&mut validator, "visibilityTimeoutSeconds", input.visibility_timeout_seconds);
    validator.finish()?;
    Ok(Ask {
        record_count: record_count.map_or(RECORDS_PER_QUEUE_CALL_MAX, |count| to_u32(count) as usize),
        wait: Duration::from_secs(wait.map_or(RECEIVE_WAIT_SECONDS_DEFAULT, |wait| u64::from(to_u32(wait)))),
        visibility_timeout_s: input.visibility_timeout_seconds.map(to_u32),
        is_dead,
    })
}

impl<'a> QueueRecord<'a> {
    fn of(delivered: &'a Delivered) -> Option<Self> {
        let record = delivered.record()?;
        Some(Self {
            receipt_handle: &delivered.handle,
            record_id: SequenceText(delivered.id()),
            partition_key: record.partition_key,
            data: Blob::raw(record.data),
            approximate_arrival_timestamp: timestamp(record.arrival_ms),
            first_receive_timestamp: timestamp(delivered.first_received_ms),
            receive_count: delivered.receives,
        })
    }
}
