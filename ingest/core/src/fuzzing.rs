//! Calls without a socket, for the fuzzers in `ingest/fuzz`. Compiled with the feature `fuzzing` only.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::{BodyExt, Either, Full};
use ingest_wire::{Protocol, header};

use crate::config::HttpOptions;
use crate::http::body::BodyGate;
use crate::router::Router;

/// What a call came to.
#[derive(Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body; `None` if it is an event stream, which is left unread.
    pub body: Option<Bytes>,
}

/// Calls operations of a router as its listener would.
pub struct Caller {
    router: Router,
    gate: BodyGate,
}

impl Caller {
    /// A caller of `router`.
    pub fn new(router: Router) -> Self {
        Self { router, gate: BodyGate::new(&HttpOptions::default()) }
    }

    /// Calls `target` (`Kinesis_20131202.PutRecord`) with a body as it is.
    pub async fn call(&self, target: &str, protocol: Protocol, body: &[u8]) -> Answered {
        let request = Request::builder()
            .method(Method::POST)
            .header(header::TARGET, target)
            .header(CONTENT_TYPE, protocol.content_type())
            .body(Full::new(Bytes::copy_from_slice(body)))
            .expect("the names of operations are fit for a header");
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let response = self.router.answer(request, peer, &self.gate).await;
        let status = response.status().as_u16();
        let body = match response.into_body() {
            Either::Left(whole) => whole.collect().await.ok().map(|collected| collected.to_bytes()),
            Either::Right(_) => None,
        };
        Answered { status, body }
    }
}
