//! `TagDeliveryStream`: tags of keys that the delivery stream has already are replaced.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Validator};
use serde::Deserialize;

use crate::door::{Firehose, key};
use crate::model::{Nothing, Tag};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    delivery_stream_name: Option<String>,
    tags: Option<Vec<Tag>>,
}

/// Source: Firehose API Reference, "TagDeliveryStream".
pub(crate) async fn run(door: Arc<Firehose>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    validate::name(&mut validator, input.delivery_stream_name.as_deref());
    validate::tags(&mut validator, input.tags.as_deref(), true);
    validator.finish()?;
    let key = key(&context, input.delivery_stream_name.as_deref().unwrap_or_default());
    let tags = by_key(input.tags.unwrap_or_default())?;
    door.blocking(move |streams| Ok(streams.add_tags(&key, tags)?)).await?;
    Ok(Nothing {})
}

/// Valid tags by their keys; one without a value has an empty one.
///
/// # Errors
/// `InvalidArgumentException` if a key is there twice.
pub(crate) fn by_key(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Fault> {
    let mut by_key = BTreeMap::new();
    for Tag { key, value } in tags {
        let key = key.unwrap_or_default();
        if by_key.contains_key(&key) {
            return Err(Fault::new(Code::InvalidArgument, format!("The tag key {key} is there twice.")));
        }
        by_key.insert(key, value.unwrap_or_default());
    }
    Ok(by_key)
}
