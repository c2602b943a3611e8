//! Limits: those of AWS with their pages, and those that bound our own memory.

/// Bytes of one record's data. Source: Firehose API Reference, "Record".
pub const RECORD_BYTES_MAX: usize = 1_024_000;

/// Records in one batch. Source: Firehose API Reference, "PutRecordBatch".
pub const RECORDS_PER_BATCH_MAX: usize = 500;

/// Bytes of data in one batch. Source: Firehose API Reference, "PutRecordBatch".
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Tags of a delivery stream. Source: Firehose API Reference, "TagDeliveryStream".
pub const TAGS_MAX: usize = 50;

/// Delivery streams in one account and region. Source: Firehose API Reference, "CreateDeliveryStream".
pub const DELIVERY_STREAMS_MAX: usize = 5_000;

/// Put calls per second and delivery stream. Source: Firehose API Reference, "PutRecord".
pub const PUT_CALLS_PER_SECOND: u64 = 2_000;

/// Records put per second and delivery stream. Source: Firehose API Reference, "PutRecord".
pub const PUT_RECORDS_PER_SECOND: u64 = 5_000;

/// Bytes put per second and delivery stream. Source: Firehose API Reference, "PutRecord".
pub const PUT_BYTES_PER_SECOND: u64 = 5 * 1024 * 1024;

/// The default of `SizeInMBs`, in MiB. Source: Firehose API Reference, "BufferingHints".
pub const BUFFER_MIB_DEFAULT: u64 = 5;

/// The default of `SizeInMBs` with conversion, in MiB. Source: Firehose Developer Guide, "Enable record format conversion".
pub const CONVERSION_BUFFER_MIB_DEFAULT: u64 = 128;

/// The smallest `SizeInMBs` with conversion, in MiB. Source: Firehose Developer Guide, "Enable record format conversion".
pub const CONVERSION_BUFFER_MIB_MIN: u64 = 64;

/// The largest `SizeInMBs`, in MiB. Source: Firehose API Reference, "BufferingHints".
pub const BUFFER_MIB_MAX: u64 = 128;

/// The default of `IntervalInSeconds`. Source: Firehose API Reference, "BufferingHints".
pub const BUFFER_SECONDS_DEFAULT: u64 = 300;

/// Characters of a prefix once it is evaluated. Source: Firehose Developer Guide, "Custom prefixes for Amazon S3 objects".
pub const EVALUATED_PREFIX_CHARS_MAX: usize = 512;

/// Bytes of a prefix once it is evaluated: a key takes 1,024, and a name with its extension up to 260. Source: Amazon S3 User
/// Guide, "Naming Amazon S3 objects".
pub const EVALUATED_PREFIX_BYTES_MAX: usize = 764;

/// Bytes of one record's data after decompression. Ours: bounds what a few bytes of GZIP expand to.
pub const DECOMPRESSED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Records in one record. Ours: bounds memory; each takes some of its own, however little it holds.
pub const SUB_RECORDS_MAX: usize = 100_000;

/// Leaf columns of a schema. Ours: each costs memory in every buffer.
pub const COLUMNS_MAX: usize = 1_000;

/// Bytes of an inferred column's name. Source: Glue Web API Reference, "Column".
pub const COLUMN_NAME_BYTES_MAX: usize = 255;

/// Levels of structs and arrays in a schema, and of nesting in a record that is kept as JSON text. Ours.
pub const NESTING_MAX: usize = 64;

/// Rows in one record, where it holds several JSON objects. Ours: bounds what is rolled back.
pub const ROWS_PER_RECORD_MAX: usize = 5_000;

/// Bytes that the arrays of one record may fill in the columns. Ours: `[{},{},…]` expands to the width of its struct.
pub const RECORD_EXPANDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Rows that are collected in columns before they are encoded. Ours.
pub const CHUNK_ROWS_MAX: usize = 64 * 1024;

/// Bytes that are collected in columns before they are encoded. Ours.
pub const CHUNK_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes of metadata and partition keys that one read may return in all; the data is bounded by the buffer. Ours.
pub const READ_RECORDS_MAX: usize = 10_000;

const _: () = assert!(RECORD_BYTES_MAX <= BATCH_BYTES_MAX);
const _: () = assert!(CONVERSION_BUFFER_MIB_MIN <= CONVERSION_BUFFER_MIB_DEFAULT);
const _: () = assert!(CONVERSION_BUFFER_MIB_DEFAULT <= BUFFER_MIB_MAX);
const _: () = assert!(BUFFER_MIB_DEFAULT <= BUFFER_MIB_MAX);
