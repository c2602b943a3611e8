//! `TagResource`: as `AddTagsToStream`, by ARN.

use std::collections::BTreeMap;
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
    tags: Option<BTreeMap<String, String>>,
}

/// Source: Kinesis Data Streams API Reference, "TagResource".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::resource_arn(&mut validator, input.resource_arn.as_deref());
    validate::stream_id(&mut validator, input.stream_id.as_deref());
    validate::tags(&mut validator, input.tags.as_ref(), true);
    validator.finish()?;
    let arn = input.resource_arn.unwrap_or_default();
    let tags = input.tags.unwrap_or_default();
    validate::check_tags(&tags)?;
    if queue::named(&context, &arn)?.is_some() {
        queue::change(&door, &context, &arn, move |queues, key, id| {
            queues.add_tags(&key.account, &key.region, id, tags)
        })
        .await?;
        return Ok(Nothing {});
    }
    if let Some(key) = channel::key_in(&context, &arn)? {
        door.blocking(move |streams| streams.add_channel_tags(&key, tags)).await?;
        return Ok(Nothing {});
    }
    let resource = Resource::of(&door.streams, &context, &arn)?;
    door.blocking(move |streams| match resource {
        Resource::Stream(key) => streams.add_tags(&key, tags),
        Resource::Consumer(key) => streams.add_consumer_tags(&key, tags),
    })
    .await?;
    Ok(Nothing {})
}
