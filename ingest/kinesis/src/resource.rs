//! [`Resource`]: what an ARN names, a stream or one of its consumers.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::{Arn, Code, Context, Fault};
use shard_store::stream::error::ChangeError;
use shard_store::stream::{ConsumerKey, PolicyText, Stream, StreamKey, Streams};

use crate::{access, validate};

/// What stands between the names of a stream and a consumer in the consumer's ARN.
const CONSUMER_INFIX: &str = "/consumer/";

/// What a `ResourceARN` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// A stream.
    Stream(StreamKey),
    /// A consumer.
    Consumer(ConsumerKey),
}

impl Resource {
    /// The resource of an ARN whose pattern was checked, once the caller may do the request's operation with it.
    ///
    /// # Errors
    /// As [`Resource::parse`], and `AccessDeniedException`. That the resource is not there is none in the caller's account.
    pub(crate) fn of(streams: &Streams, context: &Context, text: &str) -> Result<Self, Fault> {
        let resource = Self::parse(context, text)?;
        match &resource {
            Self::Stream(key) => drop(access::stream(streams, context, &key.account, &key.name)?),
            Self::Consumer(key) => access::check_consumer(streams, context, key)?,
        }
        Ok(resource)
    }

    /// What an ARN names.
    ///
    /// # Errors
    /// `ResourceNotFoundException` if it is of another region, `InvalidArgumentException` if it is neither a stream's nor a
    /// consumer's.
    pub(crate) fn parse(context: &Context, text: &str) -> Result<Self, Fault> {
        let invalid = || Fault::new(Code::InvalidArgument, format!("{text} is not the ARN of a stream or consumer."));
        let arn = Arn::parse(text).map_err(|_| invalid())?;
        let name = arn.resource_name("stream").ok_or_else(invalid)?;
        if arn.region != &*context.region {
            return Err(kinesis::stream_not_found(arn.account, name));
        }
        let key = |name: &str| StreamKey::new(arn.account, arn.region, name);
        if validate::is_consumer_arn(text)
            && let Some((stream, consumer)) = name.split_once(CONSUMER_INFIX)
            && let Some((consumer, created_s)) = consumer.split_once(':')
        {
            let created_s = Some(created_s.parse().map_err(|_| invalid())?);
            return Ok(Self::Consumer(ConsumerKey { stream: key(stream), name: consumer.to_owned(), created_s }));
        }
        if name.contains('/') { Err(invalid()) } else { Ok(Self::Stream(key(name))) }
    }

    /// Its policy, if it has one.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) fn policy(&self, streams: &Streams) -> Result<Option<PolicyText>, Fault> {
        let stream = self.stream(streams)?;
        Ok(match self {
            Self::Stream(_) => stream.policy().cloned(),
            Self::Consumer(key) => stream.consumer(key)?.policy.clone(),
        })
    }

    /// Gives it a policy in the place of the one it has, or none. Blocks on the disk.
    ///
    /// # Errors
    /// If it is not there, or the change could not be made durable.
    pub(crate) fn set_policy(&self, streams: &Streams, policy: Option<PolicyText>) -> Result<(), ChangeError> {
        match self {
            Self::Stream(key) => streams.set_policy(key, policy),
            Self::Consumer(key) => streams.set_consumer_policy(key, policy),
        }
        .map(drop)
    }

    /// The stream, or that of the consumer.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; whether the consumer is there is not looked at.
    pub(crate) fn stream(&self, streams: &Streams) -> Result<Arc<Stream>, Fault> {
        match self {
            Self::Stream(key) | Self::Consumer(ConsumerKey { stream: key, .. }) => find(streams, key),
        }
    }
}

/// The stream of this account, region and name.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) fn find(streams: &Streams, key: &StreamKey) -> Result<Arc<Stream>, Fault> {
    let stream = streams.get(&key.account, &key.region, &key.name);
    stream.ok_or_else(|| kinesis::stream_not_found(&key.account, &key.name))
}
