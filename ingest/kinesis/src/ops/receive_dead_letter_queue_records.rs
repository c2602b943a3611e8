//! `ReceiveDeadLetterQueueRecords`: as `ReceiveQueueRecords`, of the records that were received too often.

use std::sync::Arc;

use bytes::Bytes;
use ingest_core::{Context, Fault};

use super::receive_queue_records::receive;
use crate::door::Kinesis;

/// Source: Kinesis Data Streams API Reference, "ReceiveDeadLetterQueueRecords".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    receive(&door, &context, &body, true, &door.metrics.receive_dead_letter_queue_records).await
}
