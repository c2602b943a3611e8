//! The wiring: a store, what lives in it, and the doors in front of it.
//!
//! ```text
//! Listener ─> Router ─┬─> Kinesis door ──> Streams ─┐
//!                     ├─> Firehose door ─> DeliveryStreams ─> Store (data directory)
//!                     ├─> Glue door ─────> Catalog ─┘   └─> object store
//!                     └─> /healthz, /metrics
//! ```
//!
//! It stops in the direction of the data: first the listener (requests under way are answered), then delivery, then the
//! store, so that nothing is taken that is not made durable.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use firehose::schema::Tables;
use firehose::sink::ObjectSinks;
use firehose::source::SourceStreams;
use firehose::{DeliveryStatus, DeliveryStreams, Environment};
use http::StatusCode;
use ingest_core::http::{BindError, Listener};
use ingest_core::{Auth, InvalidCredentials, Page, Router};
use ingest_firehose::Firehose;
use ingest_glue::{Catalog as DataCatalog, Glue};
use ingest_kafka::KafkaTopics;
use ingest_kinesis::Kinesis;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use shard_store::Store;
use shard_store::clock::SystemClock;
use shard_store::error::{CatalogError, OpenError};
use shard_store::queue::error::OpenQueuesError;
use shard_store::queue::{self, Queues};
use shard_store::stream::error::OpenStreamsError;
use shard_store::stream::{Streams, on_demand, retention};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::{Config, RawConfig};

/// Where buckets are, in the data directory, unless an object store is configured.
const OBJECTS_FOLDER: &str = "objects";

/// Where, in the data directory, what is about to be delivered stands.
const DELIVERY_FOLDER: &str = "delivery";

/// The type of Prometheus text.
///
/// Source: OpenMetrics 1.0, "Text format".
const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why the server cannot start; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The streams in it cannot be opened.
    #[error(transparent)]
    Streams(#[from] OpenStreamsError),
    /// The databases and tables in it cannot be opened.
    #[error(transparent)]
    DataCatalog(#[from] CatalogError),
    /// The queues in it cannot be opened.
    #[error(transparent)]
    Queues(#[from] OpenQueuesError),
    /// The object store cannot be used as configured.
    #[error(transparent)]
    ObjectStore(#[from] firehose::sink::ConfigError),
    /// The delivery streams in the data directory cannot be opened.
    #[error(transparent)]
    Delivery(#[from] firehose::error::OpenError),
    /// The credentials cannot be used.
    #[error(transparent)]
    Credentials(#[from] InvalidCredentials),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Opening the store was broken off.
    #[error("the store was not opened: {reason}")]
    Broken {
        /// What happened.
        reason: String,
    },
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    listening: JoinHandle<bool>,
    /// Retention, the scaling of on-demand streams, and what queues know of expired records.
    sweeps: [JoinHandle<()>; 3],
    deliveries: Arc<DeliveryStreams>,
    drain_timeout: Duration,
    store: Store,
}

impl Server {
    /// Opens the store, recovers it if need be, and begins to serve. When this returns, requests are accepted.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let config = config.into_inner();
        let auth = Auth::new(&config.credentials)?;
        let (server, drain_timeout) = (config.server.clone(), config.server.drain_timeout);
        let opening = tokio::task::spawn_blocking(move || Opened::open(config));
        let opened = opening.await.map_err(|source| StartError::Broken { reason: source.to_string() })??;
        let Opened { store, streams, queues, data_catalog, deliveries, mut registry } = opened;

        let kinesis = Kinesis::new(Arc::clone(&queues), &mut registry);
        let firehose = Firehose::new(Arc::clone(&deliveries), &mut registry);
        let router = Router::new(auth, &mut registry)
            .door(Arc::new(kinesis))
            .door(Arc::new(firehose))
            .door(Arc::new(Glue::new(data_catalog)))
            .page("/healthz", health_page(store.clone(), Arc::clone(&deliveries)))
            .page("/metrics", metrics_page(registry));
        let listener = Listener::bind(server, router).await?;
        let address = listener.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let listening = tokio::spawn(ingest_core::http::serve(listener, async {
            // A server that was dropped is to stop too.
            let _ = stopped.await;
        }));
        let sweeps = [
            tokio::spawn(retention::run(Arc::downgrade(&streams))),
            tokio::spawn(on_demand::run(Arc::downgrade(&streams))),
            tokio::spawn(queue::registry::run(Arc::downgrade(&queues))),
        ];
        Ok(Self { address, stop, listening, sweeps, deliveries, drain_timeout, store })
    }

    /// The address that clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, finishes the requests under way, delivers what is buffered as far as time allows (the rest is
    /// delivered after the next start), and makes everything durable.
    pub async fn stop(self) {
        let Self { stop, listening, sweeps, deliveries, drain_timeout, store, .. } = self;
        // If nobody is there to be told, the listener has ended already.
        let _ = stop.send(());
        if let Err(error) = listening.await {
            tracing::error!(%error, "the listener failed");
        }
        sweeps.iter().for_each(JoinHandle::abort);
        for delivery_stream in deliveries.drain(drain_timeout).await {
            tracing::warn!(
                delivery_stream,
                "not all was delivered in time; the rest is delivered after the next start"
            );
        }
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            tracing::error!(%error, "the store could not be closed");
        }
    }
}

/// What lives in the data directory.
struct Opened {
    store: Store,
    streams: Arc<Streams>,
    queues: Arc<Queues>,
    data_catalog: Arc<DataCatalog>,
    deliveries: Arc<DeliveryStreams>,
    registry: Registry,
}

impl Opened {
    /// Blocks on the disk, for as long as recovery takes.
    fn open(config: RawConfig) -> Result<Self, StartError> {
        let mut registry = Registry::default();
        let sinks = ObjectSinks::new(&config.object_store, &config.data_dir.join(OBJECTS_FOLDER))?;
        let store = Store::open(&config.data_dir, config.store, Arc::new(SystemClock), &mut registry)?;
        let streams = Streams::open(store.clone(), config.kinesis)?;
        let queues = Queues::open(Arc::clone(&streams))?;
        let data_catalog = Arc::new(DataCatalog::open(store.clone(), &mut registry)?);
        let environment = Environment {
            store: store.clone(),
            sources: Arc::clone(&streams) as Arc<dyn SourceStreams>,
            topics: Arc::new(KafkaTopics::new(config.kafka, &mut registry)),
            sinks: Arc::new(sinks),
            tables: Arc::clone(&data_catalog) as Arc<dyn Tables>,
            work_dir: config.data_dir.join(DELIVERY_FOLDER),
        };
        let deliveries = DeliveryStreams::open(environment, config.firehose, &mut registry)?;
        Ok(Self { store, streams, queues, data_catalog, deliveries, registry })
    }
}

/// Says whether the server serves, and which delivery streams cannot go on.
fn health_page(store: Store, deliveries: Arc<DeliveryStreams>) -> impl Fn() -> Page {
    move || {
        if let Err(error) = store.check() {
            return Page::text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"));
        }
        let mut body = "ok\n".to_owned();
        for stream in deliveries.all() {
            let name = &stream.definition().key.name;
            match stream.status() {
                DeliveryStatus::Retrying { reason } => {
                    body.push_str(&format!("delivery stream {name} is retrying: {reason}\n"));
                }
                DeliveryStatus::SourceMissing => {
                    body.push_str(&format!("the source of delivery stream {name} was deleted\n"));
                }
                DeliveryStatus::Running | DeliveryStatus::Stopped => {}
            }
        }
        Page::text(StatusCode::OK, body)
    }
}

/// Renders the metrics of all parts.
fn metrics_page(registry: Registry) -> impl Fn() -> Page {
    move || {
        let mut body = String::new();
        match encode(&mut body, &registry) {
            Ok(()) => Page { status: StatusCode::OK, content_type: METRICS_CONTENT_TYPE, body },
            Err(error) => Page::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }
}
