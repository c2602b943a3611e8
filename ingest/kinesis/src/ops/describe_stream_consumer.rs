//! `DescribeStreamConsumer`: one consumer, by its ARN or by its stream and name.

use std::sync::Arc;

use ingest_core::{Code, Context, Fault, Pattern, Validator};
use serde::{Deserialize, Serialize};
use shard_store::stream::{ConsumerKey, Streams};

use crate::access;
use crate::door::Kinesis;
use crate::limits::{CONSUMER_NAME_CHARS_MAX, STREAM_ARN_CHARS_MAX};
use crate::model::{ConsumerOutput, stream_arn};
use crate::reference::StreamReference;
use crate::resource::{Resource, find};
use crate::validate::CONSUMER_ARN;

/// The input of the operations that name one consumer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_id: Option<String>,
    consumer_name: Option<String>,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    consumer_description: Description,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    #[serde(flatten)]
    consumer: ConsumerOutput,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

impl Input {
    /// The consumer that a request names, which need not be there, once the caller may do the request's operation with it.
    ///
    /// # Errors
    /// `ValidationException`; `AccessDeniedException`; `InvalidArgumentException` if too little names it, or one thing contradicts another.
    pub(super) fn consumer(&self, streams: &Streams, context: &Context) -> Result<ConsumerKey, Fault> {
        let key = self.key(context)?;
        access::check_consumer(streams, context, &key)?;
        Ok(key)
    }

    fn key(&self, context: &Context) -> Result<ConsumerKey, Fault> {
        let stream = StreamReference { name: None, arn: self.stream_arn.as_deref(), id: self.stream_id.as_deref() };
        let (name, arn) = (self.consumer_name.as_deref(), self.consumer_arn.as_deref());
        let mut validator = Validator::new();
        stream.validate(&mut validator);
        validator.member("consumerName", name).pattern(Pattern::NAME).length(1, CONSUMER_NAME_CHARS_MAX);
        validator.member("consumerARN", arn).pattern(CONSUMER_ARN).length(1, STREAM_ARN_CHARS_MAX);
        validator.finish()?;
        let invalid = |message: &'static str| Fault::new(Code::InvalidArgument, message);
        let by_arn = match arn.map(|arn| Resource::parse(context, arn)).transpose()? {
            Some(Resource::Consumer(key)) => Some(key),
            Some(Resource::Stream(_)) => return Err(invalid("The ConsumerARN is not that of a consumer.")),
            None => None,
        };
        let stream = stream.arn.map(|_| stream.key(context)).transpose()?;
        match (by_arn, stream, name) {
            (Some(key), stream, name) => {
                let is_same =
                    stream.is_none_or(|stream| stream == key.stream) && name.is_none_or(|name| name == key.name);
                is_same.then_some(key).ok_or_else(|| {
                    invalid("The ConsumerARN, StreamARN and ConsumerName in the request name different consumers.")
                })
            }
            (None, Some(stream), Some(name)) => Ok(ConsumerKey { stream, name: name.to_owned(), created_s: None }),
            (None, ..) => Err(invalid("Either ConsumerARN, or both StreamARN and ConsumerName should be provided.")),
        }
    }
}

/// Source: Kinesis Data Streams API Reference, "DescribeStreamConsumer".
pub(crate) async fn run(door: Arc<Kinesis>, context: Context, input: Input) -> Result<Output, Fault> {
    let key = input.consumer(&door.streams, &context)?;
    let stream = find(&door.streams, &key.stream)?;
    let consumer = ConsumerOutput::of(stream.key(), &key.name, stream.consumer(&key)?);
    Ok(Output { consumer_description: Description { consumer, stream_arn: stream_arn(stream.key()) } })
}
