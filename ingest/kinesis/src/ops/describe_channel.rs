//! `DescribeChannel`: one channel, with its configuration.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;
use shard_store::stream::ChannelKey;

use crate::channel::pattern::CHANNEL_ARN;
use crate::channel::{self, DescriptionOutput};
use crate::door::Kinesis;
use crate::limits::STREAM_ARN_CHARS_MAX;

/// The input of the operations that name a channel and nothing else.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "ChannelARN")]
    channel_arn: Option<String>,
}

impl Input {
    /// The channel that a request names, which need not be there.
    ///
    /// # Errors
    /// `ValidationException`, or `ResourceNotFoundException` if it is of another account or region.
    pub(super) fn channel(&self, context: &Context) -> Result<ChannelKey, Fault> {
        let mut validator = Validator::new();
        validate_arn(&mut validator, self.channel_arn.as_deref());
        validator.finish()?;
        channel::key(context, self.channel_arn.as_deref().unwrap_or_default())
    }
}

/// Puts the model's constraints upon a `ChannelARN`.
pub(super) fn validate_arn(validator: &mut Validator, arn: Option<&str>) {
    validator.member("channelARN", arn).required().pattern(CHANNEL_ARN).length(1, STREAM_ARN_CHARS_MAX);
}

/// Source: Kinesis Data Streams API Reference, "DescribeChannel".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<DescriptionOutput, Fault> {
    let key = input.channel(&context)?;
    let channel = channel::find(&door.streams, &key)?;
    DescriptionOutput::of(&channel)
}
