//! [`BodyGate`]: reads bodies, within bounds.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use crate::config::HttpOptions;
use crate::fault::{Code, Fault};
use crate::limits::DRAIN_BYTES_MAX;

/// The unit in which memory is handed out: semaphores count in 32 bits.
const MEMORY_UNIT_BYTES: usize = 1024;

/// Reads the bodies of requests: each up to a size and within a time, all of them together within an amount of memory.
#[derive(Debug)]
pub(crate) struct BodyGate {
    byte_count_max: usize,
    timeout: Duration,
    /// Permits of [`MEMORY_UNIT_BYTES`] each.
    memory: Semaphore,
    memory_units: usize,
}

/// A body, and its share of the memory for all bodies.
#[derive(Debug)]
pub(crate) struct Collected<'a> {
    pub(crate) bytes: Bytes,
    pub(crate) memory: SemaphorePermit<'a>,
}

/// A body was not taken.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) fault: Fault,
    /// What is left of the body is still on its way: the connection is of no more use.
    pub(crate) must_close: bool,
}

impl BodyGate {
    pub(crate) fn new(options: &HttpOptions) -> Self {
        let bytes = |size: bytesize::ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        let byte_count_max = bytes(options.body_size);
        // There is always memory for one body of the largest size, or none would ever get through.
        let memory_units =
            bytes(options.body_memory).max(byte_count_max).div_ceil(MEMORY_UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self { byte_count_max, timeout: options.body_timeout, memory: Semaphore::new(memory_units), memory_units }
    }

    /// Reads a body into one contiguous buffer.
    ///
    /// # Errors
    /// If it is too large, does not arrive in time, or breaks off.
    pub(crate) async fn collect<B>(&self, headers: &HeaderMap, body: B) -> Result<Collected<'_>, Refused>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: fmt::Display,
    {
        let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|declared| declared > self.byte_count_max) {
            return Err(self.refuse_size(body).await);
        }
        let deadline = tokio::time::Instant::now() + self.timeout;
        // A body of undeclared length may turn out to be of any.
        let byte_count = declared.unwrap_or(self.byte_count_max);
        let units = u32::try_from(byte_count.div_ceil(MEMORY_UNIT_BYTES).min(self.memory_units)).unwrap_or(u32::MAX);
        let Ok(Ok(memory)) = timeout_at(deadline, self.memory.acquire_many(units)).await else {
            let message = "The memory for the bodies of requests is used up; please try again.";
            return Err(Refused { fault: Fault::new(Code::ServiceUnavailable, message), must_close: true });
        };
        match timeout_at(deadline, read(body, declared.unwrap_or_default(), self.byte_count_max)).await {
            Ok(Ok(bytes)) => Ok(Collected { bytes, memory }),
            Ok(Err(ReadError::TooLarge(rest))) => {
                drop(memory);
                Err(self.refuse_size(rest).await)
            }
            Ok(Err(ReadError::Broken(reason))) => {
                let message = format!("The body of the request could not be read: {reason}");
                Err(Refused { fault: Fault::new(Code::Serialization, message), must_close: true })
            }
            Err(_) => {
                let message = format!("The body of the request did not arrive within {:?}.", self.timeout);
                Err(Refused { fault: Fault::new(Code::RequestTimeout, message), must_close: true })
            }
        }
    }

    /// Reads a body and throws it away, so that the connection can be used again. False if that took too long.
    pub(crate) async fn discard<B: Body<Data = Bytes> + Unpin>(&self, mut body: B) -> bool {
        let discard = async {
            let mut byte_count = 0;
            while let Some(Ok(frame)) = body.frame().await {
                byte_count += frame.data_ref().map_or(0, Bytes::len);
                if byte_count > DRAIN_BYTES_MAX {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(self.timeout, pin!(discard)).await.unwrap_or(false)
    }

    async fn refuse_size<B: Body<Data = Bytes> + Unpin>(&self, rest: B) -> Refused {
        let message = format!("The body of the request is larger than {} bytes.", self.byte_count_max);
        let must_close = !self.discard(rest).await;
        Refused { fault: Fault::new(Code::RequestEntityTooLarge, message), must_close }
    }
}

enum ReadError<B> {
    /// The rest of the body is still to come.
    TooLarge(B),
    Broken(String),
}

/// Reads a body. A body of one frame is not copied; otherwise each frame is, once.
async fn read<B>(mut body: B, byte_count_expected: usize, byte_count_max: usize) -> Result<Bytes, ReadError<B>>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: fmt::Display,
{
    let mut first = Bytes::new();
    let mut joined = Vec::new();
    let mut byte_count = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ReadError::Broken(error.to_string()))?;
        // Trailers are of no interest.
        let Ok(data) = frame.into_data() else { continue };
        byte_count += data.len();
        if byte_count > byte_count_max {
            return Err(ReadError::TooLarge(body));
        }
        if byte_count == data.len() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.reserve_exact(byte_count_expected.max(byte_count));
            joined.extend_from_slice(&first);
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { first } else { joined.into() })
}
