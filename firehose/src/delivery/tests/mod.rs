//! Whole delivery streams over a real store, with buckets that fail as told and processes that end anywhere.
//!
//! A crash is the end of a runtime with everything on it, whatever it was doing; the store is then opened again in the same
//! directory, and the buckets are as they were left.

mod change;
mod divided;
mod peers;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use prometheus_client::registry::Registry;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::Value;
use shard_store::Store;
use shard_store::clock::SystemClock;
use shard_store::error::OpenError;
use shard_store::log::NewRecord;
use shard_store::stream::{NewStream, StreamKey, StreamMode, Streams};
use tokio::runtime::Runtime;

use super::DeliveryStatus;
use crate::convert::{Compression, WriterVersion};
use crate::definition::{BufferHints, ConversionSettings, Destination, ObjectCompression, Settings};
use crate::engine::{DeliveryStreams, Environment, NewDeliveryStream, NewSource};
use crate::error::{CreateError, PutError};
use crate::sink::faulty::{Fault, FaultySinks};
use crate::topic::NoTopics;

/// A running program: dropped as a whole, it has crashed.
struct Program {
    delivery: Arc<DeliveryStreams>,
    streams: Arc<Streams>,
    _store: Store,
    // Dropped last: the tasks end with their runtime, wherever they are.
    runtime: Runtime,
}

fn start(dir: &Path, sinks: &FaultySinks) -> Program {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = loop {
        // What ran on the blocking threads of the program before may hold the lock a moment longer.
        match Store::open(dir, shard_store::Options::default(), Arc::new(SystemClock), &mut Registry::default()) {
            Err(OpenError::Locked { .. }) => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    let streams = Streams::open(store.clone(), shard_store::stream::Options::default()).unwrap();
    let options = crate::Options { enforce: false, ..crate::Options::default() };
    let delivery = runtime.block_on(async {
        let environment = Environment {
            store: store.clone(),
            sources: Arc::clone(&streams) as Arc<_>,
            topics: Arc::new(NoTopics),
            sinks: Arc::new(sinks.clone()),
            tables: Arc::new(BTreeMap::new()),
            work_dir: dir.join("delivery"),
        };
        DeliveryStreams::open(environment, options, &mut Registry::default())
    });
    Program { delivery: delivery.unwrap(), streams, _store: store, runtime }
}

fn key(name: &str) -> StreamKey {
    StreamKey::new("000000000000", "us-east-1", name)
}

fn conversion() -> ConversionSettings {
    ConversionSettings {
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
    }
}

fn new(name: &str, source: Option<StreamKey>, conversion: Option<ConversionSettings>) -> NewDeliveryStream {
    NewDeliveryStream {
        key: key(name),
        source: source.map_or(NewSource::DirectPut, NewSource::Stream),
        destination: Destination {
            bucket: "lake".to_owned(),
            prefix: format!("{name}/"),
            error_prefix: String::new(),
            time_zone: String::new(),
            file_extension: String::new(),
            buffer: BufferHints { size_mib: 1, interval_seconds: 0 },
            compression: ObjectCompression::Uncompressed,
            conversion,
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
        let ids = self.runtime.block_on(pending.record_ids()).unwrap();
        assert_eq!(ids.len(), records.len());
    }

    fn create_stream(&self, name: &str, shard_count: u32) {
        let stream = NewStream {
            key: key(name),
            shard_count: shard_count.try_into().unwrap(),
            mode: StreamMode::Provisioned,
            record_bytes_max: 1 << 20,
            warm_mibps: 0,
            distribution: Default::default(),
            tags: BTreeMap::new(),
        };
        self.streams.create(stream).unwrap();
    }

    fn put_to_shards(&self, name: &str, records: &[String]) {
        let stream = self.streams.get("000000000000", "us-east-1", name).unwrap();
        for (number, record) in records.iter().enumerate() {
            let data = record.as_bytes();
            let shard = &stream.shards()[number % stream.shards().len()];
            let record = NewRecord { partition_key: "k", explicit_hash_key: None, data: &data };
            let appended = shard.log().append(&[record]).unwrap();
            self.runtime.block_on(appended).unwrap();
        }
    }

    fn drain(self) {
        let undone = self.runtime.block_on(self.delivery.drain(Duration::from_secs(30)));
        assert_eq!(undone, Vec::<String>::new());
    }
}

/// Waits until `condition` holds; a bug shows as a timeout.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The ids in all objects under `name`, each with how often it is there.
fn delivered_ids(objects: &BTreeMap<String, Bytes>, name: &str) -> HashMap<u64, usize> {
    let mut ids = HashMap::new();
    let mut count = |id: u64| *ids.entry(id).or_insert(0) += 1;
    for (key, body) in objects.iter().filter(|(key, _)| key.starts_with(&format!("{name}/"))) {
        if key.ends_with(".parquet") {
            for batch in ParquetRecordBatchReaderBuilder::try_new(body.clone()).unwrap().build().unwrap() {
                let batch = batch.unwrap();
                let column = batch.column_by_name("id").unwrap();
                let column = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(column.as_ref());
                column.values().iter().for_each(|id| count(*id as u64));
            }
            continue;
        }
        for line in std::str::from_utf8(body).unwrap().lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            let value = match value.get("rawData") {
                // Records that fail carry their id as their text, `bad 17`, or as JSON.
                Some(raw) => {
                    let raw = base64_simd::STANDARD.decode_to_vec(raw.as_str().unwrap()).unwrap();
                    let raw = String::from_utf8(raw).unwrap();
                    let json: Option<Value> = serde_json::from_str(&raw).ok();
                    let id = json.and_then(|value| value["id"].as_u64());
                    id.unwrap_or_else(|| raw.trim_start_matches("bad ").parse().unwrap())
                }
                None => value["id"].as_u64().unwrap(),
            };
            count(value);
        }
    }
    ids
}

/// Records `from..from + count`; every seventh brings a new member, every fifth does not convert.
fn records(from: u64, count: u64, is_converted: bool) -> Vec<String> {
    let record = |id: u64| match id {
        _ if !is_converted => format!("{{\"id\":{id}}}\n"),
        _ if id % 5 == 4 => format!("bad {id}"),
        _ if id % 7 == 3 => format!(r#"{{"id":{id},"member{}":"x"}}"#, id % 91),
        _ => format!(r#"{{"id":{id},"text":"record {id}"}}"#),
    };
    (from..from + count).map(record).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Put {
        count: u64,
    },
    Faults(Vec<Fault>),
    /// Wait until everything put so far is in place, if nothing hangs.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop_oneof![
        3 => Just(Fault::Refuse),
        3 => Just(Fault::LoseAnswer),
        2 => Just(Fault::Hang),
        2 => Just(Fault::StoreAndHang),
    ];
    let step = prop_oneof![
        5 => (1_u64..40).prop_map(|count| Step::Put { count }),
        3 => prop::collection::vec(fault, 1..4).prop_map(Step::Faults),
        2 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 4..16)
}

/// Plays `steps` over three delivery streams and says what is in the buckets at the end.
fn play(steps: Vec<Step>, pauses: &mut TestRng) {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let mut program = start(dir.path(), &sinks);
    program.create_stream("clicks", 3);
    program.delivery.create(new("raw", None, None)).unwrap();
    program.delivery.create(new("converted", None, Some(conversion()))).unwrap();
    program.delivery.create(new("shards", Some(key("clicks")), Some(conversion()))).unwrap();
    program.delivery.create(divided::divided("divided")).unwrap();
    let mut put_count = 0;
    for step in steps {
        match step {
            Step::Put { count } => {
                program.put("raw", &records(put_count, count, false));
                program.put("converted", &records(put_count, count, true));
                program.put_to_shards("clicks", &records(put_count, count, true));
                program.put("divided", &divided::of_sites(put_count, count));
                put_count += count;
            }
            Step::Faults(faults) => sinks.fail_next(faults),
            Step::Crash => {
                // Anywhere between at once and some steps later.
                std::thread::sleep(Duration::from_micros(u64::from(pauses.next_u32() % 30_000)));
                drop(program);
                program = start(dir.path(), &sinks);
            }
        }
    }
    drop(program);
    sinks.clear_faults();
    start(dir.path(), &sinks).drain();
    let objects = sinks.objects();
    for name in ["raw", "converted", "shards", "divided", "divided-kept"] {
        let ids = delivered_ids(&objects, name);
        let wrong: Vec<_> = (0..put_count).filter(|id| ids.get(id) != Some(&1)).collect();
        assert_eq!((ids.len() as u64, wrong), (put_count, vec![]), "{name}");
    }
    assert_eq!(sinks.changed(), Vec::<String>::new(), "an object was stored again with other bytes");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6, failure_persistence: None, max_shrink_iters: 20, ..ProptestConfig::default()
    })]

    #[test]
    fn every_record_lands_once_whatever_fails_and_crashes(steps in steps(), seed in any::<[u8; 32]>()) {
        play(steps, &mut TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    }
}

#[test]
fn an_upload_killed_before_or_after_it_took_effect_is_redone_with_the_same_name_and_bytes() {
    for fault in [Fault::Hang, Fault::StoreAndHang] {
        let dir = tempfile::tempdir().unwrap();
        let sinks = FaultySinks::default();
        let program = start(dir.path(), &sinks);
        program.delivery.create(new("converted", None, Some(conversion()))).unwrap();
        sinks.fail_next([fault]);
        program.put("converted", &records(0, 20, true));
        eventually("the upload hangs", || sinks.hung_count() == 1);
        // The other of the two objects, of data and of errors, is uploaded at the same time.
        let stored_count = 1 + usize::from(fault == Fault::StoreAndHang);
        eventually("the other upload is done", || sinks.objects().len() == stored_count);
        let before = sinks.objects();
        drop(program);
        start(dir.path(), &sinks).drain();
        let after = sinks.objects();
        assert!(before.keys().all(|key| after.contains_key(key)), "{before:?} {after:?}");
        assert_eq!((after.len(), sinks.changed()), (2, Vec::new()), "one object of data and one of errors");
        assert_eq!(delivered_ids(&after, "converted").len(), 20);
    }
}

#[test]
fn a_bucket_that_is_away_holds_up_nothing_and_gets_everything_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    sinks.set_down(true);
    let stream = program.delivery.create(new("raw", None, None)).unwrap();
    program.put("raw", &records(0, 10, false));
    eventually("it is being retried", || matches!(stream.status(), DeliveryStatus::Retrying { .. }));
    program.put("raw", &records(10, 10, false));
    eventually("it was refused often", || sinks.refused_count() > 4);
    sinks.set_down(false);
    eventually("it runs again", || {
        stream.status() == DeliveryStatus::Running && delivered_ids(&sinks.objects(), "raw").len() == 20
    });
    program.drain();
    assert_eq!(sinks.changed(), Vec::<String>::new());
}

#[test]
fn a_stream_is_delivered_from_the_creation_on_and_a_deleted_one_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    let missing = program.delivery.create(new("early", Some(key("clicks")), None));
    assert!(matches!(missing, Err(CreateError::SourceNotFound { .. })));
    program.create_stream("clicks", 2);
    program.put_to_shards("clicks", &records(0, 10, false));
    let delivery = program.delivery.create(new("late", Some(key("clicks")), None)).unwrap();
    assert!(matches!(delivery.put(&[]), Err(PutError::NotDirectPut { .. })));
    program.put_to_shards("clicks", &records(10, 10, false));
    eventually("the later records are there", || delivered_ids(&sinks.objects(), "late").len() == 10);
    assert!(delivered_ids(&sinks.objects(), "late").keys().all(|id| *id >= 10));
    program.streams.delete("000000000000", "us-east-1", "clicks").unwrap();
    eventually("the loss of the source is told", || delivery.status() == DeliveryStatus::SourceMissing);
    program.drain();
}

#[test]
fn a_deleted_delivery_stream_is_gone_and_its_name_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    sinks.set_down(true);
    program.delivery.create(new("raw", None, None)).unwrap();
    assert!(matches!(program.delivery.create(new("raw", None, None)), Err(CreateError::AlreadyExists { .. })));
    program.put("raw", &records(0, 10, false));
    program.runtime.block_on(program.delivery.delete(&key("raw"))).unwrap();
    assert!(program.runtime.block_on(program.delivery.delete(&key("raw"))).is_err());
    sinks.set_down(false);
    program.delivery.create(new("raw", None, None)).unwrap();
    program.put("raw", &records(100, 10, false));
    drop(program);
    let program = start(dir.path(), &sinks);
    assert_eq!(program.delivery.all().len(), 1);
    program.drain();
    let ids = delivered_ids(&sinks.objects(), "raw");
    assert!(ids.len() == 10 && ids.keys().all(|id| *id >= 100), "{ids:?}");
}

#[test]
fn gzip_objects_hold_the_records_verbatim() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    let mut new = new("raw", None, None);
    new.destination.compression = ObjectCompression::Gzip;
    program.delivery.create(new).unwrap();
    program.put("raw", &["one".to_owned(), String::new(), "\u{ff}two\n".to_owned()]);
    program.drain();
    let objects = sinks.objects();
    let (key, body) = objects.iter().next().unwrap();
    assert!(key.ends_with(".gz"), "{key}");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&body[..]), &mut text).unwrap();
    assert_eq!(text, "one\u{ff}two\n");
}
