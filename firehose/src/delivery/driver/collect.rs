//! Collecting: how much there is to deliver, and waiting for more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use shard_store::log::{LogId, ReadLimit};

use super::{Driver, Interruption, blocking};
use crate::error::DeliveryError;
use crate::limits::READ_RECORDS_MAX;
use crate::source::SourceLog;
use crate::topic::TopicLogs;

/// After records arrive, others are waited for this long: they come in many small batches, and none is in a hurry.
const COALESCE: Duration = Duration::from_millis(20);

/// How often an idle task looks whether its source changed, and tells its lag.
const REFRESH: Duration = Duration::from_secs(10);

/// Bytes of one read while collecting: fairness between shards, not a limit of memory.
const READ_BYTES_MAX: u64 = 1024 * 1024;

impl Driver {
    /// Counts what is new in each log, without keeping it.
    pub(super) async fn read(&mut self, byte_count_max: u64) -> Result<(), Interruption> {
        let logs = Arc::clone(&self.logs);
        let positions: Vec<(LogId, u64)> = logs.keys().map(|id| (*id, self.machine.read_position(*id))).collect();
        let overhead = self.record_overhead;
        let read = blocking(move || read_sizes(&logs, positions, byte_count_max, overhead)).await?;
        for Size { log, next_ordinal, byte_count, oldest_ms } in read? {
            self.machine.on_read(log, next_ordinal, byte_count, oldest_ms);
        }
        Ok(())
    }

    /// Waits for records, the time, or another command.
    pub(super) async fn wait(&mut self, until_ms: Option<u64>) -> Result<(), Interruption> {
        let left_ms = until_ms.map(|until_ms| until_ms.saturating_sub(self.now_ms()));
        let timeout = left_ms.map_or(REFRESH, |left_ms| REFRESH.min(Duration::from_millis(left_ms)));
        let logs = Arc::clone(&self.logs);
        let arrivals = logs.iter().filter(|(id, _)| !self.ended.contains(id)).map(|(id, log)| {
            let position = self.machine.read_position(*id);
            async move {
                log.log.wait_past(position).await;
                (*id, log.log.end() > position)
            }
        });
        let mut arrivals: FuturesUnordered<_> = arrivals.collect();
        let arrived = tokio::select! {
            arrived = arrivals.next(), if !arrivals.is_empty() => arrived,
            () = tokio::time::sleep(timeout) => None,
            () = grown(self.topic.as_deref()) => None,
            _ = self.control.changed() => None,
        };
        match arrived {
            Some((id, false)) => {
                self.ended.insert(id);
            }
            Some((_, true)) if self.definition.destination.buffer.interval_seconds > 0 => {
                tokio::time::sleep(COALESCE.min(timeout)).await;
            }
            _ => {}
        }
        Ok(())
    }
}

/// What one read added.
struct Size {
    log: LogId,
    next_ordinal: u64,
    byte_count: u64,
    oldest_ms: Option<u64>,
}

/// Reads each log in turn until there is nothing new or the room is used up. Each record counts `overhead` bytes beside its
/// own.
fn read_sizes(
    logs: &HashMap<LogId, SourceLog>,
    mut positions: Vec<(LogId, u64)>,
    mut room: u64,
    overhead: u64,
) -> Result<Vec<Size>, DeliveryError> {
    let mut sizes = Vec::new();
    // In the order of ids, so that which records make an object does not depend on a hash.
    positions.sort_unstable_by_key(|(id, _)| id.0);
    while room > 0 {
        let room_before = room;
        for (id, position) in &mut positions {
            let Some(log) = logs.get(id).filter(|log| log.log.end() > *position) else { continue };
            if room == 0 {
                break;
            }
            let byte_count = usize::try_from(room.min(READ_BYTES_MAX)).unwrap_or(usize::MAX);
            let limit = ReadLimit { record_count: READ_RECORDS_MAX, byte_count };
            let batch =
                log.log.read(*position, limit).map_err(|error| DeliveryError::Read { reason: error.to_string() })?;
            *position = batch.next_ordinal();
            let byte_count = batch.byte_count() as u64;
            // A record without data takes room too, or a flood of them would never fill a buffer.
            let byte_count = byte_count + overhead * batch.record_count() as u64;
            room = room.saturating_sub(byte_count);
            let oldest_ms = batch.records().next().map(|record| record.arrival_ms);
            sizes.push(Size { log: *id, next_ordinal: *position, byte_count, oldest_ms });
        }
        if room == room_before {
            break;
        }
    }
    Ok(sizes)
}

/// Resolves when the topic has more logs; never, if there is none.
async fn grown(topic: Option<&TopicLogs>) {
    match topic {
        Some(topic) => topic.grown().await,
        None => std::future::pending().await,
    }
}
