//! Who may do what with a stream, a consumer or a queue, and how often.
//!
//! The account that owns a resource may do everything with it, unless the resource's policy denies it. Another account
//! names the resource by its ARN, and needs a policy that allows the operation; whether there is such a resource it only
//! learns then. In its own account, and without a policy, a request is let through by two comparisons.
//!
//! Calls are counted where access is asked for, once it is given: every operation that names a stream comes by here.

use std::sync::Arc;

use ingest_core::fault::kinesis;
use ingest_core::policy::{InvalidPolicy, Policy};
use ingest_core::{Context, Fault, Scope};
use shard_store::stream::{ConsumerKey, PolicyText, ShardNumber, Stream, Streams};

use crate::model::{consumer_arn, stream_arn};

/// What other accounts can be allowed to do with a stream.
///
/// Source: Kinesis Data Streams Developer Guide, "Share access using resource-based policies", and its examples.
const SHARED_OF_STREAM: &[&str] = &[
    "DescribeStream",
    "DescribeStreamSummary",
    "GetRecords",
    "GetShardIterator",
    "ListShards",
    "PutRecord",
    "PutRecords",
];

/// What other accounts can be allowed to do with a consumer. Source: as [`SHARED_OF_STREAM`].
const SHARED_OF_CONSUMER: &[&str] = &["DescribeStreamConsumer", "SubscribeToShard"];

/// What other accounts can be allowed to do with a queue: all that its readers do. AWS shares queues and does not list it.
/// Source: Kinesis Data Streams Developer Guide, "IAM permissions for queues".
const SHARED_OF_QUEUE: &[&str] = &[
    "AcknowledgeDeadLetterQueueRecords",
    "AcknowledgeQueueRecords",
    "DescribeQueue",
    "ReceiveDeadLetterQueueRecords",
    "ReceiveQueueRecords",
    "RestoreDeadLetterQueueRecords",
    "UpdateDeadLetterQueueRecordsVisibility",
    "UpdateQueueRecordsVisibility",
];

/// What the owner of a resource can do whatever its policy says: a policy must not lock out whoever is to correct it.
const NEVER_DENIED: &[&str] = &["DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"];

/// What the caller asks for access to.
pub(crate) struct Asked<'a> {
    /// The account that has it, or would have it.
    pub(crate) owner: &'a str,
    /// Its policy, if it is there and has one.
    pub(crate) policy: Option<&'a PolicyText>,
    /// The operations that other accounts can be allowed.
    pub(crate) shared: &'static [&'static str],
}

impl Asked<'_> {
    /// Checks that the caller may do the request's operation; `arn` names the resource, if that matters.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(crate) fn check(
        &self,
        streams: &Streams,
        context: &Context,
        arn: impl FnOnce() -> String,
    ) -> Result<(), Fault> {
        if self.policy.is_none() && *self.owner == *context.account {
            return Ok(());
        }
        self.check_policy(streams, context, &arn())
    }

    #[cold]
    fn check_policy(&self, streams: &Streams, context: &Context, arn: &str) -> Result<(), Fault> {
        let is_owner = *self.owner == *context.account;
        if is_owner && NEVER_DENIED.contains(&context.operation) {
            return Ok(());
        }
        let policy = self.policy.filter(|_| is_owner || self.shared.contains(&context.operation));
        let policy = policy.map(read_policy).transpose()?;
        context.check_access(policy, self.owner, arn, streams.clock().unix_millis())
    }
}

/// What a policy's text says. It was read before it was put, and is read once in each life of the server.
fn read_policy(text: &PolicyText) -> Result<&Policy, Fault> {
    let policy: Option<&Result<Policy, InvalidPolicy>> = text.read_once(Policy::parse);
    match policy {
        Some(Ok(policy)) => Ok(policy),
        Some(Err(error)) => Err(Fault::internal(format_args!("a stored policy cannot be read: {error}"))),
        None => Err(Fault::internal("a stored policy was read as something else")),
    }
}

/// The stream of this name of an account in the request's region, once the caller may do the request's operation with it.
///
/// # Errors
/// `AccessDeniedException`.
pub(crate) fn stream(
    streams: &Streams,
    context: &Context,
    account: &str,
    name: &str,
) -> Result<Option<Arc<Stream>>, Fault> {
    let stream = streams.get(account, &context.region, name);
    let policy = stream.as_ref().and_then(|stream| stream.policy());
    let asked = Asked { owner: account, policy, shared: SHARED_OF_STREAM };
    asked.check(streams, context, || context.arn_of(account, "kinesis", format_args!("stream/{name}")))?;
    count_call(streams, context, account, name, stream.as_deref())?;
    Ok(stream)
}

/// Counts a call against the rate of the request's operation, if that is an account's or a stream's.
///
/// # Errors
/// `LimitExceededException`.
fn count_call(
    streams: &Streams,
    context: &Context,
    account: &str,
    name: &str,
    stream: Option<&Stream>,
) -> Result<(), Fault> {
    if !stream.map_or(streams.options().enforce, Stream::is_enforced) {
        return Ok(());
    }
    // A stream that is not there has no rate of its own.
    let is_admitted = context.admits_call(Scope::Account, &context.account, String::new)
        && (stream.is_none() || context.admits_call(Scope::Resource, account, || name.to_owned()));
    is_admitted.then_some(()).ok_or_else(|| kinesis::calls_exceeded(account, Some(name)))
}

/// Counts a call that names no stream that is there against the account's rate of the request's operation.
///
/// # Errors
/// `LimitExceededException`.
pub(crate) fn count_account_call(streams: &Streams, context: &Context, name: Option<&str>) -> Result<(), Fault> {
    let is_admitted = !streams.options().enforce || context.admits_call(Scope::Account, &context.account, String::new);
    is_admitted.then_some(()).ok_or_else(|| kinesis::calls_exceeded(&context.account, name))
}

/// Counts a call against the rate of the request's operation, if that is a shard's.
///
/// # Errors
/// `ProvisionedThroughputExceededException`.
pub(crate) fn count_shard_call(context: &Context, stream: &Stream, shard: ShardNumber) -> Result<(), Fault> {
    let name = || format!("{}/{}/{shard}", stream.key().account, stream.key().name);
    let is_admitted = !stream.is_enforced() || context.admits_call(Scope::Part, &context.account, name);
    is_admitted.then_some(()).ok_or_else(|| kinesis::rate_exceeded(stream.key(), shard))
}

/// Checks that the caller may do the request's operation with a queue of the account `owner`, which need not be there.
///
/// # Errors
/// `AccessDeniedException`.
pub(crate) fn check_queue(
    streams: &Streams,
    context: &Context,
    owner: &str,
    policy: Option<&PolicyText>,
    arn: &str,
) -> Result<(), Fault> {
    Asked { owner, policy, shared: SHARED_OF_QUEUE }.check(streams, context, || arn.to_owned())
}

/// Checks that the caller may do the request's operation with a consumer, which need not be there.
///
/// # Errors
/// `AccessDeniedException`.
pub(crate) fn check_consumer(streams: &Streams, context: &Context, key: &ConsumerKey) -> Result<(), Fault> {
    let stream = streams.get(&key.stream.account, &key.stream.region, &key.stream.name);
    let consumer = stream.as_ref().and_then(|stream| stream.consumer(key).ok());
    let policy = consumer.and_then(|consumer| consumer.policy.as_ref());
    let asked = Asked { owner: &key.stream.account, policy, shared: SHARED_OF_CONSUMER };
    asked.check(streams, context, || match (consumer, key.created_s) {
        (Some(consumer), _) => consumer_arn(&key.stream, &key.name, consumer),
        (None, Some(created_s)) => format!("{}/consumer/{}:{created_s}", stream_arn(&key.stream), key.name),
        (None, None) => format!("{}/consumer/{}", stream_arn(&key.stream), key.name),
    })?;
    count_call(streams, context, &key.stream.account, &key.stream.name, stream.as_deref())
}
