//! The arguments of `headwater delivery`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use consumers::deliveries::ReplayFrom;
use ingest_wire::Timestamp;

use super::ENDPOINT_DEFAULT;

/// Look at, replay and delete delivery streams, of Headwater or of AWS.
///
/// Region and credentials come from AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on a loopback endpoint they may
/// be missing.
#[derive(Debug, Args)]
pub(crate) struct DeliveryArgs {
    /// Firehose endpoint.
    #[arg(long, global = true, value_name = "URL", default_value = ENDPOINT_DEFAULT)]
    pub(crate) endpoint: String,
    #[command(subcommand)]
    pub(crate) action: DeliveryAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveryAction {
    /// List the delivery streams: name, source, destination, time of creation.
    List {
        /// Print one JSON object a delivery stream, each on a line.
        #[arg(long)]
        json: bool,
    },
    /// Describe a delivery stream, its source and its destination.
    Describe {
        /// Name of the delivery stream.
        #[arg(value_name = "NAME")]
        name: String,
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Delete a delivery stream, with what it has not delivered, after asking.
    Delete {
        /// Name of the delivery stream.
        #[arg(value_name = "NAME")]
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Deliver again what was delivered, and print how many records that is; Headwater only.
    ///
    /// The records go to the present destination, in new objects; those that are there stay. What its source no longer keeps
    /// cannot be delivered again.
    Replay {
        /// Name of the delivery stream.
        #[arg(value_name = "NAME")]
        name: String,
        /// Where to begin: a time in RFC 3339 such as 2026-05-17T10:05:00Z, or the sequence number of a record (its shard
        /// alone is replayed then), or the record id that PutRecord gave.
        #[arg(long, value_name = "TIMESTAMP|SEQUENCE")]
        from: From,
    },
}

/// Where to begin, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct From(pub(crate) ReplayFrom);

impl FromStr for From {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(ReplayFrom::Sequence(text.to_owned())));
        }
        let time = chrono::DateTime::parse_from_rfc3339(text);
        let time =
            time.map_err(|_| "neither a time in RFC 3339, such as 2026-05-17T10:05:00Z, nor a sequence number")?;
        Ok(Self(ReplayFrom::Timestamp(Timestamp::from_unix_millis(time.timestamp_millis()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replay_begins_at_a_time_or_a_number() {
        let from = |text: &str| text.parse::<From>().map(|From(from)| from);
        assert_eq!(from("0042"), Ok(ReplayFrom::Sequence("0042".to_owned())));
        assert_eq!(from("1970-01-01T00:00:01+00:00"), Ok(ReplayFrom::Timestamp(Timestamp::from_unix_millis(1_000))));
        for text in ["", "yesterday", "-1", "2026-05-17"] {
            assert!(from(text).is_err(), "{text}");
        }
    }
}
