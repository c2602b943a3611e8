//! Buffering hints and retry options, which nearly every destination has, each with its own bounds.

use firehose::definition::BufferHints;
use firehose::limits::{BUFFER_MIB_DEFAULT, BUFFER_SECONDS_DEFAULT};
use ingest_core::Fault;

use super::form::Form;
use super::invalid;
use crate::limits::{INTERVAL_SECONDS_MAX, RETRY_SECONDS_MAX};
use crate::model::destination::{BufferingHints, RetryOptions};

/// What a destination's hints may be, and what they are unless they are given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// MiB, at most.
    pub(crate) mib_max: i64,
    /// MiB, unless given.
    pub(crate) mib_default: u64,
    /// Seconds, at most.
    pub(crate) seconds_max: i64,
    /// Seconds, unless given.
    pub(crate) seconds_default: u64,
    /// One is only given with the other.
    pub(crate) is_both: bool,
}

impl Bounds {
    /// Those of S3 with so many MiB at most.
    pub(crate) const fn up_to(mib_max: i64) -> Self {
        Self {
            mib_max,
            mib_default: BUFFER_MIB_DEFAULT,
            seconds_max: INTERVAL_SECONDS_MAX,
            seconds_default: BUFFER_SECONDS_DEFAULT,
            is_both: true,
        }
    }

    /// Puts the bounds upon hints.
    pub(crate) fn validate(self, form: &mut Form<'_>, hints: Option<&BufferingHints>) {
        let Some(hints) = hints else { return };
        let mut form = form.inner("bufferingHints");
        form.number("sizeInMBs", hints.size_in_mbs).range(1, self.mib_max);
        form.number("intervalInSeconds", hints.interval_in_seconds).range(0, self.seconds_max);
    }

    /// Fills in what is not given.
    ///
    /// # Errors
    /// `InvalidArgumentException` if one is given without the other, where they belong together.
    pub(crate) fn fill(self, hints: &mut Option<BufferingHints>) -> Result<(), Fault> {
        let given = hints.unwrap_or_default();
        if self.is_both && given.size_in_mbs.is_some() != given.interval_in_seconds.is_some() {
            return Err(invalid("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither."));
        }
        *hints = Some(BufferingHints {
            size_in_mbs: given.size_in_mbs.or_else(|| i64::try_from(self.mib_default).ok()),
            interval_in_seconds: given.interval_in_seconds.or_else(|| i64::try_from(self.seconds_default).ok()),
        });
        Ok(())
    }
}

/// What filled hints mean.
pub(crate) fn plan(hints: Option<&BufferingHints>) -> BufferHints {
    let hints = hints.copied().unwrap_or_default();
    BufferHints { size_mib: positive(hints.size_in_mbs), interval_seconds: positive(hints.interval_in_seconds) }
}

/// Puts the model's bounds upon retry options.
pub(crate) fn validate_retry(form: &mut Form<'_>, options: Option<&RetryOptions>) {
    if let Some(options) = options {
        let mut form = form.inner("retryOptions");
        form.number("durationInSeconds", options.duration_in_seconds).range(0, RETRY_SECONDS_MAX);
    }
}

/// Fills in retry options.
pub(crate) fn fill_retry(options: &mut Option<RetryOptions>, seconds_default: i64) {
    options.get_or_insert_default().duration_in_seconds.get_or_insert(seconds_default);
}

/// How long filled options have a delivery tried again, in seconds.
pub(crate) fn retry_seconds(options: Option<&RetryOptions>) -> u64 {
    positive(options.and_then(|options| options.duration_in_seconds))
}

/// A number that was found not to be negative.
pub(crate) fn positive(number: Option<i64>) -> u64 {
    u64::try_from(number.unwrap_or_default()).unwrap_or_default()
}
