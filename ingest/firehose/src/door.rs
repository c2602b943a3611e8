//! [`Firehose`], the state behind the operations.

use std::sync::Arc;

use firehose::definition::Source;
use firehose::{DeliveryStream, DeliveryStreams};
use ingest_core::fault::firehose::{not_direct_put, not_found};
use ingest_core::{Context, Door, Fault, Operations};
use prometheus_client::registry::Registry;
use shard_store::stream::StreamKey;

use crate::metrics::Metrics;
use crate::operations;

/// The Data Firehose door.
pub struct Firehose {
    pub(crate) streams: Arc<DeliveryStreams>,
    pub(crate) metrics: Metrics,
}

impl Firehose {
    /// A door to these delivery streams. Its metrics go to `registry`.
    pub fn new(streams: Arc<DeliveryStreams>, registry: &mut Registry) -> Self {
        Self { streams, metrics: Metrics::register(registry) }
    }

    /// The delivery stream of this name in the request's account and region.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) fn find(&self, context: &Context, name: &str) -> Result<Arc<DeliveryStream>, Fault> {
        self.streams.get(&key(context, name)).ok_or_else(|| not_found(&context.account, name))
    }

    /// As [`Firehose::find`], of one with records of its own.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `InvalidArgumentException` if it reads its records from elsewhere.
    pub(crate) fn find_direct_put(&self, context: &Context, name: &str) -> Result<Arc<DeliveryStream>, Fault> {
        let stream = self.find(context, name)?;
        match stream.definition().source {
            Source::DirectPut { .. } => Ok(stream),
            _ => Err(not_direct_put()),
        }
    }

    /// Runs what waits for the disk where it may.
    ///
    /// # Errors
    /// What `run` answers, `InternalFailure` if it panics.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce(&DeliveryStreams) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let streams = Arc::clone(&self.streams);
        tokio::task::spawn_blocking(move || run(&streams)).await.map_err(Fault::internal)?
    }
}

/// The key of the delivery stream of this name in the request's account and region.
pub(crate) fn key(context: &Context, name: &str) -> StreamKey {
    StreamKey::new(&*context.account, &*context.region, name)
}

impl Door for Firehose {
    const SERVICE: &'static str = "firehose";
    const TARGET_PREFIX: &'static str = "Firehose_20150804";

    fn operations() -> Operations<Self> {
        operations::table()
    }
}
