//! `UntagDeliveryStream`: keys that the delivery stream has no tag of are passed over.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::door::{Firehose, key};
use crate::limits::{TAG_KEY_CHARS_MAX, TAGS_PER_REQUEST_MAX};
use crate::model::Nothing;
use crate::validate::{self, TAG_KEY};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    delivery_stream_name: Option<String>,
    tag_keys: Option<Vec<String>>,
}

/// Source: Firehose API Reference, "UntagDeliveryStream".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validator.member("tagKeys", input.tag_keys.as_deref()).required().length(1, TAGS_PER_REQUEST_MAX);
    for (number, tag_key) in (1..).zip(input.tag_keys.iter().flatten()) {
        let member = validator.member(format!("tagKeys.{number}.member"), Some(tag_key.as_str()));
        member.length(1, TAG_KEY_CHARS_MAX).pattern(TAG_KEY);
    }
    validator.finish()?;
    let key = key(&context, input.delivery_stream_name.as_deref().unwrap_or_default());
    let tag_keys = input.tag_keys.unwrap_or_default();
    door.blocking(move |streams| Ok(streams.remove_tags(&key, &tag_keys)?)).await?;
    Ok(Nothing {})
}
