//! `ListTagsForStream`: the tags of a stream by key, a page at a time.

use std::ops::Bound;
use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use super::describe_stream::page_size;
use crate::door::Kinesis;
use crate::limits::{TAG_KEY_CHARS_MAX, TAGS_MAX, TAGS_PER_PAGE_MAX};
use crate::model::{Tag, refer_to_stream};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

refer_to_stream!(Input);

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    tags: Vec<Tag>,
    has_more_tags: bool,
}

/// Source: Kinesis Data Streams API Reference, "ListTagsForStream".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    let after = input.exclusive_start_tag_key.as_deref();
    validator.member("exclusiveStartTagKey", after).length(1, TAG_KEY_CHARS_MAX);
    let limit = validator.member("limit", input.limit).range(1, TAGS_PER_PAGE_MAX).value();
    validator.finish()?;
    let stream = input.stream().resolve(&door.streams, &context)?;
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut tags = stream.tags().range::<str, _>((from, Bound::Unbounded));
    Ok(Output {
        tags: tags.by_ref().take(page_size(limit, TAGS_MAX)).map(Tag::of).collect(),
        has_more_tags: tags.next().is_some(),
    })
}
