//! The HTTP client against raw sockets: what a server, a proxy or a broken connection may answer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use consumers::{CallError, Credentials, Endpoint, HttpClient, Kinesis, Service};
use ingest_wire::sigv4::{Authorization, SignedRequest, SigningKeys};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers one connection with these bytes; returns the request.
async fn peer(answer: Vec<u8>) -> (HttpClient, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !is_complete(&request) {
            let read_count = socket.read_buf(&mut request).await.unwrap();
            assert_ne!(read_count, 0, "the client hung up early");
        }
        // A client that refuses the answer hangs up while it is being written.
        let _ = socket.write_all(&answer).await;
        request
    });
    let endpoint = Endpoint::new(&url, "eu-west-1", Credentials::local()).unwrap();
    (HttpClient::new(endpoint).unwrap(), served)
}

fn head_and_body(request: &[u8]) -> Option<(&str, &[u8])> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&request[..end]).unwrap(), &request[end + 4..]))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_complete(request: &[u8]) -> bool {
    head_and_body(request)
        .is_some_and(|(head, body)| body.len() >= header(head, "content-length").unwrap().parse::<usize>().unwrap())
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nx-amzn-RequestId: r1\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn call_carries_the_target_and_a_signature_that_verifies() {
    let (client, served) =
        peer(answer("200 OK", r#"{"Shards":[{"ShardId":"s0","SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}"#))
            .await;
    let output = client.list_shards("clicks", None).await.unwrap();
    assert_eq!(output.shards[0].shard_id, "s0");

    let request = served.await.unwrap();
    let (head, body) = head_and_body(&request).unwrap();
    assert_eq!(body, br#"{"StreamName":"clicks"}"#);
    assert_eq!(header(head, "x-amz-target"), Some("Kinesis_20131202.ListShards"));
    assert_eq!(header(head, "content-type"), Some("application/x-amz-json-1.1"));
    let mut headers = http::HeaderMap::new();
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        headers.append(http::HeaderName::try_from(name).unwrap(), http::HeaderValue::try_from(value).unwrap());
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let (method, uri) = (http::Method::POST, http::Uri::from_static("/"));
    let signed = SignedRequest { method: &method, uri: &uri, headers: &headers, body };
    let authorization = Authorization::parse(&headers).unwrap();
    assert_eq!((authorization.access_key_id, authorization.region), ("headwater", "eu-west-1"));
    authorization.verify(signed, "headwater", "kinesis", &SigningKeys::default(), i64::try_from(now).unwrap()).unwrap();
}

#[tokio::test]
async fn service_error_keeps_code_message_status_and_request_id() {
    let (client, _served) =
        peer(answer("400 Bad Request", r#"{"__type":"ResourceNotFoundException","message":"no stream"}"#)).await;
    let error = client.list_shards("clicks", None).await.unwrap_err();
    let expected = CallError::Service {
        code: "ResourceNotFoundException".into(),
        message: "no stream".into(),
        status: 400,
        request_id: "r1".into(),
    };
    assert_eq!(error, expected);
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn page_of_a_proxy_is_an_error_that_may_pass() {
    let (client, _served) = peer(answer("502 Bad Gateway", "<html>no</html>")).await;
    let error = client.list_shards("clicks", None).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Some("UnknownError"), true));
}

#[tokio::test]
async fn empty_answer_stands_for_an_operation_without_output() {
    let (client, _served) = peer(answer("200 OK", "")).await;
    let output: serde_json::Value =
        client.call(Service::KINESIS, "DeleteStream", &serde_json::json!({"StreamName": "s"})).await.unwrap();
    assert_eq!(output, serde_json::json!({}));
}

#[tokio::test]
async fn broken_connection_leaves_the_outcome_open() {
    let (client, _served) = peer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()).await;
    let error = client.list_shards("clicks", None).await.unwrap_err();
    assert!(matches!(error, CallError::Interrupted { .. }), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn endless_answer_is_refused() {
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(40 << 20, b' ');
    let (client, _served) = peer(endless).await;
    let error = client.list_shards("clicks", None).await.unwrap_err();
    assert!(matches!(error, CallError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_from_a_lost_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = HttpClient::new(Endpoint::new(&url, "us-east-1", Credentials::local()).unwrap()).unwrap();
    let error = client.list_shards("clicks", None).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
}
