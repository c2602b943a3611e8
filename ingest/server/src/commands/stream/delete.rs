//! `headwater stream delete`.

use super::{Access, text};
use crate::cli::DeleteArgs;
use crate::commands::ask;
use crate::failure::{Failure, Outcome};
use crate::output::{counted, note};

/// Deletes the stream, unless the person changes their mind, and waits until it is gone.
pub(super) async fn run(access: &Access, args: &DeleteArgs) -> Result<Outcome, Failure> {
    ask::check(args.yes)?;
    let failure = access.failure(&args.name);
    let summary = access.streams.describe(&args.name).await.map_err(&failure)?;
    let question = format!(
        "delete {} with its {} and all records of the last {}?",
        summary.name,
        counted(summary.open_shard_count.into(), "open shard"),
        text::hours(summary.retention_period_hours),
    );
    if !args.yes && !ask::confirm(question).await? {
        note("nothing was deleted");
        return Ok(Outcome::Negative);
    }
    access.streams.delete(&args.name, args.with_consumers).await.map_err(&failure)?;
    match access.streams.settled(&args.name).await? {
        None => Ok(Outcome::Done),
        Some(summary) => Err(Failure::Unsettled { stream: args.name.clone(), status: summary.status }),
    }
}
