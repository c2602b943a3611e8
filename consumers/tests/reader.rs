//! The reader against a stream in memory: resharding, expiring iterators, throttling, the end of a finite reader.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use consumers::model::{
    GetRecordsOutput, ListShardsOutput, Position, PutRecordsOutput, Record, SequenceNumberRange, Shard,
};
use consumers::producer::Retry;
use consumers::reader::{Options, Start};
use consumers::{CallError, Kinesis, PutRecordsRequest, ReadError, Reader};
use ingest_wire::Timestamp;
use parking_lot::Mutex;

/// One shard: its records, its parents, and whether it is closed.
#[derive(Clone)]
struct StoredShard {
    records: Vec<&'static str>,
    parents: Vec<&'static str>,
    is_closed: bool,
}

/// A stream whose iterators are `shard/ordinal`, and whose calls fail in a fixed rhythm.
struct Peer {
    shards: BTreeMap<&'static str, StoredShard>,
    reads: Mutex<u32>,
    /// Every n-th read finds its iterator expired and the next is throttled; 0 for none, otherwise at least 3.
    trouble_every: u32,
}

impl Peer {
    fn new(shards: impl IntoIterator<Item = (&'static str, StoredShard)>, trouble_every: u32) -> Arc<Self> {
        Arc::new(Self { shards: shards.into_iter().collect(), reads: Mutex::new(0), trouble_every })
    }

    fn shard(&self, shard_id: &str) -> Result<&StoredShard, CallError> {
        self.shards.get(shard_id).ok_or_else(|| service_error("ResourceNotFoundException"))
    }
}

fn service_error(code: &str) -> CallError {
    CallError::Service { code: code.into(), message: String::new(), status: 400, request_id: String::new() }
}

impl Kinesis for Peer {
    async fn put_records(&self, _: &PutRecordsRequest) -> Result<PutRecordsOutput, CallError> {
        unreachable!("a reader writes nothing")
    }

    /// One shard a page.
    async fn list_shards(&self, stream: &str, next_token: Option<&str>) -> Result<ListShardsOutput, CallError> {
        if stream != "s" {
            return Err(service_error("ResourceNotFoundException"));
        }
        let index: usize = next_token.map_or(0, |token| token.parse().unwrap());
        let (id, stored) = self.shards.iter().nth(index).unwrap();
        let mut parents = stored.parents.iter().map(|parent| (*parent).to_owned());
        let shard = Shard {
            shard_id: (*id).into(),
            parent_shard_id: parents.next(),
            adjacent_parent_shard_id: parents.next(),
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: "0".into(),
                ending_sequence_number: stored.is_closed.then(|| "9".into()),
            },
            ..Shard::default()
        };
        let next_token = (index + 1 < self.shards.len()).then(|| (index + 1).to_string());
        Ok(ListShardsOutput { shards: vec![shard], next_token })
    }

    async fn shard_iterator(&self, _: &str, shard_id: &str, position: &Position) -> Result<String, CallError> {
        let ordinal = match position {
            Position::TrimHorizon | Position::AtTimestamp { .. } => 0,
            Position::Latest => self.shard(shard_id)?.records.len(),
            Position::AfterSequenceNumber { sequence_number } => sequence_number.parse::<usize>().unwrap() + 1,
        };
        Ok(format!("{shard_id}/{ordinal}"))
    }

    /// One record an answer.
    async fn get_records(&self, iterator: &str, _: u32) -> Result<GetRecordsOutput, CallError> {
        let read = {
            let mut reads = self.reads.lock();
            *reads += 1;
            *reads
        };
        if self.trouble_every > 0 && read % self.trouble_every == 0 {
            return Err(service_error("ExpiredIteratorException"));
        }
        if self.trouble_every > 0 && read % self.trouble_every == 1 {
            return Err(service_error("ProvisionedThroughputExceededException"));
        }
        let (shard_id, ordinal) = iterator.split_once('/').unwrap();
        let ordinal: usize = ordinal.parse().unwrap();
        let shard = self.shard(shard_id)?;
        let record = shard.records.get(ordinal).map(|text| Record {
            sequence_number: ordinal.to_string(),
            approximate_arrival_timestamp: Some(Timestamp::from_unix_millis(ordinal.try_into().unwrap())),
            partition_key: "k".into(),
            data: Bytes::from_static(text.as_bytes()),
        });
        let next = ordinal + record.iter().len();
        let is_at_end = next >= shard.records.len();
        Ok(GetRecordsOutput {
            records: record.into_iter().collect(),
            next_shard_iterator: (!(is_at_end && shard.is_closed)).then(|| format!("{shard_id}/{next}")),
            millis_behind_latest: Some(u64::from(!is_at_end)),
        })
    }
}

/// A shard "a" that was split into "b" and "c", which were merged into "d".
fn resharded() -> [(&'static str, StoredShard); 4] {
    let shard = |records: &[&'static str], parents: &[&'static str], is_closed| StoredShard {
        records: records.to_vec(),
        parents: parents.to_vec(),
        is_closed,
    };
    [
        ("a", shard(&["a0", "a1", "a2"], &[], true)),
        ("b", shard(&["b0", "b1"], &["a"], true)),
        ("c", shard(&["c0", "c1", "c2", "c3"], &["a"], true)),
        ("d", shard(&["d0"], &["b", "c"], false)),
    ]
}

fn options(start: Start) -> Options {
    let pause = Duration::from_micros(10);
    let retry = Retry { pause_first: pause, pause_max: pause, give_up_after: Duration::from_secs(60) };
    Options { start, is_finite: true, idle_pause: pause, retry, ..Options::default() }
}

async fn read_all(peer: Arc<Peer>, start: Start) -> Vec<String> {
    read_with(peer, options(start)).await
}

async fn read_with(peer: Arc<Peer>, options: Options) -> Vec<String> {
    let mut reader = Reader::open(peer, "s", options).await.unwrap();
    let mut texts = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        texts.extend(batch.records.iter().map(|record| String::from_utf8(record.data.to_vec()).unwrap()));
    }
    texts
}

fn of_shard<'a>(texts: &'a [String], shard_id: &str) -> Vec<&'a str> {
    texts.iter().map(String::as_str).filter(|text| text.starts_with(shard_id)).collect()
}

#[tokio::test]
async fn every_record_is_read_once_in_order_and_parents_come_first() {
    for trouble_every in [0, 3, 4, 7] {
        let texts = read_all(Peer::new(resharded(), trouble_every), Start::TrimHorizon).await;
        assert_eq!(of_shard(&texts, "a"), ["a0", "a1", "a2"]);
        assert_eq!(of_shard(&texts, "b"), ["b0", "b1"]);
        assert_eq!(of_shard(&texts, "c"), ["c0", "c1", "c2", "c3"]);
        assert_eq!(&texts[..3], ["a0", "a1", "a2"]);
        assert_eq!(texts.last().map(String::as_str), Some("d0"));
        assert_eq!(texts.len(), 10);
    }
}

#[tokio::test]
async fn latest_reads_nothing_that_was_there_before() {
    assert_eq!(read_all(Peer::new(resharded(), 0), Start::Latest).await, [""; 0]);
}

#[tokio::test]
async fn shard_ends_before_the_first_record_that_arrived_too_late() {
    let until = Some(Timestamp::from_unix_millis(2));
    let open = [("a", StoredShard { records: vec!["a0", "a1", "a2", "a3"], parents: Vec::new(), is_closed: false })];
    for is_finite in [true, false] {
        let options = Options { until, is_finite, ..options(Start::TrimHorizon) };
        assert_eq!(read_with(Peer::new(open.clone(), 0), options).await, ["a0", "a1"]);
        // The children of a closed shard hold nothing but what arrived later still.
        assert_eq!(read_with(Peer::new(resharded(), 0), options).await, ["a0", "a1"]);
    }
}

#[tokio::test]
async fn finite_reader_waits_for_a_time_that_lies_ahead() {
    let until = SystemTime::now() + Duration::from_millis(30);
    let millis = until.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let until_millis = Timestamp::from_unix_millis(millis.try_into().unwrap());
    let options = Options { until: Some(until_millis), ..options(Start::TrimHorizon) };
    assert_eq!(read_with(Peer::new(resharded(), 0), options).await.len(), 10);
    assert!(SystemTime::now() >= UNIX_EPOCH + Duration::from_millis(millis.try_into().unwrap()));
}

#[tokio::test]
async fn unknown_stream_is_an_error_of_opening() {
    let error =
        Reader::open(Peer::new(resharded(), 0), "other", options(Start::TrimHorizon)).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ReadError::ListShards { .. }), "{error}");
}
