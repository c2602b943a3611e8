//! Streams as a whole: creating, describing, resharding and deleting them.
//!
//! A throttled call is repeated for a few seconds; no other failure is, since whoever changes a stream wants to hear of it.

use std::collections::BTreeMap;
use std::time::Duration;

use ingest_wire::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::backoff::{Backoff, Retry};
use crate::client::{HttpClient, Kinesis, Service};
use crate::error::{CallError, is_throttle};
use crate::model::Shard;

/// The pause between two looks at a stream that is being changed.
const STATE_PAUSE: Duration = Duration::from_secs(1);

/// How to call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How throttled calls are repeated.
    pub retry: Retry,
    /// How long to wait for a stream that is being changed.
    pub state_patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        // An account may make five such calls a second, so a few seconds are enough unless the refusal is not about the rate.
        let retry = Retry { give_up_after: Duration::from_secs(5), ..Retry::default() };
        Self { retry, state_patience: Duration::from_secs(300) }
    }
}

/// The streams of an endpoint.
#[derive(Clone, Debug)]
pub struct Streams {
    client: HttpClient,
    options: Options,
}

/// What a stream is created with.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewStream {
    /// Its name.
    #[serde(rename = "StreamName")]
    pub name: String,
    /// Its number of shards, unless it is on demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard_count: Option<u32>,
    /// How its capacity is decided.
    #[serde(rename = "StreamModeDetails")]
    pub mode: Mode,
    /// Its tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// How a stream's capacity is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mode {
    /// `PROVISIONED` or `ON_DEMAND`.
    pub stream_mode: String,
}

impl Default for Mode {
    fn default() -> Self {
        Self { stream_mode: "PROVISIONED".to_owned() }
    }
}

impl Mode {
    /// Capacity that follows the load.
    pub fn on_demand() -> Self {
        Self { stream_mode: "ON_DEMAND".to_owned() }
    }
}

/// A stream without its shards, as DescribeStreamSummary describes it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Summary {
    /// Its name.
    #[serde(rename = "StreamName")]
    pub name: String,
    /// Its ARN.
    #[serde(rename = "StreamARN")]
    pub arn: String,
    /// `ACTIVE`, or `CREATING`, `UPDATING`, `DELETING`.
    #[serde(rename = "StreamStatus")]
    pub status: String,
    /// How its capacity is decided; absent from servers that know of one mode only.
    #[serde(rename = "StreamModeDetails", default)]
    pub mode: Mode,
    /// When it was created.
    #[serde(rename = "StreamCreationTimestamp")]
    pub created: Timestamp,
    /// How long its records are kept, in hours.
    pub retention_period_hours: u32,
    /// How many of its shards take records.
    pub open_shard_count: u32,
    /// How many consumers are registered.
    #[serde(default)]
    pub consumer_count: u32,
    /// `NONE` or `KMS`.
    pub encryption_type: Option<String>,
    /// The key it is encrypted with.
    pub key_id: Option<String>,
    /// The largest record it takes, in KiB.
    #[serde(rename = "MaxRecordSizeInKiB")]
    pub max_record_size_kib: Option<u32>,
}

impl Summary {
    /// Whether the stream is not being created, changed or deleted.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

impl Streams {
    /// The streams that `client` reaches.
    pub fn new(client: HttpClient, options: Options) -> Self {
        Self { client, options }
    }

    /// Creates a stream; it may be `CREATING` for a while.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create(&self, new: &NewStream) -> Result<(), CallError> {
        self.change("CreateStream", new).await
    }

    /// The names of all streams, sorted.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn names(&self) -> Result<Vec<String>, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Page {
            stream_names: Vec<String>,
            has_more_streams: bool,
        }
        let mut names: Vec<String> = Vec::new();
        loop {
            // By name rather than by token, which older servers do not have.
            let input = names.last().map_or_else(|| json!({}), |last| json!({"ExclusiveStartStreamName": last}));
            let page: Page = self.call("ListStreams", &input).await?;
            let is_last = !page.has_more_streams || page.stream_names.is_empty();
            names.extend(page.stream_names);
            if is_last {
                return Ok(names);
            }
        }
    }

    /// Describes a stream.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn describe(&self, stream: &str) -> Result<Summary, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            stream_description_summary: Summary,
        }
        let output: Output = self.call("DescribeStreamSummary", &json!({"StreamName": stream})).await?;
        Ok(output.stream_description_summary)
    }

    /// The shards of a stream that are not past their retention, in the order of their ids.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn shards(&self, stream: &str) -> Result<Vec<Shard>, CallError> {
        let mut shards = Vec::new();
        let mut next_token: Option<String> = None;
        loop {
            let page = self.repeated(|| self.client.list_shards(stream, next_token.as_deref())).await?;
            shards.extend(page.shards);
            next_token = page.next_token;
            if next_token.is_none() {
                return Ok(shards);
            }
        }
    }

    /// The tags of a stream.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn tags(&self, stream: &str) -> Result<BTreeMap<String, String>, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Page {
            tags: Vec<Tag>,
            has_more_tags: bool,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Tag {
            key: String,
            #[serde(default)]
            value: String,
        }
        let mut tags = BTreeMap::new();
        let mut input = json!({"StreamName": stream});
        loop {
            let page: Page = self.call("ListTagsForStream", &input).await?;
            let last_key = page.tags.last().map(|tag| tag.key.clone());
            tags.extend(page.tags.into_iter().map(|tag| (tag.key, tag.value)));
            match last_key.filter(|_| page.has_more_tags) {
                Some(key) => input = json!({"StreamName": stream, "ExclusiveStartTagKey": key}),
                None => return Ok(tags),
            }
        }
    }

    /// Lengthens the time that records are kept.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn increase_retention(&self, stream: &str, hours: u32) -> Result<(), CallError> {
        let input = json!({"StreamName": stream, "RetentionPeriodHours": hours});
        self.change("IncreaseStreamRetentionPeriod", &input).await
    }

    /// Splits an open shard: its keys from `at` on go to the second of two new shards.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn split(&self, stream: &str, shard_id: &str, at: u128) -> Result<(), CallError> {
        let input = json!({"StreamName": stream, "ShardToSplit": shard_id, "NewStartingHashKey": at.to_string()});
        self.change("SplitShard", &input).await
    }

    /// Merges two open shards with adjacent keys into a new one.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn merge(&self, stream: &str, shard_id: &str, adjacent: &str) -> Result<(), CallError> {
        let input = json!({"StreamName": stream, "ShardToMerge": shard_id, "AdjacentShardToMerge": adjacent});
        self.change("MergeShards", &input).await
    }

    /// Deletes a stream with all its records. One with registered consumers is deleted only if `with_consumers` is true.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete(&self, stream: &str, with_consumers: bool) -> Result<(), CallError> {
        let input = json!({"StreamName": stream, "EnforceConsumerDeletion": with_consumers});
        self.change("DeleteStream", &input).await
    }

    /// Waits until a stream is neither being created nor changed nor deleted, or until the patience ends, and describes it
    /// as it is then; `None` if it is not there.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn settled(&self, stream: &str) -> Result<Option<Summary>, CallError> {
        let started = tokio::time::Instant::now();
        loop {
            match self.describe(stream).await {
                Ok(summary) if summary.is_active() || started.elapsed() >= self.options.state_patience => {
                    return Ok(Some(summary));
                }
                Ok(_) => tokio::time::sleep(STATE_PAUSE).await,
                Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// A call without an answer.
    async fn change(&self, operation: &str, input: &impl Serialize) -> Result<(), CallError> {
        let _: Map<String, Value> = self.call(operation, input).await?;
        Ok(())
    }

    async fn call<Output: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<Output, CallError> {
        self.repeated(|| self.client.call(Service::KINESIS, operation, input)).await
    }

    /// Makes a call again for as long as it is throttled and the patience lasts.
    async fn repeated<Output, F>(&self, mut call: impl FnMut() -> F) -> Result<Output, CallError>
    where
        F: Future<Output = Result<Output, CallError>>,
    {
        let mut backoff = Backoff::new(self.options.retry);
        loop {
            match call().await {
                Err(error) if error.code().is_some_and(is_throttle) => {
                    if backoff.pause().await.is_err() {
                        return Err(error);
                    }
                }
                other => return other,
            }
        }
    }
}
