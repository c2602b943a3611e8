//! One connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use super::body::BodyGate;
use super::idle::IdleTimeout;
use crate::config::HttpOptions;
use crate::limits::{HEADER_BYTES_MAX, HEADERS_MAX, STREAM_WINDOW_BYTES, STREAMS_PER_CONNECTION_MAX};
use crate::router::Router;

/// Serves the requests of a connection until either side closes it.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Arc<Router>,
    gate: Arc<BodyGate>,
    options: Arc<HttpOptions>,
    watcher: Watcher,
) {
    // An answer is written at once; there is nothing to gain by waiting for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let (router, gate) = (Arc::clone(&router), Arc::clone(&gate));
        async move { Ok::<_, Infallible>(router.answer(request, peer, &gate).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.idle_timeout).max_headers(HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES)
        .max_header_list_size(HEADER_BYTES_MAX);
    let io = TokioIo::new(IdleTimeout::new(stream, options.idle_timeout));
    let connection = builder.serve_connection(io, service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        // Clients that vanish, time out or speak something else are their own affair.
        tracing::debug!(%peer, %error, "connection ended");
    }
}
