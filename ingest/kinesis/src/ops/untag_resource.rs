//! `UntagResource`: as `RemoveTagsFromStream`, by ARN.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::channel;
use crate::door::Kinesis;
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
    tag_keys: Option<Vec<String>>,
}

/// Source: Kinesis Data Streams API Reference, "UntagResource".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::resource_arn(&mut validator, input.resource_arn.as_deref());
    validate::stream_id(&mut validator, input.stream_id.as_deref());
    validate::tag_keys(&mut validator, input.tag_keys.as_deref());
    validator.finish()?;
    let arn = input.resource_arn.unwrap_or_default();
    let tag_keys = input.tag_keys.unwrap_or_default();
    validate::check_tag_texts(&tag_keys)?;
    if queue::named(&context, &arn)?.is_some() {
        queue::change(&door, &context, &arn, move |queues, key, id| {
            queues.remove_tags(&key.account, &key.region, id, &tag_keys)
        })
        .await?;
        return Ok(Nothing {});
    }
    if let Some(key) = channel::key_in(&context, &arn)? {
        door.blocking(move |streams| streams.remove_channel_tags(&key, &tag_keys)).await?;
        return Ok(Nothing {});
    }
    let resource = Resource::of(&door.streams, &context, &arn)?;
    door.blocking(move |streams| match resource {
        Resource::Stream(key) => streams.remove_tags(&key, &tag_keys),
        Resource::Consumer(key) => streams.remove_consumer_tags(&key, &tag_keys),
    })
    .await?;
    Ok(Nothing {})
}
