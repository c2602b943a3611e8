//! `RemoveTagsFromStream`: keys that the stream has no tag of are passed over.

use std::sync::Arc;

use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;

use crate::door::Kinesis;
use crate::model::{Nothing, refer_to_stream};
use crate::validate;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    tag_keys: Option<Vec<String>>,
}

refer_to_stream!(Input);

/// Source: Kinesis Data Streams API Reference, "RemoveTagsFromStream".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validate::tag_keys(&mut validator, input.tag_keys.as_deref());
    validator.finish()?;
    let key = input.stream().resolve(&door.streams, &context)?.key().clone();
    let tag_keys = input.tag_keys.unwrap_or_default();
    validate::check_tag_texts(&tag_keys)?;
    door.blocking(move |streams| streams.remove_tags(&key, &tag_keys)).await?;
    Ok(Nothing {})
}
