//! `headwater quickstart`.

use crate::cli::QuickstartArgs;
use crate::failure::{Failure, Outcome};

/// Runs it.
pub(crate) async fn run(args: QuickstartArgs) -> Result<Outcome, Failure> {
    crate::quickstart::run(args.events, args.data_dir).await
}
