//! `DeleteResourcePolicy`: what the policy allowed or denied ends when the call is answered.

use std::sync::Arc;

use ingest_core::{Context, Fault};

use super::get_resource_policy::{Input, policy_of, set_policy};
use crate::door::Kinesis;
use crate::model::Nothing;

/// Source: Kinesis Data Streams API Reference, "DeleteResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let arn = input.arn()?;
    policy_of(&door, &context, &arn)?;
    set_policy(&door, &context, &arn, None).await?;
    Ok(Nothing {})
}
