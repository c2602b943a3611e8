//! `headwater stream` as a process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses its part of the common module")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Output, Stdio};

use common::{Server, headwater, run, run_with_input, stderr, stdout};
use serde_json::Value;

/// Runs `headwater stream` against a server.
fn stream(server: &Server, args: &[&str]) -> Output {
    run(&[&["stream", "--endpoint", &server.url()], args].concat())
}

/// What a command that succeeds prints.
#[track_caller]
fn printed(server: &Server, args: &[&str]) -> String {
    let output = stream(server, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// What a command complains about, in one line, and its exit code.
#[track_caller]
fn refused(server: &Server, args: &[&str]) -> (Option<i32>, String) {
    let output = stream(server, args);
    assert_eq!(stdout(&output), "");
    let text = stderr(&output);
    assert!(text.starts_with("headwater: ") && text.lines().count() == 1, "{text}");
    (output.status.code(), text)
}

fn described(server: &Server, name: &str) -> Value {
    serde_json::from_str(&printed(server, &["describe", name, "--json"])).unwrap()
}

/// Puts numbered lines, one to a call of `headwater put`.
fn put(server: &Server, name: &str, numbers: std::ops::Range<u32>) {
    let lines: String = numbers.map(|number| format!("{{\"key\":\"k{number}\",\"number\":{number}}}\n")).collect();
    let args = ["put", "--stream", name, "--partition-key-field", "key", "--endpoint", &server.url(), "-"];
    let output = run_with_input(&args, lines.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

fn number_of(line: &str) -> u64 {
    serde_json::from_str::<Value>(line).unwrap()["number"].as_u64().unwrap()
}

fn start() -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"), &[]);
    (dir, server)
}

#[test]
fn streams_are_created_listed_and_described() {
    let (_dir, server) = start();
    assert_eq!(printed(&server, &["list"]), "NAME  MODE  SHARDS  RETENTION  CREATED  STATUS\n");
    assert_eq!(printed(&server, &["list", "--json"]), "");
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks\n";
    let create = ["create", "clicks", "--shards", "4", "--retention", "36h", "--tag", "team=web", "--tag", "x=a=b"];
    assert_eq!(printed(&server, &create), arn);
    printed(&server, &["create", "auto", "--on-demand"]);

    let list = printed(&server, &["list"]);
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split("  ").map(str::trim).collect()).collect();
    let rows: Vec<Vec<&str>> =
        rows.into_iter().map(|row| row.into_iter().filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(rows[0][..4], ["auto", "on-demand", "4", "1 d"]);
    assert_eq!(rows[1][..4], ["clicks", "provisioned", "4", "36 h"]);
    assert!(!list.lines().any(|line| line.ends_with(' ')), "{list}");
    let names: Vec<Value> =
        printed(&server, &["list", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&names[0]["name"], &names[1]["retention_hours"]), (&Value::from("auto"), &Value::from(36)));

    let text = printed(&server, &["describe", "clicks"]);
    for part in ["status       ACTIVE", "retention    36 h", "tags         team=web, x=a=b", "25.00–50.00 %", "open   "]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let last_key = u128::MAX.to_string();
    assert!(!text.contains(&last_key) && printed(&server, &["describe", "clicks", "--wide"]).contains(&last_key));
    let object = described(&server, "clicks");
    assert_eq!(object["tags"], serde_json::json!({"team": "web", "x": "a=b"}));
    assert_eq!(object["shards"][1]["percent"], serde_json::json!([25.0, 50.0]));
    assert_eq!(object["shards"][3]["hash_keys"][1], Value::from(last_key));
}

#[test]
fn shards_are_split_and_merged() {
    let (_dir, server) = start();
    printed(&server, &["create", "s", "--shards", "2"]);
    assert_eq!(printed(&server, &["split", "s", "0"]), "shardId-000000000002\nshardId-000000000003\n");
    let split = ["split", "s", "shardId-000000000001", "--at", "170141183460469231731687303715884105730"];
    assert_eq!(printed(&server, &split), "shardId-000000000004\nshardId-000000000005\n");
    assert_eq!(printed(&server, &["merge", "s", "3", "2"]), "shardId-000000000006\n");
    let shards = described(&server, "s")["shards"].as_array().unwrap().clone();
    let ranges: Vec<&Value> = shards.iter().map(|shard| &shard["percent"]).collect();
    assert_eq!(ranges[2..4], [&serde_json::json!([0.0, 25.0]), &serde_json::json!([25.0, 50.0])]);
    assert_eq!(shards[5]["hash_keys"][0], "170141183460469231731687303715884105730");
    let parents = shards[6]["parents"].as_array().unwrap();
    assert!(parents.contains(&Value::from("shardId-000000000002")) && parents.len() == 2, "{parents:?}");
    let states: Vec<&str> = shards.iter().map(|shard| shard["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["closed", "closed", "closed", "closed", "open", "open", "open"]);

    assert!(refused(&server, &["split", "s", "0"]).1.contains("shardId-000000000000 of s is closed"));
    assert!(refused(&server, &["split", "s", "9"]).1.contains("there is no shardId-000000000009 in s"));
    assert!(refused(&server, &["split", "s", "4"]).1.contains("too few hash keys"));
    assert!(refused(&server, &["merge", "s", "6", "1"]).1.contains("shardId-000000000001 of s is closed"));
    let (code, text) = refused(&server, &["merge", "s", "5", "6"]);
    assert!(code == Some(1) && text.contains("InvalidArgumentException"), "{text}");
}

#[test]
fn stream_is_deleted_only_after_a_yes() {
    let (_dir, server) = start();
    printed(&server, &["create", "s"]);
    let (code, text) = refused(&server, &["delete", "s"]);
    assert!(code == Some(2) && text.contains("--yes"), "{text}");
    for (answer, outcome, left) in [("n", "nothing was deleted", 1), ("yes", "", 0)] {
        let url = server.url();
        let (code, text) = on_a_terminal(&["stream", "delete", "s", "--endpoint", &url], answer);
        assert_eq!(code, Some(i32::from(left == 1)), "{text}");
        assert!(text.contains("delete s with its 1 open shard and all records of the last 1 d? [y/N]"), "{text}");
        assert!(text.contains(outcome), "{text}");
        assert_eq!(printed(&server, &["list", "--json"]).lines().count(), left);
    }
    let (code, text) = refused(&server, &["delete", "s", "--yes"]);
    assert!(code == Some(1) && text.contains("there is no stream s") && text.contains("stream list"), "{text}");
    printed(&server, &["create", "s"]);
    assert_eq!(printed(&server, &["delete", "s", "--yes"]), "");
    assert_eq!(printed(&server, &["list", "--json"]), "");
}

/// Runs the program on a terminal of its own and answers its question: its exit code, and what the terminal shows.
fn on_a_terminal(args: &[&str], answer: &str) -> (Option<i32>, String) {
    let command = [&[env!("CARGO_BIN_EXE_headwater")], args].concat().join(" ");
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{answer}").unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), stdout(&output))
}

#[test]
fn export_has_every_record_with_parents_before_children() {
    let (dir, server) = start();
    printed(&server, &["create", "s"]);
    put(&server, "s", 0..700);
    printed(&server, &["split", "s", "0"]);
    put(&server, "s", 700..900);
    printed(&server, &["merge", "s", "1", "2"]);
    put(&server, "s", 900..1_000);

    let output = stream(&server, &["export", "s"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let numbers: Vec<u64> = text.lines().map(number_of).collect();
    let sorted = |numbers: &[u64]| -> Vec<u64> {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        numbers
    };
    // Within a generation of shards the order is that of the calls, of which several are under way at a time.
    assert_eq!(sorted(&numbers[..700]), (0..700).collect::<Vec<_>>());
    assert_eq!(sorted(&numbers[700..900]), (700..900).collect::<Vec<_>>());
    assert_eq!(sorted(&numbers[900..]), (900..1_000).collect::<Vec<_>>());
    let bytes: usize = text.lines().map(str::len).sum();
    assert_eq!(stderr(&output), format!("1,000 records ({} bytes of data) from 4 shards\n", with_comma(bytes)));

    let file = dir.path().join("export.ndjson");
    fs::write(&file, "what was there before").unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(printed(&server, &["export", "s", "-o", path]), "");
    assert_eq!(
        sorted(&fs::read_to_string(&file).unwrap().lines().map(number_of).collect::<Vec<_>>()),
        sorted(&numbers)
    );
    assert_eq!(names_in(dir.path()), ["data", "export.ndjson"], "nothing else is left behind");
    let raw = printed(&server, &["export", "s", "--format", "raw"]);
    assert_eq!(raw.len(), bytes);
    let tail = ["tail", "s", "--from", "trim-horizon", "--no-follow"];
    let old = run(&["tail", "--stream", "s", "--from", "trim-horizon", "--no-follow", "--endpoint", &server.url()]);
    for text in [printed(&server, &tail), stdout(&old)] {
        assert_eq!(sorted(&text.lines().map(number_of).collect::<Vec<_>>()), sorted(&numbers));
    }
}

fn with_comma(number: usize) -> String {
    format!("{},{:03}", number / 1_000, number % 1_000)
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn export_tells_all_that_is_known_of_a_record_and_ends_at_a_time() {
    let (_dir, server) = start();
    printed(&server, &["create", "s", "--shards", "2"]);
    put(&server, "s", 0..20);
    put(&server, "s", 20..30);
    let objects = |args: &[&str]| -> Vec<Value> {
        let text = printed(&server, &[&["export", "s", "--metadata"], args].concat());
        let mut objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        objects.sort_by_key(data_number);
        objects
    };
    let all = objects(&[]);
    assert_eq!(all.iter().map(data_number).collect::<Vec<_>>(), (0..30).collect::<Vec<_>>());
    for object in &all {
        assert_eq!(object["partition_key"], format!("k{}", data_number(object)));
        assert_eq!(object["sequence_number"].as_str().unwrap().len(), 56);
        assert!(object["shard"].as_str().unwrap().starts_with("shardId-00000000000"), "{object}");
    }
    // What two calls of the program put arrived at different times.
    let time = all[20]["arrived"].as_str().unwrap();
    assert_eq!(objects(&["--to", time]), all[..20]);
    assert_eq!(objects(&["--from", time]), all[20..]);
    assert_eq!(objects(&["--from", time, "--to", time]), Vec::<Value>::new());
    assert_eq!(objects(&["--from", "latest"]), Vec::<Value>::new());
}

fn data_number(object: &Value) -> u64 {
    let data = base64_simd::STANDARD.decode_to_vec(object["data"].as_str().unwrap()).unwrap();
    number_of(std::str::from_utf8(&data).unwrap())
}

#[test]
fn stopped_export_leaves_no_file_and_a_closed_pipe_is_no_complaint() {
    let (dir, server) = start();
    printed(&server, &["create", "s"]);
    put(&server, "s", 0..10);
    let file = dir.path().join("export.ndjson");
    let url = server.url();
    let to_a_file = ["stream", "export", "s", "--to", "2999-01-01T00:00:00Z", "--endpoint", &url, "-o"];
    let mut export = headwater(&to_a_file).arg(&file).stderr(Stdio::piped()).spawn().unwrap();
    while names_in(dir.path()).len() < 2 {
        std::thread::yield_now();
    }
    let killed = std::process::Command::new("kill").args(["-INT", &export.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(export.wait().unwrap().code(), Some(130));
    assert_eq!(names_in(dir.path()), ["data"]);

    let follow = ["stream", "export", "s", "--to", "2999-01-01T00:00:00Z", "--endpoint", &url];
    let mut export = headwater(&follow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(BufReader::new(export.stdout.take().unwrap()).lines());
    // More than the program gathers before it writes.
    let large = format!("{{\"key\":\"k\",\"text\":\"{}\"}}\n", "x".repeat(600_000));
    run_with_input(&["put", "--stream", "s", "--endpoint", &url, "-"], large.as_bytes());
    let output = export.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn records_with_line_ends_inside_are_told_of() {
    let (_dir, server) = start();
    printed(&server, &["create", "s"]);
    let client = consumers::HttpClient::new(
        consumers::Endpoint::new(&server.url(), "us-east-1", consumers::Credentials::local()).unwrap(),
    );
    let input = serde_json::json!({"StreamName": "s", "PartitionKey": "k", "Data": "YQpiCg=="});
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let put = client.unwrap();
    let put = put.call::<Value>(consumers::Service::KINESIS, "PutRecord", &input);
    runtime.block_on(put).unwrap();
    let output = stream(&server, &["export", "s"]);
    assert_eq!(stdout(&output), "a\nb\n");
    let text = stderr(&output);
    assert!(
        text.starts_with("1 record (4 bytes of data) from 1 shard\n1 of them") && text.contains("--metadata"),
        "{text}"
    );
}

#[test]
fn mistakes_are_told_in_a_sentence() {
    let (dir, server) = start();
    printed(&server, &["create", "s"]);
    for args in [&["describe", "none"][..], &["split", "none", "0"], &["export", "none"], &["tail", "none"]] {
        let (code, text) = refused(&server, args);
        assert!(code == Some(1) && text.contains("there is no stream none") && text.contains("stream list"), "{text}");
    }
    let (code, text) = refused(&server, &["create", "s"]);
    assert!(code == Some(1) && text.contains("ResourceInUseException"), "{text}");
    let (code, text) = refused(&server, &["export", "s", "--format", "raw", "--metadata"]);
    assert!(code == Some(2) && text.contains("--format raw"), "{text}");
    let nowhere = dir.path().join("none/x");
    let (code, text) = refused(&server, &["export", "s", "-o", nowhere.to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("cannot write") && text.contains("none/x"), "{text}");
    for args in [
        &["create", "t", "--shards", "0"][..],
        &["create", "t", "--shards", "2", "--on-demand"],
        &["create", "t", "--retention", "1h"],
        &["create", "t", "--tag", "novalue"],
        &["split", "s", "one"],
        &["export", "s", "--to", "tomorrow"],
    ] {
        assert_eq!(stream(&server, args).status.code(), Some(2), "{args:?}");
    }
    let url = server.url();
    server.stop();
    let output = run(&["stream", "list", "--endpoint", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is the server running"), "{}", stderr(&output));
    let output = run(&["stream", "list", "--endpoint", "https://kinesis.eu-west-1.amazonaws.com"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("AWS_ACCESS_KEY_ID"), "{}", stderr(&output));
}
