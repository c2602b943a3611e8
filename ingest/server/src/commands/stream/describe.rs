//! `headwater stream describe`.

use std::collections::BTreeMap;

use consumers::model::Shard;
use consumers::streams::Summary;
use serde_json::json;

use super::{Access, list, text};
use crate::cli::DescribeArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{data_line, grouped};

/// Prints the stream and a table of its shards.
pub(super) async fn run(access: &Access, args: &DescribeArgs) -> Result<Outcome, Failure> {
    let failure = access.failure(&args.name);
    let summary = access.streams.describe(&args.name).await.map_err(&failure)?;
    let tags = access.streams.tags(&args.name).await.map_err(&failure)?;
    let shards = access.streams.shards(&args.name).await.map_err(&failure)?;
    if args.json {
        let mut object = list::object(&summary);
        object["tags"] = json!(tags);
        object["shards"] = shards.iter().map(shard_object).collect();
        data_line(object)?;
        return Ok(Outcome::Done);
    }
    for (name, value) in facts(&summary, &tags) {
        data_line(format_args!("{name:<13}{value}"))?;
    }
    data_line("")?;
    let mut table = text::table(&header(args.wide));
    for shard in &shards {
        table.add_row(row(shard, args.wide));
    }
    text::print(&table)?;
    Ok(Outcome::Done)
}

fn facts(summary: &Summary, tags: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("name", summary.name.clone()),
        ("ARN", summary.arn.clone()),
        ("status", summary.status.clone()),
        ("mode", text::mode(&summary.mode).to_owned()),
        ("open shards", grouped(summary.open_shard_count.into())),
        ("retention", text::hours(summary.retention_period_hours)),
        ("created", text::time(summary.created)),
        ("consumers", grouped(summary.consumer_count.into())),
        ("encryption", summary.key_id.clone().unwrap_or_else(|| "none".to_owned())),
    ];
    if let Some(kib) = summary.max_record_size_kib {
        facts.push(("record size", format!("up to {} KiB", grouped(kib.into()))));
    }
    let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    facts.push(("tags", if tags.is_empty() { "none".to_owned() } else { tags.join(", ") }));
    facts
}

fn header(is_wide: bool) -> Vec<&'static str> {
    let mut header = vec!["SHARD", "STATE", "PARENTS", "SHARE OF KEYS", "SEQUENCE NUMBERS"];
    if is_wide {
        header.push("HASH KEYS");
    }
    header
}

fn row(shard: &Shard, is_wide: bool) -> Vec<String> {
    let (keys, sequence) = (shard.hash_key_range, &shard.sequence_number_range);
    let last = sequence.ending_sequence_number.as_deref().unwrap_or_default();
    let mut row = vec![
        shard.shard_id.clone(),
        state(shard).to_owned(),
        parents(shard).collect::<Vec<_>>().join("\n"),
        text::share(keys),
        format!("{}\n{last}", sequence.starting_sequence_number).trim_end().to_owned(),
    ];
    if is_wide {
        row.push(format!("{}\n{}", keys.starting_hash_key, keys.ending_hash_key));
    }
    row
}

fn shard_object(shard: &Shard) -> serde_json::Value {
    let keys = shard.hash_key_range;
    let (from, to) = text::percents(keys);
    json!({
        "shard": shard.shard_id,
        "state": state(shard),
        "parents": parents(shard).collect::<Vec<_>>(),
        "percent": [from, to],
        "hash_keys": [keys.starting_hash_key.to_string(), keys.ending_hash_key.to_string()],
        "sequence_numbers":
            [Some(&shard.sequence_number_range.starting_sequence_number), shard.sequence_number_range.ending_sequence_number.as_ref()],
    })
}

fn state(shard: &Shard) -> &'static str {
    if shard.is_open() { "open" } else { "closed" }
}

fn parents(shard: &Shard) -> impl Iterator<Item = &str> {
    [&shard.parent_shard_id, &shard.adjacent_parent_shard_id].into_iter().flatten().map(String::as_str)
}
