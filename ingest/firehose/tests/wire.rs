//! The door through its listener: bytes in, bytes out, over one connection that must stay usable whatever it carried.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::collections::BTreeMap;
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
use shard_store::clock::SystemClock;
use shard_store::stream::{NewStream, StreamKey, StreamMode, Streams};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";
const ROLE: &str = "arn:aws:iam::000000000000:role/firehose";

/// A running server, and one connection to it.
struct Server {
    connection: TcpStream,
    streams: Arc<Streams>,
    delivery: Arc<DeliveryStreams>,
    _stop: oneshot::Sender<()>,
    directory: TempDir,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Server {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut registry = Registry::default();
        let options = shard_store::Options { durability: shard_store::Durability::PageCache, ..Default::default() };
        let dir = directory.path().join("store");
        let store = Store::open(&dir, options, Arc::new(SystemClock), &mut registry).unwrap();
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
        let connection = TcpStream::connect(listener.address()).await.unwrap();
        connection.set_nodelay(true).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move { serve(listener, async { drop(stopped.await) }).await });
        Self { connection, streams, delivery, _stop: stop, directory }
    }

    async fn send(&mut self, operation: &str, content_type: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Firehose_20150804.{operation}\r\n\
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

    async fn call(&mut self, operation: &str, input: Value) -> Value {
        let answer = self.send(operation, JSON, input.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{operation}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Calls an operation that must fail. Returns `CODE: MESSAGE`.
    async fn refused(&mut self, operation: &str, input: Value) -> String {
        let answer = self.send(operation, JSON, input.to_string().as_bytes()).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_ne!(answer.status, 200, "{operation}: {body}");
        format!("{}: {}", body["__type"].as_str().unwrap(), body["message"].as_str().unwrap())
    }

    async fn create(&mut self, name: &str, destination: Value) -> Value {
        let input = json!({"DeliveryStreamName": name, "ExtendedS3DestinationConfiguration": destination});
        self.call("CreateDeliveryStream", input).await
    }

    /// Delivers everything, and returns the objects of the bucket by their keys.
    async fn objects(&self) -> Vec<(String, Vec<u8>)> {
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

fn base64(data: impl AsRef<[u8]>) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

/// The smallest destination, with `more` members.
fn destination(more: Value) -> Value {
    let mut destination = json!({"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"});
    destination.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    destination
}

fn conversion(more: Value) -> Value {
    let mut conversion = json!({
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    });
    conversion.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "DataFormatConversionConfiguration": conversion })
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_put_and_land_verbatim() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({"Prefix": "in/", "FileExtension": ".txt"}))).await;
    let answer =
        server.call("PutRecord", json!({"DeliveryStreamName": "clicks", "Record": {"Data": base64("one\n")}})).await;
    assert_eq!(answer["Encrypted"], false);
    let records = json!([{"Data": base64("two")}, {"Data": ""}, {"Data": base64([0xff_u8, 10])}]);
    let batch = server.call("PutRecordBatch", json!({"DeliveryStreamName": "clicks", "Records": records})).await;
    assert_eq!(batch["FailedPutCount"], 0);
    let mut ids: Vec<&Value> = batch["RequestResponses"].as_array().unwrap().iter().map(|r| &r["RecordId"]).collect();
    ids.push(&answer["RecordId"]);
    let unique: std::collections::HashSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(unique.len(), 4);
    let objects = server.objects().await;
    let (key, body) = &objects[0];
    assert_eq!((objects.len(), body.as_slice()), (1, b"one\ntwo\xff\n".as_slice()));
    assert!(key.starts_with("in/2") && key.contains("/clicks-1-2") && key.ends_with(".txt"), "{key}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_stream_is_described_as_it_was_asked_for() {
    let mut server = Server::start().await;
    let parquet = json!({"Compression": "SNAPPY", "WriterVersion": "V2"});
    let schema = json!({"RoleARN": ROLE, "DatabaseName": "web", "TableName": "hits"});
    let conversion = conversion(json!({
        "SchemaConfiguration": schema, "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": parquet}},
    }));
    let created = server.create("clicks", destination(conversion.clone())).await;
    assert_eq!(created["DeliveryStreamARN"], "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks");
    let answer = server.call("DescribeDeliveryStream", json!({"DeliveryStreamName": "clicks"})).await;
    let described = &answer["DeliveryStreamDescription"];
    let expected = json!({"DeliveryStreamStatus": "ACTIVE", "VersionId": "1", "DeliveryStreamType": "DirectPut",
        "HasMoreDestinations": false, "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"}});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&described[name], value, "{name}");
    }
    assert!(described["CreateTimestamp"].as_f64().unwrap() > 1.7e9);
    let s3 = &described["Destinations"][0]["ExtendedS3DestinationDescription"];
    assert_eq!(s3["BufferingHints"], json!({"SizeInMBs": 128, "IntervalInSeconds": 300}));
    assert_eq!(s3["DataFormatConversionConfiguration"], conversion["DataFormatConversionConfiguration"]);
    assert_eq!(s3["CompressionFormat"], "UNCOMPRESSED");
    assert_eq!(described["Destinations"][0]["S3DestinationDescription"]["BucketARN"], "arn:aws:s3:::lake");
    let past = json!({"DeliveryStreamName": "clicks", "ExclusiveStartDestinationId": "destinationId-000000000001"});
    let answer = server.call("DescribeDeliveryStream", past).await;
    assert_eq!(answer["DeliveryStreamDescription"]["Destinations"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_stream_become_parquet_and_those_that_fail_are_told_of() {
    let mut server = Server::start().await;
    let new = NewStream {
        key: StreamKey::new("000000000000", "us-east-1", "events"),
        shard_count: 1.try_into().unwrap(),
        mode: StreamMode::Provisioned,
        record_bytes_max: 1 << 20,
        warm_mibps: 0,
        distribution: Default::default(),
        tags: Default::default(),
    };
    let stream = server.streams.create(new).unwrap();
    let source = json!({"KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/events", "RoleARN": ROLE});
    let input = json!({
        "DeliveryStreamName": "clicks",
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": source,
        "ExtendedS3DestinationConfiguration": destination(conversion(json!({}))),
    });
    server.call("CreateDeliveryStream", input).await;
    let put = json!({"DeliveryStreamName": "clicks", "Record": {"Data": base64("x")}});
    let refusal = server.refused("PutRecord", put).await;
    assert!(refusal.starts_with("InvalidArgumentException: This operation is not permitted"), "{refusal}");
    let described = server.call("DescribeDeliveryStream", json!({"DeliveryStreamName": "clicks"})).await;
    let told = &described["DeliveryStreamDescription"]["Source"]["KinesisStreamSourceDescription"];
    assert_eq!((&told["KinesisStreamARN"], &told["RoleARN"]), (&source["KinesisStreamARN"], &source["RoleARN"]));
    for data in [&br#"{"a":1}"#[..], b"nonsense"] {
        let record = shard_store::log::NewRecord { partition_key: "k", explicit_hash_key: None, data: &data };
        stream.shards()[0].log().append(&[record]).unwrap().await.unwrap();
    }
    let objects = server.objects().await;
    let [(data_key, data), (error_key, errors)] = objects.as_slice() else { panic!("{} objects", objects.len()) };
    assert!(data_key.starts_with('2') && data_key.ends_with(".parquet") && data.starts_with(b"PAR1"), "{data_key}");
    assert!(error_key.starts_with("format-conversion-failed/2"), "{error_key}");
    let line: Value = serde_json::from_slice(errors).unwrap();
    assert_eq!(line["rawData"], base64("nonsense"));
    assert_eq!(line["lastErrorCode"], "DataFormatConversion.ParseError");
    assert_eq!(line["sequenceNumber"], stream.shards()[0].sequence_number(1).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_and_filtered() {
    let mut server = Server::start().await;
    for name in ["b", "a", "c"] {
        server.create(name, destination(json!({}))).await;
    }
    let page = server.call("ListDeliveryStreams", json!({"Limit": 2})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": ["a", "b"], "HasMoreDeliveryStreams": true}));
    let page = server.call("ListDeliveryStreams", json!({"ExclusiveStartDeliveryStreamName": "b"})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": ["c"], "HasMoreDeliveryStreams": false}));
    let page = server.call("ListDeliveryStreams", json!({"DeliveryStreamType": "KinesisStreamAsSource"})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": [], "HasMoreDeliveryStreams": false}));
    server.call("DeleteDeliveryStream", json!({"DeliveryStreamName": "b"})).await;
    let page = server.call("ListDeliveryStreams", json!({})).await;
    assert_eq!(page, json!({"DeliveryStreamNames": ["a", "c"], "HasMoreDeliveryStreams": false}));
    let refusal = server.refused("DescribeDeliveryStream", json!({"DeliveryStreamName": "b"})).await;
    assert_eq!(refusal, "ResourceNotFoundException: Firehose b under account 000000000000 not found.");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_configuration_without_effect_is_refused_by_name() {
    let mut server = Server::start().await;
    let inner = [
        (json!({"CompressionFormat": "ZIP"}), "CompressionFormat ZIP"),
        (json!({"S3BackupMode": "Enabled"}), "S3BackupMode Enabled"),
        (json!({"ProcessingConfiguration": {"Enabled": true, "Processors": []}}), "ProcessingConfiguration"),
        (json!({"DynamicPartitioningConfiguration": {"Enabled": true}}), "DynamicPartitioningConfiguration"),
        (json!({"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "x"}}}), "KMSEncryptionConfig"),
        (json!({"CloudWatchLoggingOptions": {"Enabled": true}}), "CloudWatchLoggingOptions"),
        (json!({"Prefix": "!{partitionKeyFromQuery:a}/", "ErrorOutputPrefix": "e/"}), "partitionKeyFromQuery"),
        (json!({"Prefix": "!{timestamp:yyyy}/"}), "ErrorOutputPrefix cannot be null"),
        (json!({"BufferingHints": {"SizeInMBs": 5}}), "BufferingHints"),
        (json!({"BucketARN": "arn:aws:s3:::.."}), "BucketARN"),
        (json!({"CustomTimeZone": "Mars/Base"}), "Mars/Base"),
        (conversion(json!({"OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}}}})), "OrcSerDe"),
        (conversion(json!({"InputFormatConfiguration": {"Deserializer": {}}})), "Deserializer must have"),
        (
            conversion(
                json!({"InputFormatConfiguration": {"Deserializer": {"HiveJsonSerDe": {"TimestampFormats": ["y"]}}}}),
            ),
            "TimestampFormats",
        ),
        (
            conversion(json!({"SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "web", "TableName": "misses"}})),
            "web.misses",
        ),
    ];
    let outer = |name: &str, value: Value| {
        let mut input =
            json!({"DeliveryStreamName": "x", "ExtendedS3DestinationConfiguration": destination(json!({}))});
        input[name] = value;
        (input, name.to_owned())
    };
    let mut cases: Vec<(Value, String)> = inner
        .into_iter()
        .map(|(more, name)| {
            let input = json!({"DeliveryStreamName": "x", "ExtendedS3DestinationConfiguration": destination(more)});
            (input, name.to_owned())
        })
        .collect();
    cases.extend([
        outer("Tags", json!([{"Key": "a"}])),
        outer("DeliveryStreamEncryptionConfigurationInput", json!({"KeyType": "AWS_OWNED_CMK"})),
        outer("SplunkDestinationConfiguration", json!({"HECToken": "x"})),
        outer("DirectPutSourceConfiguration", json!({"ThroughputHintInMBs": 1})),
        (json!({"DeliveryStreamName": "x"}), "Exactly one destination".to_owned()),
    ]);
    for (input, expected) in cases {
        let refusal = server.refused("CreateDeliveryStream", input.clone()).await;
        assert!(refusal.starts_with("InvalidArgumentException: ") && refusal.contains(&expected), "{input}: {refusal}");
    }
    assert_eq!(server.call("ListDeliveryStreams", json!({})).await["DeliveryStreamNames"], json!([]));
    let off = json!({"ProcessingConfiguration": {"Enabled": false}, "S3BackupMode": "Disabled",
        "CloudWatchLoggingOptions": {"Enabled": false}, "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"}});
    server.create("off", destination(off)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_reported_all_at_once_in_the_words_of_aws() {
    let mut server = Server::start().await;
    let input = json!({
        "DeliveryStreamName": "a b",
        "ExtendedS3DestinationConfiguration": {"BucketARN": "lake", "BufferingHints": {"SizeInMBs": 0, "IntervalInSeconds": 901}},
    });
    let refusal = server.refused("CreateDeliveryStream", input).await;
    let expected = "ValidationException: 5 validation errors detected: Value 'a b' at 'deliveryStreamName' failed to \
        satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value null at \
        'extendedS3DestinationConfiguration.roleARN' failed to satisfy constraint: Member must not be null; Value 'lake' \
        at 'extendedS3DestinationConfiguration.bucketARN' failed to satisfy constraint: Member must satisfy regular \
        expression pattern: arn:.*:s3:::[\\w\\.\\-]{1,255}; Value '0' at \
        'extendedS3DestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value \
        greater than or equal to 1; Value '901' at \
        'extendedS3DestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy constraint: Member must \
        have value less than or equal to 900";
    assert_eq!(refusal, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_puts_write_nothing_and_keep_the_connection() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let put = |record: Value| json!({"DeliveryStreamName": "clicks", "Record": record});
    let batch = |records: Value| json!({"DeliveryStreamName": "clicks", "Records": records});
    let large = base64(vec![0; 1_024_001]);
    let cases = [
        ("PutRecord", put(json!({})), "ValidationException: 1 validation error detected: Value null at 'record.data'"),
        ("PutRecord", put(json!({"Data": "no base64!"})), "SerializationException: Record.Data"),
        ("PutRecord", put(json!({"Data": large})), "less than or equal to 1024000"),
        ("PutRecord", json!({"DeliveryStreamName": "clicks"}), "Value null at 'record'"),
        ("PutRecord", json!({"DeliveryStreamName": "gone", "Record": {"Data": ""}}), "ResourceNotFoundException"),
        ("PutRecordBatch", batch(json!([])), "length greater than or equal to 1"),
        ("PutRecordBatch", batch(json!([{"Data": base64("good")}, {}])), "Value null at 'records.2.member.data'"),
        ("PutRecordBatch", batch(vec![json!({"Data": ""}); 501].into()), "less than or equal to 500"),
        (
            "PutRecordBatch",
            batch(vec![json!({"Data": base64(vec![0; 1_000_000])}); 5].into()),
            "InvalidArgumentException: Records size exceeds 4 MB limit",
        ),
        ("UpdateDestination", json!({}), "UnsupportedOperationException"),
    ];
    for (operation, input, expected) in cases {
        let refusal = server.refused(operation, input).await;
        assert!(refusal.contains(expected), "{refusal}");
    }
    server.call("PutRecord", put(json!({"Data": base64("kept")}))).await;
    let objects = server.objects().await;
    assert_eq!(objects.iter().map(|(_, body)| body.as_slice()).collect::<Vec<_>>(), [b"kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_beyond_the_throughput_limit_fail_by_themselves() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let records: Value = vec![json!({"Data": base64(vec![7; 1_000_000])}); 4].into();
    let input = json!({"DeliveryStreamName": "clicks", "Records": records});
    let mut failed_count = 0;
    for _ in 0..8 {
        let answer = server.call("PutRecordBatch", input.clone()).await;
        failed_count += answer["FailedPutCount"].as_u64().unwrap();
        let last = &answer["RequestResponses"][3];
        if answer["FailedPutCount"] != 0 {
            assert_eq!(last, &json!({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}));
        }
    }
    assert!(failed_count > 0, "32 MB were put at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn cbor_is_spoken_too() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    encoder.map(2).unwrap().str("DeliveryStreamName").unwrap().str("clicks").unwrap();
    encoder.str("Record").unwrap().map(1).unwrap().str("Data").unwrap().bytes(b"raw bytes").unwrap();
    let answer = server.send("PutRecord", CBOR, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    encoder.map(1).unwrap().str("DeliveryStreamName").unwrap().str("clicks").unwrap();
    let answer = server.send("DescribeDeliveryStream", CBOR, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let objects = server.objects().await;
    assert_eq!(objects[0].1, b"raw bytes");
}
