//! `headwater delivery` as a process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses its part of the common module")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use common::{Server, files_below, run, run_with_input, stderr, stdout};
use consumers::{Credentials, Endpoint, HttpClient, Service};
use serde_json::{Value, json};

/// Far more than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `headwater delivery` against a server.
fn delivery(server: &Server, args: &[&str]) -> Output {
    run(&[&["delivery", "--endpoint", &server.url()], args].concat())
}

/// What a command that succeeds prints.
#[track_caller]
fn printed(server: &Server, args: &[&str]) -> String {
    let output = delivery(server, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// What a command complains about, in one line, and its exit code.
#[track_caller]
fn refused(server: &Server, args: &[&str]) -> (Option<i32>, String) {
    let output = delivery(server, args);
    assert_eq!(stdout(&output), "");
    let text = stderr(&output);
    assert!(text.starts_with("headwater: ") && text.lines().count() == 1, "{text}");
    (output.status.code(), text)
}

fn call(server: &Server, operation: &str, input: &Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = Endpoint::new(&server.url(), "us-east-1", Credentials::local()).unwrap();
    runtime.block_on(HttpClient::new(endpoint).unwrap().call(Service::FIREHOSE, operation, input)).unwrap()
}

/// A delivery stream to the bucket `lake`, from the stream of its name or from direct puts.
fn create(server: &Server, name: &str, is_from_stream: bool) {
    let role = "arn:aws:iam::000000000000:role/any";
    let mut input = json!({"DeliveryStreamName": name, "ExtendedS3DestinationConfiguration": {
        "RoleARN": role, "BucketARN": "arn:aws:s3:::lake", "Prefix": format!("{name}/"),
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}}});
    if is_from_stream {
        let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}");
        input["DeliveryStreamType"] = "KinesisStreamAsSource".into();
        input["KinesisStreamSourceConfiguration"] = json!({"KinesisStreamARN": arn, "RoleARN": role});
    }
    call(server, "CreateDeliveryStream", &input);
}

/// Puts numbered lines into a stream.
fn put(server: &Server, name: &str, numbers: std::ops::Range<u32>) {
    let lines: String = numbers.map(|number| format!("<{number}>\n")).collect();
    let output = run_with_input(&["put", "--stream", name, "--endpoint", &server.url(), "-"], lines.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// The objects of a delivery stream.
fn objects(dir: &Path, name: &str) -> Vec<PathBuf> {
    let folder = dir.join("data/objects/lake").join(name);
    if !folder.exists() {
        return Vec::new();
    }
    // A name with a `#` is one of an upload that is under way.
    let mut objects = files_below(&folder);
    objects.retain(|path| !path.to_string_lossy().contains('#'));
    objects
}

/// The numbers in objects, sorted.
fn numbers(objects: &[PathBuf]) -> Vec<u32> {
    let text: String = objects.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut numbers: Vec<u32> =
        text.split('>').filter_map(|part| part.trim().strip_prefix('<')?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start() -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"), &[]);
    (dir, server)
}

#[test]
fn delivery_streams_are_listed_described_and_deleted() {
    let (_dir, server) = start();
    assert_eq!(printed(&server, &["list"]), "NAME  SOURCE  DESTINATION  CREATED  STATUS\n");
    assert_eq!(printed(&server, &["list", "--json"]), "");
    server.create_stream("clicks");
    create(&server, "clicks", true);
    for number in 0..12 {
        create(&server, &format!("direct-{number:02}"), false);
    }
    let list = printed(&server, &["list"]);
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    // More than a page of the API.
    assert_eq!(rows.len(), 13, "{list}");
    assert_eq!(rows[0][..4], ["clicks", "stream", "clicks", "ExtendedS3"]);
    assert_eq!(rows[1][..3], ["direct-00", "DirectPut", "ExtendedS3"]);
    assert!(!list.lines().any(|line| line.ends_with(' ')), "{list}");

    let described = printed(&server, &["describe", "clicks"]);
    for part in ["arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks", "ACTIVE", "KinesisStreamARN"] {
        assert!(described.contains(part), "{part} is not in:\n{described}");
    }
    let row = described.lines().find(|line| line.starts_with("BufferingHints.SizeInMBs")).unwrap();
    assert_eq!(row.split_whitespace().last(), Some("1"));
    let object: Value = serde_json::from_str(&printed(&server, &["describe", "clicks", "--json"])).unwrap();
    assert_eq!((&object["type"], &object["version"]), (&json!("KinesisStreamAsSource"), &json!("1")));
    assert_eq!(object["destination"]["Prefix"], "clicks/");

    assert_eq!(refused(&server, &["delete", "clicks"]).0, Some(2));
    assert_eq!(printed(&server, &["delete", "clicks", "--yes"]), "");
    for args in [&["describe", "clicks"][..], &["delete", "clicks", "--yes"], &["replay", "clicks", "--from", "1"]] {
        let (code, text) = refused(&server, args);
        assert!(code == Some(1) && text.contains("headwater delivery list"), "{text}");
    }
}

#[test]
fn what_was_delivered_is_delivered_again_under_new_names() {
    let (dir, server) = start();
    server.create_stream("clicks");
    create(&server, "clicks", true);
    create(&server, "other", false);
    put(&server, "clicks", 0..200);
    let delivered = || objects(dir.path(), "clicks");
    wait_until(|| numbers(&delivered()).len() == 200);
    let before = delivered();
    let contents: Vec<Vec<u8>> = before.iter().map(|path| fs::read(path).unwrap()).collect();

    assert_eq!(printed(&server, &["replay", "clicks", "--from", "2026-01-01T00:00:00Z"]), "200\n");
    wait_until(|| numbers(&delivered()).len() >= 400);
    put(&server, "clicks", 200..210);
    wait_until(|| numbers(&delivered()).len() >= 410);
    let again: Vec<PathBuf> = delivered().into_iter().filter(|path| !before.contains(path)).collect();
    assert_eq!(numbers(&again), (0..210).collect::<Vec<_>>());
    let unchanged: Vec<Vec<u8>> = before.iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(unchanged, contents);
    assert_eq!(objects(dir.path(), "other"), Vec::<PathBuf>::new());

    let (code, text) = refused(&server, &["replay", "clicks", "--from", "2999-01-01T00:00:00Z"]);
    assert!(code == Some(1) && text.contains("InvalidArgumentException"), "{text}");
    assert_eq!(refused(&server, &["replay", "clicks", "--from", "12345"]).0, Some(1));
    put(&server, "clicks", 210..211);
    wait_until(|| numbers(&delivered()).len() >= 411);
    assert_eq!(numbers(&delivered()).len(), 411);
}

#[test]
fn a_replay_from_a_sequence_number_is_of_its_shard_alone() {
    let (dir, server) = start();
    server.create_stream("clicks");
    create(&server, "clicks", true);
    put(&server, "clicks", 0..100);
    wait_until(|| numbers(&objects(dir.path(), "clicks")).len() == 100);
    let before = objects(dir.path(), "clicks");
    let export = run(&["stream", "--endpoint", &server.url(), "export", "clicks", "--metadata"]);
    let records: Vec<Value> = stdout(&export).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shard = records[0]["shard"].clone();
    let of_shard: Vec<&Value> = records.iter().filter(|record| record["shard"] == shard).collect();
    assert!(of_shard.len() > 5 && of_shard.len() < 100, "{} of the shard", of_shard.len());
    let from = of_shard[5]["sequence_number"].as_str().unwrap();
    let expected = of_shard.len() - 5;
    assert_eq!(printed(&server, &["replay", "clicks", "--from", from]), format!("{expected}\n"));
    let again = || objects(dir.path(), "clicks").into_iter().filter(|path| !before.contains(path)).collect::<Vec<_>>();
    wait_until(|| numbers(&again()).len() >= expected);
    server.stop();
    assert_eq!(numbers(&again()).len(), expected);
}
