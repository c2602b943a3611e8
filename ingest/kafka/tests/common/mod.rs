//! A Kafka cluster in this process, and delivery streams that read it into a directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use firehose::definition::{BufferHints, Destination, ObjectCompression, Settings};
use firehose::sink::ObjectSinks;
use firehose::topic::Topic;
use firehose::{DeliveryStatus, DeliveryStream, DeliveryStreams, Environment, NewDeliveryStream, NewSource};
use ingest_kafka::{Cluster, KafkaTopics, Options};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use shard_store::Store;
use shard_store::clock::SystemClock;
use shard_store::error::OpenError;
use shard_store::stream::{StreamKey, Streams};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

pub(crate) const TOPIC: &str = "clicks";
pub(crate) const CLUSTER: &str = "arn:aws:kafka:us-east-1:000000000000:cluster/mock/1";

/// Far more than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) type Kafka = MockCluster<'static, DefaultProducerContext>;

pub(crate) fn kafka(partition_count: i32) -> Kafka {
    let kafka = MockCluster::new(1).unwrap();
    kafka.create_topic(TOPIC, partition_count, 1).unwrap();
    kafka
}

/// Puts records into the topic.
pub(crate) struct Source {
    producer: BaseProducer,
    pub(crate) produced: Vec<String>,
}

impl Source {
    pub(crate) fn new(kafka: &Kafka) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", kafka.bootstrap_servers()).set("message.max.bytes", "20000000");
        Self { producer: config.create().unwrap(), produced: Vec::new() }
    }

    /// Sends a value, and waits until the cluster has it.
    pub(crate) fn send(&self, partition: i32, value: Option<&[u8]>) {
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(TOPIC).partition(partition).key(b"key");
        if let Some(value) = value {
            record = record.payload(value);
        }
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
    }

    /// Sends `count` records of `byte_count` bytes, spread over the partitions, and remembers them.
    pub(crate) fn produce(&mut self, partition_count: i32, count: usize, byte_count: usize) {
        for _ in 0..count {
            let number = self.produced.len();
            let record = format!("{number:08}{}\n", "-".repeat(byte_count));
            self.send(number as i32 % partition_count, Some(record.as_bytes()));
            self.produced.push(record);
        }
        self.producer.flush(PATIENCE).unwrap();
    }

    pub(crate) fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }
}

/// A running program: dropped as a whole, it has crashed.
pub(crate) struct Program {
    pub(crate) delivery: Arc<DeliveryStreams>,
    registry: Registry,
    // Dropped last: the tasks end with their runtime, wherever they are.
    pub(crate) runtime: Runtime,
}

pub(crate) fn options(kafka: &Kafka) -> Options {
    let properties = BTreeMap::from([
        // What is away is looked for again at once.
        ("reconnect.backoff.max.ms".to_owned(), "100".to_owned()),
        ("fetch.wait.max.ms".to_owned(), "20".to_owned()),
    ]);
    let cluster = Cluster { bootstrap_servers: kafka.bootstrap_servers(), properties };
    Options {
        metadata_interval: Duration::from_secs(1),
        clusters: BTreeMap::from([(CLUSTER.to_owned(), cluster)]),
        ..Options::default()
    }
}

pub(crate) fn start(dir: &Path, options: Options) -> Program {
    start_with(dir, options, shard_store::Options::default())
}

pub(crate) fn start_with(dir: &Path, options: Options, store_options: shard_store::Options) -> Program {
    // Another test of this process may have done it; RUST_LOG says what is shown.
    let _ = tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).with_test_writer().try_init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut registry = Registry::default();
    let store = wait_for(|| {
        // The reader of the program before may hold the lock a moment longer.
        match Store::open(&dir.join("store"), store_options.clone(), Arc::new(SystemClock), &mut Registry::default()) {
            Err(OpenError::Locked { .. }) => None,
            opened => Some(opened.unwrap()),
        }
    });
    let environment = Environment {
        sources: Streams::open(store.clone(), shard_store::stream::Options::default()).unwrap(),
        topics: Arc::new(KafkaTopics::new(options, &mut registry)),
        sinks: Arc::new(ObjectSinks::new(&firehose::sink::Options::default(), &dir.join("objects")).unwrap()),
        tables: Arc::new(BTreeMap::new()),
        work_dir: dir.join("delivery"),
        store,
    };
    let delivery = runtime
        .block_on(async { DeliveryStreams::open(environment, firehose::Options::default(), &mut registry).unwrap() });
    Program { delivery, registry, runtime }
}

pub(crate) fn key() -> StreamKey {
    StreamKey::new("000000000000", "us-east-1", "from-kafka")
}

impl Program {
    /// A delivery stream that reads the topic.
    pub(crate) fn create(&self, read_from_ms: Option<u64>) -> Arc<DeliveryStream> {
        let topic = Topic { cluster: CLUSTER.to_owned(), name: TOPIC.to_owned() };
        let new = NewDeliveryStream {
            key: key(),
            source: NewSource::Topic { topic, read_from_ms },
            destination: Destination {
                bucket: "lake".to_owned(),
                prefix: "data/".to_owned(),
                error_prefix: String::new(),
                time_zone: String::new(),
                file_extension: String::new(),
                buffer: BufferHints { size_mib: 1, interval_seconds: 0 },
                compression: ObjectCompression::Uncompressed,
                conversion: None,
                processors: Vec::new(),
                is_partitioned: false,
                backup: None,
                endpoint: None,
            },
            attributes: serde_json::Value::Null,
            settings: Settings::default(),
        };
        self.delivery.create(new).unwrap()
    }

    pub(crate) fn status(&self) -> DeliveryStatus {
        self.delivery.get(&key()).unwrap().status()
    }

    /// The value of a metric of the delivery stream.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        let line = text.lines().find(|line| line.starts_with(name) && line.contains("from-kafka"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    }

    /// Stops as a server does that is told to: what is taken in is delivered.
    pub(crate) fn stop(self) {
        let undone = self.runtime.block_on(self.delivery.drain(PATIENCE));
        assert_eq!(undone, Vec::<String>::new());
    }
}

/// Everything delivered, by line, sorted.
pub(crate) fn delivered(dir: &Path) -> Vec<String> {
    let mut lines: Vec<String> = objects(&dir.join("objects"))
        .into_iter()
        .flat_map(|path| {
            let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
            text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    lines
}

fn objects(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in paths {
        // A name with a `#` is one of an upload that is under way.
        let is_object = path.file_name().is_some_and(|name| !name.to_string_lossy().contains('#'));
        match path.is_dir() {
            true => found.extend(objects(&path)),
            false if is_object => found.push(path),
            false => {}
        }
    }
    found
}

/// Waits until there is something.
pub(crate) fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    wait_for(|| is_so().then_some(()));
}
