//! The pipeline as a whole.

use std::collections::BTreeMap;

use super::*;
use crate::definition::{BufferHints, Destination, ObjectCompression};
use crate::record::Origin;
use shard_store::stream::{StreamId, StreamKey};

pub(super) fn definition(processors: Vec<Processor>) -> Definition {
    Definition {
        key: StreamKey::new("000000000000", "us-east-1", "clicks"),
        id: "id".to_owned(),
        created_ms: 0,
        updated_ms: None,
        version: 1,
        source: Source::DirectPut { log: LogId(7) },
        destination: Destination {
            bucket: "bucket".to_owned(),
            prefix: String::new(),
            error_prefix: String::new(),
            time_zone: String::new(),
            file_extension: String::new(),
            buffer: BufferHints { size_mib: 5, interval_seconds: 60 },
            compression: ObjectCompression::Uncompressed,
            conversion: None,
            processors,
            is_partitioned: false,
            backup: None,
            endpoint: None,
        },
        attributes: serde_json::Value::Null,
    }
}

pub(super) fn record(ordinal: u64, data: impl Into<Bytes>) -> Record {
    let origin = Origin { log: LogId(7), ordinal, sub: None, arrival_ms: 1_700_000_000_000 };
    Record { data: data.into(), origin, keys: Default::default() }
}

async fn processed(pipeline: &Pipeline, records: Vec<Record>) -> Processed {
    let mut source = records.into_iter();
    let mut all = Processed::default();
    while let Some(some) = pipeline.process(&mut source, &HashMap::new()).await {
        all.records.extend(some.records);
        all.refused.extend(some.refused);
        all.dropped += some.dropped;
    }
    all
}

fn texts(processed: &Processed) -> Vec<&str> {
    processed.records.iter().map(|record| std::str::from_utf8(&record.data).unwrap()).collect()
}

fn pipeline(processors: Vec<Processor>) -> Pipeline {
    Pipeline::new(&definition(processors), &Options::default()).unwrap()
}

#[test]
fn nothing_asked_for_is_nothing_to_do() {
    let pipeline = pipeline(Vec::new());
    assert!(pipeline.is_empty() && !pipeline.is_external());
    assert!(!pipeline.is_aggregated(&kpl::tests::aggregate(&[b"x"])), "direct puts are not taken apart");
}

#[tokio::test]
async fn steps_are_done_in_their_order() {
    let events =
        r#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{\"a\":1}{\"a\":2}"},{"message":"{\"a\":3}"}]}"#;
    let pipeline = pipeline(vec![
        Processor::Decompression,
        Processor::CloudWatchLogs { extracts_messages: true },
        Processor::Deaggregation(SubRecords::Json),
        Processor::Delimiter { text: "|".to_owned() },
    ]);
    let control = gunzip::gzip(br#"{"messageType":"CONTROL_MESSAGE"}"#);
    let records = vec![record(0, gunzip::gzip(events.as_bytes())), record(1, control), record(2, "plain")];
    let done = processed(&pipeline, records).await;
    assert_eq!(texts(&done), [r#"{"a":1}|"#, r#"{"a":2}|"#, r#"{"a":3}|"#]);
    let subs: Vec<_> = done.records.iter().map(|record| (record.origin.ordinal, record.origin.sub)).collect();
    assert_eq!(subs, [(0, Some(0)), (0, Some(1)), (0, Some(2))]);
    assert_eq!(done.dropped, 1);
    assert_eq!(done.refused.len(), 1);
    assert_eq!((&*done.refused[0].data, done.refused[0].origin.ordinal), (&b"plain"[..], 2));
}

#[tokio::test]
async fn aggregates_of_a_stream_are_taken_apart_and_each_record_fails_alone() {
    let mut definition = definition(vec![Processor::Deaggregation(SubRecords::Json)]);
    let key = StreamKey::new("000000000000", "us-east-1", "source");
    definition.source = Source::Stream { key, id: StreamId(1), started_ms: 0 };
    let pipeline = Pipeline::new(&definition, &Options::default()).unwrap();
    let aggregate = kpl::tests::aggregate(&[br#"{"a":1}{"a":2}"#, b"no json", br#"{"a":3}"#]);
    assert!(pipeline.is_aggregated(&aggregate));
    let done = processed(&pipeline, vec![record(0, aggregate), record(1, r#"{"a":4}"#)]).await;
    assert_eq!(texts(&done), [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#, r#"{"a":4}"#]);
    let subs: Vec<_> = done.records.iter().map(|record| record.origin.sub).collect();
    assert_eq!(subs, [Some(0), Some(1), Some(3), None]);
    assert_eq!((&*done.refused[0].data, done.refused[0].origin.sub), (&b"no json"[..], Some(2)));
}

#[tokio::test]
async fn what_is_given_out_at_once_is_bounded() {
    let pipeline = pipeline(vec![Processor::Deaggregation(SubRecords::Json)]);
    let objects = "{}".repeat(50_000);
    let mut source = (0..10).map(|ordinal| record(ordinal, objects.clone()));
    let mut slice_count = 0;
    let mut record_count = 0;
    while let Some(some) = pipeline.process(&mut source, &HashMap::new()).await {
        slice_count += 1;
        record_count += some.records.len();
        assert!(
            some.records.len() <= SLICE_BYTES_MAX / RECORD_OVERHEAD_BYTES + SUB_RECORDS_MAX,
            "{}",
            some.records.len()
        );
    }
    assert_eq!(record_count, 500_000);
    assert!(slice_count > 5, "{slice_count}");
    let done = processed(&pipeline, vec![record(0, "{}".repeat(SUB_RECORDS_MAX + 1))]).await;
    assert_eq!((done.records.len(), done.refused.len()), (0, 1));
}

#[tokio::test]
async fn columns_become_partition_keys() {
    let mut definition = definition(Vec::new());
    definition.destination.prefix = "c=!{partitionKeyFromColumn:geo.country}/!{event-time:yyyy-MM-dd}/".to_owned();
    definition.destination.error_prefix = "e/!{firehose:error-output-type}/".to_owned();
    let stream = crate::config::StreamOptions { event_time_column: Some("ts".to_owned()), ..Default::default() };
    let options = Options { streams: BTreeMap::from([("clicks".to_owned(), stream.clone())]), ..Options::default() };
    let pipeline = Pipeline::new(&definition, &options).unwrap();
    assert!(!pipeline.is_empty());
    let done = processed(&pipeline, vec![record(0, r#"{"geo":{"country":"de"},"ts":"2026-11-23T20:00:00Z"}"#)]).await;
    let prefixes = Prefixes::new(&definition.destination, &stream).unwrap();
    let partition = prefixes.partition(&done.records[0].keys, done.records[0].origin.arrival_ms).unwrap();
    assert_eq!(prefixes.data_prefix(&partition, 0, "random"), "c=de/2026-11-23/");
}
