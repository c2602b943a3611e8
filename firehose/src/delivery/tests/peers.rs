//! Deliveries that call others: a function that transforms records, and an endpoint that takes them.

use serde_json::json;

use super::*;
use crate::definition::{Endpoint, HttpEndpoint, Processor, Transform};
use crate::endpoint::receiver::{Fault as PeerFault, Protocol, Received, Receiver, Reply};

/// A function that never answers the same twice: each record learns the number of the call.
struct Function {
    calls: u64,
}

impl Protocol for Function {
    fn take(&mut self, request: &Received, refusal: Option<u16>, _is_odd: bool) -> Result<Reply, String> {
        self.calls += 1;
        let event: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
        let transform = |record: &Value| {
            let data = base64_simd::STANDARD.decode_to_vec(record["data"].as_str().unwrap_or_default()).unwrap();
            let mut value: Value = serde_json::from_slice(&data).unwrap();
            value["call"] = self.calls.into();
            let data = base64_simd::STANDARD.encode_to_string(format!("{value}\n"));
            json!({"recordId": record["recordId"], "result": "Ok", "data": data})
        };
        let records: Vec<Value> = event["records"].as_array().into_iter().flatten().map(transform).collect();
        Ok(Reply { status: refusal.unwrap_or(200), json: json!({ "records": records }).to_string() })
    }
}

/// An HTTP endpoint that keeps what it takes.
#[derive(Default)]
struct Collector {
    records: Vec<String>,
}

impl Protocol for Collector {
    fn take(&mut self, request: &Received, refusal: Option<u16>, _is_odd: bool) -> Result<Reply, String> {
        let body: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
        let records = body["records"].as_array().into_iter().flatten();
        let data = records.map(|record| record["data"].as_str().unwrap_or_default());
        let texts: Vec<String> =
            data.map(|data| String::from_utf8(base64_simd::STANDARD.decode_to_vec(data).unwrap()).unwrap()).collect();
        if refusal.is_none() {
            self.records.extend(texts);
        }
        let json = json!({"requestId": body["requestId"], "timestamp": 1}).to_string();
        Ok(Reply { status: refusal.unwrap_or(200), json })
    }
}

/// A peer on a runtime of its own, which crashes of the program do not touch.
struct Peer<P> {
    receiver: Receiver<P>,
    runtime: Runtime,
}

impl<P: Protocol> Peer<P> {
    fn start(protocol: P, faults: impl IntoIterator<Item = PeerFault>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { receiver: runtime.block_on(Receiver::start(protocol, faults)), runtime }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.receiver.address)
    }

    fn finish(self) -> P {
        self.runtime.block_on(self.receiver.finish())
    }
}

fn sent_to(peer: &Peer<Collector>, retry_seconds: u64) -> NewDeliveryStream {
    let mut new = new("sent", None, None);
    new.destination.endpoint = Some(Endpoint::Http(HttpEndpoint {
        url: peer.url(),
        name: None,
        access_key: None,
        is_gzip: false,
        common_attributes: Vec::new(),
        retry_seconds,
    }));
    new
}

#[test]
fn a_function_is_not_called_again_for_a_delivery_that_is_redone() {
    for fault in [Fault::Hang, Fault::StoreAndHang] {
        let dir = tempfile::tempdir().unwrap();
        let sinks = FaultySinks::default();
        let peer = Peer::start(Function { calls: 0 }, []);
        let program = start(dir.path(), &sinks);
        let mut new = new("called", None, None);
        let transform = Transform { function: peer.url(), retry_count: 1, buffer_bytes: 1 << 20 };
        new.destination.processors = vec![Processor::Lambda(transform)];
        program.delivery.create(new).unwrap();
        sinks.fail_next([fault]);
        program.put("called", &records(0, 20, false));
        eventually("the upload hangs", || sinks.hung_count() == 1);
        let before = sinks.objects();
        drop(program);
        start(dir.path(), &sinks).drain();
        let after = sinks.objects();
        assert!(before.iter().all(|(key, body)| after.get(key) == Some(body)), "{before:?} {after:?}");
        assert_eq!(delivered_ids(&after, "called"), (0..20).map(|id| (id, 1)).collect());
        assert_eq!(sinks.changed(), Vec::<String>::new());
        assert_eq!(peer.finish().calls, 1);
        let is_kept = std::fs::read_dir(dir.path().join("delivery")).unwrap().next().is_some();
        assert!(!is_kept, "what was staged is left behind");
    }
}

#[test]
fn what_an_endpoint_takes_is_there_once_and_what_it_refuses_in_the_error_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let peer = Peer::start(Collector::default(), [PeerFault::Status(500), PeerFault::Status(503)]);
    let program = start(dir.path(), &sinks);
    let stream = program.delivery.create(sent_to(&peer, 60)).unwrap();
    program.put("sent", &records(0, 20, false));
    eventually("it is being tried again", || matches!(stream.status(), DeliveryStatus::Retrying { .. }));
    eventually("it is taken", || peer.receiver.request_count() == 3 && stream.status() == DeliveryStatus::Running);
    peer.receiver.fail_after(0, [PeerFault::Status(413)]);
    program.put("sent", &[records(20, 1, false).concat()]);
    eventually("it is refused", || delivered_ids(&sinks.objects(), "sent").len() == 1);
    program.put("sent", &records(21, 9, false));
    program.drain();
    let objects = sinks.objects();
    assert!(objects.keys().all(|key| key.starts_with("sent/http-endpoint-failed/")), "{objects:?}");
    assert_eq!(delivered_ids(&objects, "sent"), HashMap::from([(20, 1)]));
    let expected: Vec<String> = (0..30).filter(|id| *id != 20).flat_map(|id| records(id, 1, false)).collect();
    assert_eq!(peer.finish().records, expected);
}

#[test]
fn an_endpoint_that_is_away_longer_than_the_retry_duration_gets_error_records_instead() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let peer = Peer::start(Collector::default(), [PeerFault::Status(500)]);
    let program = start(dir.path(), &sinks);
    program.delivery.create(sent_to(&peer, 0)).unwrap();
    program.put("sent", &records(0, 10, false));
    eventually("they are in the error prefix", || delivered_ids(&sinks.objects(), "sent").len() == 10);
    program.put("sent", &records(10, 10, false));
    program.drain();
    let ids = delivered_ids(&sinks.objects(), "sent");
    assert_eq!(ids, (0..10).map(|id| (id, 1)).collect());
    assert_eq!(peer.finish().records, records(10, 10, false));
}

#[test]
fn an_endpoint_that_stalls_holds_up_no_other_delivery_and_gets_its_records_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let peer = Peer::start(Collector::default(), [PeerFault::Stall]);
    let program = start(dir.path(), &sinks);
    program.delivery.create(sent_to(&peer, 60)).unwrap();
    program.delivery.create(new("raw", None, None)).unwrap();
    program.put("sent", &records(0, 10, false));
    eventually("the request stalls", || peer.receiver.request_count() == 1);
    program.put("raw", &records(0, 10, false));
    eventually("the other goes on", || delivered_ids(&sinks.objects(), "raw").len() == 10);
    drop(program);
    start(dir.path(), &sinks).drain();
    assert_eq!(peer.finish().records, records(0, 10, false));
}
