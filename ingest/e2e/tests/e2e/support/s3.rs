//! An S3 server in the test itself, behind a proxy that misbehaves.
//!
//! Buckets are directories, so that what was stored is read from files. Requests must be signed. Each request has its fate
//! drawn: most pass, the others meet one of the [`Fate`]s that networks and object stores know.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

use super::draws::Draws;

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI";

/// How long a request of the server's may take; what stalls, stalls longer.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(1_500);

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    /// Nothing is done, and 503 `SlowDown` is the answer.
    SlowDown,
    /// Nothing is done, and 500 is the answer.
    Fail,
    /// The connection is closed before anything is done.
    Reset,
    /// The connection is closed in the middle of the body, and nothing is done.
    CutBody,
    /// It is done, and the connection is closed without an answer.
    LoseAnswer,
    /// It is done, and the answer never comes.
    DoneAndStall,
    /// Nothing is done, and no answer ever comes.
    Stall,
    /// The body is taken slowly, and the request is done.
    Slow,
}

const FATES: [Fate; 8] = [
    Fate::SlowDown,
    Fate::Fail,
    Fate::Reset,
    Fate::CutBody,
    Fate::LoseAnswer,
    Fate::DoneAndStall,
    Fate::Stall,
    Fate::Slow,
];

/// A running S3 server. It ends with the runtime.
pub(crate) struct S3 {
    address: SocketAddr,
    root: PathBuf,
    is_calm: Arc<AtomicBool>,
    fates: Arc<[AtomicU64; FATES.len()]>,
}

impl S3 {
    /// Serves the directories in `root`; one request in `odds` meets a fate.
    pub(crate) async fn start(root: &Path, buckets: &[&str], odds: u64, draws: Draws) -> Self {
        buckets.iter().for_each(|bucket| std::fs::create_dir_all(root.join(bucket)).unwrap());
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let s3 = Self {
            address: listener.local_addr().unwrap(),
            root: root.to_owned(),
            is_calm: Arc::default(),
            fates: Arc::default(),
        };
        let chaos = Chaos {
            service,
            draws: Arc::new(Mutex::new(draws)),
            odds,
            is_calm: Arc::clone(&s3.is_calm),
            fates: Arc::clone(&s3.fates),
        };
        tokio::spawn(serve(listener, chaos));
        s3
    }

    /// The part of the server's configuration that has it store objects here.
    pub(crate) fn configuration(&self) -> String {
        format!(
            "[object-store]\nurl = \"s3://\"\nendpoint = \"http://{}\"\nallow-http = true\nrequest-timeout = \"{}ms\"\n\
             access-key-id = \"{ACCESS_KEY}\"\nsecret-access-key = \"{SECRET_KEY}\"\n",
            self.address,
            REQUEST_TIMEOUT.as_millis()
        )
    }

    /// From now on every request passes.
    pub(crate) fn calm(&self) {
        self.is_calm.store(true, Ordering::SeqCst);
    }

    /// How many requests met each fate.
    pub(crate) fn fates(&self) -> Vec<(Fate, u64)> {
        FATES.into_iter().zip(self.fates.iter().map(|count| count.load(Ordering::SeqCst))).collect()
    }

    /// Where the objects of a bucket are.
    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

#[derive(Clone)]
struct Chaos {
    service: S3Service,
    draws: Arc<Mutex<Draws>>,
    odds: u64,
    is_calm: Arc<AtomicBool>,
    fates: Arc<[AtomicU64; FATES.len()]>,
}

async fn serve(listener: TcpListener, chaos: Chaos) {
    while let Ok((socket, _)) = listener.accept().await {
        let chaos = chaos.clone();
        tokio::spawn(async move {
            let answer = move |request| {
                let chaos = chaos.clone();
                async move { chaos.answer(request).await }
            };
            // A client that goes away, or is killed, is what is wanted.
            drop(Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service_fn(answer)).await);
        });
    }
}

impl Chaos {
    fn draw(&self) -> Fate {
        let mut draws = self.draws.lock().unwrap();
        if self.is_calm.load(Ordering::SeqCst) || draws.below(self.odds) != 0 {
            return Fate::Pass;
        }
        let drawn = usize::try_from(draws.below(FATES.len() as u64)).unwrap();
        self.fates[drawn].fetch_add(1, Ordering::SeqCst);
        FATES[drawn]
    }

    /// An error closes the connection without an answer.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<s3s::Body>, std::io::Error> {
        let closed = || std::io::Error::other("told to");
        match self.draw() {
            Fate::Pass => self.pass(request).await,
            Fate::SlowDown => Ok(refusal(503, "SlowDown")),
            Fate::Fail => Ok(refusal(500, "InternalError")),
            Fate::Reset => Err(closed()),
            Fate::CutBody => {
                let mut body = request.into_body();
                drop(body.frame().await);
                Err(closed())
            }
            Fate::LoseAnswer => {
                self.pass(request).await?;
                Err(closed())
            }
            Fate::DoneAndStall => {
                self.pass(request).await?;
                std::future::pending().await
            }
            Fate::Stall => std::future::pending().await,
            Fate::Slow => {
                let (head, body) = request.into_parts();
                tokio::time::sleep(REQUEST_TIMEOUT / 3).await;
                let body = body.collect().await.map_err(|_| closed())?.to_bytes();
                tokio::time::sleep(REQUEST_TIMEOUT / 3).await;
                self.pass(Request::from_parts(head, Full::new(body).map_err(infallible))).await
            }
        }
    }

    async fn pass<B>(&self, request: Request<B>) -> Result<Response<s3s::Body>, std::io::Error>
    where
        B: hyper::body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let request = request.map(s3s::Body::http_body);
        self.service.call(request).await.map_err(|error| std::io::Error::other(format!("{error:?}")))
    }
}

fn infallible(never: Infallible) -> std::io::Error {
    match never {}
}

fn refusal(status: u16, code: &str) -> Response<s3s::Body> {
    let body = format!("<Error><Code>{code}</Code><Message>told to</Message></Error>");
    Response::builder().status(status).header("content-type", "application/xml").body(s3s::Body::from(body)).unwrap()
}
