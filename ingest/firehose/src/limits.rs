//! Limits of requests. Those of the data itself are the library's: [`firehose::limits`].

/// Characters of a delivery stream's name. Source: Firehose API Reference, "CreateDeliveryStream".
pub(crate) const NAME_CHARS_MAX: usize = 64;

/// Characters of an ARN. Source: Firehose API Reference, "ExtendedS3DestinationConfiguration".
pub(crate) const ARN_CHARS_MAX: usize = 512;

/// Characters of a bucket's ARN. Source: as above.
pub(crate) const BUCKET_ARN_CHARS_MAX: usize = 2048;

/// Characters of a prefix as it is given. Source: as above.
pub(crate) const PREFIX_CHARS_MAX: usize = 1024;

/// Characters of a file extension. Source: as above.
pub(crate) const FILE_EXTENSION_CHARS_MAX: usize = 128;

/// Characters of a time zone. Source: as above.
pub(crate) const TIME_ZONE_CHARS_MAX: usize = 50;

/// Characters of the members of a SchemaConfiguration. Source: Firehose API Reference, "SchemaConfiguration".
pub(crate) const SCHEMA_CHARS_MAX: usize = 1024;

/// Characters of a destination's id. Source: Firehose API Reference, "DescribeDeliveryStream".
pub(crate) const DESTINATION_ID_CHARS_MAX: usize = 100;

/// Most that a list may be asked for. Source: Firehose API Reference, "ListDeliveryStreams".
pub(crate) const PAGE_SIZE_MAX: i64 = 10_000;

/// What a list shows unless asked. Source: Firehose API Reference, "ListDeliveryStreams".
pub(crate) const PAGE_SIZE_DEFAULT: i64 = 10;

/// Bytes of a Parquet row group, at least. Source: Firehose API Reference, "ParquetSerDe".
pub(crate) const BLOCK_BYTES_MIN: i64 = 64 * 1024 * 1024;

/// Bytes of a Parquet row group, unless asked. Source: as above.
pub(crate) const BLOCK_BYTES_DEFAULT: i64 = 256 * 1024 * 1024;

/// Bytes of a Parquet page, at least. Source: as above.
pub(crate) const PAGE_BYTES_MIN: i64 = 64 * 1024;

/// Bytes of a Parquet page, unless asked. Source: as above.
pub(crate) const PAGE_BYTES_DEFAULT: i64 = 1024 * 1024;

/// The largest of the model's integers, for members without another bound.
pub(crate) const INTEGER_MAX: i64 = i32::MAX as i64;

/// Seconds of a buffer's interval, at most. Source: Firehose API Reference, "BufferingHints".
pub(crate) const INTERVAL_SECONDS_MAX: i64 = 900;

/// Seconds for which a delivery is tried again, at most. Source: Firehose API Reference, "RetryOptions".
pub(crate) const RETRY_SECONDS_MAX: i64 = 7200;

/// Processors of a destination. Source: an observed answer of CreateDeliveryStream.
pub(crate) const PROCESSORS_MAX: usize = 5;

/// Characters of a parameter's value. Source: Firehose API Reference, "ProcessorParameter".
pub(crate) const PARAMETER_VALUE_CHARS_MAX: usize = 5120;

/// Characters of an endpoint's URL. Source: Firehose API Reference, "HttpEndpointConfiguration".
pub(crate) const ENDPOINT_URL_CHARS_MAX: usize = 1000;

/// Characters of the name of an endpoint, and of a common attribute. Source: as above, and "HttpEndpointCommonAttribute".
pub(crate) const ENDPOINT_NAME_CHARS_MAX: usize = 256;

/// Characters of an access key. Source: Firehose API Reference, "HttpEndpointConfiguration".
pub(crate) const ACCESS_KEY_CHARS_MAX: usize = 4096;

/// Common attributes of an endpoint. Source: Firehose API Reference, "HttpEndpointRequestConfiguration".
pub(crate) const COMMON_ATTRIBUTES_MAX: usize = 50;

/// Characters of a common attribute's value. Source: Firehose API Reference, "HttpEndpointCommonAttribute".
pub(crate) const ATTRIBUTE_VALUE_CHARS_MAX: usize = 1024;

/// Characters of the URL and of the token of a collector. Source: Firehose API Reference, "SplunkDestinationConfiguration".
pub(crate) const HEC_CHARS_MAX: usize = 2048;

/// Characters of an index's name. Source: Firehose API Reference, "AmazonopensearchserviceDestinationConfiguration".
pub(crate) const INDEX_NAME_CHARS_MAX: usize = 80;

/// Characters of the name of a type of documents. Source: as above.
pub(crate) const TYPE_NAME_CHARS_MAX: usize = 100;

/// Characters of the columns and of the options of COPY. Source: Firehose API Reference, "CopyCommand".
pub(crate) const COPY_CHARS_MAX: usize = 10_240;

/// Characters of a password, at least. Source: Firehose API Reference, "RedshiftDestinationConfiguration".
pub(crate) const PASSWORD_CHARS_MIN: usize = 6;

/// Characters of the names of databases and tables. Source: Firehose API Reference, "DestinationTableConfiguration".
pub(crate) const TABLE_NAME_CHARS_MAX: usize = 255;

/// Characters of a topic's name. Source: Firehose API Reference, "MSKSourceConfiguration".
pub(crate) const TOPIC_NAME_CHARS_MAX: usize = 255;

/// Characters of a tag's key. Source: Firehose API Reference, "Tag".
pub(crate) const TAG_KEY_CHARS_MAX: usize = 128;

/// Characters of a tag's value. Source: as above.
pub(crate) const TAG_VALUE_CHARS_MAX: usize = 256;

/// Tags, or keys of tags, in one request or answer. Source: Firehose API Reference, "TagDeliveryStream".
pub(crate) const TAGS_PER_REQUEST_MAX: usize = 50;

/// The largest `ThroughputHintInMBs`. Source: Firehose API Reference, "DirectPutSourceConfiguration".
pub(crate) const THROUGHPUT_HINT_MAX: i64 = 100;

/// Characters of a delivery stream's version. Source: Firehose API Reference, "UpdateDestination".
pub(crate) const VERSION_ID_CHARS_MAX: usize = 50;
