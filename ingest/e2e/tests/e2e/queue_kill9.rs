//! The server is killed with SIGKILL again and again while readers receive from a queue and acknowledge.
//!
//! Nothing that was acknowledged is received again, by whatever server; everything else is, also what a killed server was just
//! about to acknowledge. The SDK for Rust has no queues yet, so the requests are written by hand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::draws::Draws;
use crate::support::in_time;
use crate::support::raw::{Connection, JSON};
use crate::support::server::{Home, Server};

/// How often the server is killed.
const KILL_COUNT: u64 = 8;

/// At most so many batches are acknowledged before the next kill.
const ACKS_BETWEEN_KILLS_MAX: u64 = 12;

/// The records put before each kill.
const RECORDS_PER_ROUND: u64 = 100;

const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/kill";

/// Calls an operation; none if the server is gone.
async fn try_call(connection: &mut Connection, operation: &str, input: &Value) -> Option<Value> {
    let target = format!("Kinesis_20131202.{operation}");
    let answer = connection.try_call(&target, JSON, input.to_string()).await.ok()?;
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    Some(serde_json::from_slice(&answer.body).unwrap())
}

async fn call(connection: &mut Connection, operation: &str, input: &Value) -> Value {
    try_call(connection, operation, input).await.unwrap()
}

/// What a reader knows in the end.
#[derive(Default)]
struct Read {
    acknowledged: BTreeSet<String>,
    /// Acknowledgements without an answer.
    unknown: BTreeSet<String>,
}

/// Receives and acknowledges most of what it receives, until the server is gone.
async fn read(
    mut connection: Connection,
    queue: Value,
    known: Arc<BTreeSet<String>>,
    mut draws: Draws,
    acks: Arc<(AtomicU64, Notify)>,
) -> Read {
    let mut read = Read::default();
    let receive = json!({"QueueARN": queue, "WaitTimeSeconds": 1, "VisibilityTimeoutSeconds": 1});
    while let Some(received) = try_call(&mut connection, "ReceiveQueueRecords", &receive).await {
        let mut chosen = Vec::new();
        for record in received["QueueRecords"].as_array().unwrap() {
            let name = record["PartitionKey"].as_str().unwrap().to_owned();
            assert!(!known.contains(&name) && !read.acknowledged.contains(&name), "{name} came back");
            if draws.below(4) > 0 {
                chosen.push((name, json!({"ReceiptHandle": record["ReceiptHandle"]})));
            }
        }
        if chosen.is_empty() {
            continue;
        }
        let entries: Vec<_> = chosen.iter().map(|(_, entry)| entry).collect();
        let acknowledge = json!({"QueueARN": queue, "Entries": entries});
        let Some(answer) = try_call(&mut connection, "AcknowledgeQueueRecords", &acknowledge).await else {
            read.unknown.extend(chosen.into_iter().map(|(name, _)| name));
            break;
        };
        // A record whose second was over may have been received by the other reader meanwhile.
        let succeeded: Vec<_> =
            answer["Successful"].as_array().unwrap().iter().map(|entry| entry["ReceiptHandle"].clone()).collect();
        let done = chosen.into_iter().filter(|(_, entry)| succeeded.contains(&entry["ReceiptHandle"]));
        read.acknowledged.extend(done.map(|(name, _)| name));
        acks.0.fetch_add(1, Ordering::SeqCst);
        acks.1.notify_one();
    }
    read
}

/// Lets two readers read until so many batches were acknowledged, and kills the server.
async fn read_until_killed(server: Server, queue: &Value, known: BTreeSet<String>, draws: &mut Draws) -> [Read; 2] {
    let (known, acks) = (Arc::new(known), Arc::new((AtomicU64::new(0), Notify::new())));
    let readers = [Connection::open(&server).await, Connection::open(&server).await].map(|connection| {
        tokio::spawn(read(connection, queue.clone(), Arc::clone(&known), draws.fork(), Arc::clone(&acks)))
    });
    let wanted = 1 + draws.below(ACKS_BETWEEN_KILLS_MAX);
    in_time("the acknowledgements", async {
        while acks.0.load(Ordering::SeqCst) < wanted {
            acks.1.notified().await;
        }
    })
    .await;
    server.kill().await;
    let [one, other] = readers;
    [one.await.unwrap(), other.await.unwrap()]
}

#[tokio::test]
async fn what_was_acknowledged_never_comes_back_and_the_rest_does() {
    let mut draws = Draws::printed();
    let home = Home::new("[kinesis]\nenforce = false\n");
    let mut server = home.start().await;
    let mut connection = Connection::open(&server).await;
    let stream = json!({"StreamName": "kill", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    call(&mut connection, "CreateStream", &stream).await;
    let attributes = json!({"DeadLetterConfiguration": {"TargetType": "NONE"}});
    let list = json!([{"StreamARN": STREAM_ARN}]);
    let queue = json!({"QueueName": "kill", "StreamConfigurationList": list, "QueueAttributes": attributes});
    let queue = call(&mut connection, "CreateQueue", &queue).await["QueueDescription"]["QueueARN"].clone();

    let mut unsettled = BTreeSet::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILL_COUNT {
        let mut connection = Connection::open(&server).await;
        let names: Vec<_> = (0..RECORDS_PER_ROUND).map(|number| format!("{round} {number}")).collect();
        let records: Vec<_> = names.iter().map(|name| json!({"PartitionKey": name, "Data": "eA=="})).collect();
        call(&mut connection, "PutRecords", &json!({"StreamName": "kill", "Records": records})).await;
        unsettled.extend(names);
        for read in read_until_killed(server, &queue, acknowledged.clone(), &mut draws).await {
            // The server was killed before it could say whether it did that: both are right, and neither is expected.
            unsettled.retain(|name| !read.unknown.contains(name) && !read.acknowledged.contains(name));
            acknowledged.extend(read.acknowledged);
        }
        server = home.start().await;
    }

    let mut connection = Connection::open(&server).await;
    let receive = json!({"QueueARN": queue, "WaitTimeSeconds": 2, "VisibilityTimeoutSeconds": 600});
    loop {
        let received = call(&mut connection, "ReceiveQueueRecords", &receive).await;
        let received = received["QueueRecords"].as_array().unwrap().clone();
        if received.is_empty() {
            break;
        }
        for record in received {
            let name = record["PartitionKey"].as_str().unwrap().to_owned();
            assert!(!acknowledged.contains(&name), "{name} came back");
            unsettled.remove(&name);
        }
    }
    assert_eq!(unsettled, BTreeSet::new(), "neither acknowledged nor delivered");
    server.stop().await;
}
