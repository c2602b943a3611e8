//! `DisableEnhancedMonitoring`: `/metrics` shows less of each shard of a stream.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::enable_enhanced_monitoring::{Input, Output};
use crate::door::Kinesis;

/// Source: Kinesis Data Streams API Reference, "DisableEnhancedMonitoring".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    input.apply(&door, &context, false).await
}
