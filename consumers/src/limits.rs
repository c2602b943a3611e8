//! The limits of the Kinesis API that a client has to respect before it sends.

/// The most records in one PutRecords request.
///
/// Source: Kinesis Data Streams API Reference, "PutRecords".
pub const RECORDS_PER_REQUEST_MAX: usize = 500;

/// The most bytes (data and partition keys) that the producer puts in one request. AWS allows 10 MiB today and allowed
/// 5 MiB for years, which compatible servers still enforce; larger requests gain nothing measurable.
///
/// Source: Kinesis Data Streams API Reference, "PutRecords"; Developer Guide, "Quotas and limits".
pub const BYTES_PER_REQUEST_MAX: usize = 5 << 20;

/// The most bytes (data and partition key) of one record of a stream configured for the largest records. What a stream takes
/// by default (1 MiB) is decided by the server.
///
/// Source: Kinesis Data Streams API Reference, "PutRecords" and "UpdateMaxRecordSize".
pub const RECORD_BYTES_MAX: usize = 10 << 20;

/// The most records that one GetRecords call may ask for.
///
/// Source: Kinesis Data Streams API Reference, "GetRecords".
pub const RECORDS_PER_READ_MAX: u32 = 10_000;

/// The most bytes of an answer that the client accepts: 10 MiB of data in base64, with room for what surrounds it.
///
/// Source: Kinesis Data Streams API Reference, "GetRecords" (10 MiB an answer).
pub const RESPONSE_BYTES_MAX: usize = 32 << 20;

const _: () = assert!(RECORD_BYTES_MAX / 3 * 4 < RESPONSE_BYTES_MAX);
