//! `put`, `tail`, `verify` and `quickstart` as processes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses its part of the common module")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::process::Stdio;

use common::{Server, headwater, run, run_with_input, stderr, stdout};

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|number| format!(r#"{{"user":"u{}","number":{number}}}"#, number % 50)).collect()
}

fn tail_all(server: &Server, stream: &str) -> Vec<String> {
    let output =
        run(&["tail", "--stream", stream, "--from", "trim-horizon", "--no-follow", "--endpoint", &server.url()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn what_is_put_is_tailed_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    server.create_stream("s");
    let sent = lines(1_234);
    let input = format!("{}\r\n\n{}", sent[..600].join("\n"), sent[600..].join("\n"));
    let args = ["put", "--stream", "s", "--partition-key-field", "user", "--endpoint", &server.url(), "-"];
    let output = run_with_input(&args, input.as_bytes());
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""), "{}", stderr(&output));
    assert!(stderr(&output).starts_with("1,234 records"), "{}", stderr(&output));
    server.stop();

    let server = Server::start(dir.path(), &[]);
    let mut received = tail_all(&server, "s");
    received.sort();
    let mut expected = sent;
    expected.sort();
    assert_eq!(received, expected);
}

#[test]
fn line_without_the_key_field_stops_put_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    server.create_stream("s");
    let args = ["put", "--stream", "s", "--partition-key-field", "user", "--endpoint", &server.url(), "-"];
    let output = run_with_input(&args, b"{\"user\":\"a\"}\n{\"usr\":\"b\"}\n{\"user\":\"c\"}\n");
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("standard input, line 2") && text.contains("`user`"), "{text}");
    assert_eq!(tail_all(&server, "s"), [r#"{"user":"a"}"#]);
}

#[test]
fn clients_say_what_is_wrong_and_do_not_wait() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let url = server.url();
    let output = run_with_input(&["put", "--stream", "absent", "--endpoint", &url, "-"], b"x\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("ResourceNotFoundException"), "{}", stderr(&output));
    server.stop();
    let output = run(&["tail", "--stream", "s", "--endpoint", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is the server running"), "{}", stderr(&output));
    let output = run(&["put", "--stream", "s", "/nowhere/x.ndjson"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/nowhere/x.ndjson"), "{}", stderr(&output));
}

#[test]
fn tail_follows_and_ends_quietly_when_its_reader_has_seen_enough() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    server.create_stream("s");
    let args = ["tail", "--stream", "s", "--from", "trim-horizon", "--endpoint", &server.url()];
    let mut tail = headwater(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(tail.stdout.take().unwrap());
    let put = |line: &str| {
        let output = run_with_input(&["put", "--stream", "s", "--endpoint", &server.url(), "-"], line.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    let mut line = String::new();
    for sent in ["first\n", "second\n"] {
        put(sent);
        line.clear();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, sent);
    }
    drop(reader);
    put("third\n");
    let output = tail.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn verify_finds_one_flipped_byte() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let server = Server::start(dir.path(), &[]);
    server.create_stream("s");
    let output = run(&["verify", data_dir]);
    assert_eq!(output.status.code(), Some(1), "a store in use cannot be verified");
    let input = lines(500).join("\n");
    run_with_input(&["put", "--stream", "s", "--endpoint", &server.url(), "-"], input.as_bytes());
    server.stop();

    let output = run(&["verify", data_dir]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""), "{}", stderr(&output));
    assert!(stderr(&output).contains("500 records"), "{}", stderr(&output));

    let needle = br#""number":123}"#;
    let mut damaged = 0;
    for path in common::files_below(dir.path()).iter().filter(|path| path.extension().is_some_and(|name| name == "log"))
    {
        let mut file = fs::File::options().read(true).write(true).open(path).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        if let Some(offset) = bytes.windows(needle.len()).position(|window| window == needle) {
            file.seek(SeekFrom::Start(offset as u64)).unwrap();
            file.write_all(b"!").unwrap();
            damaged += 1;
        }
    }
    assert_ne!(damaged, 0, "the record is in no segment");
    let output = run(&["verify", data_dir]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let fields: Vec<&str> = text.lines().next().unwrap().split('\t').collect();
    assert!(fields[0].starts_with(data_dir) && fields[1].parse::<u64>().is_ok() && !fields[2].is_empty(), "{text}");
}

#[test]
fn keys_are_made_listed_and_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("new");
    let key = |arguments: &[&str]| run(&[&["key", "--data-dir", data_dir.to_str().unwrap()], arguments].concat());
    assert_eq!(stdout(&key(&["list"])), "");
    let made = stdout(&key(&["create", "--alias", "alias/clicks"]));
    let id = made.split('\t').next().unwrap().to_owned();
    assert_eq!(made, format!("{id}\t1\talias/clicks\n"));
    assert_eq!(stdout(&key(&["rotate", "alias/clicks"])), format!("{id}\t2\talias/clicks\n"));
    assert_eq!(stdout(&key(&["list"])), format!("{id}\t2\talias/clicks\n"));
    let again = key(&["create", "--alias", "alias/clicks"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("alias/clicks"), "{}", stderr(&again));
    assert_eq!(key(&["create", "--alias", "clicks"]).status.code(), Some(2));
    assert_eq!(key(&["rotate", "alias/other"]).status.code(), Some(1));
    // A server starts in a directory that has only its keys.
    Server::start(&data_dir, &[]).stop();
}

#[test]
fn verify_of_something_else_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "important").unwrap();
    let output = run(&["verify", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no Headwater store"), "{}", stderr(&output));
}

#[test]
fn quickstart_delivers_every_event_once_and_keeps_a_given_directory() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("demo");
    let output = run(&["quickstart", "--events", "3000", "--data-dir", data_dir.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}\n{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    for part in ["events/s", "put latency p99.9", "compression ratio", "most viewed pages", "headwater serve"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(stderr(&output).contains("all 3,000 events"), "{}", stderr(&output));
    assert!(!common::files_below(&data_dir.join("objects")).is_empty());
    let again = run(&["quickstart", "--events", "10", "--data-dir", data_dir.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("empty or new directory"), "{}", stderr(&again));
}
