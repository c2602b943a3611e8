//! `DescribeAccountSettings`: whether the account is committed to a minimum throughput.

use std::sync::Arc;

use ingest_core::{Context, Fault};
use ingest_wire::Timestamp;
use serde::{Deserialize, Serialize};
use shard_store::stream::AccountSettings;

use crate::access;
use crate::door::Kinesis;
use crate::model::timestamp;

#[derive(Debug, Deserialize)]
pub(crate) struct Input {}

/// The output of both operations upon account settings.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    minimum_throughput_billing_commitment: Commitment,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Commitment {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    earliest_allowed_end_at: Option<Timestamp>,
}

impl Output {
    pub(super) fn of(settings: AccountSettings, now_ms: u64) -> Self {
        let is_committed = settings.is_committed(now_ms);
        let status = match (is_committed, settings.ended_ms) {
            (false, _) => "DISABLED",
            (true, None) => "ENABLED",
            (true, Some(_)) => "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
        };
        let minimum_throughput_billing_commitment = Commitment {
            status,
            started_at: settings.committed_ms.map(timestamp),
            ended_at: settings.ended_ms.filter(|_| !is_committed).map(timestamp),
            earliest_allowed_end_at: settings.earliest_end_ms().filter(|_| is_committed).map(timestamp),
        };
        Self { minimum_throughput_billing_commitment }
    }
}

/// Source: Kinesis Data Streams API Reference, "DescribeAccountSettings".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, Input {}: Input) -> Result<Output, Fault> {
    access::count_account_call(&door.streams, &context, None)?;
    let settings = door.blocking(move |streams| streams.account_settings(&context.account, &context.region)).await?;
    Ok(Output::of(settings, door.now_ms()))
}
