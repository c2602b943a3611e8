//! Creating the stream and the delivery stream, as any client would.

use std::time::Duration;

use consumers::{CallError, HttpClient, Service};
use serde_json::{Value, json};

use super::{BUCKET, ERROR_PREFIX, PREFIX, STREAM};
use crate::failure::Failure;

/// The shards of the stream.
const SHARD_COUNT: u32 = 4;
/// When a Parquet file is written: at so many MiB of records (the smallest buffer for Parquet that AWS allows) or seconds.
const BUFFER_MIB: u32 = 64;
const BUFFER_SECONDS: u32 = 5;
/// A role as the API demands it; nothing is checked against it.
const ROLE_ARN: &str = "arn:aws:iam::000000000000:role/headwater";

/// Creates both and waits until they are active.
pub(crate) async fn create(client: &HttpClient) -> Result<(), Failure> {
    create_stream(client).await?;
    let described: Value =
        client.call(Service::KINESIS, "DescribeStreamSummary", &json!({"StreamName": STREAM})).await?;
    let stream_arn = text_at(&described, "/StreamDescriptionSummary/StreamARN");
    let input = delivery_stream(&stream_arn);
    let _: Value = client.call(Service::FIREHOSE, "CreateDeliveryStream", &input).await?;
    let name = json!({"DeliveryStreamName": STREAM});
    let path = "/DeliveryStreamDescription/DeliveryStreamStatus";
    wait_until_active(client, Service::FIREHOSE, "DescribeDeliveryStream", &name, path).await
}

async fn create_stream(client: &HttpClient) -> Result<(), Failure> {
    let input = json!({"StreamName": STREAM, "ShardCount": SHARD_COUNT});
    let created: Result<Value, CallError> = client.call(Service::KINESIS, "CreateStream", &input).await;
    match created {
        Err(error) if error.code() == Some("ResourceInUseException") => {
            let reason = format!(
                "the data directory already holds a stream {STREAM}; give an empty or new directory as --data-dir"
            );
            return Err(Failure::Quickstart(reason));
        }
        other => other?,
    };
    let name = json!({"StreamName": STREAM});
    let path = "/StreamDescriptionSummary/StreamStatus";
    wait_until_active(client, Service::KINESIS, "DescribeStreamSummary", &name, path).await
}

fn delivery_stream(stream_arn: &str) -> Value {
    json!({
        "DeliveryStreamName": STREAM,
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": stream_arn, "RoleARN": ROLE_ARN},
        "ExtendedS3DestinationConfiguration": {
            "RoleARN": ROLE_ARN,
            "BucketARN": format!("arn:aws:s3:::{BUCKET}"),
            "Prefix": PREFIX,
            "ErrorOutputPrefix": ERROR_PREFIX,
            "BufferingHints": {"SizeInMBs": BUFFER_MIB, "IntervalInSeconds": BUFFER_SECONDS},
            "DataFormatConversionConfiguration": {
                "Enabled": true,
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    })
}

async fn wait_until_active(
    client: &HttpClient,
    service: Service,
    operation: &str,
    input: &Value,
    path: &str,
) -> Result<(), Failure> {
    for _ in 0..600 {
        let described: Value = client.call(service, operation, input).await?;
        if text_at(&described, path) == "ACTIVE" {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Failure::Quickstart(format!("{operation}: {STREAM} did not become ACTIVE within a minute")))
}

fn text_at(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}
