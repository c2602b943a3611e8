//! Delivery streams.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, DataFormatConversionConfiguration, DeliveryStreamType, Deserializer,
    ExtendedS3DestinationConfiguration, InputFormatConfiguration, KinesisStreamSourceConfiguration, OpenXJsonSerDe,
    OutputFormatConfiguration, ParquetSerDe, SchemaConfiguration, Serializer,
};

use super::eventually;

/// The role that AWS would assume; nobody does here.
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/delivery";

/// A delivery stream that converts JSON to Parquet.
pub(crate) struct ParquetDelivery<'a> {
    pub(crate) name: &'a str,
    pub(crate) bucket: &'a str,
    /// The ARN of the stream it reads; records are put directly without one.
    pub(crate) source: Option<&'a str>,
    pub(crate) interval_seconds: i32,
}

/// The ARN of a bucket.
pub(crate) fn bucket_arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// How JSON becomes Parquet: by the table named, or by a schema that is inferred.
pub(crate) fn parquet_conversion(table: Option<&str>) -> DataFormatConversionConfiguration {
    let deserializer = Deserializer::builder().open_x_json_ser_de(OpenXJsonSerDe::builder().build()).build();
    let serializer = Serializer::builder().parquet_ser_de(ParquetSerDe::builder().build()).build();
    let schema = table.map(|table| {
        SchemaConfiguration::builder()
            .role_arn(ROLE)
            .database_name("default")
            .table_name(table)
            .version_id("LATEST")
            .build()
    });
    DataFormatConversionConfiguration::builder()
        .enabled(true)
        .set_schema_configuration(schema)
        .input_format_configuration(InputFormatConfiguration::builder().deserializer(deserializer).build())
        .output_format_configuration(OutputFormatConfiguration::builder().serializer(serializer).build())
        .build()
}

/// An S3 destination, to be completed.
pub(crate) fn destination(
    bucket: &str,
    megabytes: i32,
    seconds: i32,
) -> aws_sdk_firehose::types::builders::ExtendedS3DestinationConfigurationBuilder {
    let hints = BufferingHints::builder().size_in_mbs(megabytes).interval_in_seconds(seconds).build();
    ExtendedS3DestinationConfiguration::builder()
        .role_arn(ROLE)
        .bucket_arn(bucket_arn(bucket))
        .buffering_hints(hints)
        .compression_format(CompressionFormat::Uncompressed)
}

/// The source of a delivery stream that reads a Kinesis stream.
pub(crate) fn source(arn: &str) -> KinesisStreamSourceConfiguration {
    KinesisStreamSourceConfiguration::builder().kinesis_stream_arn(arn).role_arn(ROLE).build().unwrap()
}

/// Creates a delivery stream and waits until it is active.
pub(crate) async fn create_parquet_delivery(client: &Client, delivery: &ParquetDelivery<'_>) {
    let destination = destination(delivery.bucket, 64, delivery.interval_seconds)
        .data_format_conversion_configuration(parquet_conversion(None))
        .build()
        .unwrap();
    let kind = match delivery.source {
        Some(_) => DeliveryStreamType::KinesisStreamAsSource,
        None => DeliveryStreamType::DirectPut,
    };
    client
        .create_delivery_stream()
        .delivery_stream_name(delivery.name)
        .delivery_stream_type(kind)
        .set_kinesis_stream_source_configuration(delivery.source.map(source))
        .extended_s3_destination_configuration(destination)
        .send()
        .await
        .unwrap();
    wait_until_active(client, delivery.name).await;
}

/// Waits until a delivery stream is active.
pub(crate) async fn wait_until_active(client: &Client, name: &str) {
    eventually("an active delivery stream", || async {
        let answer = client.describe_delivery_stream().delivery_stream_name(name).send().await.unwrap();
        let status = answer.delivery_stream_description.unwrap().delivery_stream_status;
        (status.as_str() == "ACTIVE").then_some(())
    })
    .await
}
