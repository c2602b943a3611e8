//! The real front doors on a real store, without a socket.

use std::sync::Arc;

use firehose::sink::ObjectSinks;
use firehose::topic::NoTopics;
use firehose::{DeliveryStreams, Environment};
use ingest_core::fuzzing::{Answered, Caller};
use ingest_core::{Auth, Router};
use ingest_firehose::Firehose;
use ingest_glue::{Catalog, Glue};
use ingest_kinesis::Kinesis;
use ingest_wire::Protocol;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use shard_store::clock::ManualClock;
use shard_store::queue::Queues;
use shard_store::stream::Streams;
use shard_store::{Durability, Store};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// When a server begins.
const START_MS: u64 = 1_700_000_000_000;
/// How many calls one server answers, so that what the calls create does not fill the memory.
const CALLS_MAX: u32 = 400;
/// Every shard costs a file.
const SHARDS_MAX: u32 = 40;

/// The stream that every server has, with two shards, a consumer and a record.
pub(crate) const STREAM: &str = "clicks";

pub(crate) struct Server {
    caller: Caller,
    calls: u32,
    clock: Arc<ManualClock>,
    // After what runs on it.
    runtime: Runtime,
    _home: TempDir,
}

impl Server {
    /// The server in `place`, a new one if that is used up.
    pub(crate) fn in_place(place: &mut Option<Self>) -> &mut Self {
        if place.as_ref().is_some_and(|server| server.calls >= CALLS_MAX) {
            *place = None;
        }
        place.get_or_insert_with(Self::start)
    }

    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let _entered = runtime.enter();
        let home = tempfile::tempdir().expect("a temporary directory");
        let clock = Arc::new(ManualClock::new(START_MS));
        let mut registry = Registry::default();
        let options = shard_store::Options { durability: Durability::PageCache, ..Default::default() };
        let time = Arc::clone(&clock) as Arc<_>;
        let store = Store::open(&home.path().join("store"), options, time, &mut registry).expect("a store");
        let options = shard_store::stream::Options { enforce: false, shards_max: SHARDS_MAX, ..Default::default() };
        let streams = Streams::open(store.clone(), options).expect("no streams yet");
        let sinks = ObjectSinks::new(&firehose::sink::Options::default(), &home.path().join("objects")).expect("sinks");
        let options = serde_json::from_value(json!({
            "tables": {"web.hits": {"columns": [{"name": "path", "type": "string"}, {"name": "bytes", "type": "bigint"}]}},
        }));
        let options = options.expect("the options are well-formed");
        let catalog = Arc::new(Catalog::open(store.clone(), &mut registry).expect("no databases yet"));
        let environment = Environment {
            store,
            sources: Arc::clone(&streams) as Arc<_>,
            topics: Arc::new(NoTopics),
            sinks: Arc::new(sinks),
            tables: Arc::clone(&catalog) as Arc<_>,
            work_dir: home.path().join("delivery"),
        };
        let delivery = DeliveryStreams::open(environment, options, &mut registry);
        let firehose = Firehose::new(delivery.expect("no delivery streams yet"), &mut registry);
        let queues = Queues::open(streams).expect("no queues yet");
        let kinesis = Kinesis::new(queues, &mut registry);
        let auth = Auth::new(&[]).expect("no credentials are demanded");
        let router = Router::new(auth, &mut registry).door(Arc::new(kinesis)).door(Arc::new(firehose));
        let router = router.door(Arc::new(Glue::new(catalog)));
        drop(_entered);
        let mut server = Self { caller: Caller::new(router), calls: 0, clock, runtime, _home: home };
        server.set_up();
        server
    }

    fn set_up(&mut self) {
        self.kinesis("CreateStream", &json!({"StreamName": STREAM, "ShardCount": 2}));
        self.kinesis("RegisterStreamConsumer", &json!({"StreamARN": stream_arn(), "ConsumerName": "reader"}));
        self.kinesis("PutRecord", &json!({"StreamName": STREAM, "PartitionKey": "k", "Data": "aGk="}));
        let input = json!({
            "DeliveryStreamName": "hits",
            "ExtendedS3DestinationConfiguration": {"RoleARN": "arn:aws:iam::000000000000:role/firehose", "BucketARN": "arn:aws:s3:::lake"},
        });
        let created =
            self.call("Firehose_20150804.CreateDeliveryStream", Protocol::Json11, input.to_string().as_bytes());
        assert_eq!(created.status, 200, "{created:?}");
        for (operation, input) in [
            ("CreateDatabase", json!({"DatabaseInput": {"Name": "shop"}})),
            ("CreateTable", json!({"DatabaseName": "shop", "TableInput": {"Name": "orders"}})),
        ] {
            let target = format!("AWSGlue.{operation}");
            let created = self.call(&target, Protocol::Json11, input.to_string().as_bytes());
            assert_eq!(created.status, 200, "{created:?}");
        }
        self.calls = 0;
    }

    /// Calls an operation of Kinesis, which must succeed.
    pub(crate) fn kinesis(&mut self, operation: &str, input: &Value) -> Value {
        let target = format!("Kinesis_20131202.{operation}");
        let answered = self.call(&target, Protocol::Json11, input.to_string().as_bytes());
        assert_eq!(answered.status, 200, "{operation}: {answered:?}");
        let body = answered.body.unwrap_or_default();
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("an answer is JSON") }
    }

    /// Calls with a body as it is.
    pub(crate) fn call(&mut self, target: &str, protocol: Protocol, body: &[u8]) -> Answered {
        self.calls += 1;
        // A second, so that no rate of calls is exceeded.
        self.clock.advance(1_000);
        self.runtime.block_on(self.caller.call(target, protocol, body))
    }

    /// An iterator of the first shard of the stream.
    pub(crate) fn iterator(&mut self, stream: &str, kind: &str) -> String {
        let input = json!({"StreamName": stream, "ShardId": "shardId-000000000000", "ShardIteratorType": kind});
        self.kinesis("GetShardIterator", &input)["ShardIterator"].as_str().expect("an iterator").to_owned()
    }
}

/// The ARN of [`STREAM`].
pub(crate) fn stream_arn() -> String {
    format!("arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}")
}
