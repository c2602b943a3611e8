//! [`Kinesis`], the state behind the operations.

use std::sync::Arc;

use ingest_core::{CallRates, Door, Fault, Operations};
use prometheus_client::registry::Registry;
use shard_store::queue::Queues;
use shard_store::stream::Streams;

use crate::metrics::Metrics;
use crate::operations;
use crate::shard_metrics;
use crate::subscriptions::Subscriptions;

/// The Kinesis Data Streams door.
pub struct Kinesis {
    pub(crate) streams: Arc<Streams>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) subscriptions: Arc<Subscriptions>,
    pub(crate) metrics: Metrics,
    call_rates: Arc<CallRates>,
}

impl Kinesis {
    /// A door to these queues and their streams. Its metrics go to `registry`.
    pub fn new(queues: Arc<Queues>, registry: &mut Registry) -> Self {
        let streams = Arc::clone(queues.streams());
        shard_metrics::register(registry, &streams);
        let call_rates = Arc::new(CallRates::new(streams.shared_clock()));
        Self { streams, queues, subscriptions: Arc::default(), metrics: Metrics::register(registry), call_rates }
    }

    /// The present, in milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        self.streams.clock().unix_millis()
    }

    /// Runs what blocks on the disk off the event loop.
    ///
    /// # Errors
    /// That of `work`, or `InternalFailure` if it panicked.
    pub(crate) async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&Streams) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        E: Into<Fault> + Send + 'static,
    {
        let streams = Arc::clone(&self.streams);
        let outcome = tokio::task::spawn_blocking(move || work(&streams)).await.map_err(Fault::internal)?;
        outcome.map_err(Into::into)
    }

    /// Runs what changes queues off the event loop.
    ///
    /// # Errors
    /// `InternalFailure` if `work` panicked.
    pub(crate) async fn queueing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Queues) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let queues = Arc::clone(&self.queues);
        tokio::task::spawn_blocking(move || work(&queues)).await.map_err(Fault::internal)
    }
}

impl Door for Kinesis {
    const SERVICE: &'static str = "kinesis";
    const TARGET_PREFIX: &'static str = "Kinesis_20131202";

    fn call_rates(&self) -> Option<&Arc<CallRates>> {
        Some(&self.call_rates)
    }

    fn operations() -> Operations<Self> {
        operations::table()
    }
}
