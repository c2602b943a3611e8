//! [`StreamReference`]: how a request names a stream.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Arn, Code, Context, Fault, Pattern, Validator};
use shard_store::stream::{RecordDistribution, Stream, StreamKey, Streams};

use crate::access;
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

    /// The account and the name of the stream, which need not be there.
    ///
    /// # Errors
    /// `InvalidArgumentException` if there is neither name nor ARN, or both for different streams;
    /// `ResourceNotFoundException` if the ARN is of another region.
    fn owner_and_name<'b>(&self, context: &'b Context) -> Result<(&'b str, &'b str), Fault>
    where
        'a: 'b,
    {
        let Some(arn) = self.arn else {
            let message = "Either StreamName or StreamARN should be provided.";
            let name = self.name.ok_or_else(|| Fault::new(Code::InvalidArgument, message))?;
            return Ok((&context.account, name));
        };
        // The validator has seen that it is one; this is for a request whose validation somebody forgot.
        let arn = Arn::parse(arn).map_err(|error| Fault::new(Code::InvalidArgument, error.to_string()))?;
        let name = arn.resource_name("stream").unwrap_or_default();
        if self.name.is_some_and(|given| given != name) {
            let message = "The StreamName and the StreamARN in the request name different streams.";
            return Err(Fault::new(Code::InvalidArgument, message));
        }
        if arn.region != &*context.region {
            return Err(kinesis::stream_not_found(arn.account, name));
        }
        Ok((arn.account, name))
    }

    /// Whether it names a stream whose records need no partition key. For a request that lacks one, before it is validated.
    #[cold]
    pub(crate) fn is_auto(&self, streams: &Streams, context: &Context) -> bool {
        self.resolve(streams, context).is_ok_and(|stream| stream.distribution() == RecordDistribution::Auto)
    }

    /// The account, region and name of the stream, which need not be there.
    ///
    /// # Errors
    /// `InvalidArgumentException` if there is neither name nor ARN, or both for different streams;
    /// `ResourceNotFoundException` if the ARN is of another region.
    pub(crate) fn key(&self, context: &Context) -> Result<StreamKey, Fault> {
        let (account, name) = self.owner_and_name(context)?;
        Ok(StreamKey::new(account, &*context.region, name))
    }

    /// The stream, once the caller may do the request's operation with it.
    ///
    /// # Errors
    /// As [`StreamReference::key`], `AccessDeniedException`, and `ResourceNotFoundException` if there is no such stream.
    pub(crate) fn resolve(&self, streams: &Streams, context: &Context) -> Result<Arc<Stream>, Fault> {
        let (account, name) = self.owner_and_name(context)?;
        let stream = access::stream(streams, context, account, name)?;
        stream.ok_or_else(|| kinesis::stream_not_found(account, name))
    }
}
