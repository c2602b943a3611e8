//! What one client can take, and what all of them can.

use std::time::Duration;

use bytesize::ByteSize;
use ingest_core::config::HttpOptions;

use crate::harness::{JSON, Server};

fn small_bodies() -> HttpOptions {
    HttpOptions { body_size: ByteSize::kib(64), ..HttpOptions::default() }
}

/// A call to `Measure` with this many bytes of body.
fn body_of(byte_count: usize) -> String {
    let frame = r#"{"Data":""}"#.len();
    format!(r#"{{"Data":"{}"}}"#, "A".repeat(byte_count - frame))
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not() {
    let server = Server::start(small_bodies(), &[]).await;
    let mut client = server.connect().await;
    for byte_count in [64 * 1024 + 1, 200_000, 5_000_000] {
        let answer = client.call("Measure", JSON, body_of(byte_count)).await;
        assert_eq!((answer.status, answer.error().0.as_str()), (413, "RequestEntityTooLargeException"));
        assert!(answer.error().1.contains("65536 bytes"));
    }
    // The base64 text in it is a multiple of four, less the 11 bytes around it and the padding to get there.
    let answer = client.call("Measure", JSON, body_of(64 * 1024 - 1)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_chunked_body_is_joined_and_bounded_as_well() {
    let server = Server::start(small_bodies(), &[]).await;
    let mut client = server.connect().await;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: Testing_20261123.Echo\r\ncontent-type: {JSON}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    client.send(&head).await;
    client.send("7\r\n{\"Word\"\r\n").await;
    client.send("6\r\n:\"hi\"}\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), r#"{"Word":"hi"}"#);
    client.send(&head).await;
    for _ in 0..100 {
        client.send(format!("1000\r\n{}\r\n", "x".repeat(0x1000))).await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 413);
    assert_eq!(client.call("Echo", JSON, "{}").await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let options = HttpOptions { body_timeout: Duration::from_millis(50), ..HttpOptions::default() };
    let server = Server::start(options, &[]).await;
    let mut client = server.connect().await;
    client.send_head("Testing_20261123.Echo", JSON, 100).await;
    client.send("{").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.error().0.as_str()), (408, "RequestTimeoutException"));
    assert_eq!(answer.header("connection"), Some("close"));
    client.closed().await;
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let options = HttpOptions { idle_timeout: Duration::from_millis(50), ..HttpOptions::default() };
    let server = Server::start(options, &[]).await;
    for begun in ["", "P", "POST / HTTP/1.1\r\nhost: ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut client = server.connect().await;
        client.send(begun).await;
        client.closed().await;
    }
}

#[tokio::test]
async fn garbage_and_oversize_headers_end_the_connection_and_nothing_else() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100));
    for garbage in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", &many] {
        let mut client = server.connect().await;
        client.send(garbage).await;
        client.closed().await;
    }
    let mut endless = server.connect().await;
    endless.send("POST / HTTP/1.1\r\nx: ").await;
    let mut other = server.connect().await;
    assert_eq!(other.call("Echo", JSON, "{}").await.status, 200);
}

#[tokio::test]
async fn bodies_wait_for_memory_and_give_up_after_a_while() {
    let options = HttpOptions {
        body_size: ByteSize::kib(64),
        body_memory: ByteSize::kib(64),
        body_timeout: Duration::from_millis(100),
        ..HttpOptions::default()
    };
    let server = Server::start(options, &[]).await;
    let (mut holder, mut waiter) = (server.connect().await, server.connect().await);
    let body = body_of(64 * 1024 - 1).replacen("Data", "Word", 1);
    holder.send_head("Testing_20261123.Wait", JSON, body.len()).await;
    holder.send(&body).await;
    server.door.waiting.notified().await;
    let answer = waiter.call("Echo", JSON, &body).await;
    assert_eq!((answer.status, answer.error().0.as_str()), (503, "ServiceUnavailable"));
    server.door.go_on.add_permits(1);
    assert_eq!(holder.answer().await.status, 200);
    let mut later = server.connect().await;
    assert_eq!(later.call("Echo", JSON, &body).await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let server = Server::start(HttpOptions { connections: 1, ..HttpOptions::default() }, &[]).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    second.send_head("Testing_20261123.Echo", JSON, 2).await;
    second.send("{}").await;
    for _ in 0..3 {
        assert_eq!(first.call("Echo", JSON, "{}").await.status, 200);
    }
    assert!(server.metrics().contains("ingest_core_connections 1"));
    drop(first);
    assert_eq!(second.answer().await.status, 200);
}

#[tokio::test]
async fn a_plain_operation_runs_to_its_end_without_its_client() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    client.send_head("Testing_20261123.Wait", JSON, 2).await;
    client.send("{}").await;
    server.door.waiting.notified().await;
    drop(client);
    server.door.go_on.add_permits(1);
    server.door.ended.notified().await;
}
