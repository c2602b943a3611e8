//! How long does a start take after an unclean stop, by the amount stored, and by the number of shards?
//!
//! `cargo bench -p bench --bench restart -- [GiB ...]` (1 and 20 unless told otherwise): fills a fresh data directory through
//! PutRecords with the default durability, kills the server in the middle of more writing, and starts it three times: first
//! with the page cache dropped (if the system lets it), each time killed again. At the end every shard must give its first
//! record and tell of others. Then the same with a stream of 10,000 shards, each of which holds one record.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::server::{Server, run_if_asked};
use comfy_table::Table;
use consumers::{HttpClient, Producer, producer};
use serde_json::{Value, json};
use tempfile::TempDir;

const STREAM: &str = "clicks";
const SHARDS: usize = 16;
const RECORD_BYTES: usize = 10 << 10;
const GIB: u64 = 1 << 30;
const STARTS: usize = 3;
const SHARDS_MANY: u128 = 10_000;

fn main() -> ExitCode {
    // Before there is a runtime: the server brings its own.
    if let Some(code) = run_if_asked() {
        return code;
    }
    tokio::runtime::Runtime::new().expect("a runtime").block_on(run());
    ExitCode::SUCCESS
}

async fn run() {
    let asked: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![1, 20] } else { asked };
    let mut table = Table::new();
    table.set_header(["stored (GiB)", "files (GiB)", "filled at (MiB/s)", "first start (ms)", "later starts (ms)"]);
    for size in sizes {
        let row = measure(size).await;
        println!("{}", row.join(" | "));
        table.add_row(row);
    }
    println!("{table}");
    println!("{}", many_shards().await);
}

/// Fills, kills and starts again; the row of the table.
async fn measure(gib: u64) -> Vec<String> {
    // On the disk where the project lies: the system's temporary directory may be memory.
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let server = Server::start(dir.path(), &[]).expect("a server on an empty directory");
    server.call("CreateStream", json!({"StreamName": STREAM, "ShardCount": SHARDS})).await;
    let began = Instant::now();
    fill(server.client(), gib * GIB).await;
    let rate = (gib * 1024) as f64 / began.elapsed().as_secs_f64();
    let more = tokio::spawn(fill(server.client(), gib * GIB));
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill().expect("a kill");
    more.abort();
    let bytes = bytes_below(dir.path());
    let mut starts = Vec::new();
    for start in 0..STARTS {
        if start == 0 {
            drop_page_cache();
        }
        let server = Server::start(dir.path(), &[]).expect("a server that recovers");
        starts.push(server.startup.as_millis().to_string());
        if start + 1 == STARTS {
            check(&server).await;
        }
        server.kill().expect("a kill");
    }
    let first = starts.remove(0);
    let gib_of = |bytes: u64| format!("{:.1}", bytes as f64 / GIB as f64);
    vec![gib.to_string(), gib_of(bytes), format!("{rate:.0}"), first, starts.join(", ")]
}

/// What a stream of very many shards costs.
async fn many_shards() -> Table {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let mut table = Table::new();
    table.set_header(["state", "start (ms)", "anonymous (MiB)", "mapped files (MiB)", "on disk (MiB)"]);
    let mut note = |state: &str, server: &Server| {
        let memory = server.memory().expect("memory figures");
        let mib = |bytes: u64| (bytes >> 20).to_string();
        let [anonymous, file, disk] = [memory.anonymous, memory.file, bytes_below(dir.path())].map(mib);
        table.add_row([state.to_owned(), server.startup.as_millis().to_string(), anonymous, file, disk]);
    };
    let server = Server::start(dir.path(), &[]).expect("a server on an empty directory");
    note("empty", &server);
    server.call("CreateStream", json!({"StreamName": STREAM, "ShardCount": SHARDS_MANY as u64})).await;
    note("10,000 idle shards", &server);
    put_one_each(&server).await;
    note("one record in each", &server);
    server.kill().expect("a kill");
    let server = Server::start(dir.path(), &[]).expect("a server that recovers");
    note("after kill -9", &server);
    table
}

/// Puts one record into each of the many shards, by a hash key in the middle of its range.
async fn put_one_each(server: &Server) {
    let width = u128::MAX / SHARDS_MANY;
    let keys: Vec<u128> = (0..SHARDS_MANY).map(|shard| shard * width + width / 2).collect();
    for keys in keys.chunks(500) {
        let entry = |key: &u128| json!({"PartitionKey": "k", "ExplicitHashKey": key.to_string(), "Data": "eA=="});
        let records: Vec<Value> = keys.iter().map(entry).collect();
        let answer = server.call("PutRecords", json!({"StreamName": STREAM, "Records": records})).await;
        assert_eq!(answer["FailedRecordCount"], 0, "{answer}");
    }
}

/// Puts so many bytes. Ends early when the server is killed.
async fn fill(client: Arc<HttpClient>, byte_count: u64) {
    let mut producer = Producer::new(client, STREAM, producer::Options::default());
    let data: Vec<u8> = (0..RECORD_BYTES).map(|n| (n * 31 + n / 251) as u8).collect();
    for n in 0..byte_count / RECORD_BYTES as u64 {
        if producer.put(&n.to_string(), &data).await.is_err() {
            return;
        }
    }
    let _ = producer.flush().await;
}

/// Reads the oldest record of each shard, and asks for the newest place.
async fn check(server: &Server) {
    for shard in 0..SHARDS {
        let id = format!("shardId-{shard:012}");
        let input = json!({"StreamName": STREAM, "ShardId": id, "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = server.call("GetShardIterator", input).await["ShardIterator"].clone();
        let answer = server.call("GetRecords", json!({"ShardIterator": iterator, "Limit": 1})).await;
        assert_eq!(answer["Records"].as_array().map(Vec::len), Some(1), "{id} has lost its beginning: {answer}");
        assert!(answer["MillisBehindLatest"].as_u64() > Some(0), "{id} has lost its end");
    }
    let summary: Value = server.call("DescribeStreamSummary", json!({"StreamName": STREAM})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], json!(SHARDS));
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            // What is allocated, which a sparse file's length does not tell.
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// Has the next start read from the disk, where the system allows it.
fn drop_page_cache() {
    let _ = std::process::Command::new("sync").status();
    if fs::write("/proc/sys/vm/drop_caches", "3").is_err() {
        println!("(the page cache cannot be dropped here: the first start is a warm one)");
    }
}
