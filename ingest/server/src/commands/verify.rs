//! `headwater verify`: is every byte of a stopped store what was written?

use shard_store::verify::Report;

use crate::cli::VerifyArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{data_line, grouped, note};

/// Checks the directory, prints every damage and sums up.
pub(crate) async fn run(args: VerifyArgs) -> Result<Outcome, Failure> {
    let verification = tokio::task::spawn_blocking(move || shard_store::verify::verify(&args.dir));
    let report = verification
        .await
        .map_err(|source| Failure::System { action: "check the store", source: source.into() })?
        .map_err(Failure::Verify)?;
    for damage in &report.damages {
        data_line(format_args!("{}\t{}\t{}", damage.path.display(), damage.offset, damage.reason))?;
    }
    note(summary(&report));
    Ok(if report.damages.is_empty() { Outcome::Done } else { Outcome::Negative })
}

fn summary(report: &Report) -> String {
    let verdict = match report.damages.len() {
        0 => "no damage".to_owned(),
        1 => "damage in 1 place; restore the file from a backup".to_owned(),
        count => format!("damage in {count} places; restore the files from a backup"),
    };
    format!(
        "checked {} records in {} frames, {} segments, {} logs and {} journal files: {verdict}",
        grouped(report.record_count),
        grouped(report.frame_count),
        grouped(report.segment_count),
        grouped(report.log_count),
        grouped(report.journal_file_count),
    )
}
