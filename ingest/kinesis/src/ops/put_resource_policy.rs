//! `PutResourcePolicy`: a policy that cannot be read is refused, so that every one that is kept is acted upon.

use std::sync::Arc;

use ingest_core::policy::Policy;
use ingest_core::{Code, Context, Fault, Validator};
use serde::Deserialize;
use shard_store::stream::PolicyText;

use super::get_resource_policy::set_policy;
use crate::door::Kinesis;
use crate::limits::POLICY_BYTES_MAX;
use crate::model::Nothing;
use crate::queue;
use crate::resource::Resource;
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    stream_id: Option<String>,
    policy: Option<String>,
}

/// Source: Kinesis Data Streams API Reference, "PutResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::resource_arn(&mut validator, input.resource_arn.as_deref());
    validate::stream_id(&mut validator, input.stream_id.as_deref());
    validator.member("policy", input.policy.as_deref()).required();
    validator.finish()?;
    let arn = input.resource_arn.unwrap_or_default();
    // Whether the caller may is told before what is wrong with the policy.
    if queue::named(&context, &arn)?.is_some() {
        queue::find(&door, &context, Some(&arn))?;
    } else {
        Resource::of(&door.streams, &context, &arn)?;
    }
    let text = input.policy.unwrap_or_default();
    check(&text)?;
    set_policy(&door, &context, &arn, Some(PolicyText::new(text))).await?;
    Ok(Nothing {})
}

/// Checks that a text is a policy.
fn check(text: &str) -> Result<(), Fault> {
    let invalid = |message: String| Fault::new(Code::InvalidArgument, message);
    if text.len() > POLICY_BYTES_MAX {
        return Err(invalid(format!("The policy has {} bytes, and may have {POLICY_BYTES_MAX}.", text.len())));
    }
    Policy::parse(text).map_err(|error| invalid(format!("The policy is not valid: {error}.")))?;
    Ok(())
}
