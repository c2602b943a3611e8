//! A topic of a Kafka cluster, read into objects: each record once, whatever stops, fails, grows or goes missing.
//!
//! The cluster is librdkafka's own, which speaks the protocol on a socket. It keeps about 5 MiB of each partition.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::sync::Arc;

use bytesize::ByteSize;
use common::{Source, TOPIC, delivered, kafka, key, options, start, start_with, wait_until};
use firehose::DeliveryStatus;
use firehose::error::CreateError;
use ingest_kafka::Options;
use rdkafka::mocking::MockCluster;

fn sorted(mut records: Vec<String>) -> Vec<String> {
    records.sort();
    records
}

#[test]
fn every_record_of_every_partition_is_delivered_once() {
    let (kafka, dir) = (kafka(5), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    source.produce(5, 2_000, 100);
    let program = start(dir.path(), options(&kafka));
    program.create(Some(0));
    source.produce(5, 2_000, 100);
    wait_until(|| delivered(dir.path()).len() >= 4_000);
    program.stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn a_program_that_is_killed_again_and_again_takes_each_record_in_once() {
    let (kafka, dir) = (kafka(3), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    let program = start(dir.path(), options(&kafka));
    program.create(Some(0));
    let mut program = Some(program);
    for round in 1..=6_u64 {
        source.produce(3, 700, 100);
        // Somewhere in the middle of reading and delivering.
        let running = program.take().unwrap();
        wait_until(|| running.metric("kafka_read_records_total") >= round * 40);
        drop(running);
        program = Some(start(dir.path(), options(&kafka)));
    }
    wait_until(|| delivered(dir.path()).len() >= source.produced.len());
    program.unwrap().stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn what_was_taken_in_is_delivered_without_the_cluster() {
    let (kafka, dir) = (kafka(2), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    source.produce(2, 300, 100);
    let program = start(dir.path(), options(&kafka));
    // A file in the place of the bucket.
    fs::create_dir_all(dir.path().join("objects")).unwrap();
    fs::write(dir.path().join("objects/lake"), "").unwrap();
    program.create(Some(0));
    wait_until(|| program.metric("kafka_read_records_total") == 300);
    drop(program);
    kafka.broker_down(-1).unwrap();
    fs::remove_file(dir.path().join("objects/lake")).unwrap();
    let program = start(dir.path(), options(&kafka));
    wait_until(|| delivered(dir.path()).len() >= 300);
    program.stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn a_cluster_that_is_away_is_told_of_and_read_when_it_is_back() {
    let (kafka, dir) = (kafka(2), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    let program = start(dir.path(), options(&kafka));
    program.create(Some(0));
    source.produce(2, 100, 100);
    wait_until(|| delivered(dir.path()).len() == 100);
    kafka.broker_down(-1).unwrap();
    wait_until(
        || matches!(program.status(), DeliveryStatus::Retrying { reason } if reason.contains("does not answer")),
    );
    assert_eq!(program.metric("kafka_retrying"), 1);
    kafka.broker_up(-1).unwrap();
    wait_until(|| program.status() == DeliveryStatus::Running);
    source.produce(2, 100, 100);
    wait_until(|| delivered(dir.path()).len() >= 200);
    program.stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn a_topic_that_comes_later_is_waited_for() {
    let (kafka, dir) = (MockCluster::new(1).unwrap(), tempfile::tempdir().unwrap());
    let program = start(dir.path(), options(&kafka));
    program.create(Some(0));
    wait_until(|| matches!(program.status(), DeliveryStatus::Retrying { .. }));
    kafka.create_topic(TOPIC, 2, 1).unwrap();
    let mut source = Source::new(&kafka);
    source.produce(2, 100, 100);
    wait_until(|| delivered(dir.path()).len() >= 100 && program.status() == DeliveryStatus::Running);
    program.stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn without_a_time_only_what_comes_later_is_delivered() {
    let (kafka, dir) = (kafka(2), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    source.produce(2, 100, 100);
    let program = start(dir.path(), options(&kafka));
    program.create(None);
    // Its partitions are known once they are assigned.
    wait_until(|| program.status() == DeliveryStatus::Running && program.metric("kafka_lag_records") == 0);
    program.delivery.get(&key()).unwrap();
    let earlier = source.produced.len();
    wait_until(|| {
        source.produce(2, 2, 100);
        !delivered(dir.path()).is_empty()
    });
    wait_until(|| delivered(dir.path()).last() == source.produced.last());
    program.stop();
    let delivered = delivered(dir.path());
    assert!(delivered.iter().all(|record| !source.produced[..earlier].contains(record)), "{delivered:?}");
}

#[test]
fn records_that_the_cluster_removed_are_counted_and_the_others_delivered() {
    let (kafka, dir) = (kafka(1), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    source.produce(1, 10, 100);
    let program = start(dir.path(), options(&kafka));
    program.create(Some(0));
    wait_until(|| delivered(dir.path()).len() == 10);
    program.stop();
    for _ in 0..20 {
        source.produce(1, 1, 500_000);
    }
    let program = start(dir.path(), options(&kafka));
    wait_until(|| delivered(dir.path()).last() == sorted(source.produced.clone()).last());
    let missing = program.metric("kafka_missing_records_total") as usize;
    program.stop();
    let delivered = delivered(dir.path());
    assert!(missing > 0, "nothing was removed");
    assert_eq!(delivered.len() + missing, 30);
    let kept: Vec<String> = source
        .produced
        .iter()
        .enumerate()
        .filter(|(n, _)| *n < 10 || *n >= 10 + missing)
        .map(|(_, record)| record.clone())
        .collect();
    assert_eq!(delivered, sorted(kept));
}

#[test]
fn records_without_a_value_or_too_large_are_skipped_and_counted() {
    let (kafka, dir) = (kafka(1), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    // Records may be half as large as a segment here, because the cluster of this test keeps none of 10 MiB.
    let store_options = shard_store::Options { segment_size: ByteSize::mib(4), ..shard_store::Options::default() };
    let program = start_with(dir.path(), options(&kafka), store_options);
    program.create(Some(0));
    source.produce(1, 3, 100);
    source.send(0, None);
    source.send(0, Some(b""));
    source.flush();
    wait_until(|| program.metric("kafka_read_records_total") == 4);
    source.send(0, Some(&vec![b'x'; 3_000_000]));
    source.flush();
    source.produce(1, 3, 100);
    wait_until(|| delivered(dir.path()).len() >= 6);
    assert_eq!(program.metric("kafka_skipped_records_total{delivery_stream=\"from-kafka\",reason=\"no-value\""), 1);
    assert_eq!(program.metric("kafka_skipped_records_total{delivery_stream=\"from-kafka\",reason=\"too-large\""), 1);
    wait_until(|| program.metric("firehose_delivered_records_total") == 7);
    program.stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn no_more_is_read_ahead_than_the_options_say() {
    const RECORD_BYTES: usize = 100_000;
    let (kafka, dir) = (kafka(8), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    let options = Options { undelivered_size: ByteSize::mib(6), ..options(&kafka) };
    let program = start(dir.path(), options);
    fs::create_dir_all(dir.path().join("objects")).unwrap();
    fs::write(dir.path().join("objects/lake"), "").unwrap();
    program.create(Some(0));
    source.produce(8, 200, RECORD_BYTES);
    wait_until(|| program.metric("kafka_held_back") == 1);
    // One round may go beyond, by less than it holds.
    let undelivered = program.metric("kafka_undelivered_bytes");
    assert!((6 << 20..(10 << 20) + RECORD_BYTES as u64).contains(&undelivered), "{undelivered}");
    fs::remove_file(dir.path().join("objects/lake")).unwrap();
    wait_until(|| delivered(dir.path()).len() >= 200);
    assert_eq!(program.metric("kafka_held_back"), 0);
    program.stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn one_that_is_deleted_and_created_again_begins_anew() {
    let (kafka, dir) = (kafka(2), tempfile::tempdir().unwrap());
    let mut source = Source::new(&kafka);
    source.produce(2, 50, 100);
    let program = start(dir.path(), options(&kafka));
    let stream = program.create(Some(0));
    wait_until(|| delivered(dir.path()).len() == 50);
    program.runtime.block_on(program.delivery.delete(&key())).unwrap();
    assert_eq!(program.metric("kafka_read_records_total"), 0);
    assert_eq!(stream.status(), DeliveryStatus::Stopped);
    fs::remove_dir_all(dir.path().join("objects")).unwrap();
    program.create(Some(0));
    wait_until(|| delivered(dir.path()).len() == 50);
    program.stop();
    assert_eq!(delivered(dir.path()), sorted(source.produced));
}

#[test]
fn a_cluster_that_is_not_configured_is_refused_and_later_told_of() {
    let (kafka, dir) = (kafka(1), tempfile::tempdir().unwrap());
    let program = start(dir.path(), options(&kafka));
    program.create(Some(0));
    program.stop();
    let program = start(dir.path(), Options::default());
    wait_until(|| matches!(program.status(), DeliveryStatus::Retrying { reason } if reason.contains("kafka.clusters")));
    let definition = Arc::new(program.delivery.get(&key()).unwrap().definition().clone());
    program.runtime.block_on(program.delivery.delete(&key())).unwrap();
    let firehose::definition::Source::Topic { topic, .. } = definition.source.clone() else { panic!("not a topic") };
    let new = firehose::NewDeliveryStream {
        key: key(),
        source: firehose::NewSource::Topic { topic, read_from_ms: None },
        destination: definition.destination.clone(),
        attributes: serde_json::Value::Null,
        settings: firehose::definition::Settings::default(),
    };
    assert!(matches!(program.delivery.create(new), Err(CreateError::ClusterNotFound { .. })));
    program.stop();
}
