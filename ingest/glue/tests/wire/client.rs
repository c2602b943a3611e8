//! A server with the Glue and the Firehose door on a store in a temporary directory, and a client that writes HTTP by hand.

use std::sync::Arc;
use std::time::Duration;

use firehose::DeliveryStreams;
use firehose::engine::Environment;
use firehose::schema::Tables;
use firehose::sink::ObjectSinks;
use firehose::topic::NoTopics;
use ingest_core::config::HttpOptions;
use ingest_core::http::{Listener, serve};
use ingest_core::{Auth, Router};
use ingest_firehose::Firehose;
use ingest_glue::{Catalog, Glue};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use shard_store::Store;
use shard_store::clock::SystemClock;
use shard_store::stream::Streams;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const JSON: &str = "application/x-amz-json-1.1";
pub(crate) const CBOR: &str = "application/x-amz-cbor-1.1";

/// A running server, and one connection to it.
pub(crate) struct Server {
    connection: TcpStream,
    delivery: Arc<DeliveryStreams>,
    registry: Registry,
    _stop: oneshot::Sender<()>,
    directory: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut registry = Registry::default();
        let options = shard_store::Options { durability: shard_store::Durability::PageCache, ..Default::default() };
        let dir = directory.path().join("store");
        let store = Store::open(&dir, options, Arc::new(SystemClock), &mut registry).unwrap();
        let catalog = Arc::new(Catalog::open(store.clone(), &mut registry).unwrap());
        let sinks = ObjectSinks::new(&firehose::sink::Options::default(), &directory.path().join("objects")).unwrap();
        let environment = Environment {
            sources: Streams::open(store.clone(), shard_store::stream::Options::default()).unwrap(),
            store,
            sinks: Arc::new(sinks),
            tables: Arc::clone(&catalog) as Arc<dyn Tables>,
            topics: Arc::new(NoTopics),
            work_dir: directory.path().join("delivery"),
        };
        let delivery = DeliveryStreams::open(environment, firehose::Options::default(), &mut registry).unwrap();
        let firehose = Firehose::new(Arc::clone(&delivery), &mut registry);
        let router = Router::new(Auth::new(&[]).unwrap(), &mut registry);
        let router = router.door(Arc::new(Glue::new(catalog))).door(Arc::new(firehose));
        let http = HttpOptions { listen: "127.0.0.1:0".parse().unwrap(), ..HttpOptions::default() };
        let listener = Listener::bind(http, router).await.unwrap();
        let connection = TcpStream::connect(listener.address()).await.unwrap();
        connection.set_nodelay(true).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move { serve(listener, async { drop(stopped.await) }).await });
        Self { connection, delivery, registry, _stop: stop, directory }
    }

    pub(crate) async fn send(&mut self, target: &str, content_type: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: {target}\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.connection.write_all(head.as_bytes()).await.unwrap();
        self.connection.write_all(body).await.unwrap();
        let mut received = Vec::new();
        let head_bytes = loop {
            if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert_ne!(self.connection.read_buf(&mut received).await.unwrap(), 0, "the server closed the connection");
        };
        let headers = String::from_utf8(received[..head_bytes].to_vec()).unwrap().to_ascii_lowercase();
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let end = head_bytes + length.parse::<usize>().unwrap();
        while received.len() < end {
            assert_ne!(self.connection.read_buf(&mut received).await.unwrap(), 0, "the answer is cut short");
        }
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, body: received[head_bytes..end].to_vec() }
    }

    /// Calls an operation of Glue, which must succeed.
    pub(crate) async fn call(&mut self, operation: &str, input: Value) -> Value {
        self.call_target(&format!("AWSGlue.{operation}"), input).await
    }

    pub(crate) async fn call_target(&mut self, target: &str, input: Value) -> Value {
        let answer = self.send(target, JSON, input.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{target}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Calls an operation of Glue that must fail. Returns `CODE: MESSAGE`.
    pub(crate) async fn refused(&mut self, operation: &str, input: Value) -> String {
        self.refused_target(&format!("AWSGlue.{operation}"), input).await
    }

    pub(crate) async fn refused_target(&mut self, target: &str, input: Value) -> String {
        let answer = self.send(target, JSON, input.to_string().as_bytes()).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 400, "{target}: {body}");
        format!("{}: {}", body["__type"].as_str().unwrap(), body["message"].as_str().unwrap())
    }

    pub(crate) async fn create_database(&mut self, name: &str) {
        self.call("CreateDatabase", json!({"DatabaseInput": {"Name": name}})).await;
    }

    pub(crate) async fn create_table(&mut self, database: &str, table: Value) {
        self.call("CreateTable", json!({"DatabaseName": database, "TableInput": table})).await;
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

    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        text
    }
}

/// A table with these columns, each `NAME TYPE`.
pub(crate) fn table(name: &str, columns: &[&str]) -> Value {
    let column = |text: &&str| {
        let (name, kind) = text.split_once(' ').unwrap();
        json!({"Name": name, "Type": kind})
    };
    json!({"Name": name, "StorageDescriptor": {"Columns": columns.iter().map(column).collect::<Vec<_>>()}})
}
