//! What does SubscribeToShard cost, and how fast does it push?
//!
//! `cargo bench -p bench --bench subscribe` measures, against the real server:
//!
//! - its memory with 1,000 open subscriptions, idle; then with 1 GiB put that no subscriber reads (1,000 backlogs of 20 MiB);
//! - the time from a put to its subscriber at half of the load that the server takes from this client at most: requests of
//!   50 records of 256 bytes, sent on a fixed schedule whether or not the answers come, timed from when they were due.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::server::{Server, run_if_asked};
use bench::subscription::Subscription;
use comfy_table::Table;
use consumers::{HttpClient, Producer, producer};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde_json::json;
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
const STREAM: &str = "clicks";
/// Shards and consumers of the measurement of memory: every consumer subscribes to every shard.
const SHARDS: u32 = 50;
const CONSUMERS: u32 = 20;
const BACKLOG_BYTES: u64 = 1 << 30;
/// The measurement of latency.
const PUSH_SHARDS: u32 = 4;
const BATCH_RECORDS: u32 = 50;
const RECORD_BYTES: usize = 256;
const CLOSED_LOOP: Duration = Duration::from_secs(4);
const OPEN_LOOP: Duration = Duration::from_secs(20);
/// A push that takes longer counts as one that took so long, in microseconds.
const PUSH_US_MAX: u64 = 60_000_000;
/// Not counted: connections are made and caches filled.
const WARM_UP: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // Before there is a runtime: the server brings its own.
    if let Some(code) = run_if_asked() {
        return code;
    }
    tokio::runtime::Runtime::new().expect("a runtime").block_on(run());
    ExitCode::SUCCESS
}

async fn run() {
    println!("{}", memory().await);
    let mut table = Table::new();
    table.set_header(["durability", "most (records/s)", "sent (records/s)", "pushed", "p50", "p99", "p99.9", "max"]);
    for durability in ["interval", "fsync"] {
        table.add_row(latency(durability).await);
    }
    println!("{table}");
}

fn data_dir() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}

/// Creates the stream and registers consumers; their ARNs.
async fn prepare(server: &Server, shards: u32, consumers: u32) -> Vec<String> {
    server.call("CreateStream", json!({"StreamName": STREAM, "ShardCount": shards})).await;
    let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}");
    let mut arns = Vec::new();
    for n in 0..consumers {
        let input = json!({"StreamARN": arn, "ConsumerName": format!("consumer-{n}")});
        let answer = server.call("RegisterStreamConsumer", input).await;
        arns.push(answer["Consumer"]["ConsumerARN"].as_str().expect("an ARN").to_owned());
    }
    arns
}

async fn subscribe(server: &Server, consumers: &[String], shards: u32) -> Vec<Subscription> {
    let mut subscriptions = Vec::new();
    for consumer in consumers {
        for shard in 0..shards {
            let id = format!("shardId-{shard:012}");
            let subscription = Subscription::open(server, consumer, &id, "LATEST").await;
            subscriptions.push(subscription.expect("a subscription"));
        }
    }
    subscriptions
}

/// The server's memory by what it has to do.
async fn memory() -> Table {
    let dir = data_dir();
    let server = Server::start(dir.path(), &[]).expect("a server");
    let mut table = Table::new();
    table.set_header(["state", "anonymous (MiB)", "mapped files (MiB)"]);
    let mut note = |state: String| {
        let memory = server.memory().expect("memory figures");
        table.add_row([state, (memory.anonymous / MIB).to_string(), (memory.file / MIB).to_string()]);
    };
    let consumers = prepare(&server, SHARDS, CONSUMERS).await;
    note(format!("{SHARDS} shards, {CONSUMERS} consumers"));
    let subscriptions = subscribe(&server, &consumers, SHARDS).await;
    note(format!("{} subscriptions", subscriptions.len()));
    let mut producer = Producer::new(server.client(), STREAM, producer::Options::default());
    let data = vec![b'x'; 10 << 10];
    for n in 0..BACKLOG_BYTES / data.len() as u64 {
        producer.put(&n.to_string(), &data).await.expect("a put");
    }
    producer.flush().await.expect("the last puts");
    note(format!("and {} MiB put that none of them reads", BACKLOG_BYTES / MIB));
    drop(subscriptions);
    tokio::time::sleep(Duration::from_secs(2)).await;
    note("two seconds after they hung up".to_owned());
    table
}

/// Measures the time from put to push under half of the most load; the row of the table.
async fn latency(durability: &str) -> Vec<String> {
    let dir = data_dir();
    let server = Server::start(dir.path(), &[("HEADWATER_STORE__DURABILITY", durability)]).expect("a server");
    let consumers = prepare(&server, PUSH_SHARDS, 1).await;
    let started = Instant::now();
    let counted_from = Arc::new(Mutex::new(Instant::now() + Duration::from_secs(3600)));
    let pushed = Arc::new(Mutex::new(Histogram::<u64>::new_with_max(PUSH_US_MAX, 3).expect("three figures")));
    for mut subscription in subscribe(&server, &consumers, PUSH_SHARDS).await {
        let (pushed, counted_from) = (Arc::clone(&pushed), Arc::clone(&counted_from));
        tokio::spawn(async move {
            let visit = |data: &[u8]| {
                let due_ns = data.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                let due = started + Duration::from_nanos(due_ns);
                if due >= *counted_from.lock() {
                    pushed.lock().saturating_record(due.elapsed().as_micros() as u64);
                }
            };
            while subscription.next(visit).await.is_ok() {}
        });
    }
    let most = put(server.client(), started, CLOSED_LOOP, None).await;
    // What is left of the closed loop is on its way; it does not count, but it must not stand in the way either.
    tokio::time::sleep(WARM_UP).await;
    *counted_from.lock() = Instant::now() + WARM_UP;
    let sent = put(server.client(), started, OPEN_LOOP, Some(most / 2.0)).await;
    tokio::time::sleep(WARM_UP).await;
    let pushed = pushed.lock();
    let ms = |quantile: f64| format!("{:.2} ms", pushed.value_at_quantile(quantile) as f64 / 1e3);
    let rates = [most, sent].map(|rate| format!("{rate:.0}"));
    let counts = [durability.to_owned(), rates[0].clone(), rates[1].clone(), pushed.len().to_string()];
    counts.into_iter().chain([0.5, 0.99, 0.999, 1.0].map(ms)).collect()
}

/// Puts requests for so long, as many as are answered or `rate` records a second. Returns the records a second.
///
/// A record begins with when it was due, in nanoseconds since `started`.
async fn put(client: Arc<HttpClient>, started: Instant, duration: Duration, rate: Option<f64>) -> f64 {
    let options = producer::Options { in_flight_max: 32, ..producer::Options::default() };
    let mut producer = Producer::new(client, STREAM, options);
    let began = Instant::now();
    let (mut requests, mut data) = (0u32, [b'x'; RECORD_BYTES]);
    while began.elapsed() < duration {
        let mut due = Instant::now();
        if let Some(rate) = rate {
            due = began + Duration::from_secs_f64(f64::from(requests * BATCH_RECORDS) / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        data[..8].copy_from_slice(&(due.duration_since(started).as_nanos() as u64).to_le_bytes());
        for n in 0..BATCH_RECORDS {
            producer.put(&(requests * BATCH_RECORDS + n).to_string(), &data).await.expect("a put");
        }
        producer.dispatch().await.expect("a put");
        requests += 1;
    }
    producer.flush().await.expect("the last puts");
    f64::from(requests * BATCH_RECORDS) / began.elapsed().as_secs_f64()
}
