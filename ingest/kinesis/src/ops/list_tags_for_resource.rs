//! `ListTagsForResource`: all tags of a resource, by key.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use crate::channel;
use crate::door::Kinesis;
use crate::model::Tag;
use crate::queue;
use crate::resource::Resource;
use crate::validate;

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
    tags: Vec<Tag>,
}

/// Source: Kinesis Data Streams API Reference, "ListTagsForResource".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::resource_arn(&mut validator, input.resource_arn.as_deref());
    validate::stream_id(&mut validator, input.stream_id.as_deref());
    validator.finish()?;
    let arn = input.resource_arn.unwrap_or_default();
    if queue::named(&context, &arn)?.is_some() {
        let queue = queue::find(&door, &context, Some(&arn))?;
        return Ok(Output { tags: queue.definition().tags.iter().map(Tag::of).collect() });
    }
    if let Some(key) = channel::key_in(&context, &arn)? {
        return Ok(Output { tags: channel::find(&door.streams, &key)?.tags.iter().map(Tag::of).collect() });
    }
    let resource = Resource::of(&door.streams, &context, &arn)?;
    let stream = resource.stream(&door.streams)?;
    let tags = match resource {
        Resource::Stream(_) => stream.tags(),
        Resource::Consumer(key) => &stream.consumer(&key)?.tags,
    };
    Ok(Output { tags: tags.iter().map(Tag::of).collect() })
}
