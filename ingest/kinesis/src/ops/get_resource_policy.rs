//! `GetResourcePolicy`: the policy of a stream, consumer or queue, as it was put.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};
use shard_store::stream::PolicyText;

use crate::door::Kinesis;
use crate::queue;
use crate::resource::Resource;
use crate::validate;

/// The input of the operations that name a resource, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    stream_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    policy: String,
}

impl Input {
    /// The ARN.
    ///
    /// # Errors
    /// `ValidationException`.
    pub(super) fn arn(self) -> Result<String, Fault> {
        let mut validator = Validator::new();
        validate::resource_arn(&mut validator, self.resource_arn.as_deref());
        validate::stream_id(&mut validator, self.stream_id.as_deref());
        validator.finish()?;
        Ok(self.resource_arn.unwrap_or_default())
    }
}

/// The policy of what an ARN names.
///
/// # Errors
/// `ResourceNotFoundException` if it is not there or has none, and `AccessDeniedException`.
pub(super) fn policy_of(door: &Kinesis, context: &Context, arn: &str) -> Result<PolicyText, Fault> {
    let policy = if queue::named(context, arn)?.is_some() {
        queue::find(door, context, Some(arn))?.definition().policy.clone()
    } else {
        Resource::of(&door.streams, context, arn)?.policy(&door.streams)?
    };
    policy.ok_or_else(|| kinesis::no_policy(arn))
}

/// Puts a policy upon what an ARN names, or takes it away.
///
/// # Errors
/// If it is not there, or the change could not be made durable.
pub(super) async fn set_policy(
    door: &Kinesis,
    context: &Context,
    arn: &str,
    policy: Option<PolicyText>,
) -> Result<(), Fault> {
    if queue::named(context, arn)?.is_some() {
        let change = queue::change(door, context, arn, move |queues, key, id| {
            queues.set_policy(&key.account, &key.region, id, policy)
        });
        return change.await.map(drop);
    }
    let resource = Resource::of(&door.streams, context, arn)?;
    door.blocking(move |streams| resource.set_policy(streams, policy)).await
}

/// Source: Kinesis Data Streams API Reference, "GetResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let policy = policy_of(&door, &context, &input.arn()?)?;
    Ok(Output { policy: policy.text().to_owned() })
}
