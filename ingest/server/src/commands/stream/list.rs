//! `headwater stream list`.

use consumers::streams::Summary;
use serde_json::json;

use super::{Access, text};
use crate::failure::{Failure, Outcome};
use crate::output::data_line;

/// Prints a line for each stream.
pub(super) async fn run(access: &Access, is_json: bool) -> Result<Outcome, Failure> {
    let mut table = text::table(&["NAME", "MODE", "SHARDS", "RETENTION", "CREATED", "STATUS"]);
    text::align_right(&mut table, 2);
    for name in access.streams.names().await? {
        let summary = match access.streams.describe(&name).await {
            Ok(summary) => summary,
            // Deleted since it was listed.
            Err(error) if error.code() == Some("ResourceNotFoundException") => continue,
            Err(error) => return Err(error.into()),
        };
        if is_json {
            data_line(object(&summary))?;
        } else {
            table.add_row(row(&summary));
        }
    }
    if !is_json {
        text::print(&table)?;
    }
    Ok(Outcome::Done)
}

fn row(summary: &Summary) -> [String; 6] {
    [
        summary.name.clone(),
        text::mode(&summary.mode).to_owned(),
        summary.open_shard_count.to_string(),
        text::hours(summary.retention_period_hours),
        text::time(summary.created),
        summary.status.clone(),
    ]
}

/// A stream as scripts read it.
pub(super) fn object(summary: &Summary) -> serde_json::Value {
    json!({
        "name": summary.name,
        "arn": summary.arn,
        "status": summary.status,
        "mode": summary.mode.stream_mode,
        "open_shards": summary.open_shard_count,
        "retention_hours": summary.retention_period_hours,
        "created": text::time(summary.created),
        "consumers": summary.consumer_count,
        "encryption_key": summary.key_id,
        "max_record_kib": summary.max_record_size_kib,
    })
}
