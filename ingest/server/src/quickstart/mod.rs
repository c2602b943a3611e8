//! The quickstart: the whole way of the data, shown and checked.
//!
//! ```text
//! click ──> load (Kinesis API, over HTTP) ──> server ──> Parquet files ──> landing (are they all there?) ──> check
//! ```
//!
//! It is a client of a server in the same process: it creates, sends and waits through the public APIs and reads the files
//! that any other program would read. What this module does not do: measure against anything else; `bench` does.

mod check;
mod click;
mod home;
mod landing;
mod load;
mod progress;
mod report;
mod setup;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use consumers::{Credentials, Endpoint, HttpClient};
use shard_store::stream::config::StreamOptions;

use crate::config::{Config, RawConfig};
use crate::failure::{Failure, Outcome};
use crate::logging;
use crate::output::{grouped, note};
use crate::server::Server;
use crate::signals::Signals;
use home::Home;

/// The stream, and the delivery stream that follows it.
const STREAM: &str = "clicks";
/// The bucket that the Parquet files land in.
const BUCKET: &str = "quickstart";
/// The prefix of the files, and of those that hold what could not be converted.
const PREFIX: &str = "clicks/";
const ERROR_PREFIX: &str = "errors/";

/// Runs the quickstart with so many events.
pub(crate) async fn run(event_count: u64, data_dir: Option<PathBuf>) -> Result<Outcome, Failure> {
    logging::start(&logging::Options { filter: "warn".to_owned(), ..logging::Options::default() });
    let mut signals = Signals::listen()?;
    let home = Home::open(data_dir)?;
    let server = Server::start(config(home.dir())?).await?;
    note(format_args!(
        "headwater runs on http://{} with its data in {}; the throughput limits of Kinesis are lifted for the stream \
         {STREAM} ([kinesis.streams.{STREAM}] enforce = false)",
        server.address(),
        home.dir().display(),
    ));
    let outcome = tokio::select! {
        outcome = drive(event_count, server.address(), &home) => outcome,
        signal = signals.next() => {
            note(format_args!("stopped by {signal}"));
            Ok(Outcome::Interrupted)
        }
    };
    tokio::select! {
        () = server.stop() => {}
        signal = signals.next() => note(format_args!("the server was not waited for, because of {signal}")),
    }
    let kept = home.settle(!matches!(outcome, Ok(Outcome::Negative) | Err(_)));
    if matches!(outcome, Ok(Outcome::Done)) {
        report::print_next(kept.as_deref())?;
    }
    outcome
}

/// The built-in defaults on a free port, without the limits of Kinesis for this one stream.
fn config(dir: &Path) -> Result<Config, Failure> {
    let mut raw = RawConfig { data_dir: dir.to_owned(), ..RawConfig::default() };
    raw.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    raw.kinesis.streams = BTreeMap::from([(STREAM.to_owned(), StreamOptions { enforce: Some(false) })]);
    Ok(Config::new(raw)?)
}

/// Everything between start and stop of the server.
async fn drive(event_count: u64, address: SocketAddr, home: &Home) -> Result<Outcome, Failure> {
    let endpoint = Endpoint::new(&format!("http://{address}"), "us-east-1", Credentials::local())?;
    let client = HttpClient::new(endpoint)?;
    setup::create(&client).await?;
    let load = load::send(client, event_count).await?;
    let bucket = home.dir().join("objects").join(BUCKET);
    let landing = landing::wait(&bucket, event_count).await?;
    let check = check::read_back(&landing.files, event_count).await?;
    report::print(&load, &landing, &check)?;
    if let Some(mismatch) = check.mismatch(event_count) {
        note(format_args!("MISMATCH: {mismatch}"));
        return Ok(Outcome::Negative);
    }
    note(format_args!(
        "checked: all {} events are in the Parquet files exactly once, with every field as it was sent",
        grouped(event_count)
    ));
    Ok(Outcome::Done)
}
