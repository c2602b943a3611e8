//! How the listener stops.

use std::time::Duration;

use ingest_core::config::HttpOptions;
use tokio::net::TcpStream;

use crate::harness::{JSON, Server};

#[tokio::test]
async fn requests_under_way_are_answered_and_idle_connections_closed() {
    let mut server = Server::start(HttpOptions::default(), &[]).await;
    let (mut busy, mut idle) = (server.connect().await, server.connect().await);
    assert_eq!(idle.call("Echo", JSON, "{}").await.status, 200);
    busy.send_head("Testing_20261123.Wait", JSON, 2).await;
    busy.send("{}").await;
    server.door.waiting.notified().await;
    server.stop();
    idle.closed().await;
    server.door.go_on.add_permits(1);
    assert_eq!(busy.answer().await.status, 200);
    busy.closed().await;
    let address = server.address;
    assert!(server.stopped().await);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn requests_that_do_not_end_are_broken_off_at_the_deadline() {
    let options = HttpOptions { drain_timeout: Duration::from_millis(50), ..HttpOptions::default() };
    let server = Server::start(options, &[]).await;
    let mut client = server.connect().await;
    client.send_head("Testing_20261123.Wait", JSON, 2).await;
    client.send("{}").await;
    server.door.waiting.notified().await;
    assert!(!server.stopped().await);
    client.closed().await;
}
