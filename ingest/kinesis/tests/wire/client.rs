//! A server on the real store in a temporary directory, whose time stands still, and a client that writes HTTP by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use ingest_core::config::{CredentialOptions, HttpOptions};
use ingest_core::http::{Listener, serve};
use ingest_core::{Auth, Router};
use ingest_kinesis::{Kinesis, Options};
use ingest_wire::sigv4::{Credentials, SigningScope, sign};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use shard_store::Store;
use shard_store::clock::{Clock, ManualClock};
use shard_store::queue::Queues;
use shard_store::stream::Streams;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// When every test begins.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

pub(crate) const JSON: &str = "application/x-amz-json-1.1";
pub(crate) const CBOR: &str = "application/x-amz-cbor-1.1";

/// A running server, and one connection to it.
pub(crate) struct Server {
    address: SocketAddr,
    connection: Connection,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) registry: Registry,
    pub(crate) streams: Arc<Streams>,
    _stop: oneshot::Sender<()>,
    _directory: TempDir,
}

/// A connection to a server.
pub(crate) struct Connection(TcpStream);

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).await.unwrap();
        connection.set_nodelay(true).unwrap();
        Self(connection)
    }

    /// Sends a body as it is.
    pub(crate) async fn send(&mut self, operation: &str, content_type: &str, body: &[u8]) -> Answer {
        self.send_as(operation, content_type, body, "").await
    }

    /// Sends a body as it is, with further header lines.
    async fn send_as(&mut self, operation: &str, content_type: &str, body: &[u8], headers: &str) -> Answer {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.{operation}\r\n{headers}\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all(head.as_bytes()).await.unwrap();
        self.0.write_all(body).await.unwrap();
        self.receive().await
    }

    async fn receive(&mut self) -> Answer {
        let mut received = Vec::new();
        let head_bytes = loop {
            if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert_ne!(self.0.read_buf(&mut received).await.unwrap(), 0, "the server closed the connection");
        };
        let headers = String::from_utf8(received[..head_bytes].to_vec()).unwrap().to_ascii_lowercase();
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let end = head_bytes + length.parse::<usize>().unwrap();
        while received.len() < end {
            assert_ne!(self.0.read_buf(&mut received).await.unwrap(), 0, "the answer is cut short");
        }
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, headers, body: received[head_bytes..end].to_vec() }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        Self::start_for(options, &[]).await
    }

    /// A server that lets everybody call as often as they like.
    pub(crate) async fn start_unlimited() -> Self {
        Self::start_with(Options { enforce: false, ..Options::default() }).await
    }

    /// A server that takes calls signed with these credentials only, if there are any.
    pub(crate) async fn start_for(options: Options, credentials: &[CredentialOptions]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let mut registry = Registry::default();
        let store_options =
            shard_store::Options { durability: shard_store::Durability::PageCache, ..Default::default() };
        let store = Store::open(directory.path(), store_options, Arc::clone(&clock) as _, &mut registry).unwrap();
        let streams = Streams::open(store, options).unwrap();
        let kinesis = Kinesis::new(Queues::open(Arc::clone(&streams)).unwrap(), &mut registry);
        let router = Router::new(Auth::new(credentials).unwrap(), &mut registry).door(Arc::new(kinesis));
        let http = HttpOptions { listen: "127.0.0.1:0".parse().unwrap(), ..HttpOptions::default() };
        let listener = Listener::bind(http, router).await.unwrap();
        let address = listener.address();
        let connection = Connection::open(address).await;
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move { serve(listener, async { drop(stopped.await) }).await });
        Self { address, connection, clock, registry, streams, _stop: stop, _directory: directory }
    }

    /// Another connection to the server.
    pub(crate) async fn another(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Sends a body as it is.
    pub(crate) async fn send(&mut self, operation: &str, content_type: &str, body: &[u8]) -> Answer {
        self.send_as(operation, content_type, body, "").await
    }

    /// Sends a body as it is, with further header lines.
    pub(crate) async fn send_as(&mut self, operation: &str, content_type: &str, body: &[u8], headers: &str) -> Answer {
        self.connection.send_as(operation, content_type, body, headers).await
    }

    /// Calls an operation that must succeed.
    pub(crate) async fn call(&mut self, operation: &str, input: Value) -> Value {
        let answer = self.send(operation, JSON, input.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{operation}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Calls an operation that must fail. Returns the error code and the message.
    pub(crate) async fn refused(&mut self, operation: &str, input: Value) -> (String, String) {
        let answer = self.send(operation, JSON, input.to_string().as_bytes()).await;
        answer.refusal(operation, 400)
    }

    /// Calls an operation with a signature of the access key, whose secret is its id.
    pub(crate) async fn ask(&mut self, access_key_id: &str, operation: &str, input: Value) -> Answer {
        let body = input.to_string();
        let headers = signature(access_key_id, operation, &body);
        self.send_as(operation, JSON, body.as_bytes(), &headers).await
    }

    /// As [`Server::call`], with a signature.
    pub(crate) async fn call_as(&mut self, access_key_id: &str, operation: &str, input: Value) -> Value {
        let answer = self.ask(access_key_id, operation, input).await;
        assert_eq!(answer.status, 200, "{operation}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// As [`Server::refused`], with a signature.
    pub(crate) async fn refused_as(&mut self, access_key_id: &str, operation: &str, input: Value) -> (String, String) {
        self.ask(access_key_id, operation, input).await.refusal(operation, 400)
    }

    pub(crate) async fn create(&mut self, name: &str, shard_count: u32) {
        self.call("CreateStream", json!({"StreamName": name, "ShardCount": shard_count})).await;
    }

    /// An iterator of the first shard.
    pub(crate) async fn iterator(&mut self, name: &str, kind: &str) -> String {
        let input = json!({"StreamName": name, "ShardId": "shardId-000000000000", "ShardIteratorType": kind});
        self.call("GetShardIterator", input).await["ShardIterator"].as_str().unwrap().to_owned()
    }

    /// The decoded data of the records from an iterator on.
    pub(crate) async fn data_from(&mut self, iterator: &str) -> Vec<String> {
        let answer = self.call("GetRecords", json!({"ShardIterator": iterator})).await;
        let records = answer["Records"].as_array().unwrap();
        let decode = |record: &Value| base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap()).unwrap();
        records.iter().map(|record| String::from_utf8(decode(record)).unwrap()).collect()
    }

    /// The decoded data of the first shard from its beginning on.
    pub(crate) async fn data_of(&mut self, name: &str) -> Vec<String> {
        let iterator = self.iterator(name, "TRIM_HORIZON").await;
        self.data_from(&iterator).await
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.unix_millis()
    }

    /// Calls `SubscribeToShard`, which must succeed, over a connection of its own.
    pub(crate) async fn subscribe(&self, content_type: &str, body: &[u8]) -> Subscription {
        self.subscribe_with(content_type, body, "").await
    }

    /// As [`Server::subscribe`], with a signature.
    pub(crate) async fn subscribe_as(&self, access_key_id: &str, input: &Value) -> Subscription {
        let body = input.to_string();
        self.subscribe_with(JSON, body.as_bytes(), &signature(access_key_id, "SubscribeToShard", &body)).await
    }

    async fn subscribe_with(&self, content_type: &str, body: &[u8], headers: &str) -> Subscription {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.SubscribeToShard\r\n{headers}\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(body).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        for header in
            ["content-type: application/vnd.amazon.eventstream\r", "transfer-encoding: chunked", "x-amzn-requestid"]
        {
            assert!(head.contains(header), "{head}");
        }
        Subscription { connection, received: Vec::new(), has_ended: false }
    }
}

/// The answer to a `SubscribeToShard`, as it comes.
pub(crate) struct Subscription {
    connection: TcpStream,
    /// What came in chunks and was not taken yet.
    received: Vec<u8>,
    has_ended: bool,
}

impl Subscription {
    /// Receives one chunk. Empty at the end.
    async fn receive_chunk(&mut self) {
        let mut size = String::new();
        while !size.ends_with("\r\n") {
            size.push(char::from(self.connection.read_u8().await.unwrap()));
        }
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.connection.read_exact(&mut chunk).await.unwrap();
        self.received.extend_from_slice(&chunk[..size]);
        self.has_ended = size == 0;
    }

    /// The next event, its checksums verified: its type, or the code of an exception, and its payload.
    pub(crate) async fn next(&mut self) -> (String, Vec<u8>) {
        let u32_at = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        while self.received.len() < 12 || self.received.len() < u32_at(&self.received, 0) as usize {
            assert!(!self.has_ended, "the stream ended: {:?}", String::from_utf8_lossy(&self.received));
            self.receive_chunk().await;
        }
        let rest = self.received.split_off(u32_at(&self.received, 0) as usize);
        let message = std::mem::replace(&mut self.received, rest);
        let crc_at = message.len() - 4;
        assert_eq!(u32_at(&message, 8), crc32fast::hash(&message[..8]));
        assert_eq!(u32_at(&message, crc_at), crc32fast::hash(&message[..crc_at]));
        let headers_end = 12 + u32_at(&message, 4) as usize;
        let mut headers = &message[12..headers_end];
        let mut kind = String::new();
        while let Some((name_length, rest)) = headers.split_first() {
            let (name, rest) = rest.split_at(usize::from(*name_length));
            assert_eq!(rest[0], 7, "a text");
            let (value, rest) = rest[3..].split_at(usize::from(u16::from_be_bytes([rest[1], rest[2]])));
            if name == b":event-type" || name == b":exception-type" {
                kind = String::from_utf8(value.to_vec()).unwrap();
            }
            headers = rest;
        }
        (kind, message[headers_end..crc_at].to_vec())
    }

    /// Waits for the end, before which nothing more may come.
    pub(crate) async fn ended(mut self) {
        if !self.has_ended {
            self.receive_chunk().await;
        }
        assert!(self.has_ended && self.received.is_empty(), "{:?}", String::from_utf8_lossy(&self.received));
    }
}

impl Answer {
    /// The error code and message of an answer that must be an error.
    pub(crate) fn refusal(&self, operation: &str, status: u16) -> (String, String) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{operation}: {text}");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        (body["__type"].as_str().unwrap().to_owned(), body["message"].as_str().unwrap().to_owned())
    }
}

/// The header lines of a signature made now.
fn signature(access_key_id: &str, operation: &str, body: &str) -> String {
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    let target = format!("Kinesis_20131202.{operation}");
    let unsaid = [("host", "localhost"), ("content-type", JSON), ("x-amz-target", &target)];
    let mut headers: HeaderMap =
        unsaid.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let credentials = Credentials { access_key_id, secret_access_key: access_key_id, session_token: None };
    let scope = SigningScope { region: "us-east-1", service: "kinesis", unix_seconds: i64::try_from(now).unwrap() };
    sign(&Method::POST, &Uri::from_static("/"), &mut headers, body.as_bytes(), credentials, scope).unwrap();
    // Those are there whether a call is signed or not.
    unsaid.iter().for_each(|(name, _)| drop(headers.remove(*name)));
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
    lines.collect()
}

/// The base64 of a text.
pub(crate) fn base64(data: impl AsRef<[u8]>) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

/// `(code, message)` of a refusal, to compare with.
pub(crate) fn refusal(code: &str, message: impl Into<String>) -> (String, String) {
    (code.to_owned(), message.into())
}

/// The sequence number with this index in a shard that was created when the test began.
pub(crate) fn sequence_number(index: u64, shard: u32) -> String {
    format!("49{:012}{index:020}{shard:010}{:012}", NOW_MS / 1_000, 0)
}
