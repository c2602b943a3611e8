//! `ListTagsForDeliveryStream`: the tags by key, a page at a time.

use std::ops::Bound;
use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::{Deserialize, Serialize};

use crate::door::Firehose;
use crate::limits::{TAG_KEY_CHARS_MAX, TAGS_PER_REQUEST_MAX};
use crate::model::Tag;
use crate::validate::{self, TAG_KEY};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    delivery_stream_name: Option<String>,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    tags: Vec<Tag>,
    has_more_tags: bool,
}

/// Source: Firehose API Reference, "ListTagsForDeliveryStream".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, input: Input) -> Result<Output, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    let after = validator.member("exclusiveStartTagKey", input.exclusive_start_tag_key.as_deref());
    let after = after.length(1, TAG_KEY_CHARS_MAX).pattern(TAG_KEY).value();
    let max = i64::try_from(TAGS_PER_REQUEST_MAX).unwrap_or(i64::MAX);
    let limit = validator.member("limit", input.limit).range(1, max).value().unwrap_or(max);
    validator.finish()?;
    let stream = door.find(&context, input.delivery_stream_name.as_deref().unwrap_or_default())?;
    let settings = stream.settings();
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut tags = settings.tags.range::<str, _>((from, Bound::Unbounded));
    let tag = |(key, value): (&String, &String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    Ok(Output {
        tags: tags.by_ref().take(usize::try_from(limit).unwrap_or_default()).map(tag).collect(),
        has_more_tags: tags.next().is_some(),
    })
}
