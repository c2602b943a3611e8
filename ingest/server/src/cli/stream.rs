//! The arguments of `headwater stream`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ingest_wire::Timestamp;

use super::{ENDPOINT_DEFAULT, TailOptions};
use crate::commands::tail::From;

/// How long records may be kept, in hours.
///
/// Source: Kinesis Data Streams API Reference, "IncreaseStreamRetentionPeriod".
const RETENTION_HOURS: std::ops::RangeInclusive<u64> = 24..=8_760;

/// Create, look at, reshard, read and delete streams, of Headwater or of AWS.
///
/// Region and credentials come from AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on a loopback endpoint they may
/// be missing. The commands wait until what they changed is in effect.
#[derive(Debug, Args)]
pub(crate) struct StreamArgs {
    /// Kinesis endpoint.
    #[arg(long, global = true, value_name = "URL", default_value = ENDPOINT_DEFAULT)]
    pub(crate) endpoint: String,
    #[command(subcommand)]
    pub(crate) action: StreamAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StreamAction {
    /// Create a stream and print its ARN.
    Create(CreateArgs),
    /// List the streams: name, mode, open shards, retention, time of creation.
    List {
        /// Print one JSON object a stream, each on a line.
        #[arg(long)]
        json: bool,
    },
    /// Describe a stream and its shards.
    Describe(DescribeArgs),
    /// Split an open shard into two, and print their ids.
    Split(SplitArgs),
    /// Merge two open shards with adjacent hash keys into one, and print its id.
    Merge(MergeArgs),
    /// Delete a stream with all its records, after asking.
    Delete(DeleteArgs),
    /// Print the records of a stream, each followed by a line end, until interrupted; the same as `headwater tail`.
    Tail {
        /// Name of the stream.
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        options: TailOptions,
    },
    /// Write all records that a stream has now, and end.
    Export(ExportArgs),
}

/// Create a stream, wait until it is active, and print its ARN.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name of the stream.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Number of shards [default: 1, unless --on-demand].
    #[arg(long, value_name = "N", conflicts_with = "on_demand", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) shards: Option<u32>,
    /// Let the capacity follow the load.
    #[arg(long)]
    pub(crate) on_demand: bool,
    /// How long records are kept, from 24h to 365d, such as `36h` or `7d` [default: 24h].
    #[arg(long, value_name = "TIME", value_parser = parse_retention)]
    pub(crate) retention: Option<u32>,
    /// A tag; may be given several times.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag)]
    pub(crate) tags: Vec<(String, String)>,
}

/// Describe a stream and its shards.
///
/// For each shard: its state, the shards it came from, the part of the hash keys it takes, in percent, its first sequence
/// number and, once it is closed, its last.
#[derive(Debug, Args)]
pub(crate) struct DescribeArgs {
    /// Name of the stream.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Print the first and the last hash key of each shard as well.
    #[arg(long, conflicts_with = "json")]
    pub(crate) wide: bool,
    /// Print a JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Split an open shard into two, wait until they are open, and print their ids.
#[derive(Debug, Args)]
pub(crate) struct SplitArgs {
    /// Name of the stream.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The shard: its id, or the number at its end.
    #[arg(value_name = "SHARD", value_parser = parse_shard)]
    pub(crate) shard: String,
    /// The hash key that the second of the two begins with [default: the middle].
    #[arg(long, value_name = "KEY")]
    pub(crate) at: Option<u128>,
}

/// Merge two open shards with adjacent hash keys into one, wait until it is open, and print its id.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Name of the stream.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// One of the shards: its id, or the number at its end.
    #[arg(value_name = "SHARD", value_parser = parse_shard)]
    pub(crate) shard: String,
    /// The other.
    #[arg(value_name = "SHARD", value_parser = parse_shard)]
    pub(crate) adjacent: String,
}

/// Delete a stream with all its records, after asking, and wait until it is gone.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Name of the stream.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Deregister its consumers as well; a stream that has some is not deleted otherwise.
    #[arg(long)]
    pub(crate) with_consumers: bool,
}

/// Write all records that a stream has now, from all shards, and end.
///
/// The records of a shard are in order, and come after those of the shards it was split or merged from. At the end, the
/// number of records is told on stderr.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Name of the stream.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Where to begin: `trim-horizon` (the oldest record kept), `latest` (what arrives from now on; give --to as well), or a
    /// time in RFC 3339 such as 2026-05-17T10:05:00Z.
    #[arg(long, value_name = "POSITION", default_value = "trim-horizon")]
    pub(crate) from: From,
    /// Leave out what arrived at this time or later. If it lies ahead, what arrives until then is waited for
    /// [default: everything that is there now].
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) to: Option<Timestamp>,
    /// How the records are written.
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    pub(crate) format: ExportFormat,
    /// Write a JSON object a record, with the shard, sequence number, partition key, time of arrival, and the data in base64.
    #[arg(long)]
    pub(crate) metadata: bool,
    /// File to write, which appears once it is complete and replaces one of its name [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How an export separates records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Each record followed by a line end, unless it has one.
    Ndjson,
    /// The bytes of the records and nothing else.
    Raw,
}

fn parse_retention(text: &str) -> Result<u32, String> {
    let duration = humantime_serde::re::humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let (hours, rest) = (duration.as_secs() / 3_600, duration.as_secs() % 3_600);
    match u32::try_from(hours) {
        Ok(whole) if rest == 0 && RETENTION_HOURS.contains(&hours) => Ok(whole),
        _ => Err("records are kept for whole hours, from 24h to 365d".to_owned()),
    }
}

fn parse_tag(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a tag is KEY=VALUE, and its value may be empty"),
    }
}

/// A shard's id, or its number alone.
fn parse_shard(text: &str) -> Result<String, &'static str> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix("shardId-").unwrap_or(text) {
        number if is_number(number) => Ok(format!("shardId-{number:0>12}")),
        _ => Err("a shard is named by its id, such as shardId-000000000003, or by the number alone"),
    }
}

fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    let time = chrono::DateTime::parse_from_rfc3339(text);
    time.map(|time| Timestamp::from_unix_millis(time.timestamp_millis()))
        .map_err(|_| "not a time in RFC 3339, such as 2026-05-17T10:05:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_in_whole_hours_of_a_day_to_a_year() {
        let hours = ["24h", "1d", "36h", "7d", "365d", "8760 hours"].map(|text| parse_retention(text).unwrap());
        assert_eq!(hours, [24, 24, 36, 168, 8_760, 8_760]);
        for text in ["", "24", "23h", "366d", "36h 30m", "soon"] {
            assert!(parse_retention(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shard_is_named_by_its_id_or_its_number() {
        for text in ["3", "shardId-000000000003", "shardId-3"] {
            assert_eq!(parse_shard(text).as_deref(), Ok("shardId-000000000003"));
        }
        for text in ["", "shardId-", "three", "-1"] {
            assert!(parse_shard(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tag_is_cut_at_its_first_equals_sign() {
        assert_eq!(parse_tag("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(parse_tag("a="), Ok(("a".to_owned(), String::new())));
        assert!(parse_tag("a").is_err() && parse_tag("=b").is_err());
    }
}
