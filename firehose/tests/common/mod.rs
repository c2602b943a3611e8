//! Object stores that run in the test itself, on a port of their own: one that speaks S3, and one that speaks as much of
//! Azure Blob Storage and of Google Cloud Storage as a sink uses. Each notes the requests it got, and fails as it is told.

#![allow(dead_code, reason = "each test binary uses its part")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

pub(crate) mod blob_server;
pub(crate) mod s3_server;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use firehose::sink::Options;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How a request fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing is done, and this status is the answer.
    Refuse(u16),
    /// It is done, and the connection is closed without an answer.
    LoseAnswer,
    /// Nothing is done, and no answer ever comes.
    Hang,
}

/// A request that was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Method, path and query.
    pub(crate) line: String,
    pub(crate) authorization: String,
}

#[derive(Default)]
struct Script {
    received: Vec<Received>,
    faults: Vec<(String, usize, Fault)>,
}

/// A running object store; it stops when it is dropped.
pub(crate) struct ObjectServer {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl ObjectServer {
    /// Serves what `handle` answers.
    async fn start<H, A>(handle: H) -> Self
    where
        H: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<s3s::Body>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let task = tokio::spawn({
            let script = Arc::clone(&script);
            async move {
                while let Ok((socket, _)) = listener.accept().await {
                    let (script, handle) = (Arc::clone(&script), handle.clone());
                    let answer = move |request| {
                        let fault = Script::receive(&script, &request);
                        let answered = handle(request);
                        async move {
                            match fault {
                                None => Ok(answered.await),
                                Some(Fault::Refuse(status)) => {
                                    Ok(Response::builder().status(status).body(s3s::Body::empty()).unwrap())
                                }
                                Some(Fault::LoseAnswer) => {
                                    answered.await;
                                    Err(io::Error::other("told to"))
                                }
                                Some(Fault::Hang) => std::future::pending().await,
                            }
                        }
                    };
                    tokio::spawn(async move {
                        let builder = Builder::new(TokioExecutor::new());
                        // A client that goes away is no failure of the test.
                        let _ = builder.serve_connection(TokioIo::new(socket), service_fn(answer)).await;
                    });
                }
            }
        });
        Self { address, script, task }
    }

    /// The next `count` requests whose line holds `part` fail.
    pub(crate) fn fail_next(&self, part: &str, count: usize, fault: Fault) {
        self.script.lock().unwrap().faults.push((part.to_owned(), count, fault));
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.script.lock().unwrap().received.clone()
    }

    /// How many requests so far hold `part` in their line.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.received().iter().filter(|received| received.line.contains(part)).count()
    }

    /// `http://HOST:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Options that reach it, but for credentials.
    fn options(&self, url: &str) -> Options {
        Options { url: Some(url.to_owned()), endpoint: Some(self.url()), allow_http: true, ..Options::default() }
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Script {
    fn receive(script: &Mutex<Self>, request: &Request<Incoming>) -> Option<Fault> {
        let line = format!("{} {}", request.method(), request.uri());
        let authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        let mut script = script.lock().unwrap();
        let fault = script.faults.iter_mut().find(|(part, left, _)| *left > 0 && line.contains(part.as_str()));
        let fault = fault.map(|(_, left, fault)| {
            *left -= 1;
            *fault
        });
        script.received.push(Received { line, authorization: authorization.unwrap_or_default() });
        fault
    }
}
