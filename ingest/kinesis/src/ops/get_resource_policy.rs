//! `GetResourcePolicy`: the policy as it was put.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use crate::door::Kinesis;
use crate::resource::Resource;
use crate::validate;

/// The input of the operations that read or delete a policy.
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
    /// The resource of a request.
    ///
    /// # Errors
    /// `ValidationException` for a request that is not valid; otherwise as [`Resource::of`].
    pub(super) fn resource(&self, context: &Context) -> Result<Resource, Fault> {
        let mut validator = Validator::new();
        validate::resource_arn(&mut validator, self.resource_arn.as_deref());
        validate::stream_id(&mut validator, self.stream_id.as_deref());
        validator.finish()?;
        Resource::of(context, self.resource_arn.as_deref().unwrap_or_default())
    }
}

/// Source: Kinesis Data Streams API Reference, "GetResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let resource = input.resource(&context)?;
    let stream = resource.stream(&door.streams)?;
    let policy = match resource {
        Resource::Stream(_) => stream.policy(),
        Resource::Consumer(key) => stream.consumer(&key)?.policy.as_deref(),
    };
    Ok(Output { policy: policy.ok_or_else(kinesis::no_policy)?.to_owned() })
}
