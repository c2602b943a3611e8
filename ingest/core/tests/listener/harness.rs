//! A small door behind a real listener, and a client that sends bytes as they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use ingest_core::config::{CredentialOptions, HttpOptions};
use ingest_core::http::{Listener, serve};
use ingest_core::{Auth, Code, Context, Door, EventStream, Fault, Operations, Page, Router};
use ingest_wire::Blob;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::JoinHandle;

/// A door whose operations do what the tests need.
pub(crate) struct Testing {
    /// `Wait` says here that it has begun, and goes on once it gets a permit there.
    pub(crate) waiting: Notify,
    pub(crate) go_on: Semaphore,
    /// Notified when `Wait` has come to its end.
    pub(crate) ended: Notify,
    /// How many events `Flood` has put.
    pub(crate) flood: AtomicU64,
}

/// The bytes of each event of `Flood`.
pub(crate) const FLOOD_BYTES: usize = 64 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Word {
    word: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data<'a> {
    #[serde(borrow)]
    data: Option<Blob<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    byte_count: usize,
    account: String,
    region: String,
}

impl Door for Testing {
    const SERVICE: &'static str = "testing";
    const TARGET_PREFIX: &'static str = "Testing_20261123";

    fn operations() -> Operations<Self> {
        Operations::new()
            .typed("Echo", |_, _, word: Word| async move { Ok(word) })
            .raw("Measure", measure)
            .typed("Wait", wait)
            .typed("Panic", |_, _, word: Word| async move {
                assert!(word.word.is_some(), "this is what the test is for");
                Ok(word)
            })
            .raw("RawPanic", |_, _, body: Bytes| async move {
                assert!(body.is_empty(), "this is what the test is for");
                Ok(body)
            })
            .streaming("Tell", tell)
            .streaming("Flood", flood)
            .absent(&["Later"])
    }
}

/// Tells the word, and then nothing more until nobody listens.
async fn tell(door: Arc<Testing>, context: Context, word: Word) -> Result<EventStream, Fault> {
    let word = word.word.ok_or_else(|| Fault::new(Code::InvalidArgument, "no word"))?;
    let (sink, events) = EventStream::channel(context.protocol);
    tokio::spawn(async move {
        if let Ok(place) = sink.place().await {
            place.put("Word", word.as_bytes());
        }
        sink.unread().await;
        door.ended.notify_one();
    });
    Ok(events)
}

/// Puts events for as long as there is a place for them.
async fn flood(door: Arc<Testing>, context: Context, _: Word) -> Result<EventStream, Fault> {
    let (sink, events) = EventStream::channel(context.protocol);
    tokio::spawn(async move {
        while let Ok(place) = sink.place().await {
            place.put("Word", &[b'x'; FLOOD_BYTES]);
            door.flood.fetch_add(1, Ordering::Relaxed);
        }
    });
    Ok(events)
}

async fn measure(_: Arc<Testing>, context: Context, body: Bytes) -> Result<Bytes, Fault> {
    let input: Data<'_> = context.decode(&body)?;
    let data = input.data.ok_or_else(|| Fault::new(Code::InvalidArgument, "no data"))?;
    data.check()?;
    let (account, region) = (context.account.to_string(), context.region.to_string());
    context.encode(&Size { byte_count: data.byte_count(), account, region })
}

async fn wait(door: Arc<Testing>, _: Context, word: Word) -> Result<Word, Fault> {
    door.waiting.notify_one();
    door.go_on.acquire().await.map_err(Fault::internal)?.forget();
    door.ended.notify_one();
    Ok(word)
}

/// A listener that serves until it is told to stop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) door: Arc<Testing>,
    pub(crate) registry: Arc<Mutex<Registry>>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<bool>,
}

impl Server {
    pub(crate) async fn start(options: HttpOptions, credentials: &[CredentialOptions]) -> Self {
        let door = Arc::new(Testing {
            waiting: Notify::new(),
            go_on: Semaphore::new(0),
            ended: Notify::new(),
            flood: AtomicU64::new(0),
        });
        let mut registry = Registry::default();
        let router = Router::new(Auth::new(credentials).unwrap(), &mut registry)
            .door(Arc::clone(&door))
            .page("/healthz", || Page::text(http::StatusCode::OK, "fine\n"));
        let options = HttpOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..options };
        let listener = Listener::bind(options, router).await.unwrap();
        let address = listener.address();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(listener, async move { drop(stopped.await) }));
        Self { address, door, registry: Arc::new(Mutex::new(registry)), stop: Some(stop), served }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), received: Vec::new() }
    }

    /// Tells the server to stop, without waiting.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the server has stopped; whether everything under way came to its end.
    pub(crate) async fn stopped(mut self) -> bool {
        self.stop();
        self.served.await.unwrap()
    }

    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry.lock()).unwrap();
        text
    }
}

/// An HTTP/1.1 client that sends what it is told.
pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The code and the message of an error, after checking that the header says the same.
    pub(crate) fn error(&self) -> (String, String) {
        let error: ingest_wire::ReceivedError = ingest_wire::json_1_1::decode(&self.body).unwrap();
        assert_eq!(self.header("x-amzn-errortype"), Some(error.code()));
        (error.code().to_owned(), error.message)
    }
}

pub(crate) const JSON: &str = "application/x-amz-json-1.1";

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends the head of a call and no body.
    pub(crate) async fn send_head(&mut self, operation: &str, content_type: &str, byte_count: usize) {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: {operation}\r\ncontent-type: {content_type}\r\n\
             content-length: {byte_count}\r\n\r\n"
        );
        self.send(head).await;
    }

    /// Makes a call and waits for its answer.
    pub(crate) async fn call(&mut self, operation: &str, content_type: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        self.send_head(&format!("Testing_20261123.{operation}"), content_type, body.len()).await;
        self.send(body).await;
        self.answer().await
    }

    /// Reads the next answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head_end = loop {
            if let Some(end) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            assert!(
                self.receive().await > 0,
                "closed without an answer: {:?}",
                String::from_utf8_lossy(&self.received)
            );
        };
        let head = String::from_utf8(self.received.drain(..head_end + 4).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let byte_count = headers.iter().find(|(name, _)| name == "content-length").unwrap().1.parse().unwrap();
        while self.received.len() < byte_count {
            assert!(self.receive().await > 0, "closed in the middle of an answer");
        }
        let body = self.received.drain(..byte_count).collect();
        Answer { status, headers, body }
    }

    /// Waits for the server to close the connection.
    pub(crate) async fn closed(&mut self) {
        while self.receive().await > 0 {}
    }

    async fn receive(&mut self) -> usize {
        // A connection that is reset is closed as well.
        self.stream.read_buf(&mut self.received).await.unwrap_or(0)
    }
}
