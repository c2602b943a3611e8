//! What endpoints that load objects need: the destination's bucket, and a place to make objects in.

use std::fmt;
use std::sync::Arc;

use crate::definition::ObjectCompression;
use crate::sink::Sinks;
use crate::spool::Spool;

/// Where an endpoint makes and stores objects.
#[derive(Clone)]
pub(crate) struct Storage {
    /// Opens buckets.
    pub(crate) sinks: Arc<dyn Sinks>,
    /// Holds objects in the making.
    pub(crate) spool: Spool,
    /// The destination's bucket.
    pub(crate) bucket: String,
    /// The compression of objects in it.
    pub(crate) compression: ObjectCompression,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}
