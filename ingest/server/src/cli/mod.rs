//! The command line: one struct a command, help and defaults beside each option.

mod delivery;
mod stream;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::tail::From;
pub(crate) use delivery::{DeliveryAction, DeliveryArgs};
pub(crate) use stream::{
    CreateArgs, DeleteArgs, DescribeArgs, ExportArgs, ExportFormat, MergeArgs, SplitArgs, StreamAction, StreamArgs,
};

/// Where the commands that are clients call, unless told otherwise: a server with the default configuration.
pub(crate) const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:4566";

/// A self-hosted streaming ingestion pipeline that speaks the APIs of Kinesis Data Streams and Data Firehose.
///
/// Data goes to stdout, everything else to stderr. Exit codes: 0 success, 1 failure, 2 a wrong command line or
/// configuration, 130 stopped by a signal before it was done.
#[derive(Debug, Parser)]
#[command(name = "headwater", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(ServeArgs),
    /// See events go in through the Kinesis API and come out as Parquet, and check every one.
    Quickstart(QuickstartArgs),
    /// Send the lines of a file (NDJSON, say) to a stream.
    Put(PutArgs),
    /// Print the records of a stream.
    Tail(TailArgs),
    /// Create, look at, reshard, read and delete streams.
    Stream(StreamArgs),
    /// Look at, replay and delete delivery streams.
    Delivery(DeliveryArgs),
    /// Check every frame and index of a stopped server's data directory.
    Verify(VerifyArgs),
    /// List, make or rotate the keys that streams are encrypted with at rest.
    Key(KeyArgs),
}

/// Run the server until SIGTERM or SIGINT, which finish what is under way and flush; a second signal stops at once.
///
/// Prints `headwater ready on http://ADDR` on stdout when it accepts requests; logs go to stderr. Configuration: built-in
/// defaults, then the file, then environment variables, then flags. A variable is named after its key, in capitals, `_`
/// for `-` and `__` between section and key: HEADWATER_DATA_DIR, HEADWATER_SERVER__LISTEN, HEADWATER_STORE__DURABILITY.
#[derive(Debug, Default, Args)]
pub(crate) struct ServeArgs {
    /// TOML file; `configs/default.toml` shows every key with its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory of the store; made if it is not there [default: headwater-data].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 lets the system choose [default: 127.0.0.1:4566].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Listen beyond loopback although no credentials are configured: anybody who reaches the port may do anything.
    #[arg(long)]
    pub(crate) allow_remote_without_credentials: bool,
    /// Print the configuration as it results from all sources, with the source of each value, and exit.
    #[arg(long)]
    pub(crate) print_config: bool,
}

/// See events go in through the Kinesis API and come out as Parquet, and check every one.
///
/// Starts a server of its own on a free loopback port, creates a stream and a delivery stream, sends generated click events
/// over HTTP, waits for their delivery, reads the Parquet back and compares every field of every event with what was sent.
#[derive(Debug, Args)]
pub(crate) struct QuickstartArgs {
    /// How many click events to send, each about 300 bytes.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) events: u64,
    /// Empty or new directory for the store and the Parquet files, which is then kept [default: a temporary one, removed
    /// at the end].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// Send the lines of a file to a stream, one record a line, without the line ends; empty lines are left out.
///
/// Entries that fail are sent again, and only those. Several requests are in flight at a time, so records may be stored in
/// another order than their lines, and one whose answer was lost may be stored twice. Region and credentials come from AWS_REGION, AWS_ACCESS_KEY_ID and
/// AWS_SECRET_ACCESS_KEY; on a loopback endpoint they may be missing.
#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// Name of the stream.
    #[arg(long, value_name = "S")]
    pub(crate) stream: String,
    /// Top-level JSON field whose value is the partition key, for lines that are JSON objects [default: the number of the
    /// line, which spreads the records over all shards].
    #[arg(long, value_name = "F")]
    pub(crate) partition_key_field: Option<String>,
    /// Kinesis endpoint.
    #[arg(long, value_name = "URL", default_value = ENDPOINT_DEFAULT)]
    pub(crate) endpoint: String,
    /// File to send; `-` is stdin, and a name that ends in `.gz` is decompressed.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Print the records of a stream, each followed by a line end, until interrupted.
///
/// Records of one shard come in order, shards interleave. Region and credentials as for `put`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Name of the stream.
    #[arg(long, value_name = "S")]
    pub(crate) stream: String,
    #[command(flatten)]
    pub(crate) options: TailOptions,
    /// Kinesis endpoint.
    #[arg(long, value_name = "URL", default_value = ENDPOINT_DEFAULT)]
    pub(crate) endpoint: String,
}

#[derive(Debug, Args)]
pub(crate) struct TailOptions {
    /// Where to begin: `trim-horizon` (the oldest record kept), `latest` (what arrives from now on), or a time in RFC 3339
    /// such as 2026-05-17T10:05:00Z.
    #[arg(long, value_name = "POSITION", default_value = "latest")]
    pub(crate) from: From,
    /// Stop once the end of every shard was reached, instead of waiting for more.
    #[arg(long)]
    pub(crate) no_follow: bool,
}

/// Check every frame and index of a stopped server's data directory, changing nothing.
///
/// Prints one line for each damage: file, offset in bytes, reason. Exits with 1 if there is any.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The data directory.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// List, make or rotate the keys that streams are encrypted with at rest (StartStreamEncryption), whether the server runs
/// or not.
///
/// The keys are in `keyring.json` of the data directory: keep a copy in a safe place, for without them what is encrypted is
/// lost. Prints a line for each key: id, number of versions, alias.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The server's data directory.
    #[arg(long, value_name = "DIR", default_value = "headwater-data")]
    pub(crate) data_dir: PathBuf,
    #[command(subcommand)]
    pub(crate) action: KeyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// Print all keys.
    List,
    /// Make a key.
    Create {
        /// Another name for it.
        #[arg(long, value_name = "alias/NAME", value_parser = parse_alias)]
        alias: Option<String>,
    },
    /// Give a key a new version, which encrypts from the next segment on; older ones keep decrypting.
    Rotate {
        /// The key's id or alias.
        #[arg(value_name = "KEY")]
        key: String,
    },
}

fn parse_alias(text: &str) -> Result<String, &'static str> {
    match text.strip_prefix("alias/") {
        Some(name) if !name.is_empty() && !name.starts_with("aws/") => Ok(text.to_owned()),
        _ => Err("an alias is `alias/` and a name that does not begin with `aws/`"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn quickstart_sends_a_million_events_by_default_and_at_least_one() {
        let cli = Cli::try_parse_from(["headwater", "quickstart"]).unwrap();
        assert!(matches!(cli.command, Command::Quickstart(QuickstartArgs { events: 1_000_000, data_dir: None })));
        assert!(Cli::try_parse_from(["headwater", "quickstart", "--events", "0"]).is_err());
    }

    #[test]
    fn dash_stands_for_stdin() {
        let cli = Cli::try_parse_from(["headwater", "put", "--stream", "s", "-"]).unwrap();
        let Command::Put(args) = cli.command else { panic!("not put") };
        assert_eq!((args.file, args.endpoint.as_str()), (PathBuf::from("-"), ENDPOINT_DEFAULT));
    }
}
