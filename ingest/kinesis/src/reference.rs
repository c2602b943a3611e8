//! [`StreamReference`]: how a request names a stream.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Arn, Code, Context, Fault, Pattern, Validator};
use shard_store::stream::{RecordDistribution, Stream, StreamKey, Streams};

use crate::limits::{STREAM_ARN_CHARS_MAX, STREAM_NAME_CHARS_MAX};
use crate::validate::{self, STREAM_ARN};

/// The members of a request that name a stream. At least one of name and ARN must be there; the id is checked and
/// otherwise ignored, as in AWS, which reserves it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamReference<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) arn: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
}

impl<'a> StreamReference<'a> {
    /// Puts the model's constraints upon the members.
    pub(crate) fn validate(&self, validator: &mut Validator) {
        validator.member("streamName", self.name).pattern(Pattern::NAME).length(1, STREAM_NAME_CHARS_MAX);
        validator.member("streamARN", self.arn).pattern(STREAM_ARN).length(1, STREAM_ARN_CHARS_MAX);
        validate::stream_id(validator, self.id);
    }

    /// The name of the stream within the request's account and region.
    ///
    /// # Errors
    /// `InvalidArgumentException` if there is neither name nor ARN, or both for different streams;
    /// `ResourceNotFoundException` if the ARN is of another account or region.
    pub(crate) fn name(&self, context: &Context) -> Result<&'a str, Fault> {
        let Some(arn) = self.arn else {
            let message = "Either StreamName or StreamARN should be provided.";
            return self.name.ok_or_else(|| Fault::new(Code::InvalidArgument, message));
        };
        // The validator has seen that it is one; this is for a request whose validation somebody forgot.
        let arn = Arn::parse(arn).map_err(|error| Fault::new(Code::InvalidArgument, error.to_string()))?;
        let name = arn.resource_name("stream").unwrap_or_default();
        if self.name.is_some_and(|given| given != name) {
            let message = "The StreamName and the StreamARN in the request name different streams.";
            return Err(Fault::new(Code::InvalidArgument, message));
        }
        if arn.account != &*context.account || arn.region != &*context.region {
            return Err(kinesis::stream_not_found(arn.account, name));
        }
        Ok(name)
    }

    /// Whether it names a stream whose records need no partition key. For a request that lacks one, before it is validated.
    #[cold]
    pub(crate) fn is_auto(&self, streams: &Streams, context: &Context) -> bool {
        self.resolve(streams, context).is_ok_and(|stream| stream.distribution() == RecordDistribution::Auto)
    }

    /// The account, region and name of the stream, which need not be there.
    ///
    /// # Errors
    /// As [`StreamReference::name`].
    pub(crate) fn key(&self, context: &Context) -> Result<StreamKey, Fault> {
        Ok(StreamKey::new(&*context.account, &*context.region, self.name(context)?))
    }

    /// The stream.
    ///
    /// # Errors
    /// As [`StreamReference::name`], and `ResourceNotFoundException` if there is no such stream.
    pub(crate) fn resolve(&self, streams: &Streams, context: &Context) -> Result<Arc<Stream>, Fault> {
        let name = self.name(context)?;
        let stream = streams.get(&context.account, &context.region, name);
        stream.ok_or_else(|| kinesis::stream_not_found(&context.account, name))
    }
}
