//! [`Router`]: from a request to the operation that answers it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use ::http::request::Parts;
use ::http::{HeaderMap, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{Either, Full};
use ingest_wire::sigv4::SignedRequest;
use ingest_wire::{ErrorBody, Protocol, RequestId, event_stream, header};
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::auth::Auth;
use crate::call_rate::{CallRate, CallRates};
use crate::context::Context;
use crate::door::Door;
use crate::event_stream::EventBody;
use crate::fault::{Code, Fault};
use crate::http::body::{BodyGate, Collected};
use crate::metrics::{Metrics, OperationMetrics};
use crate::operation::{Answer, Reply};

/// A door's operation, mounted: its door bound, its metrics looked up.
struct Mounted {
    service: &'static str,
    operation: &'static str,
    rate: Option<(CallRate, Arc<CallRates>)>,
    call: Box<dyn Fn(Context, Bytes) -> Answer + Send + Sync>,
    metrics: OperationMetrics,
}

/// What a plain page answers: `/healthz`, `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Page {
    /// A plain text.
    pub fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// The body of any answer.
pub(crate) type ReplyBody = Either<Full<Bytes>, EventBody>;

type PageHandler = Box<dyn Fn() -> Page + Send + Sync>;

/// Finds the operation of a request, has its signature verified, runs it and renders the answer.
pub struct Router {
    auth: Auth,
    /// By target prefix, then by operation. A server has a handful of doors; a list is as quick as a map.
    doors: Vec<(&'static str, HashMap<&'static str, Mounted>)>,
    pages: Vec<(&'static str, PageHandler)>,
    metrics: Metrics,
    /// For requests that belong to no operation.
    unrouted: OperationMetrics,
    /// Whether event streams are to end.
    stopping: watch::Sender<bool>,
}

impl Router {
    /// A router without doors. Its metrics go to `registry`.
    pub fn new(auth: Auth, registry: &mut Registry) -> Self {
        let metrics = Metrics::new(registry);
        let unrouted = metrics.operation("", "");
        Self { auth, doors: Vec::new(), pages: Vec::new(), metrics, unrouted, stopping: watch::Sender::new(false) }
    }

    /// Mounts a door.
    pub fn door<D: Door>(mut self, door: Arc<D>) -> Self {
        let operations = D::operations().into_handlers().map(|(name, rate, handler)| {
            let door = Arc::clone(&door);
            let rate = rate.zip(door.call_rates().cloned());
            let mounted = Mounted {
                service: D::SERVICE,
                operation: name,
                rate,
                call: Box::new(move |context, body| handler(Arc::clone(&door), context, body)),
                metrics: self.metrics.operation(D::SERVICE, name),
            };
            (name, mounted)
        });
        let operations = operations.collect();
        self.doors.push((D::TARGET_PREFIX, operations));
        self
    }

    /// Adds a page: `GET path` answers what `page` returns. Pages are not signed.
    pub fn page(mut self, path: &'static str, page: impl Fn() -> Page + Send + Sync + 'static) -> Self {
        self.pages.push((path, Box::new(page)));
        self
    }

    /// Ends all event streams: they would go on for minutes.
    pub(crate) fn stop_event_streams(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers one request.
    pub(crate) async fn answer<B>(&self, request: Request<B>, peer: SocketAddr, gate: &BodyGate) -> Response<ReplyBody>
    where
        B: hyper::body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        if let Some(response) = self.answer_page(&parts) {
            return response;
        }
        let request_id = RequestId::random();
        let protocol = protocol_of(&parts.headers);
        let mounted = self.find(&parts);
        let metrics = mounted.as_ref().map_or(&self.unrouted, |mounted| &mounted.metrics);

        let mut must_close = false;
        let answer = match self.admit(&parts, protocol, mounted) {
            Ok(admitted) => match gate.collect(&parts.headers, body).await {
                Ok(collected) => {
                    metrics.observe_body(collected.bytes.len());
                    self.run(&parts, admitted, collected, request_id, peer).await
                }
                Err(refused) => {
                    must_close = refused.must_close;
                    Err(refused.fault)
                }
            },
            Err(fault) => {
                must_close = !gate.discard(body).await;
                Err(fault)
            }
        };

        let fault = answer.as_ref().err().map(Fault::code);
        let mut response = self.render(answer, protocol.unwrap_or(Protocol::Json11), request_id);
        if must_close && parts.version < ::http::Version::HTTP_2 {
            response.headers_mut().insert(::http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        let byte_count = hyper::body::Body::size_hint(response.body()).lower();
        let byte_count = usize::try_from(byte_count).unwrap_or(usize::MAX);
        let latency = started.elapsed();
        metrics.observe_answer(fault, byte_count, latency);
        tracing::debug!(%request_id, %peer, status = response.status().as_u16(), ?latency, "answered");
        response
    }

    fn answer_page(&self, parts: &Parts) -> Option<Response<ReplyBody>> {
        if parts.headers.contains_key(header::TARGET) || (parts.method != Method::GET && parts.method != Method::HEAD) {
            return None;
        }
        let page = match self.pages.iter().find(|(path, _)| *path == parts.uri.path()) {
            Some((_, page)) => page(),
            None => Page::text(StatusCode::NOT_FOUND, "There is no such page. AWS calls are POST requests to /.\n"),
        };
        let mut response = Response::new(Either::Left(Full::from(page.body)));
        *response.status_mut() = page.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
        Some(response)
    }

    /// The operation that `X-Amz-Target` names.
    fn find(&self, parts: &Parts) -> Result<&Mounted, Fault> {
        let target = parts.headers.get(header::TARGET).and_then(|value| value.to_str().ok()).ok_or_else(|| {
            Fault::new(
                Code::UnknownOperation,
                "The X-Amz-Target header must name the operation: Service_Version.Operation",
            )
        })?;
        let (prefix, name) = target.split_once('.').unwrap_or((target, ""));
        let operations = self.doors.iter().find(|(door, _)| *door == prefix).map(|(_, operations)| operations);
        let mounted = operations.and_then(|operations| operations.get(name));
        mounted.ok_or_else(|| {
            let known = if operations.is_some() { "operation" } else { "service" };
            Fault::new(Code::UnknownOperation, format!("X-Amz-Target names no {known} of this server: {target}"))
        })
    }

    /// Checks by the headers alone whether a request is worth reading the body of.
    fn admit<'a>(
        &'a self,
        parts: &'a Parts,
        protocol: Option<Protocol>,
        mounted: Result<&'a Mounted, Fault>,
    ) -> Result<Admitted<'a>, Fault> {
        if parts.method != Method::POST {
            return Err(Fault::new(
                Code::UnknownOperation,
                format!("AWS calls are POST requests, not {}", parts.method),
            ));
        }
        let mounted = mounted?;
        let protocol = protocol.ok_or_else(|| {
            let [json, cbor] = [Protocol::Json11, Protocol::Cbor11].map(Protocol::content_type);
            Fault::new(Code::UnknownOperation, format!("The Content-Type header must be {json} or {cbor}"))
        })?;
        let claim = self.auth.identify(&parts.headers)?;
        Ok(Admitted { mounted, protocol, claim })
    }

    /// Runs an operation, once its signature is verified.
    async fn run(
        &self,
        parts: &Parts,
        admitted: Admitted<'_>,
        collected: Collected<'_>,
        request_id: RequestId,
        peer: SocketAddr,
    ) -> Result<Reply, Fault> {
        let Admitted { mounted, protocol, claim } = admitted;
        let Collected { bytes, memory } = collected;
        let request = SignedRequest { method: &parts.method, uri: &parts.uri, headers: &parts.headers, body: &bytes };
        self.auth.verify(&claim, request, mounted.service)?;
        let context = Context {
            account: claim.account,
            principal: claim.principal,
            region: claim.region,
            request_id,
            protocol,
            peer,
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            service: mounted.service,
            operation: mounted.operation,
            rate: mounted.rate.clone(),
        };
        let answer = (mounted.call)(context, bytes).await;
        // The body's share of memory is given back only now, when the operation holds it no longer.
        drop(memory);
        answer
    }

    /// Renders an answer with the headers that every answer has.
    fn render(&self, answer: Result<Reply, Fault>, protocol: Protocol, request_id: RequestId) -> Response<ReplyBody> {
        let whole = |body: Bytes| Either::Left(Full::new(body));
        let (status, body, content_type, error_type) = match answer {
            Ok(Reply::Whole(body)) => (200, whole(body), protocol.content_type(), None),
            Ok(Reply::Events(events)) => {
                let mut stopping = self.stopping.subscribe();
                let stopped = async move { drop(stopping.wait_for(|is_stopping| *is_stopping).await) };
                (200, Either::Right(events.into_body(stopped)), event_stream::CONTENT_TYPE, None)
            }
            Err(fault) => {
                let error = ErrorBody { code: fault.code().name(), message: fault.message() };
                // Two strings have a form in every protocol; should that ever change, the code is still in the header.
                let body = protocol.encode(&error).unwrap_or_default();
                (fault.code().status(), whole(body.into()), protocol.content_type(), Some(fault.code().name()))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let mut insert = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        insert(header::REQUEST_ID, request_id.to_string());
        insert(header::EXTENDED_REQUEST_ID, request_id.extended());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(code) = error_type {
            headers.insert(header::ERROR_TYPE, HeaderValue::from_static(code));
        }
        response
    }
}

/// A request whose headers are in order.
struct Admitted<'a> {
    mounted: &'a Mounted,
    protocol: Protocol,
    claim: crate::auth::Claim<'a>,
}

fn protocol_of(headers: &HeaderMap) -> Option<Protocol> {
    Protocol::from_content_type(headers.get(CONTENT_TYPE)?.to_str().ok()?)
}
