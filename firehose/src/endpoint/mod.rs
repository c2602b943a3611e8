//! Destinations that take records rather than objects.
//!
//! An [`Endpoint`] sends one batch once and says of each record what came of it. The delivery (see [`crate::delivery`]) does
//! the rest: it sends again, after a growing pause, what may still be taken; gives that up when the retry duration is over; and
//! stores what was refused in the error prefix. So an endpoint keeps no state between two calls but its connections.
//!
//! A batch that is sent again, after a failure or a restart, has the same id and the same records in the same order, less
//! those that were settled. An endpoint that can tell so makes delivery exactly once; for the others it is at least once.
//!
//! Memory: records are slices of mapped files. An endpoint streams its bodies, so that one that stalls holds nothing that
//! others wait for. Verdicts share their reasons, so that a batch of a million records fails for the price of one.

mod body;
pub(crate) mod client;
mod group;
mod http;
mod iceberg;
mod opensearch;
mod options;
#[cfg(test)]
pub(crate) mod receiver;
mod redshift;
mod splunk;
mod storage;

use std::collections::BTreeMap;
use std::sync::Arc;

use shard_store::log::BoxFuture;
use shard_store::stream::StreamKey;
use uuid::Uuid;

use crate::config;
use crate::definition::{self, Definition};
use crate::record::{Reason, Record};
use crate::sink::{SinkError, Sinks};
use crate::spool::Spool;

pub use iceberg::CatalogOptions;
pub use options::Options;
pub use redshift::{DatabaseOptions, TlsMode};
pub(crate) use storage::Storage;

/// Records to send.
pub(crate) struct Batch<'a> {
    /// Tells this batch from all others.
    pub(crate) id: Uuid,
    /// The key that an object of these records has in the destination's bucket.
    pub(crate) object_key: &'a str,
    /// The records, in order.
    pub(crate) records: &'a [Record],
    /// Now, in milliseconds since the Unix epoch.
    pub(crate) now_ms: u64,
}

/// What came of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is there.
    Delivered,
    /// It may be taken if it is sent again; the reason stands in its error record if it never is.
    Again(Arc<Reason>),
    /// It will never be taken.
    Refused(Arc<Reason>),
}

/// The document that a record becomes; its error record names it.
///
/// Source: Firehose Developer Guide, "Handle data delivery failures" (`esDocumentId`, `esIndexName`, `esTypeName`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocumentName {
    /// Its index, rotation included.
    pub(crate) index: String,
    /// Its id, if it gets one of ours.
    pub(crate) id: Option<String>,
    /// Its type, for servers that have types.
    pub(crate) type_name: Option<String>,
}

/// A destination that takes records.
pub(crate) trait Endpoint: Send + Sync {
    /// Sends a batch once, in as many requests as it takes. Gives a verdict for each record, in their order. It ends
    /// by itself, whatever the peer does; dropping it stops it.
    fn send<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Vec<Verdict>>;

    /// Called once the retry duration of a batch is over, with what is left of it. An endpoint that keeps the records
    /// elsewhere, to be loaded by hand, says so there and returns `true`; otherwise they become error records.
    ///
    /// # Errors
    /// The bucket refuses or cannot be reached; the call is to be repeated.
    fn give_up<'a>(&'a self, _batch: &'a Batch<'a>) -> BoxFuture<'a, Result<bool, SinkError>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    /// The document that a record becomes, for its error record; `None` where records do not become documents.
    fn document_name(&self, _record: &Record) -> Option<DocumentName> {
        None
    }
}

/// What an endpoint knows of the delivery stream that sends to it.
#[derive(Clone, Debug)]
pub(crate) struct EndpointContext {
    /// Its name, account and region.
    pub(crate) key: StreamKey,
    /// Tells it from every other that has or had its name.
    pub(crate) id: String,
    /// The options of `[firehose.endpoints]`.
    pub(crate) options: Options,
    /// The options of `[firehose.iceberg]`, by the catalogs' ARNs.
    pub(crate) catalogs: BTreeMap<String, CatalogOptions>,
    /// The options of `[firehose.redshift]`.
    pub(crate) databases: DatabaseOptions,
    /// Where objects are made and stored, for endpoints that load them.
    pub(crate) storage: Storage,
}

impl EndpointContext {
    /// The context of the delivery stream that `definition` describes.
    pub(crate) fn new(
        definition: &Definition,
        options: &config::Options,
        sinks: &Arc<dyn Sinks>,
        spool: &Spool,
    ) -> Self {
        Self {
            key: definition.key.clone(),
            id: definition.id.clone(),
            options: options.endpoints.clone(),
            catalogs: options.iceberg.clone(),
            databases: options.redshift.clone(),
            storage: Storage {
                sinks: Arc::clone(sinks),
                spool: spool.clone(),
                bucket: definition.destination.bucket.clone(),
                compression: definition.destination.compression,
            },
        }
    }

    /// The delivery stream's ARN.
    pub(crate) fn delivery_stream_arn(&self) -> String {
        let StreamKey { account, region, name } = &self.key;
        format!("arn:aws:firehose:{region}:{account}:deliverystream/{name}")
    }
}

/// An endpoint cannot be set up as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    /// Its URL cannot be used.
    #[error("endpoint {url} cannot be used: {reason}")]
    Url {
        /// The URL, without what is secret in it.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client cannot be made.
    #[error("no connections can be made to endpoints: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
    /// Something in its settings cannot be sent.
    #[error("{setting} cannot be sent: {reason}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// Sets an endpoint up. No connection is made yet.
///
/// # Errors
/// What is wrong with the settings or with the options.
pub(crate) fn open(
    settings: &definition::Endpoint,
    context: &EndpointContext,
) -> Result<Arc<dyn Endpoint>, EndpointError> {
    Ok(match settings {
        definition::Endpoint::Http(settings) => Arc::new(http::HttpEndpoint::open(settings, context)?),
        definition::Endpoint::Splunk(settings) => Arc::new(splunk::SplunkEndpoint::open(settings, context)?),
        definition::Endpoint::OpenSearch(settings) => {
            Arc::new(opensearch::OpenSearchEndpoint::open(settings, context)?)
        }
        definition::Endpoint::Redshift(settings) => Arc::new(redshift::Redshift::open(settings, context)?),
        definition::Endpoint::Iceberg(settings) => Arc::new(iceberg::Iceberg::open(settings, context)?),
    })
}
