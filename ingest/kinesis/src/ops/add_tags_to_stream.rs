//! `AddTagsToStream`: tags of keys that the stream has already are replaced.

use std::collections::BTreeMap;
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
    tags: Option<BTreeMap<String, String>>,
}

refer_to_stream!(Input);

/// Source: Kinesis Data Streams API Reference, "AddTagsToStream".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validate::tags(&mut validator, input.tags.as_ref(), true);
    validator.finish()?;
    let key = input.stream().resolve(&door.streams, &context)?.key().clone();
    let tags = input.tags.unwrap_or_default();
    validate::check_tags(&tags)?;
    door.blocking(move |streams| streams.add_tags(&key, tags)).await?;
    Ok(Nothing {})
}
