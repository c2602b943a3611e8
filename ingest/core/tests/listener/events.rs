//! Answers that are event streams, over HTTP/1.1 and HTTP/2.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingest_core::config::HttpOptions;
use ingest_wire::Protocol;
use ingest_wire::event_stream::{CONTENT_TYPE, Event, encode_into};

use crate::harness::{FLOOD_BYTES, JSON, Server};

fn request(operation: &str) -> http::Request<Full<bytes::Bytes>> {
    http::Request::post("http://localhost/")
        .header("host", "localhost")
        .header("x-amz-target", format!("Testing_20261123.{operation}"))
        .header("content-type", JSON)
        .body(Full::from(r#"{"Word":"hi"}"#))
        .unwrap()
}

async fn ask_over_http_1(server: &Server, operation: &str) -> http::Response<Incoming> {
    let io = TokioIo::new(tokio::net::TcpStream::connect(server.address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request(operation)).await.unwrap()
}

async fn ask_over_http_2(server: &Server, operation: &str) -> http::Response<Incoming> {
    let io = TokioIo::new(tokio::net::TcpStream::connect(server.address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request(operation)).await.unwrap()
}

/// Checks the head and the first event of an answer that goes on.
async fn check_begun(response: &mut http::Response<Incoming>) {
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &http::HeaderValue::from_static(CONTENT_TYPE))
    );
    let mut expected = Vec::new();
    encode_into(&mut expected, Event::Data { event_type: "Word" }, Protocol::Json11, b"hi");
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), expected);
}

#[tokio::test]
async fn events_come_at_once_and_the_operation_hears_when_the_client_goes_away() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    for mut response in [ask_over_http_1(&server, "Tell").await, ask_over_http_2(&server, "Tell").await] {
        check_begun(&mut response).await;
        drop(response);
        server.door.ended.notified().await;
    }
}

/// What the system's socket buffers take, and more than the server may add to it.
const UNREAD_BYTES_MAX: usize = 32 << 20;

/// The server once wrote events of a client that did not read to its own memory, without end.
#[tokio::test]
async fn a_client_that_does_not_read_holds_its_operation_back() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    for protocol in ["HTTP/1.1", "HTTP/2"] {
        server.door.flood.store(0, Ordering::Relaxed);
        let response = if protocol == "HTTP/2" {
            ask_over_http_2(&server, "Flood").await
        } else {
            ask_over_http_1(&server, "Flood").await
        };
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = server.door.flood.load(Ordering::Relaxed);
            assert!(now as usize * FLOOD_BYTES < UNREAD_BYTES_MAX, "{protocol}: {now} events that nobody reads");
            if now > 0 && now == before {
                break;
            }
            before = now;
        }
        // It goes on when the client does.
        let mut body = response.into_body();
        while server.door.flood.load(Ordering::Relaxed) == before {
            body.frame().await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn event_streams_end_in_good_order_when_the_server_stops() {
    let mut server = Server::start(HttpOptions::default(), &[]).await;
    let mut responses = [ask_over_http_1(&server, "Tell").await, ask_over_http_2(&server, "Tell").await];
    for response in &mut responses {
        check_begun(response).await;
    }
    server.stop();
    for response in responses {
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
    }
    assert!(server.stopped().await);
}

#[tokio::test]
async fn a_stream_that_is_refused_is_answered_with_a_fault() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    let answer = client.call("Tell", JSON, "{}").await;
    assert_eq!((answer.status, answer.header("content-type")), (400, Some(JSON)));
    assert_eq!(answer.error().0, "InvalidArgumentException");
}
