//! `MergeShards`: both shards are closed and their child open when the call is answered.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Context, Fault, Validator};
use serde::Deserialize;
use shard_store::stream::ShardNumber;

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
    shard_to_merge: Option<String>,
    adjacent_shard_to_merge: Option<String>,
}

refer_to_stream!(Input);

/// Source: Kinesis Data Streams API Reference, "MergeShards".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Nothing, Fault> {
    let (shard, adjacent) = (input.shard_to_merge.as_deref(), input.adjacent_shard_to_merge.as_deref());
    let mut validator = Validator::new();
    input.stream().validate(&mut validator);
    validate::shard_id(&mut validator, "shardToMerge", shard, true);
    validate::shard_id(&mut validator, "adjacentShardToMerge", adjacent, true);
    validator.finish()?;

    let stream = input.stream().resolve(&door.streams, &context)?;
    let key = stream.key().clone();
    let parse = |text: Option<&str>| {
        let text = text.unwrap_or_default();
        text.parse::<ShardNumber>().map_err(|_| kinesis::not_a_shard(&key.account, &key.name, text))
    };
    let (shard, adjacent) = (parse(shard)?, parse(adjacent)?);
    let resharded = door.blocking(move |streams| streams.merge_shards(&key, shard, adjacent)).await?;
    tracing::info!(
        stream = %resharded.key(), %shard, %adjacent, shard_count = resharded.open_shard_count(), "shards merged"
    );
    Ok(Nothing {})
}
