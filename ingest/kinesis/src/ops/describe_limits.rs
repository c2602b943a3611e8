//! `DescribeLimits`: how many shards the account has and may have.

use std::sync::Arc;

use ingest_core::{Context, Fault};
use serde::{Deserialize, Serialize};
use shard_store::stream::StreamMode;
use shard_store::stream::limits::ON_DEMAND_SHARDS;

use crate::access;
use crate::door::Kinesis;

#[derive(Debug, Deserialize)]
pub(crate) struct Input {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    shard_limit: u32,
    open_shard_count: u64,
    on_demand_stream_count: usize,
    on_demand_stream_count_limit: u32,
}

/// Source: Kinesis Data Streams API Reference, "DescribeLimits".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, Input {}: Input) -> Result<Output, Fault> {
    access::count_account_call(&door.streams, &context, None)?;
    let (account, region) = (&*context.account, &*context.region);
    let shard_limit = door.streams.options().shards_max;
    let streams = door.streams.list(account, region, None, usize::MAX);
    Ok(Output {
        shard_limit,
        open_shard_count: door.streams.open_shard_count(account, region),
        on_demand_stream_count: streams.iter().filter(|stream| stream.mode() == StreamMode::OnDemand).count(),
        // On-demand streams have no limit but that of their shards.
        on_demand_stream_count_limit: shard_limit / ON_DEMAND_SHARDS,
    })
}
