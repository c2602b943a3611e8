//! The producer against a peer that fails as it is told to: only failed entries are sent again, and nothing is lost.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use consumers::model::{GetRecordsOutput, ListShardsOutput, Position, PutRecordsOutput, PutResult};
use consumers::producer::{Options, Retry};
use consumers::{CallError, Kinesis, ProduceError, Producer, PutRecordsRequest};
use parking_lot::Mutex;

/// How the peer answers one request.
enum Answer {
    /// Every entry whose index satisfies this is throttled.
    Throttle(fn(usize) -> bool),
    /// The whole call fails.
    Fail(CallError),
    /// The answer has fewer results than the request has entries.
    Truncated,
}

/// Answers as scripted, then accepts everything.
#[derive(Default)]
struct Peer {
    script: Mutex<VecDeque<Answer>>,
    /// The partition keys of every request, in order.
    requests: Mutex<Vec<Vec<String>>>,
    /// The partition keys that were accepted.
    accepted: Mutex<Vec<String>>,
}

impl Peer {
    fn scripted(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }
}

fn keys_of(request: &PutRecordsRequest) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let entries = body["Records"].as_array().unwrap();
    entries.iter().map(|entry| entry["PartitionKey"].as_str().unwrap().to_owned()).collect()
}

fn accepted() -> PutResult {
    PutResult { sequence_number: Some("1".into()), ..PutResult::default() }
}

fn throttled() -> PutResult {
    PutResult { error_code: Some("ProvisionedThroughputExceededException".into()), ..PutResult::default() }
}

impl Kinesis for Peer {
    async fn put_records(&self, request: &PutRecordsRequest) -> Result<PutRecordsOutput, CallError> {
        let keys = keys_of(request);
        self.requests.lock().push(keys.clone());
        let is_throttled: fn(usize) -> bool = match self.script.lock().pop_front() {
            Some(Answer::Fail(error)) => return Err(error),
            Some(Answer::Truncated) => {
                self.accepted.lock().extend(keys.first().cloned());
                return Ok(PutRecordsOutput { records: vec![accepted()] });
            }
            Some(Answer::Throttle(is_throttled)) => is_throttled,
            None => |_| false,
        };
        let result = |index| if is_throttled(index) { throttled() } else { accepted() };
        let records = (0..keys.len()).map(result).collect();
        let kept = keys.into_iter().enumerate().filter(|(index, _)| !is_throttled(*index)).map(|(_, key)| key);
        self.accepted.lock().extend(kept);
        Ok(PutRecordsOutput { records })
    }

    async fn list_shards(&self, _: &str, _: Option<&str>) -> Result<ListShardsOutput, CallError> {
        unreachable!("a producer lists no shards")
    }

    async fn shard_iterator(&self, _: &str, _: &str, _: &Position) -> Result<String, CallError> {
        unreachable!("a producer reads nothing")
    }

    async fn get_records(&self, _: &str, _: u32) -> Result<GetRecordsOutput, CallError> {
        unreachable!("a producer reads nothing")
    }
}

fn options(give_up_after: Duration) -> Options {
    let retry = Retry { pause_first: Duration::from_micros(10), pause_max: Duration::from_micros(100), give_up_after };
    Options { in_flight_max: 1, retry, ..Options::default() }
}

async fn send(peer: &Arc<Peer>, record_count: usize, options: Options) -> Result<u64, ProduceError> {
    let mut producer = Producer::new(Arc::clone(peer), "s", options);
    for number in 0..record_count {
        producer.put(&number.to_string(), b"data").await?;
    }
    Ok(producer.flush().await?.record_count)
}

fn service_error(code: &str, status: u16) -> CallError {
    CallError::Service { code: code.into(), message: "no".into(), status, request_id: String::new() }
}

#[tokio::test]
async fn only_the_failed_entries_are_sent_again() {
    let peer = Peer::scripted([Answer::Throttle(|index| index % 2 == 1), Answer::Throttle(|index| index == 0)]);
    assert_eq!(send(&peer, 6, options(Duration::from_secs(60))).await, Ok(6));
    let requests = peer.requests.lock().clone();
    assert_eq!(requests, [vec!["0", "1", "2", "3", "4", "5"], vec!["1", "3", "5"], vec!["1"]]);
    assert_eq!(*peer.accepted.lock(), ["0", "2", "4", "3", "5", "1"]);
}

#[tokio::test]
async fn whole_request_is_sent_again_after_a_failure_that_may_pass() {
    let interrupted = CallError::Interrupted { endpoint: "e".into(), reason: "reset".into() };
    let peer = Peer::scripted([Answer::Fail(interrupted), Answer::Fail(service_error("InternalFailure", 500))]);
    assert_eq!(send(&peer, 3, options(Duration::from_secs(60))).await, Ok(3));
    assert_eq!(peer.requests.lock().len(), 3);
}

#[tokio::test]
async fn refusal_is_final() {
    let error = service_error("ResourceNotFoundException", 400);
    let peer = Peer::scripted([Answer::Fail(error.clone())]);
    assert_eq!(send(&peer, 1, options(Duration::from_secs(60))).await, Err(ProduceError::Refused(error)));
    assert_eq!(peer.requests.lock().len(), 1);
}

#[tokio::test]
async fn entries_without_a_result_count_as_failed() {
    let peer = Peer::scripted([Answer::Truncated]);
    assert_eq!(send(&peer, 3, options(Duration::from_secs(60))).await, Ok(3));
    assert_eq!(*peer.accepted.lock(), ["0", "1", "2"]);
}

#[tokio::test]
async fn producer_gives_up_only_when_nothing_is_accepted_any_more() {
    let peer = Peer::scripted([Answer::Throttle(|_| true)]);
    let error = send(&peer, 2, options(Duration::ZERO)).await.unwrap_err();
    assert!(matches!(error, ProduceError::GaveUp { record_count: 2, .. }), "{error}");
}

#[tokio::test]
async fn requests_are_full_and_every_one_is_reported() {
    let peer = Peer::scripted([]);
    let reported = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reported);
    let observer: consumers::producer::Observer =
        Arc::new(move |report| sink.lock().push((report.record_count, report.accepted_count)));
    let options = Options { observer, ..options(Duration::from_secs(60)) };
    assert_eq!(send(&peer, 1_201, options).await, Ok(1_201));
    assert_eq!(*reported.lock(), [(500, 500), (500, 500), (201, 201)]);
}

#[tokio::test]
async fn oversize_record_is_refused_and_the_rest_is_sent() {
    let peer = Peer::scripted([]);
    let mut producer = Producer::new(Arc::clone(&peer), "s", options(Duration::from_secs(60)));
    producer.put("a", b"fits").await.unwrap();
    let error = producer.put("b", &vec![0; 10 << 20]).await.unwrap_err();
    assert!(matches!(error, ProduceError::TooLarge { .. }));
    assert_eq!(producer.flush().await.unwrap().record_count, 1);
    assert_eq!(*peer.accepted.lock(), ["a"]);
}
