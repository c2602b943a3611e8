//! `headwater serve` as a process: how it starts, how it refuses to, and how it stops.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses its part of the common module")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use common::{Server, headwater, run, stderr};

/// Starts a server that must refuse, with exit code and a sentence.
fn refused(data_dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = headwater(&["serve", "--data-dir"]);
    let output = command.arg(data_dir).args(args).output().unwrap();
    assert_eq!(output.stdout, b"", "a server that does not start is not ready");
    let text = stderr(&output);
    let complaint = text.lines().find(|line| line.starts_with("headwater: ")).unwrap_or_default();
    assert!(!complaint.is_empty(), "no sentence in {text}");
    (output.status.code(), text)
}

#[test]
fn it_answers_health_and_metrics_and_stops_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    assert!(server.get("/healthz").ends_with("\r\n\r\nok\n"));
    let metrics = server.get("/metrics");
    for name in ["kinesis_records_total", "kinesis_throttled_total", "shard_store_", "ingest_core_", "firehose_"] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    assert!(metrics.trim_end().ends_with("# EOF"));
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn second_signal_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    // A request that never ends keeps the server draining.
    let mut socket = TcpStream::connect(&server.address).unwrap();
    let head = "POST / HTTP/1.1\r\nhost: headwater\r\nx-amz-target: Kinesis_20131202.ListStreams\r\n\
                content-type: application/x-amz-json-1.1\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    // The server asks for the body, so the request is under way.
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    server.signal("TERM");
    server.wait_for_log("stopping");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(130));
}

#[test]
fn data_directory_of_another_server_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let (code, text) = refused(dir.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("in use by another process") && text.contains("--data-dir"), "{text}");
    server.stop();
}

#[test]
fn directory_that_holds_something_else_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "important").unwrap();
    let (code, text) = refused(dir.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("holds no Headwater store"), "{text}");
    assert_eq!(common::files_below(dir.path()), [dir.path().join("thesis.txt")]);
}

#[test]
fn directory_that_cannot_be_written_is_refused() {
    // Nobody may make files there, not even root.
    let (code, text) = refused(Path::new("/proc/headwater"), &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("/proc/headwater"), "{text}");
}

#[test]
fn port_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (code, text) = refused(dir.path(), &["--listen", &address]);
    assert_eq!(code, Some(1));
    assert!(text.contains(&address) && text.contains("--listen"), "{text}");
}

#[test]
fn listening_beyond_loopback_needs_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let (code, text) = refused(dir.path(), &["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("credentials"), "{text}");
}

#[test]
fn every_problem_of_the_configuration_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    fs::write(&path, "[server]\nlisten = 'nowhere'\nconnections = 0\n[stroe]\n[object-store]\nurl = 'ftp://x'\n")
        .unwrap();
    let (code, text) = refused(&dir.path().join("data"), &["--config", path.to_str().unwrap()]);
    assert_eq!(code, Some(2));
    for part in ["4 problems", "server.listen", "server.connections", "stroe", "object-store", "ftp", "c.toml"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn wrong_command_line_has_its_own_exit_code() {
    let output = run(&["serve", "--data-dri", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--data-dir"));
    let help = run(&["serve", "--help"]);
    assert_eq!((help.status.code(), stderr(&help).as_str()), (Some(0), ""));
}
