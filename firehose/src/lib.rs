//! Buffered delivery: durable records in, Parquet and plain objects out, each record exactly once.
//!
//! A delivery stream reads the shards of a stream, or a log of its own that records are put into; collects them until they
//! are enough or old enough; converts them from JSON to Parquet if it is told to; and stores them as objects in a bucket.
//! Memory is bounded by configuration whatever the load, and a bucket that is away holds up nothing but its own records.
//!
//! | layer | modules |
//! |---|---|
//! | registry | [`engine`], [`definition`], [`config`] |
//! | delivery | [`delivery`] (exactly once), [`source`], [`topic`], [`sink`] |
//! | partitions | `partitions`: small objects are merged, folders closed |
//! | notices | `outbox`, `notify`: what landed is told, as S3 tells it |
//! | conversion | [`convert`], [`schema`], `columns` |
//! | processing | `process`: sub-records, functions, partition keys |
//! | names and formats | [`prefix`], [`error_output`] |
//! | other destinations | `endpoint`: HTTP, Splunk, OpenSearch, Redshift, PostgreSQL, Iceberg |
//!
//! Exactly once means: a reader of the bucket sees each record in one object, whatever was killed and however often. It
//! rests on intents (see [`delivery`]) and on the store's promise for what is acknowledged. Objects are stored whole, so
//! none is seen half way.
//!
//! What this does not do: the operations of the API, which `ingest/firehose` has.

mod columns;
pub mod config;
pub mod convert;
pub mod definition;
pub mod delivery;
mod endpoint;
pub mod engine;
pub mod error;
pub mod error_output;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod limits;
mod metrics;
mod notify;
mod object;
mod outbox;
mod partitions;
pub mod prefix;
mod process;
mod record;
pub mod schema;
pub mod sink;
pub mod source;
mod spool;
mod throttle;
pub mod topic;

pub use config::Options;
pub use delivery::DeliveryStatus;
pub use engine::{DeliveryStream, DeliveryStreams, Environment, NewDeliveryStream, NewSource, PendingPut};
