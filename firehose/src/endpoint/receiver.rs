//! Receivers for tests: servers that hold the endpoints to the published protocols, and fail as they are told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use shard_store::log::LogId;
use shard_store::stream::StreamKey;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{Batch, DatabaseOptions, Endpoint, EndpointContext, Options, Storage, Verdict};
use crate::definition::ObjectCompression;
use crate::record::{Origin, PartitionKeys, Record};
use crate::sink::ObjectSinks;
use crate::spool::Spool;

/// How one request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is answered with this status, and nothing is taken.
    Status(u16),
    /// It is never answered.
    Stall,
    /// The connection breaks while the request is read.
    Reset,
    /// It is taken, but the answer is lost.
    LoseAnswer,
    /// It is taken, and answered by a page of a proxy.
    Html,
    /// It is taken, and the answer never ends.
    Endless,
    /// It is taken, and answered with what the protocol of the receiver has for it.
    Odd,
}

/// A request as received.
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }
}

/// An answer of JSON.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) json: String,
}

/// The rules of a protocol.
pub(crate) trait Protocol: Send + 'static {
    /// Takes a request, or none of it if `refusal` is the status to refuse it with.
    ///
    /// # Errors
    /// How the request breaks the protocol.
    fn take(&mut self, request: &Received, refusal: Option<u16>, is_odd: bool) -> Result<Reply, String>;
}

/// A server of a protocol.
pub(crate) struct Receiver<P> {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State<P>>>,
    task: tokio::task::JoinHandle<()>,
}

struct State<P> {
    protocol: P,
    faults: VecDeque<Fault>,
    violations: Vec<String>,
    request_count: usize,
    /// Requests that meet no fault yet.
    spared: usize,
}

impl<P: Protocol> Receiver<P> {
    /// Starts a server whose first requests meet `faults`.
    pub(crate) async fn start(protocol: P, faults: impl IntoIterator<Item = Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = faults.into_iter().collect();
        let state =
            Arc::new(Mutex::new(State { protocol, faults, violations: Vec::new(), request_count: 0, spared: 0 }));
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { address, state, task }
    }

    /// Lets the requests after the first `spared` meet `faults`.
    pub(crate) fn fail_after(&self, spared: usize, faults: impl IntoIterator<Item = Fault>) {
        let mut state = self.state.lock();
        state.spared = spared;
        state.faults = faults.into_iter().collect();
    }

    /// The number of requests so far.
    pub(crate) fn request_count(&self) -> usize {
        self.state.lock().request_count
    }

    /// Ends the server. Panics if a request broke the protocol.
    pub(crate) async fn finish(self) -> P {
        self.task.abort();
        let _ = self.task.await;
        let mut state = Some(self.state);
        loop {
            // Connections end with the runtime's next turns once the client is gone; stalled ones hold nothing.
            match Arc::try_unwrap(state.take().unwrap()) {
                Ok(state) => {
                    let state = state.into_inner();
                    assert_eq!(state.violations, Vec::<String>::new());
                    return state.protocol;
                }
                Err(shared) => state = Some(shared),
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn serve<P: Protocol>(listener: TcpListener, state: Arc<Mutex<State<P>>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Body = BoxBody<Bytes, Infallible>;

fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed()
}

async fn answer<P: Protocol>(
    state: Arc<Mutex<State<P>>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, &'static str> {
    let fault = {
        let mut state = state.lock();
        state.request_count += 1;
        if let Some(spared) = state.spared.checked_sub(1) {
            state.spared = spared;
            None
        } else {
            state.faults.pop_front()
        }
    };
    if fault == Some(Fault::Reset) {
        return Err("reset");
    }
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Err("the client gave up") };
    let received = Received { method: head.method, uri: head.uri, headers: head.headers, body: body.to_bytes() };
    if fault == Some(Fault::Stall) {
        drop(state);
        return std::future::pending().await;
    }
    let refusal = if let Some(Fault::Status(status)) = fault { Some(status) } else { None };
    let taken = {
        let mut state = state.lock();
        let taken = state.protocol.take(&received, refusal, fault == Some(Fault::Odd));
        taken.map_err(|violation| state.violations.push(violation))
    };
    let Ok(reply) = taken else { return Err("a violation of the protocol") };
    match fault {
        Some(Fault::LoseAnswer) => Err("the answer is lost"),
        Some(Fault::Html) => {
            Ok(Response::builder().header("content-type", "text/html").body(full("<html>hello</html>")).unwrap())
        }
        Some(Fault::Endless) => {
            let frames = stream::repeat_with(|| Ok(Frame::data(Bytes::from(vec![b' '; 64 * 1024]))));
            let body = BodyExt::boxed(StreamBody::new(frames));
            Ok(Response::builder().header("content-type", "application/json").body(body).unwrap())
        }
        _ => Ok(Response::builder()
            .status(StatusCode::from_u16(reply.status).unwrap())
            .header("content-type", "application/json")
            .body(full(reply.json))
            .unwrap()),
    }
}

/// Says what is wrong unless `holds`.
pub(crate) fn rule(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

/// Records of these data, one after the other in one log.
pub(crate) fn records(data: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Record> {
    let record = |(place, data): (usize, _)| {
        let data: &dyn AsRef<[u8]> = &data;
        // 2016-02-25T13:00:00Z.
        let origin = Origin { log: LogId(7), ordinal: place as u64, sub: None, arrival_ms: 1_456_405_200_000 };
        Record { data: Bytes::copy_from_slice(data.as_ref()), origin, keys: PartitionKeys::default() }
    };
    data.into_iter().enumerate().map(record).collect()
}

/// A context whose requests take `request_timeout_ms` at most.
pub(crate) fn context(request_timeout_ms: u64) -> EndpointContext {
    // These endpoints make no objects, so the directory need not outlive the call.
    let dir = tempfile::tempdir().unwrap();
    let sinks = ObjectSinks::new(&crate::sink::Options::default(), dir.path()).unwrap();
    EndpointContext {
        key: StreamKey { account: "123456789012".into(), region: "eu-west-1".into(), name: "clicks".into() },
        id: "aaaa".into(),
        options: Options {
            request_timeout: std::time::Duration::from_millis(request_timeout_ms),
            ..Options::default()
        },
        catalogs: Default::default(),
        databases: DatabaseOptions::default(),
        storage: Storage {
            sinks: Arc::new(sinks),
            spool: Spool::open(dir.path()).unwrap(),
            bucket: "lake".into(),
            compression: ObjectCompression::default(),
        },
    }
}

/// What came of records after as many attempts as it took.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// By place: the code and message of those that were refused.
    pub(crate) refused: Vec<(usize, String, String)>,
    /// The codes of the attempts that failed, each once an attempt, in order.
    pub(crate) codes: Vec<String>,
}

/// Sends records as the delivery does, until all are settled.
pub(crate) async fn deliver(endpoint: &dyn Endpoint, all: &[Record], attempts_max: usize) -> Delivery {
    let mut delivery = Delivery::default();
    let mut places: Vec<usize> = (0..all.len()).collect();
    for _ in 0..attempts_max {
        let records: Vec<Record> = places.iter().map(|place| all[*place].clone()).collect();
        let batch = Batch { id: Uuid::from_u128(42), object_key: "key", records: &records, now_ms: 1_456_405_260_000 };
        let verdicts = endpoint.send(&batch).await;
        assert_eq!(verdicts.len(), records.len());
        let mut again = Vec::new();
        for (place, verdict) in places.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Delivered => {}
                Verdict::Refused(reason) => {
                    delivery.refused.push((place, reason.code.clone(), reason.message.clone()));
                }
                Verdict::Again(reason) => {
                    if again.is_empty() {
                        delivery.codes.push(reason.code.clone());
                    }
                    again.push(place);
                }
            }
        }
        places = again;
        if places.is_empty() {
            return delivery;
        }
    }
    panic!("{} records are not settled after {attempts_max} attempts: {delivery:?}", places.len());
}

/// One attempt.
pub(crate) async fn send(endpoint: &dyn Endpoint, records: &[Record]) -> Vec<Verdict> {
    let batch = Batch { id: Uuid::from_u128(42), object_key: "key", records, now_ms: 1_456_405_260_000 };
    endpoint.send(&batch).await
}
