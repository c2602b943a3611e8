//! The names of the headers that AWS's JSON and CBOR services read and write.

use http::HeaderName;

/// Names the operation: `Kinesis_20131202.PutRecords`.
pub const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// Carries the [`crate::RequestId`] of an answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// Carries the second, opaque request id that AWS support asks for.
pub const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
/// Repeats the error code of an [`crate::ErrorBody`].
pub const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// The time of signing, `YYYYMMDDTHHMMSSZ`.
pub const DATE: HeaderName = HeaderName::from_static("x-amz-date");
/// The token of temporary credentials.
pub const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// The SHA-256 of the body in lowercase hexadecimal, or `UNSIGNED-PAYLOAD`.
pub const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
