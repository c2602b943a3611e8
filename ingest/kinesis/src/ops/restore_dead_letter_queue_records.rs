//! `RestoreDeadLetterQueueRecords`: dead letters are delivered again, as if for the first time.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::queue_batch::{Input, Output, Task, act};
use crate::door::Kinesis;

/// Source: Kinesis Data Streams API Reference, "RestoreDeadLetterQueueRecords".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    act(&door, &context, input, Task::Restore, true).await
}
