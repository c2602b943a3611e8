//! The server is killed with SIGKILL again and again while it takes records and delivers them.
//!
//! Producers write to a stream and remember what was acknowledged; a delivery stream reads the stream and writes Parquet.
//! In the end every acknowledged record is in the stream once and in order; a batch whose acknowledgement never came is
//! there as a whole or not at all; and the rows of the Parquet files are the records of the stream, each once.
//!
//! SIGKILL leaves the page cache of the system intact. So this shows that nothing is acknowledged before it is written, and
//! that recovery and delivery lose and repeat nothing; that what is acknowledged is also synced to the disk is shown by the
//! recovery tests of `shard-store`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::clients::{firehose, kinesis};
use crate::support::delivery::{ParquetDelivery, create_parquet_delivery};
use crate::support::draws::{Draws, mix};
use crate::support::parquet_files::{files_below, objects_below, row_count_below, rows_below};
use crate::support::records::{create_stream, read_stream};
use crate::support::server::{Home, LOOPBACK, Server};
use crate::support::{eventually, in_time};

/// How often a server that accepts requests is killed. Servers that are still recovering are killed on top of that.
const KILL_COUNT: u64 = 20;

/// How many producers write at a time. Each has one partition key, so each writes to one shard.
const PRODUCER_COUNT: u64 = 4;

/// At most so many records are sent in one request.
const BATCH_RECORDS_MAX: u64 = 12;

/// At most so many acknowledgements are waited for before the next kill.
const ACKS_BETWEEN_KILLS_MAX: u64 = 400;

const STREAM: &str = "kill";
const BUCKET: &str = "kill";

/// The records of one request, by number, and whether they were acknowledged.
#[derive(Debug)]
struct Batch {
    numbers: Range<u64>,
    is_acknowledged: bool,
}

/// The server that is up, if the last one is not dead already: how many there were before it, and where it listens.
type Endpoint = (u64, String);

/// One producer: writes until it is told to stop, and returns what it sent.
struct Producer {
    id: u64,
    draws: Draws,
    endpoint: watch::Receiver<Endpoint>,
    acks: watch::Sender<u64>,
    stop: watch::Receiver<bool>,
}

impl Producer {
    async fn run(mut self) -> Vec<Batch> {
        let mut batches = Vec::new();
        let mut next = 0;
        while !*self.stop.borrow() {
            let (generation, url) = self.endpoint.borrow_and_update().clone();
            let client = kinesis(&url);
            // As long as this server lives.
            loop {
                let numbers = next..next + 1 + self.draws.below(BATCH_RECORDS_MAX);
                next = numbers.end;
                let is_acknowledged = self.put(&client, numbers.clone()).await;
                batches.push(Batch { numbers, is_acknowledged });
                if !is_acknowledged || *self.stop.borrow() {
                    break;
                }
                self.acks.send_modify(|count| *count += 1);
            }
            if !*self.stop.borrow() {
                let is_over = self.endpoint.wait_for(|(current, _)| *current > generation).await.is_err();
                assert!(!is_over, "the test ended before its producers");
            }
        }
        batches
    }

    /// Sends a batch; whether all of it was acknowledged. A server that answers acknowledges all of it.
    async fn put(&mut self, client: &Client, numbers: Range<u64>) -> bool {
        let key = format!("producer {}", self.id);
        if numbers.end - numbers.start == 1 {
            let data = Blob::new(record(self.id, numbers.start));
            let request = client.put_record().stream_name(STREAM).partition_key(key).data(data);
            return is_acknowledged(request.send().await);
        }
        let entries = numbers.map(|number| {
            let entry = PutRecordsRequestEntry::builder().partition_key(&key).data(Blob::new(record(self.id, number)));
            entry.build().unwrap()
        });
        let request = client.put_records().stream_name(STREAM).set_records(Some(entries.collect()));
        let answer = request.send().await;
        let failed_count = answer.as_ref().ok().and_then(|answer| answer.failed_record_count());
        assert!(failed_count.is_none_or(|count| count == 0), "{answer:?}");
        is_acknowledged(answer)
    }
}

/// Whether a call succeeded. It may fail because the server died, and for no other reason.
fn is_acknowledged<T, E, R>(answer: Result<T, aws_sdk_kinesis::error::SdkError<E, R>>) -> bool
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match answer {
        Ok(_) => true,
        Err(error) => {
            let is_answered = error.as_service_error().is_some();
            assert!(!is_answered, "refused: {}", aws_sdk_kinesis::error::DisplayErrorContext(&error));
            false
        }
    }
}

/// The data of a record: a JSON object that tells by itself which record it is, and of what length and content.
fn record(producer: u64, number: u64) -> String {
    format!(r#"{{"producer":{producer},"number":{number},"payload":"{}"}}"#, payload(producer, number))
}

/// The payload of a record, from nothing to a few hundred characters.
fn payload(producer: u64, number: u64) -> String {
    let scattered = mix(producer << 48 | number);
    let word = format!("{scattered:016x}-");
    word.repeat(usize::try_from(scattered % 24).unwrap())
}

/// Kills the server `KILL_COUNT` times at random moments, and says each time where the next one listens.
async fn kill_again_and_again(
    mut server: Server,
    draws: &mut Draws,
    endpoint: &watch::Sender<Endpoint>,
    acks: &mut watch::Receiver<u64>,
) -> Server {
    let home = Arc::clone(&server.home);
    for generation in 1..=KILL_COUNT {
        wait_for_acks(acks, draws.below(ACKS_BETWEEN_KILLS_MAX)).await;
        server.kill().await;
        while draws.below(4) == 0 {
            let recovering = home.spawn(&LOOPBACK);
            // Not to wait for anything: it is to die at any moment of its start.
            tokio::time::sleep(Duration::from_micros(draws.below(150_000))).await;
            recovering.kill().await;
        }
        server = home.start().await;
        endpoint.send_replace((generation, server.url.clone()));
    }
    server
}

/// Waits for so many more acknowledgements.
async fn wait_for_acks(acks: &mut watch::Receiver<u64>, count: u64) {
    let wanted = *acks.borrow() + count;
    in_time("an acknowledgement", acks.wait_for(|acks| *acks >= wanted)).await.unwrap();
}

/// Checks what the stream holds against what was sent, and returns the records by producer and number.
fn check_stream(by_shard: &[Vec<aws_sdk_kinesis::types::Record>], sent: &[Vec<Batch>]) -> BTreeMap<(u64, u64), String> {
    let mut found = BTreeMap::new();
    let mut numbers_by_producer = BTreeMap::<u64, Vec<u64>>::new();
    for records in by_shard {
        let ascend = records.windows(2).all(|pair| pair[0].sequence_number() < pair[1].sequence_number());
        assert!(ascend, "sequence numbers do not ascend");
        for record in records {
            let text = String::from_utf8(record.data().as_ref().to_vec()).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let (producer, number) = (value["producer"].as_u64().unwrap(), value["number"].as_u64().unwrap());
            assert_eq!(text, self::record(producer, number), "a record was changed");
            assert_eq!(record.partition_key(), Some(format!("producer {producer}").as_str()));
            assert!(found.insert((producer, number), payload(producer, number)).is_none(), "{text} is there twice");
            numbers_by_producer.entry(producer).or_default().push(number);
        }
    }
    for (producer, batches) in (0..).zip(sent) {
        let numbers = numbers_by_producer.remove(&producer).unwrap_or_default();
        check_producer(producer, &numbers, batches);
    }
    assert!(numbers_by_producer.is_empty(), "records of nobody: {numbers_by_producer:?}");
    found
}

/// Checks that the records of a producer are its acknowledged batches, in order, and some of the others as a whole.
fn check_producer(producer: u64, numbers: &[u64], batches: &[Batch]) {
    let mut rest = numbers;
    for batch in batches {
        if rest.first() == Some(&batch.numbers.start) {
            let expected: Vec<u64> = batch.numbers.clone().collect();
            assert!(rest.starts_with(&expected), "producer {producer}: {batch:?} is there in part or out of order");
            rest = &rest[expected.len()..];
        } else {
            assert!(!batch.is_acknowledged, "producer {producer}: {batch:?} is missing; next is {:?}", rest.first());
        }
    }
    assert!(rest.is_empty(), "producer {producer}: {rest:?} were never sent in this order");
}

/// Checks that the rows below a directory are the records, each once.
fn check_rows(dir: &Path, records: &BTreeMap<(u64, u64), String>) {
    let mut missing = records.clone();
    for rows in rows_below(dir) {
        let numbers = |name| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>();
        let (producers, numbers) = (numbers("producer"), numbers("number"));
        let payloads = rows.column_by_name("payload").unwrap().as_string::<i32>();
        for row in 0..rows.num_rows() {
            let key = (u64::try_from(producers.value(row)).unwrap(), u64::try_from(numbers.value(row)).unwrap());
            let payload = missing.remove(&key);
            assert!(payload.is_some(), "{key:?} was delivered twice, or was never in the stream");
            assert_eq!(payload.as_deref(), Some(payloads.value(row)), "{key:?} was changed");
        }
    }
    let count = missing.len();
    assert!(missing.is_empty(), "{count} records were not delivered, the first of them {:?}", missing.keys().next());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_delivered_twice_when_the_server_is_killed() {
    let mut draws = Draws::printed();
    let home = Home::new("[kinesis]\nenforce = false\n");
    let server = home.start().await;
    let arn = create_stream(&kinesis(&server.url), STREAM, 2).await;
    // Without buffering there is a delivery under way at any moment, and so at those of the kills.
    let delivery = ParquetDelivery { name: "to-parquet", bucket: BUCKET, source: Some(&arn), interval_seconds: 0 };
    create_parquet_delivery(&firehose(&server.url), &delivery).await;

    let (endpoint, endpoints) = watch::channel((0, server.url.clone()));
    let (ack, mut acks) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let producers: Vec<JoinHandle<Vec<Batch>>> = (0..PRODUCER_COUNT)
        .map(|id| {
            let (endpoint, acks, stop) = (endpoints.clone(), ack.clone(), stopped.clone());
            tokio::spawn(Producer { id, draws: draws.fork(), endpoint, acks, stop }.run())
        })
        .collect();
    let server = kill_again_and_again(server, &mut draws, &endpoint, &mut acks).await;
    wait_for_acks(&mut acks, 10).await;
    stop.send_replace(true);
    let mut sent = Vec::new();
    for producer in producers {
        sent.push(in_time("the end of a producer", producer).await.unwrap());
    }

    let records = check_stream(&read_stream(&kinesis(&server.url), STREAM).await, &sent);
    let bucket = home.bucket(BUCKET);
    let wanted = records.len();
    eventually("the delivery of every record", || async { (row_count_below(&bucket) >= wanted).then_some(()) }).await;
    server.stop().await;
    check_rows(&bucket, &records);
    assert_eq!(files_below(&bucket), objects_below(&bucket), "uploads that were killed left something behind");
    let (status, damage) = home.verify().await;
    assert!(status.success(), "the store is damaged:\n{damage}");
    let (batch_count, file_count) = (sent.iter().map(Vec::len).sum::<usize>(), files_below(&bucket).len());
    println!("{wanted} records in {batch_count} batches, {KILL_COUNT} kills, {file_count} files");
}
