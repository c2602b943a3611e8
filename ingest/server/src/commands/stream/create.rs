//! `headwater stream create`.

use consumers::streams::{Mode, NewStream};

use super::Access;
use crate::cli::CreateArgs;
use crate::failure::{Failure, Outcome};
use crate::output::data_line;

/// Creates the stream, waits until it is active, and prints its ARN.
pub(super) async fn run(access: &Access, args: CreateArgs) -> Result<Outcome, Failure> {
    let new = NewStream {
        name: args.name.clone(),
        shard_count: (!args.on_demand).then(|| args.shards.unwrap_or(1)),
        mode: if args.on_demand { Mode::on_demand() } else { Mode::default() },
        tags: args.tags.into_iter().collect(),
    };
    access.streams.create(&new).await?;
    let summary = access.active(&args.name).await?;
    if let Some(hours) = args.retention.filter(|hours| *hours > summary.retention_period_hours) {
        access.streams.increase_retention(&args.name, hours).await?;
        access.active(&args.name).await?;
    }
    data_line(summary.arn)?;
    Ok(Outcome::Done)
}
