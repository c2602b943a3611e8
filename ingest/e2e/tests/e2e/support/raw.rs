//! One HTTP/1.1 connection, over which anything can be sent.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::server::Server;

/// The content types of the protocols.
pub(crate) const JSON: &str = "application/x-amz-json-1.1";
pub(crate) const CBOR: &str = "application/x-amz-cbor-1.1";

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The error code in the header; empty if there is none.
    pub(crate) fn code(&self) -> &str {
        self.headers.get("x-amzn-errortype").map_or("", |code| code.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection. Every request of it fails once the server closes it.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub(crate) async fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.authority()).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, host: server.authority().to_owned() }
    }

    /// Calls an operation, such as `Kinesis_20131202.PutRecord`.
    pub(crate) async fn call(&mut self, target: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        self.try_call(target, content_type, body).await.unwrap()
    }

    /// As [`Connection::call`], of a server that may be killed meanwhile.
    pub(crate) async fn try_call(
        &mut self,
        target: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> hyper::Result<Answer> {
        let request = Request::post("/").header("x-amz-target", target).header(CONTENT_TYPE, content_type);
        self.send(request.header(HOST, &self.host).body(Full::new(body.into())).unwrap()).await
    }

    /// Gets a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).header(HOST, &self.host).body(Full::default()).unwrap()).await.unwrap()
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}
