//! A topic of a Kafka cluster through the API: created, described, delivered, replayed and deleted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses its part of the common module")]

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Server, files_below, run, stderr, stdout};
use consumers::{CallError, Credentials, Endpoint, HttpClient, Service};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};

/// Far more than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const CLUSTER: &str = "arn:aws:kafka:us-east-1:000000000000:cluster/local/1";
const ROLE: &str = "arn:aws:iam::000000000000:role/any";

fn call(server: &Server, operation: &str, input: &Value) -> Result<Value, CallError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = Endpoint::new(&server.url(), "us-east-1", Credentials::local()).unwrap();
    runtime.block_on(HttpClient::new(endpoint).unwrap().call(Service::FIREHOSE, operation, input))
}

/// A request for a delivery stream that reads the topic `clicks`.
fn input(read_from_timestamp: Option<f64>) -> Value {
    let mut source = json!({"MSKClusterARN": CLUSTER, "TopicName": "clicks",
        "AuthenticationConfiguration": {"RoleARN": ROLE, "Connectivity": "PRIVATE"}});
    if let Some(seconds) = read_from_timestamp {
        source["ReadFromTimestamp"] = seconds.into();
    }
    json!({"DeliveryStreamName": "clicks", "DeliveryStreamType": "MSKAsSource", "MSKSourceConfiguration": source,
        "ExtendedS3DestinationConfiguration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake",
            "Prefix": "clicks/", "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}}})
}

fn produce(bootstrap: &str, numbers: std::ops::Range<usize>) {
    let mut config = ClientConfig::new();
    let producer: BaseProducer = config.set("bootstrap.servers", bootstrap).create().unwrap();
    for number in numbers {
        let record = format!("{number:04}\n");
        let record: BaseRecord<'_, str, str> = BaseRecord::to("clicks").partition(number as i32 % 3).payload(&record);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

fn start(dir: &Path, bootstrap: &str) -> Server {
    let config = dir.join("kafka.toml");
    fs::write(&config, format!("[kafka.clusters.local]\nbootstrap-servers = \"{bootstrap}\"\n")).unwrap();
    Server::start(&dir.join("data"), &["--config", config.to_str().unwrap()])
}

/// The lines in objects, sorted.
fn delivered(dir: &Path) -> Vec<String> {
    let folder = dir.join("data/objects/lake/clicks");
    let paths = if folder.exists() { files_below(&folder) } else { Vec::new() };
    // A name with a `#` is one of an upload that is under way.
    let objects = paths.iter().filter(|path| !path.to_string_lossy().contains('#'));
    let text: String = objects.map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_topic_is_delivered_over_restarts_and_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let kafka = MockCluster::new(1).unwrap();
    kafka.create_topic("clicks", 3, 1).unwrap();
    let bootstrap = kafka.bootstrap_servers();
    let server = start(dir.path(), &bootstrap);
    produce(&bootstrap, 0..300);
    call(&server, "CreateDeliveryStream", &input(Some(0.0))).unwrap();
    wait_until(|| delivered(dir.path()).len() >= 300);
    // Killed rather than stopped.
    drop(server);
    let server = start(dir.path(), &bootstrap);
    produce(&bootstrap, 300..400);
    wait_until(|| delivered(dir.path()).len() >= 400);
    server.stop();
    let numbers: Vec<String> = (0..400).map(|number| format!("{number:04}")).collect();
    assert_eq!(delivered(dir.path()), numbers);

    let server = start(dir.path(), &bootstrap);
    let description = call(&server, "DescribeDeliveryStream", &json!({"DeliveryStreamName": "clicks"})).unwrap();
    let description = &description["DeliveryStreamDescription"];
    assert_eq!(description["DeliveryStreamType"], "MSKAsSource");
    let source = &description["Source"]["MSKSourceDescription"];
    assert_eq!((&source["MSKClusterARN"], &source["TopicName"]), (&json!(CLUSTER), &json!("clicks")));
    assert_eq!(source["AuthenticationConfiguration"], json!({"RoleARN": ROLE, "Connectivity": "PRIVATE"}));
    assert_eq!(source["ReadFromTimestamp"], 0.0);
    assert!(source["DeliveryStartTimestamp"].as_f64().unwrap() > 1e9);
    let listed = call(&server, "ListDeliveryStreams", &json!({"DeliveryStreamType": "MSKAsSource"})).unwrap();
    assert_eq!(listed["DeliveryStreamNames"], json!(["clicks"]));
    let put = json!({"DeliveryStreamName": "clicks", "Record": {"Data": "eA=="}});
    let refused = call(&server, "PutRecord", &put).unwrap_err();
    assert!(refused.to_string().contains("MSKAsSource"), "{refused}");

    let from = ["replay", "clicks", "--from", "1970-01-01T00:00:00Z"];
    let output = run(&[&["delivery", "--endpoint", &server.url()], &from[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let replayed: usize = stdout(&output).trim().parse().unwrap();
    assert!(replayed > 0);
    wait_until(|| delivered(dir.path()).len() >= 400 + replayed);
    call(&server, "DeleteDeliveryStream", &json!({"DeliveryStreamName": "clicks"})).unwrap();
    server.stop();
    assert_eq!(delivered(dir.path()).len(), 400 + replayed);
}

#[test]
fn a_cluster_that_does_not_answer_is_told_of_and_what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens on port 1.
    let server = start(dir.path(), "127.0.0.1:1");
    let mut wrong = input(None);
    wrong["MSKSourceConfiguration"]["AuthenticationConfiguration"]["Connectivity"] = "WIRED".into();
    wrong["MSKSourceConfiguration"]["TopicName"] = "no topic".into();
    let error = call(&server, "CreateDeliveryStream", &wrong).unwrap_err().to_string();
    for part in ["ValidationException", "connectivity", "a-zA-Z0-9", "2 validation errors"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    let mut unknown = input(None);
    unknown["MSKSourceConfiguration"]["MSKClusterARN"] = "arn:aws:kafka:us-east-1:000000000000:cluster/other/1".into();
    let error = call(&server, "CreateDeliveryStream", &unknown).unwrap_err();
    assert_eq!(error.code(), Some("InvalidArgumentException"));
    assert!(error.to_string().contains("[kafka.clusters."), "{error}");
    let error = call(&server, "CreateDeliveryStream", &input(Some(32_503_680_000.0))).unwrap_err();
    assert!(error.to_string().contains("future"), "{error}");
    let mut missing = input(None);
    missing.as_object_mut().unwrap().remove("MSKSourceConfiguration");
    let error = call(&server, "CreateDeliveryStream", &missing).unwrap_err();
    assert!(error.to_string().contains("MSKSourceConfiguration must be given"), "{error}");

    call(&server, "CreateDeliveryStream", &input(None)).unwrap();
    wait_until(|| server.get("/healthz").contains("delivery stream clicks is retrying: cluster"));
    wait_until(|| server.get("/metrics").contains("kafka_retrying{delivery_stream=\"clicks\"} 1"));
    call(&server, "DeleteDeliveryStream", &json!({"DeliveryStreamName": "clicks"})).unwrap();
    assert!(!server.get("/metrics").contains("kafka_retrying{"));
    server.stop();
}
