//! The server is killed with SIGKILL again and again while the bucket it delivers to misbehaves in every way it can.
//!
//! Records come in two ways: through a stream, and put directly. In the end the rows of the Parquet files are the records of
//! the stream, each once; and of the records that were put directly every acknowledged one is there once, and every other at
//! most once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use aws_sdk_firehose::types::Record;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use crate::support::clients::{firehose, kinesis};
use crate::support::delivery::{ParquetDelivery, create_parquet_delivery};
use crate::support::draws::Draws;
use crate::support::eventually;
use crate::support::parquet_files::rows_below;
use crate::support::records::{create_stream, read_stream};
use crate::support::s3::{Fate, S3};
use crate::support::server::{Home, Server};

/// How often the server is killed.
const ROUNDS: u64 = 50;

/// One request in so many fails.
const ODDS: u64 = 3;

/// Records of one request, at most.
const BATCH_RECORDS_MAX: u64 = 40;

const STREAM: &str = "chaos";

/// The delivery streams, each with a bucket of its name: from the shards of the stream, and put directly.
const SHARDS: &str = "shards";
const DIRECT: &str = "direct";

fn text(number: u64) -> String {
    let payload = "payload ".repeat(usize::try_from(number % 40).unwrap());
    format!(r#"{{"number":{number},"payload":"{payload}"}}"#)
}

/// Puts records both ways until the server dies; returns the numbers of those directly put that were acknowledged.
async fn put_until_it_dies(url: &str, draws: &mut Draws, next: &mut u64, acknowledged: &mut Vec<u64>) {
    let (kinesis, firehose) = (kinesis(url), firehose(url));
    loop {
        let numbers = *next..*next + 1 + draws.below(BATCH_RECORDS_MAX);
        *next = numbers.end;
        let entries = numbers.clone().map(|number| {
            let data = Blob::new(text(number));
            PutRecordsRequestEntry::builder().partition_key(number.to_string()).data(data).build().unwrap()
        });
        let records = numbers.clone().map(|number| Record::builder().data(Blob::new(text(number))).build().unwrap());
        let put = kinesis.put_records().stream_name(STREAM).set_records(Some(entries.collect())).send().await;
        let direct = firehose.put_record_batch().delivery_stream_name(DIRECT).set_records(Some(records.collect()));
        let direct = direct.send().await;
        if let Ok(answer) = &direct {
            assert_eq!(answer.failed_put_count, 0);
            acknowledged.extend(numbers);
        }
        if put.is_err() || direct.is_err() {
            return;
        }
    }
}

/// Kills the server while records are put; another one starts in its place.
async fn round(server: Server, draws: &mut Draws, next: &mut u64, acknowledged: &mut Vec<u64>) -> Server {
    let home = server.home.clone();
    let url = server.url.clone();
    let mut kill_draws = draws.fork();
    let kill = async move {
        // Whatever it is doing then.
        tokio::time::sleep(Duration::from_millis(kill_draws.below(500))).await;
        server.kill().await;
    };
    tokio::join!(kill, put_until_it_dies(&url, draws, next, acknowledged));
    home.start().await
}

/// How often each number is in the rows below a directory, whose payloads must be those of their numbers.
fn numbers_below(dir: &Path) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for rows in rows_below(dir) {
        let numbers = rows.column_by_name("number").unwrap().as_primitive::<Int64Type>();
        let payloads = rows.column_by_name("payload").unwrap().as_string::<i32>();
        for row in 0..rows.num_rows() {
            let number = u64::try_from(numbers.value(row)).unwrap();
            assert!(text(number).contains(&format!("\"{}\"", payloads.value(row))), "{number} was changed");
            *counts.entry(number).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_lands_once_whatever_the_bucket_does_and_however_often_the_server_is_killed() {
    let mut draws = Draws::printed();
    let objects = tempfile::tempdir().unwrap();
    let s3 = S3::start(objects.path(), &[SHARDS, DIRECT], ODDS, draws.fork()).await;
    let limits = "[kinesis]\nenforce = false\n[firehose]\nenforce = false\n";
    let home = Home::new(&format!("{limits}{}", s3.configuration()));
    let mut server = home.start().await;
    let arn = create_stream(&kinesis(&server.url), STREAM, 2).await;
    for (name, source) in [(SHARDS, Some(arn.as_str())), (DIRECT, None)] {
        let delivery = ParquetDelivery { name, bucket: name, source, interval_seconds: 0 };
        create_parquet_delivery(&firehose(&server.url), &delivery).await;
    }
    let (mut next, mut acknowledged) = (0, Vec::new());
    for _ in 0..ROUNDS {
        server = round(server, &mut draws, &mut next, &mut acknowledged).await;
    }
    s3.calm();
    let stored: Vec<u64> = read_stream(&kinesis(&server.url), STREAM)
        .await
        .concat()
        .iter()
        .map(|record| {
            serde_json::from_slice::<serde_json::Value>(record.data().as_ref()).unwrap()["number"].as_u64().unwrap()
        })
        .collect();
    let (shards, direct) = (s3.bucket(SHARDS), s3.bucket(DIRECT));
    eventually("the delivery of every record", || async {
        let is_there = numbers_below(&shards).len() >= stored.len()
            && acknowledged.last().is_none_or(|last| numbers_below(&direct).contains_key(last));
        is_there.then_some(())
    })
    .await;
    server.end().await;
    let expected: BTreeMap<u64, u64> = stored.into_iter().map(|number| (number, 1)).collect();
    assert!(numbers_below(&shards) == expected, "the rows are not the records of the stream");
    let direct = numbers_below(&direct);
    assert!(direct.iter().all(|(number, count)| *number < next && *count == 1), "a record was delivered twice");
    let missing: Vec<_> = acknowledged.iter().filter(|number| !direct.contains_key(number)).collect();
    assert!(missing.is_empty(), "acknowledged records were not delivered: {missing:?}");
    let unmet: Vec<Fate> = s3.fates().into_iter().filter(|(_, count)| *count == 0).map(|(fate, _)| fate).collect();
    assert!(unmet.is_empty(), "the bucket never did {unmet:?}; the test shows less than it should");
}
