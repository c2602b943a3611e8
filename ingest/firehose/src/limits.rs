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
