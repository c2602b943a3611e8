//! What the five operations share that do something about received records: up to ten receipt handles in, and what became of
//! each out. They wait until all of it is durable.

use ingest_core::fault::queues;
use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};
use shard_store::queue::Act;

use crate::door::Kinesis;
use crate::limits::{RECEIPT_HANDLE_CHARS_MAX, RECORDS_PER_QUEUE_CALL_MAX};
use crate::queue::{self, to_u32};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "QueueARN")]
    queue_arn: Option<String>,
    entries: Option<Vec<EntryInput>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntryInput {
    receipt_handle: Option<String>,
    /// Asked for by the operations that change it alone.
    visibility_timeout_seconds: Option<i64>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    successful: Vec<Successful>,
    failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Successful {
    receipt_handle: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    receipt_handle: String,
    error_code: &'static str,
    error_message: String,
}

/// What an operation does about each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Acknowledge,
    UpdateVisibility,
    Restore,
}

/// Does it, about records or dead letters.
pub(super) async fn act(
    door: &Kinesis,
    context: &Context,
    input: Input,
    task: Task,
    is_dead: bool,
) -> Result<Output, Fault> {
    validate(&input, task)?;
    let queue = queue::find(door, context, input.queue_arn.as_deref())?;
    let entries = input.entries.unwrap_or_default();
    let acts: Vec<_> = entries
        .iter()
        .map(|entry| {
            let act = match task {
                Task::Acknowledge => Act::Acknowledge,
                Task::Restore => Act::Restore,
                Task::UpdateVisibility => {
                    Act::Delay { timeout_s: entry.visibility_timeout_seconds.map(to_u32).unwrap_or_default() }
                }
            };
            (entry.receipt_handle.as_deref().unwrap_or_default(), act)
        })
        .collect();
    let outcomes = queue.act(&door.streams, is_dead, &acts).await;
    let outcomes = outcomes.map_err(|error| queues::delivery(&queue.definition().stream, error))?;
    let mut output = Output::default();
    for (entry, outcome) in entries.into_iter().zip(outcomes) {
        let receipt_handle = entry.receipt_handle.unwrap_or_default();
        match outcome {
            Ok(()) => output.successful.push(Successful { receipt_handle }),
            Err(error) => {
                let fault = queues::receipt(&error);
                let (error_code, error_message) = (fault.code().name(), fault.message().to_owned());
                output.failed.push(Failed { receipt_handle, error_code, error_message });
            }
        }
    }
    Ok(output)
}

/// Puts the model's constraints upon the input.
fn validate(input: &Input, task: Task) -> Result<(), Fault> {
    let mut validator = Validator::new();
    queue::validate_arn(&mut validator, input.queue_arn.as_deref());
    let entries = input.entries.as_deref();
    validator.member("entries", entries).required().length(1, RECORDS_PER_QUEUE_CALL_MAX);
    for (number, entry) in (1..).zip(entries.unwrap_or_default()) {
        let path = format_args!("entries.{number}.member.receiptHandle");
        let handle = validator.member(path, entry.receipt_handle.as_deref());
        handle.required().length(1, RECEIPT_HANDLE_CHARS_MAX);
        if task == Task::UpdateVisibility {
            let path = format_args!("entries.{number}.member.visibilityTimeoutSeconds");
            queue::visibility_timeout(&mut validator, path, entry.visibility_timeout_seconds).required();
        }
    }
    validator.finish()
}
