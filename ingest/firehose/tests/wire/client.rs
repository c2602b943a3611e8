//! A server on the real store in a temporary directory, whose time stands still, and a client that writes HTTP by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use firehose::sink::ObjectSinks;
use firehose::topic::NoTopics;
use firehose::{DeliveryStreams, Environment};
use ingest_core::config::HttpOptions;
use ingest_core::http::{Listener, serve};
use ingest_core::{Auth, Router};
use ingest_firehose::{Firehose, Options};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use shard_store::Store;
use shard_store::clock::ManualClock;
use shard_store::keyring::Keyring;
use shard_store::stream::{NewStream, StreamKey, StreamMode, Streams};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// When every test happens.
const NOW_MS: u64 = 1_800_000_000_000;

pub(crate) const JSON: &str = "application/x-amz-json-1.1";
pub(crate) const CBOR: &str = "application/x-amz-cbor-1.1";
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/firehose";

/// A running server, and one connection to it.
pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) connection: Connection,
    pub(crate) streams: Arc<Streams>,
    pub(crate) delivery: Arc<DeliveryStreams>,
    _stop: oneshot::Sender<()>,
    directory: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// A connection to a server.
pub(crate) struct Connection(TcpStream);

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).await.unwrap();
        connection.set_nodelay(true).unwrap();
        Self(connection)
    }

    pub(crate) async fn send(&mut self, operation: &str, content_type: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Firehose_20150804.{operation}\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all(head.as_bytes()).await.unwrap();
        self.0.write_all(body).await.unwrap();
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
        Answer { status, body: received[head_bytes..end].to_vec() }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut registry = Registry::default();
        let options = shard_store::Options { durability: shard_store::Durability::PageCache, ..Default::default() };
        let dir = directory.path().join("store");
        let store = Store::open(&dir, options, Arc::new(ManualClock::new(NOW_MS)), &mut registry).unwrap();
        let streams = Streams::open(store.clone(), shard_store::stream::Options::default()).unwrap();
        let sinks = ObjectSinks::new(&firehose::sink::Options::default(), &directory.path().join("objects")).unwrap();
        let options: Options = serde_json::from_value(json!({
            "tables": {"web.hits": {"columns": [{"name": "path", "type": "string"}, {"name": "bytes", "type": "bigint"}]}},
        }))
        .unwrap();
        let environment = Environment {
            store,
            sources: Arc::clone(&streams) as Arc<_>,
            topics: Arc::new(NoTopics),
            sinks: Arc::new(sinks),
            tables: Arc::new(BTreeMap::new()),
            work_dir: directory.path().join("delivery"),
        };
        let delivery = DeliveryStreams::open(environment, options, &mut registry).unwrap();
        let door = Firehose::new(Arc::clone(&delivery), &mut registry);
        let router = Router::new(Auth::new(&[]).unwrap(), &mut registry).door(Arc::new(door));
        let http = HttpOptions { listen: "127.0.0.1:0".parse().unwrap(), ..HttpOptions::default() };
        let listener = Listener::bind(http, router).await.unwrap();
        let address = listener.address();
        let connection = Connection::open(address).await;
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move { serve(listener, async { drop(stopped.await) }).await });
        Self { address, connection, streams, delivery, _stop: stop, directory }
    }

    /// Another connection to the server.
    pub(crate) async fn another(&self) -> Connection {
        Connection::open(self.address).await
    }

    pub(crate) async fn send(&mut self, operation: &str, content_type: &str, body: &[u8]) -> Answer {
        self.connection.send(operation, content_type, body).await
    }

    pub(crate) async fn call(&mut self, operation: &str, input: Value) -> Value {
        let answer = self.send(operation, JSON, input.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{operation}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Calls an operation that must fail. Returns `CODE: MESSAGE`.
    pub(crate) async fn refused(&mut self, operation: &str, input: Value) -> String {
        let answer = self.send(operation, JSON, input.to_string().as_bytes()).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_ne!(answer.status, 200, "{operation}: {body}");
        format!("{}: {}", body["__type"].as_str().unwrap(), body["message"].as_str().unwrap())
    }

    /// Makes a key in the server's keyring. Returns its ARN.
    pub(crate) fn create_key(&self) -> String {
        let path = Store::keyring_path(&self.directory.path().join("store"));
        let id = Keyring::open(&path).unwrap().create(None).unwrap();
        format!("arn:aws:kms:us-east-1:000000000000:key/{id}")
    }

    pub(crate) async fn create(&mut self, name: &str, destination: Value) -> Value {
        let input = json!({"DeliveryStreamName": name, "ExtendedS3DestinationConfiguration": destination});
        self.call("CreateDeliveryStream", input).await
    }

    /// Delivers everything, and returns the objects of the bucket by their keys.
    pub(crate) async fn objects(&self) -> Vec<(String, Vec<u8>)> {
        assert_eq!(self.delivery.drain(Duration::from_secs(30)).await, Vec::<String>::new());
        let root = self.directory.path().join("objects/lake");
        let mut dirs = vec![root.clone()];
        let mut objects = Vec::new();
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    let key = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    objects.push((key, std::fs::read(path).unwrap()));
                }
            }
        }
        objects.sort();
        objects
    }
}

pub(crate) fn base64(data: impl AsRef<[u8]>) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

/// The smallest destination, with `more` members.
pub(crate) fn destination(more: Value) -> Value {
    let mut destination = json!({"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"});
    destination.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    destination
}

pub(crate) fn conversion(more: Value) -> Value {
    let mut conversion = json!({
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    });
    conversion.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "DataFormatConversionConfiguration": conversion })
}

/// A Kinesis stream of one shard.
pub(crate) fn new_stream(name: &str) -> NewStream {
    NewStream {
        key: StreamKey::new("000000000000", "us-east-1", name),
        shard_count: 1.try_into().unwrap(),
        mode: StreamMode::Provisioned,
        record_bytes_max: 1 << 20,
        warm_mibps: 0,
        distribution: Default::default(),
        tags: Default::default(),
    }
}

/// The members of a request that has a delivery stream read the stream `name`.
pub(crate) fn kinesis_source(name: &str) -> Value {
    let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}");
    json!({"KinesisStreamARN": arn, "RoleARN": ROLE})
}
