//! `GetResourcePolicy`: the policy of a stream or consumer, as it was put.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use crate::door::Kinesis;
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
    /// The resource, and its ARN.
    ///
    /// # Errors
    /// `ValidationException`, and as [`Resource::of`].
    pub(super) fn resource(self, door: &Kinesis, context: &Context) -> Result<(Resource, String), Fault> {
        let mut validator = Validator::new();
        validate::resource_arn(&mut validator, self.resource_arn.as_deref());
        validate::stream_id(&mut validator, self.stream_id.as_deref());
        validator.finish()?;
        let arn = self.resource_arn.unwrap_or_default();
        Ok((Resource::of(&door.streams, context, &arn)?, arn))
    }
}

/// Source: Kinesis Data Streams API Reference, "GetResourcePolicy".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let (resource, arn) = input.resource(&door, &context)?;
    let policy = resource.policy(&door.streams)?.ok_or_else(|| kinesis::no_policy(&arn))?;
    Ok(Output { policy: policy.text().to_owned() })
}
