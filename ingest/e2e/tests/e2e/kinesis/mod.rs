//! The Kinesis SDK over every supported operation that it has, grouped by intention.

mod channels;
mod consumers;
mod coverage;
mod monitoring;
mod namespaces;
mod on_demand;
mod policies;
mod records;
mod reshard;
mod settings;
mod streams;
mod subscribe;
mod tags;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::Record;

use crate::support::clients::kinesis;
use crate::support::server::Server;

/// The throughput limits are off: a test calls as fast as it can.
const UNLIMITED: &str = "[kinesis]\nenforce = false\n";

/// The hash key in the middle of all of them.
const MIDDLE: &str = "170141183460469231731687303715884105728";

/// A server without limits, and a client of it.
async fn start() -> (Server, Client) {
    let server = Server::new(UNLIMITED).await;
    let client = kinesis(&server.url);
    (server, client)
}

/// The id of a shard.
fn id(number: u32) -> String {
    format!("shardId-{number:012}")
}

/// The data of records that are texts.
fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.data().as_ref().to_vec()).unwrap()).collect()
}
