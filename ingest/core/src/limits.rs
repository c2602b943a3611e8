//! The bounds that keep one listener's memory and time finite, whatever its peers do.

/// An account id that stands for "nobody in particular".
pub const ACCOUNT_DEFAULT: &str = "000000000000";

/// The longest name of a user. Source: IAM User Guide, "IAM and AWS STS quotas".
pub(crate) const USER_CHARS_MAX: usize = 64;

/// The region of a request that names none.
pub const REGION_DEFAULT: &str = "us-east-1";

/// The longest name of a region that is taken; AWS's longest has 14 characters.
pub(crate) const REGION_BYTES_MAX: usize = 32;

/// How many different regions are remembered, to share one allocation each.
pub(crate) const REGIONS_MAX: usize = 64;

/// How many headers a request may have. SDKs send about 15.
pub(crate) const HEADERS_MAX: usize = 64;

/// How many bytes the headers of a request may have together.
///
/// Source: Application Load Balancer User Guide, "HTTP header limits" (64K for a request).
pub(crate) const HEADER_BYTES_MAX: u32 = 64 * 1024;

/// How much of a body that is refused is read and thrown away, so that the client gets to read its answer.
pub(crate) const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many requests one HTTP/2 connection may have under way.
pub(crate) const STREAMS_PER_CONNECTION_MAX: u32 = 128;

/// How many bytes of one body an HTTP/2 client may send ahead of the reader.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;

/// How many characters of a client's name for itself are compared with policies.
pub(crate) const USER_AGENT_CHARS_MAX: usize = 512;

/// How many constraint failures one answer lists, and how many characters of a value each shows.
pub(crate) const VALIDATION_FAILURES_MAX: usize = 50;
pub(crate) const VALIDATION_VALUE_CHARS_MAX: usize = 512;

const _: () = assert!(STREAM_WINDOW_BYTES as usize <= DRAIN_BYTES_MAX);
