//! `SplitShard`: the shard is closed and its two children open when the call is answered.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;
use shard_store::stream::{HashKey, ShardNumber};

use crate::door::Kinesis;
use crate::model::{Nothing, refer_to_stream};
use crate::validate::{self, HASH_KEY};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    shard_to_split: Option<String>,
    new_starting_hash_key: Option<String>,
}

refer_to_stream!(Input);

/// Source: Kinesis Data Streams API Reference, "SplitShard".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let (shard, at) = (input.shard_to_split.as_deref(), input.new_starting_hash_key.as_deref());
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validate::shard_id(&mut validator, "shardToSplit", shard, true);
    validator.member("newStartingHashKey", at).required().pattern(HASH_KEY);
    validator.finish()?;

    let stream = input.stream().resolve(&door.streams, &context)?;
    let key = stream.key().clone();
    let text = shard.unwrap_or_default();
    let shard: ShardNumber = text.parse().map_err(|_| kinesis::not_a_shard(&key.account, &key.name, text))?;
    // A number of 39 digits may be beyond the key space, and so beyond the shard.
    let at = at.unwrap_or_default().parse().unwrap_or(HashKey::MAX);
    let resharded = door.blocking(move |streams| streams.split_shard(&key, shard, at)).await?;
    tracing::info!(stream = %resharded.key(), %shard, shard_count = resharded.open_shard_count(), "shard split");
    Ok(Nothing {})
}
