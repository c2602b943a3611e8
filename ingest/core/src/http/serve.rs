//! [`serve`]: accepts connections until told to stop, then drains them.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::body::BodyGate;
use super::connection;
use super::error::BindError;
use crate::config::HttpOptions;
use crate::router::Router;

/// How long to wait after the system refused to accept a connection, as when it has run out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket, and what is to be served on it.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    router: Arc<Router>,
    options: Arc<HttpOptions>,
}

impl Listener {
    /// Opens the socket. From now on clients can connect; they are answered once [`serve`] runs.
    ///
    /// # Errors
    /// If the address is beyond loopback without credentials and that is not expressly allowed, or the system refuses.
    pub async fn bind(options: HttpOptions, router: Router) -> Result<Self, BindError> {
        let address = options.listen;
        if !router.auth().permits_listening_on(address.ip()) && !options.allow_remote_without_credentials {
            return Err(BindError::Unprotected { address });
        }
        let refused = |source| BindError::Refused { address, source };
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, address, router: Arc::new(router), options: Arc::new(options) })
    }

    /// The address that clients connect to, with the port that the system chose if it was left to it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves until `shutdown` resolves, then lets the requests under way come to their end, for as long as configured.
///
/// Returns whether all of them did; those that did not are broken off.
pub async fn serve(listener: Listener, shutdown: impl Future<Output = ()>) -> bool {
    let Listener { socket, router, options, .. } = listener;
    let gate = Arc::new(BodyGate::new(&options));
    let places = Arc::new(Semaphore::new(options.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&socket, &places) => accepted,
        };
        let Some((place, stream, peer)) = accepted else { continue };
        let (router, gate, options) = (Arc::clone(&router), Arc::clone(&gate), Arc::clone(&options));
        let watcher = graceful.watcher();
        connections.spawn(async move {
            let connected = router.metrics().connections.clone();
            connected.inc();
            connection::serve(stream, peer, router, gate, options, watcher).await;
            connected.dec();
            drop(place);
        });
        // Those that have ended are let go of.
        while connections.try_join_next().is_some() {}
    }
    drop(socket);
    router.stop_event_streams();
    let is_drained = tokio::time::timeout(options.drain_timeout, graceful.shutdown()).await.is_ok();
    if !is_drained {
        tracing::warn!(connections = connections.len(), "requests were still under way at the deadline; breaking off");
    }
    connections.shutdown().await;
    is_drained
}

/// Waits for a place, then for a connection to fill it. The system queues the others.
async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::sync::OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match socket.accept().await {
        Ok((stream, peer)) => Some((place, stream, peer)),
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
