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
//! others wait for.

use shard_store::log::BoxFuture;
use uuid::Uuid;

use crate::record::{Reason, Record};

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
    Again(Reason),
    /// It will never be taken.
    Refused(Reason),
}

/// A destination that takes records.
pub(crate) trait Endpoint: Send + Sync {
    /// Sends a batch once, in as many requests as it takes. Gives a verdict for each record, in their order. It ends
    /// by itself, whatever the peer does; dropping it stops it.
    fn send<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Vec<Verdict>>;
}
