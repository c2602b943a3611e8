//! `UpdateAccountSettings`: begins or ends the account's commitment to a minimum throughput.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use super::describe_account_settings::Output;
use crate::access;
use crate::door::Kinesis;

const ENABLED: &str = "ENABLED";
const DISABLED: &str = "DISABLED";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    minimum_throughput_billing_commitment: Option<Commitment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Commitment {
    status: Option<String>,
}

/// Source: Kinesis Data Streams API Reference, "UpdateAccountSettings".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    let status = match &input.minimum_throughput_billing_commitment {
        None => {
            validator.member("minimumThroughputBillingCommitment", None::<&str>).required();
            None
        }
        Some(commitment) => {
            let path = "minimumThroughputBillingCommitment.status";
            let status = validator.member(path, commitment.status.as_deref());
            status.required().one_of(&[ENABLED, DISABLED]).value()
        }
    };
    let is_committed = status == Some(ENABLED);
    validator.finish()?;
    access::count_account_call(&door.streams, &context, None)?;
    let settings =
        door.blocking(move |streams| streams.commit_account(&context.account, &context.region, is_committed)).await?;
    Ok(Output::of(settings, door.now_ms()))
}
