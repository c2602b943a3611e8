//! Partitions of whole delivery streams over a real store, with buckets that fail as told and processes that end anywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use prometheus_client::registry::Registry;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use shard_store::Store;
use shard_store::clock::SystemClock;
use shard_store::error::OpenError;
use shard_store::log::NewRecord;
use shard_store::stream::{StreamKey, Streams};
use tokio::runtime::Runtime;

use super::PartitionOptions;
use crate::config::{NotifyOptions, StreamOptions};
use crate::convert::{Compression, WriterVersion};
use crate::definition::{BufferHints, ConversionSettings, Destination, ObjectCompression, Settings};
use crate::endpoint::receiver::{self as endpoint, Protocol, Received, Receiver, Reply};
use crate::engine::{DeliveryStreams, Environment, NewDeliveryStream, NewSource};
use crate::outbox::{NOTICES_MAX, Outbox};
use crate::sink::faulty::{Fault, FaultySinks};
use crate::topic::NoTopics;

const NAMES: [&str; 2] = ["plain", "converted"];

/// A running program: dropped as a whole, it has crashed.
struct Program {
    delivery: Arc<DeliveryStreams>,
    store: Store,
    runtime: Runtime,
}

fn options() -> StreamOptions {
    let partitions = PartitionOptions {
        success_marker: true,
        manifest: true,
        compact_below: Some(ByteSize::mib(1)),
        compact_to: ByteSize::mib(1),
        close_delay: Duration::ZERO,
    };
    StreamOptions { partitions: Some(partitions), ..StreamOptions::default() }
}

fn start(dir: &Path, sinks: &FaultySinks, of_stream: &StreamOptions) -> Program {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = loop {
        // What ran on the blocking threads of the program before may hold the lock a moment longer.
        match Store::open(dir, shard_store::Options::default(), Arc::new(SystemClock), &mut Registry::default()) {
            Err(OpenError::Locked { .. }) => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    let streams = NAMES.map(|name| (name.to_owned(), of_stream.clone())).into();
    let options = crate::Options { enforce: false, streams, ..crate::Options::default() };
    let delivery = runtime.block_on(async {
        let environment = Environment {
            store: store.clone(),
            sources: Streams::open(store.clone(), shard_store::stream::Options::default()).unwrap(),
            topics: Arc::new(NoTopics),
            sinks: Arc::new(sinks.clone()),
            tables: Arc::new(BTreeMap::new()),
            work_dir: dir.join("delivery"),
        };
        DeliveryStreams::open(environment, options, &mut Registry::default())
    });
    Program { delivery: delivery.unwrap(), store, runtime }
}

fn key(name: &str) -> StreamKey {
    StreamKey::new("000000000000", "us-east-1", name)
}

/// Every second is a partition.
fn new(name: &str) -> NewDeliveryStream {
    let conversion = ConversionSettings {
        timestamp_formats: Vec::new(),
        table: None,
        is_lenient: true,
        is_case_insensitive: true,
        converts_dots: false,
        keys_by_column: BTreeMap::new(),
        compression: Compression::Zstd,
        version: WriterVersion::V1,
        is_dictionary_enabled: true,
        block_bytes: 64 << 20,
        page_bytes: 1 << 20,
    };
    NewDeliveryStream {
        key: key(name),
        source: NewSource::DirectPut,
        destination: Destination {
            bucket: "lake".to_owned(),
            prefix: format!("{name}/!{{timestamp:yyyy-MM-dd-HH-mm-ss}}/"),
            error_prefix: "failed/!{firehose:error-output-type}/".to_owned(),
            time_zone: String::new(),
            file_extension: String::new(),
            buffer: BufferHints { size_mib: 1, interval_seconds: 0 },
            compression: ObjectCompression::Uncompressed,
            conversion: (name == "converted").then_some(conversion),
            processors: Vec::new(),
            is_partitioned: false,
            backup: None,
            endpoint: None,
        },
        attributes: Value::Null,
        settings: Settings::default(),
    }
}

impl Program {
    fn put(&self, name: &str, records: &[String]) {
        let stream = self.delivery.get(&key(name)).unwrap();
        let data: Vec<&[u8]> = records.iter().map(|record| record.as_bytes()).collect();
        let records: Vec<NewRecord<'_>> =
            data.iter().map(|data| NewRecord { partition_key: "", explicit_hash_key: None, data }).collect();
        let pending = stream.put(&records).unwrap();
        assert_eq!(self.runtime.block_on(pending.record_ids()).unwrap().len(), records.len());
    }

    /// Whether nothing is left to deliver or to close, of what made objects before it is asked.
    fn is_settled(&self) -> bool {
        let catalog = self.store.catalog();
        let is_empty = |prefix: &str| catalog.scan(prefix).unwrap().is_empty();
        is_empty("delivery/intent/") && is_empty("delivery/partition-work/") && is_empty("delivery/landed/")
    }
}

/// Waits until `condition` holds; a bug shows as a timeout.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_data(key: &str) -> bool {
    NAMES.iter().any(|name| key.starts_with(name)) && !key.rsplit('/').next().unwrap().starts_with('_')
}

/// The ids in one object.
fn ids(key: &str, body: &Bytes) -> Vec<u64> {
    if !key.ends_with(".parquet") {
        let lines = std::str::from_utf8(body).unwrap().lines();
        return lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap()).collect();
    }
    let batches = ParquetRecordBatchReaderBuilder::try_new(body.clone()).unwrap().build().unwrap();
    let ids = batches.flat_map(|batch| {
        let batch = batch.unwrap();
        let column = batch.column_by_name("id").unwrap();
        let column = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(column.as_ref());
        column.values().iter().map(|id| *id as u64).collect::<Vec<_>>()
    });
    ids.collect()
}

/// How often each id is in the objects of `name`.
fn delivered(objects: &BTreeMap<String, Bytes>, name: &str) -> HashMap<u64, usize> {
    let mut counts = HashMap::new();
    for (key, body) in objects.iter().filter(|(key, _)| key.starts_with(name) && is_data(key)) {
        ids(key, body).into_iter().for_each(|id| *counts.entry(id).or_insert(0) += 1);
    }
    counts
}

/// Every partition has a marker, and a manifest of exactly the objects that are there.
fn check_closed(objects: &BTreeMap<String, Bytes>) {
    let folder = |key: &str| key[..=key.rfind('/').unwrap()].to_owned();
    let folders: BTreeSet<String> = objects.keys().filter(|key| is_data(key)).map(|key| folder(key)).collect();
    for name in &folders {
        assert_eq!(objects.get(&format!("{name}_SUCCESS")).map(Bytes::len), Some(0), "{name}");
        let manifest: Value = serde_json::from_slice(&objects[&format!("{name}_manifest.json")]).unwrap();
        let there = objects.iter().filter(|(key, _)| is_data(key) && folder(key) == *name);
        let entries: Vec<Value> = there
            .map(|(key, body)| {
                json!({"url": format!("s3://lake/{key}"), "mandatory": true, "meta": {"content_length": body.len()}})
            })
            .collect();
        assert_eq!(manifest, json!({ "entries": entries }), "{name}");
    }
    let marked = objects.keys().filter(|key| key.ends_with("_SUCCESS")).map(|key| folder(key));
    assert_eq!(marked.collect::<BTreeSet<_>>(), folders);
}

/// Every seventh brings a new member.
fn records(from: u64, count: u64) -> Vec<String> {
    let record = |id: u64| match id % 7 {
        3 => format!("{{\"id\":{id},\"member{}\":{{\"a{}\":1}}}}\n", id % 5, id % 3),
        _ => format!("{{\"id\":{id},\"text\":\"record {id}\"}}\n"),
    };
    (from..from + count).map(record).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Put { count: u64 },
    Faults(Vec<Fault>),
    DeleteFaults(Vec<Fault>),
    Pause,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = || {
        let fault = prop_oneof![
            3 => Just(Fault::Refuse),
            3 => Just(Fault::LoseAnswer),
            2 => Just(Fault::Hang),
            2 => Just(Fault::StoreAndHang),
        ];
        prop::collection::vec(fault, 1..4)
    };
    let step = prop_oneof![
        5 => (1_u64..20).prop_map(|count| Step::Put { count }),
        2 => fault().prop_map(Step::Faults),
        2 => fault().prop_map(Step::DeleteFaults),
        2 => Just(Step::Pause),
        3 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 6..20)
}

/// Plays `steps` over two delivery streams and says what is in the bucket at the end.
fn play(steps: Vec<Step>, random: &mut TestRng) {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let mut program = start(dir.path(), &sinks, &options());
    NAMES.iter().for_each(|name| drop(program.delivery.create(new(name)).unwrap()));
    let mut put_count = 0;
    for step in steps {
        match step {
            Step::Put { count } => {
                NAMES.iter().for_each(|name| program.put(name, &records(put_count, count)));
                put_count += count;
            }
            Step::Faults(faults) => sinks.fail_next(faults),
            Step::DeleteFaults(faults) => sinks.fail_next_deletes(faults),
            // So that partitions end between the puts.
            Step::Pause => std::thread::sleep(Duration::from_millis(u64::from(random.next_u32() % 700))),
            Step::Crash => {
                // Anywhere between at once and some steps later.
                std::thread::sleep(Duration::from_millis(u64::from(random.next_u32() % 500)));
                drop(program);
                program = start(dir.path(), &sinks, &options());
            }
        }
    }
    drop(program);
    sinks.clear_faults();
    let program = start(dir.path(), &sinks, &options());
    let has_all = || NAMES.iter().all(|name| delivered(&sinks.objects(), name).len() as u64 == put_count);
    eventually("everything is delivered and closed", || has_all() && program.is_settled());
    let objects = sinks.objects();
    for name in NAMES {
        let twice: Vec<_> = delivered(&objects, name).into_iter().filter(|(_, count)| *count != 1).collect();
        assert_eq!(twice, vec![], "{name}");
    }
    check_closed(&objects);
    let changed: Vec<_> = sinks.changed().into_iter().filter(|key| is_data(key)).collect();
    assert_eq!(changed, Vec::<String>::new(), "an object was stored again with other bytes");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4, failure_persistence: None, max_shrink_iters: 10, ..ProptestConfig::default()
    })]

    #[test]
    fn every_row_is_in_a_closed_partition_once_whatever_fails_and_crashes(steps in steps(), seed in any::<[u8; 32]>()) {
        play(steps, &mut TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    }
}

/// Waits until each of `count` puts of one record has made an object of its own.
fn put_one_by_one(program: &Program, sinks: &FaultySinks, name: &str, records: &[String]) {
    for (number, record) in records.iter().enumerate() {
        program.put(name, std::slice::from_ref(record));
        eventually("it is there", || delivered(&sinks.objects(), name).len() > number);
    }
}

/// Records of one day, long ago, by their event time.
fn of_a_day_long_ago(count: u64) -> Vec<String> {
    (0..count).map(|id| format!("{{\"id\":{id},\"at\":\"2026-01-02T03:04:05Z\"}}\n")).collect()
}

fn by_event_time(name: &str) -> NewDeliveryStream {
    let mut new = new(name);
    new.destination.prefix = format!("{name}/!{{event-time:yyyy-MM-dd}}/");
    new
}

#[test]
fn a_late_record_closes_its_partition_again_with_all_objects_in_the_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let of_stream = StreamOptions { event_time_column: Some("at".to_owned()), ..options() };
    let program = start(dir.path(), &sinks, &of_stream);
    program.delivery.create(by_event_time("converted")).unwrap();
    for (number, record) in of_a_day_long_ago(3).iter().enumerate() {
        program.put("converted", std::slice::from_ref(record));
        eventually("it is closed", || {
            delivered(&sinks.objects(), "converted").len() == number + 1 && program.is_settled()
        });
        check_closed(&sinks.objects());
    }
    let data_count = sinks.objects().keys().filter(|key| is_data(key)).count();
    assert_eq!(data_count, 3, "what a manifest has is never merged");
}

#[test]
fn small_objects_of_an_open_partition_become_one_once_it_is_closed() {
    for name in NAMES {
        let dir = tempfile::tempdir().unwrap();
        let sinks = FaultySinks::default();
        let mut slow = StreamOptions { event_time_column: Some("at".to_owned()), ..options() };
        // It ends in January, but is not closed.
        slow.partitions.as_mut().unwrap().close_delay = Duration::from_secs(100 * 365 * 24 * 3_600);
        let program = start(dir.path(), &sinks, &slow);
        program.delivery.create(by_event_time(name)).unwrap();
        put_one_by_one(&program, &sinks, name, &of_a_day_long_ago(5));
        let before = sinks.objects();
        assert_eq!(before.len(), 5);
        drop(program);
        let fast = StreamOptions { event_time_column: Some("at".to_owned()), ..options() };
        let program = start(dir.path(), &sinks, &fast);
        eventually("it is closed", || program.is_settled());
        let after = sinks.objects();
        check_closed(&after);
        assert_eq!(after.keys().filter(|key| is_data(key)).count(), 1, "{:?}", after.keys());
        let ids = delivered(&after, name);
        assert!((0..5).all(|id| ids.get(&id) == Some(&1)), "{ids:?}");
        assert!(before.keys().all(|key| !after.contains_key(key)));
    }
}

#[test]
fn what_is_deleted_by_others_is_left_out_and_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let mut slow = StreamOptions { event_time_column: Some("at".to_owned()), ..options() };
    slow.partitions.as_mut().unwrap().close_delay = Duration::from_secs(100 * 365 * 24 * 3_600);
    let program = start(dir.path(), &sinks, &slow);
    program.delivery.create(by_event_time("plain")).unwrap();
    put_one_by_one(&program, &sinks, "plain", &of_a_day_long_ago(4));
    drop(program);
    let first = sinks.objects().keys().next().unwrap().clone();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        crate::sink::Sink::delete(&sinks, &first).await.unwrap();
    });
    let fast = StreamOptions { event_time_column: Some("at".to_owned()), ..options() };
    let program = start(dir.path(), &sinks, &fast);
    eventually("it is closed", || program.is_settled());
    check_closed(&sinks.objects());
    assert_eq!(delivered(&sinks.objects(), "plain").len(), 3);
}

#[test]
fn a_deleted_delivery_stream_leaves_nothing_in_the_catalog() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let mut slow = options();
    slow.partitions.as_mut().unwrap().close_delay = Duration::from_secs(3_600);
    let program = start(dir.path(), &sinks, &slow);
    program.delivery.create(new("plain")).unwrap();
    program.put("plain", &records(0, 3));
    eventually("a row is there", || !program.store.catalog().scan("delivery/landed/").unwrap().is_empty());
    program.runtime.block_on(program.delivery.delete(&key("plain"))).unwrap();
    assert_eq!(program.store.catalog().scan("delivery/").unwrap(), vec![]);
}

#[test]
fn buffers_grow_until_objects_are_as_large_as_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let of_stream = StreamOptions { target_object_size: Some(ByteSize::mib(1)), ..StreamOptions::default() };
    let program = start(dir.path(), &sinks, &of_stream);
    let mut new = new("plain");
    new.destination.prefix = "plain/".to_owned();
    new.destination.error_prefix = String::new();
    new.destination.compression = ObjectCompression::Gzip;
    new.destination.buffer = BufferHints { size_mib: 1, interval_seconds: 900 };
    program.delivery.create(new).unwrap();
    // Twice the hint at a time, which compresses to next to nothing.
    let two_mib = vec!["x".repeat(1 << 16); 32];
    program.put("plain", &two_mib);
    eventually("the first is cut by the hint", || !sinks.objects().is_empty());
    (0..4).for_each(|_| program.put("plain", &two_mib));
    let undone = program.runtime.block_on(program.delivery.drain(Duration::from_secs(30)));
    assert_eq!(undone, Vec::<String>::new());
    assert_eq!(sinks.objects().len(), 2, "{:?}", sinks.objects().keys());
}

/// Who is told what landed.
#[derive(Default)]
struct Told(Vec<String>);

impl Protocol for Told {
    fn take(&mut self, request: &Received, refusal: Option<u16>, _is_odd: bool) -> Result<Reply, String> {
        if let Some(status) = refusal {
            return Ok(Reply { status, json: "{}".to_owned() });
        }
        let event: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
        self.0.push(event["Records"][0]["s3"]["object"]["key"].as_str().unwrap_or_default().to_owned());
        Ok(Reply { status: 200, json: "{}".to_owned() })
    }
}

#[test]
fn everything_that_landed_is_told_though_the_target_fails_and_the_program_crashes() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let faults = [endpoint::Fault::Status(503), endpoint::Fault::LoseAnswer, endpoint::Fault::Stall];
    let target = server.block_on(Receiver::start(Told::default(), faults));
    let url = Some(format!("http://{}/", target.address));
    let notify = vec![NotifyOptions { url, ..NotifyOptions::default() }];
    let mut of_stream = StreamOptions { notify, ..options() };
    of_stream.partitions.as_mut().unwrap().compact_below = None;
    let program = start(dir.path(), &sinks, &of_stream);
    program.delivery.create(new("plain")).unwrap();
    put_one_by_one(&program, &sinks, "plain", &records(0, 3));
    eventually("it stalls", || target.request_count() == 3);
    let health = program.delivery.get(&key("plain")).unwrap().status();
    assert!(matches!(health, crate::DeliveryStatus::Retrying { .. }), "{health:?}");
    drop(program);
    let program = start(dir.path(), &sinks, &of_stream);
    let has_notices = || !program.store.catalog().scan("delivery/notice/").unwrap().is_empty();
    eventually("all is closed and told", || program.is_settled() && !has_notices());
    drop(program);
    let told: BTreeSet<String> = server.block_on(target.finish()).0.into_iter().collect();
    let landed: BTreeSet<String> = sinks.objects().into_keys().collect();
    assert_eq!(told, landed);
    check_closed(&sinks.objects());
}

#[test]
fn an_outbox_that_is_full_takes_no_more_and_goes_on_counting_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        Store::open(dir.path(), shard_store::Options::default(), Arc::new(SystemClock), &mut Registry::default());
    let store = store.unwrap();
    let metrics = crate::metrics::Metrics::register(&mut Registry::default()).stream("plain");
    let open = || Outbox::open(&**store.catalog(), "id", metrics.clone()).unwrap();
    let outbox = open();
    let changes: Vec<_> = (0..NOTICES_MAX + 2).map(|n| outbox.change("lake", &n.to_string(), n, 0)).collect();
    assert_eq!(changes.iter().flatten().count() as u64, NOTICES_MAX);
    assert_eq!(metrics.dropped_notices.get(), 2);
    let two: Vec<_> = changes.into_iter().flatten().take(2).collect();
    store.catalog().commit(&two).unwrap();
    let third = open().change("lake", "third", 3, 0).unwrap();
    store.catalog().commit(&[third]).unwrap();
    assert_eq!(crate::outbox::catalog_keys(&**store.catalog(), "id").unwrap().len(), 3, "no number is used twice");
}
