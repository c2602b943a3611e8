//! Routing, shapes of answers, and a connection that survives whatever is asked over it.

use ingest_core::config::HttpOptions;

use crate::harness::{JSON, Server};

#[tokio::test]
async fn answer_has_the_headers_and_the_body_of_aws() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    let answer = client.call("Echo", JSON, r#"{"Word":"hi","Unknown":{}}"#).await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"Word":"hi"}"#));
    assert_eq!(answer.header("content-type"), Some(JSON));
    assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36));
    assert_eq!(answer.header("x-amz-id-2").map(str::len), Some(64));
    assert_eq!(answer.header("x-amzn-errortype"), None);
    let other = client.call("Echo", JSON, "{}").await;
    assert_ne!(other.header("x-amzn-requestid"), answer.header("x-amzn-requestid"));
}

#[tokio::test]
async fn connection_is_usable_after_every_kind_of_mistake() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    for (operation, content_type, body, code, message) in [
        ("Echo", JSON, "", "SerializationException", "EOF"),
        ("Echo", JSON, "{", "SerializationException", "EOF"),
        ("Echo", JSON, "nonsense", "SerializationException", ""),
        ("Echo", JSON, r#"{"Word":7}"#, "SerializationException", "Word: invalid type: integer"),
        ("Measure", JSON, r#"{"Data":"a"}"#, "SerializationException", "invalid base64"),
        ("Measure", JSON, "{}", "InvalidArgumentException", "no data"),
        ("Unknown", JSON, "{}", "UnknownOperationException", "Testing_20261123.Unknown"),
        ("Later", JSON, "{}", "UnsupportedOperationException", "Later is an operation of testing"),
        ("Echo", "text/plain", "{}", "UnknownOperationException", "Content-Type"),
    ] {
        let answer = client.call(operation, content_type, body).await;
        let (found, text) = answer.error();
        assert_eq!((answer.status, found.as_str()), (400, code), "{operation} {body}: {text}");
        assert!(text.contains(message), "{text}");
    }
    client.send_head("Elsewhere_1.Echo", JSON, 2).await;
    client.send("{}").await;
    assert!(client.answer().await.error().1.contains("no service"));
    client.send("PUT /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nabc").await;
    assert_eq!(client.answer().await.error().0, "UnknownOperationException");
    assert_eq!(client.call("Echo", JSON, "{}").await.status, 200);
}

#[tokio::test]
async fn a_panic_fails_its_own_request_only() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    for operation in ["Panic", "RawPanic"] {
        let answer = client.call(operation, JSON, "{}").await;
        assert_eq!((answer.status, answer.error().0.as_str()), (500, "InternalFailure"));
        assert!(!answer.error().1.contains("this is what"), "the reason stays in the log");
    }
    assert_eq!(client.call("Echo", JSON, "{}").await.status, 200);
}

#[tokio::test]
async fn cbor_is_answered_in_cbor_errors_included() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    let cbor = "application/x-amz-cbor-1.1";
    let answer = client.call("Measure", cbor, b"\xbf\x64Data\x43abc\xff").await;
    assert_eq!(answer.header("content-type"), Some(cbor));
    let expected = b"\xa3\x69ByteCount\x03\x67Account\x6c000000000000\x66Region\x69us-east-1";
    assert_eq!(answer.body, expected);
    let answer = client.call("Measure", cbor, b"\xa1\x64Data\x05").await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (400, Some("SerializationException")));
    assert!(answer.body.starts_with(b"\xa2\x66__type\x76SerializationException\x67message"));
}

#[tokio::test]
async fn pages_are_found_and_others_are_not() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    for (path, status, body) in [("/healthz", 200, "fine\n"), ("/", 404, "There is no such page")] {
        client.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, status);
        assert!(answer.text().starts_with(body));
    }
}

#[tokio::test]
async fn http_2_is_spoken_with_prior_knowledge() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("http://localhost/")
        .header("x-amz-target", "Testing_20261123.Echo")
        .header("content-type", JSON)
        .body(http_body_util::Full::<bytes::Bytes>::from(r#"{"Word":"hi"}"#))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
}

#[tokio::test]
async fn requests_are_counted_by_status_and_faults_by_code() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    client.call("Echo", JSON, "{}").await;
    client.call("Echo", JSON, "[").await;
    client.call("Unknown", JSON, "{}").await;
    let text = server.metrics();
    for line in [
        r#"ingest_core_requests_total{service="testing",operation="Echo",status="200"} 1"#,
        r#"ingest_core_requests_total{service="testing",operation="Echo",status="400"} 1"#,
        r#"ingest_core_faults_total{service="testing",operation="Echo",code="SerializationException"} 1"#,
        r#"ingest_core_faults_total{service="",operation="",code="UnknownOperationException"} 1"#,
        r#"ingest_core_request_bytes_total{service="testing",operation="Echo"} 3"#,
        r#"ingest_core_request_duration_seconds_count{service="testing",operation="Echo"} 2"#,
        "ingest_core_connections 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
