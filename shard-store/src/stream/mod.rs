//! Streams: named sets of shards, above the engine boundary and written once for every engine.
//!
//! A [`Stream`] is a snapshot of a stored [`definition`]; [`Streams`] finds them by account, region and name. A record's
//! partition key is hashed ([`hash_range`]) to the open shard whose range holds it, passes that shard's throttle and
//! is appended to its log; the ordinal it gets there, with the shard's number and generation, is its sequence number
//! ([`sequence`]). Readers begin at a [`StartingPosition`] and carry a signed [`iterator`] from read to read.
//! [`retention`] ends what is too old.
//!
//! Shards are split and merged (`reshard` plans, `scaling` does it): the children open in the commit that closes their
//! parents, and records on their way to a parent that was closed meanwhile go on to its children. Those of an on-demand stream
//! are split and merged as its load asks for ([`on_demand`]), kept warm for a load that is yet to come (`warm`), and can take records
//! whatever their keys (`spread`). `channel` keeps what is to be delivered from a stream to where.
//!
//! Validation of requests, texts of errors and pages of lists are a front door's.

mod account;
mod append;
mod capacity;
mod channel;
pub mod config;
mod consumer;
pub mod definition;
pub mod error;
pub mod hash_range;
pub mod iterator;
pub mod limits;
mod load;
mod monitoring;
pub mod on_demand;
mod peaks;
mod policy;
mod registry;
mod reshard;
pub mod retention;
mod scaling;
pub mod sequence;
mod settings;
pub mod shard;
mod snapshot;
mod spread;
mod throttle;
pub mod token;
mod warm;

pub use account::AccountSettings;
pub use append::{PendingAppend, PendingRecord};
pub use channel::{Channel, ChannelDestination, ChannelKey, NewChannel};
pub use config::Options;
pub use consumer::ConsumerKey;
pub use definition::{Consumer, Encryption, RecordDistribution, StreamId, StreamKey, StreamMode};
pub use hash_range::{HashKey, HashRange};
pub use iterator::ShardIterator;
pub use monitoring::{MonitoringChange, ShardMetric};
pub use policy::PolicyText;
pub use registry::{NewStream, Streams};
pub use sequence::SequenceNumber;
pub use shard::{Shard, ShardNumber, StartingPosition};
pub use snapshot::{ShardFilter, ShardRead, Stream};
pub use throttle::ConsumerThrottle;
pub use token::{Signer, TokenKind};
pub use warm::warm_shards;

#[cfg(test)]
mod tests;
