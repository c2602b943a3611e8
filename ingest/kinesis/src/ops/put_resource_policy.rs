//! `PutResourcePolicy`: the policy is checked, kept and given back. It is not evaluated.

use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Validator};
use ingest_wire::Protocol;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::door::Kinesis;
use crate::limits::POLICY_BYTES_MAX;
use crate::model::Nothing;
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

/// What every policy says. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    principal: Option<IgnoredAny>,
    not_principal: Option<IgnoredAny>,
    action: Option<IgnoredAny>,
    not_action: Option<IgnoredAny>,
}

#[derive(Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// Source: Kinesis Data Streams API Reference, "PutResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::resource_arn(&mut validator, input.resource_arn.as_deref());
    validate::stream_id(&mut validator, input.stream_id.as_deref());
    validator.member("policy", input.policy.as_deref()).required();
    validator.finish()?;
    let resource = Resource::of(&context, &input.resource_arn.unwrap_or_default())?;
    resource.stream(&door.streams)?;
    let policy = input.policy.unwrap_or_default();
    check(&policy)?;
    door.blocking(move |streams| match resource {
        Resource::Stream(key) => streams.put_policy(&key, policy),
        Resource::Consumer(key) => streams.put_consumer_policy(&key, policy),
    })
    .await?;
    Ok(Nothing {})
}

/// Checks that a text is a policy that says who may, or may not, do what.
fn check(text: &str) -> Result<(), Fault> {
    let invalid = |reason: String| Fault::new(Code::InvalidArgument, format!("Invalid policy document: {reason}"));
    if text.len() > POLICY_BYTES_MAX {
        return Err(invalid(format!("it has {} bytes, more than {POLICY_BYTES_MAX}", text.len())));
    }
    let policy: Policy = Protocol::Json11.decode(text.as_bytes()).map_err(|error| invalid(error.to_string()))?;
    if policy.statement.is_empty() {
        return Err(invalid("it has no statement".to_owned()));
    }
    for Statement { effect: Effect::Allow | Effect::Deny, principal, not_principal, action, not_action } in
        policy.statement
    {
        for (one, other, name) in [(principal, not_principal, "Principal"), (action, not_action, "Action")] {
            if one.is_some() == other.is_some() {
                return Err(invalid(format!("each statement must have either {name} or Not{name}")));
            }
        }
    }
    Ok(())
}
