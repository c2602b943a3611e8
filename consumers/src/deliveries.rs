//! Delivery streams as a whole: listing, describing, deleting and replaying them.
//!
//! A throttled call is repeated for a few seconds; no other failure is.

use std::time::Duration;

use ingest_wire::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::backoff::{Backoff, Retry};
use crate::client::{HttpClient, Service};
use crate::error::{CallError, is_throttle};

/// The pause between two looks at a delivery stream that is being deleted.
const STATE_PAUSE: Duration = Duration::from_secs(1);

/// How long throttled calls are repeated: an account may make five a second.
const THROTTLE_PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait until a deleted delivery stream is gone.
const GONE_PATIENCE: Duration = Duration::from_secs(300);

/// The delivery streams of an endpoint.
#[derive(Clone, Debug)]
pub struct Deliveries {
    client: HttpClient,
}

/// A delivery stream, as DescribeDeliveryStream describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Delivery {
    /// Its name.
    #[serde(rename = "DeliveryStreamName")]
    pub name: String,
    /// Its ARN.
    #[serde(rename = "DeliveryStreamARN")]
    pub arn: String,
    /// `ACTIVE`, or `CREATING`, `DELETING` and so on.
    #[serde(rename = "DeliveryStreamStatus")]
    pub status: String,
    /// Where its records come from: `DirectPut`, `KinesisStreamAsSource` and so on.
    #[serde(rename = "DeliveryStreamType")]
    pub kind: String,
    /// Changes with its destination.
    pub version_id: String,
    /// When it was created.
    #[serde(rename = "CreateTimestamp")]
    pub created: Option<Timestamp>,
    /// Its source, as the API describes it.
    #[serde(default)]
    pub source: Map<String, Value>,
    /// Its destinations, as the API describes them; there is one.
    #[serde(default)]
    pub destinations: Vec<Map<String, Value>>,
}

/// From where on records are delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayFrom {
    /// From those that arrived at this time on.
    Timestamp(Timestamp),
    /// From the record with this sequence number on, in its shard; or, if it was put to the delivery stream, with this
    /// record id.
    Sequence(String),
}

impl Deliveries {
    /// The delivery streams that `client` reaches.
    pub fn new(client: HttpClient) -> Self {
        Self { client }
    }

    /// The names of all delivery streams, sorted.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn names(&self) -> Result<Vec<String>, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Page {
            delivery_stream_names: Vec<String>,
            has_more_delivery_streams: bool,
        }
        let mut names: Vec<String> = Vec::new();
        loop {
            let input =
                names.last().map_or_else(|| json!({}), |last| json!({"ExclusiveStartDeliveryStreamName": last}));
            let page: Page = self.call("ListDeliveryStreams", &input).await?;
            let is_last = !page.has_more_delivery_streams || page.delivery_stream_names.is_empty();
            names.extend(page.delivery_stream_names);
            if is_last {
                return Ok(names);
            }
        }
    }

    /// Describes a delivery stream.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn describe(&self, name: &str) -> Result<Delivery, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            delivery_stream_description: Delivery,
        }
        let output: Output = self.call("DescribeDeliveryStream", &json!({"DeliveryStreamName": name})).await?;
        Ok(output.delivery_stream_description)
    }

    /// Deletes a delivery stream and waits until it is gone, or until patience ends: then it is returned as it is.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete(&self, name: &str) -> Result<Option<Delivery>, CallError> {
        let _: Map<String, Value> = self.call("DeleteDeliveryStream", &json!({"DeliveryStreamName": name})).await?;
        let started = tokio::time::Instant::now();
        loop {
            match self.describe(name).await {
                Ok(delivery) if started.elapsed() >= GONE_PATIENCE => return Ok(Some(delivery)),
                Ok(_) => tokio::time::sleep(STATE_PAUSE).await,
                Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Has what was delivered delivered again, as far as its source still keeps it. Returns how many records that is. Only
    /// Headwater can do that.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn replay(&self, name: &str, from: &ReplayFrom) -> Result<u64, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            record_count: u64,
        }
        let from = match from {
            ReplayFrom::Timestamp(timestamp) => json!({"Timestamp": timestamp}),
            ReplayFrom::Sequence(number) => json!({"SequenceNumber": number}),
        };
        let output: Output =
            self.call("ReplayDeliveryStream", &json!({"DeliveryStreamName": name, "From": from})).await?;
        Ok(output.record_count)
    }

    /// Makes a call, again for as long as it is throttled and the patience lasts.
    async fn call<Output: DeserializeOwned>(&self, operation: &str, input: &Value) -> Result<Output, CallError> {
        let mut backoff = Backoff::new(Retry { give_up_after: THROTTLE_PATIENCE, ..Retry::default() });
        loop {
            match self.client.call(Service::FIREHOSE, operation, input).await {
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
