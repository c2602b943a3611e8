//! [`Resource`]: what a `ResourceARN` names.

use ingest_core::fault::kinesis;
use ingest_core::{Arn, Code, Context, Fault};
use shard_store::stream::StreamKey;

/// What a `ResourceARN` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// A stream.
    Stream(StreamKey),
}

impl Resource {
    /// The resource of an ARN whose pattern was checked.
    ///
    /// # Errors
    /// `ResourceNotFoundException` if it is of another account or region, or a consumer.
    pub(crate) fn of(context: &Context, text: &str) -> Result<Self, Fault> {
        // The validator has seen that it is one; this is for a request whose validation somebody forgot.
        let arn = Arn::parse(text).map_err(|error| Fault::new(Code::InvalidArgument, error.to_string()))?;
        let name = arn.resource_name("stream").unwrap_or_default();
        if arn.account != &*context.account || arn.region != &*context.region || name.contains('/') {
            return Err(kinesis::stream_not_found(arn.account, name));
        }
        Ok(Self::Stream(StreamKey::new(arn.account, arn.region, name)))
    }
}
