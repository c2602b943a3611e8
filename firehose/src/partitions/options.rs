//! What becomes of a partition's folder, as it stands in a configuration file.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// Objects that are merged are read into memory one at a time.
const COMPACT_BELOW_MAX: ByteSize = ByteSize::mib(256);

/// The options under `[firehose.streams.NAME.partitions]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PartitionOptions {
    /// An empty object `_SUCCESS` is put into the folder of a partition that is closed.
    pub success_marker: bool,
    /// An object `_manifest.json`, which names all objects of the partition as COPY of Redshift reads it, likewise.
    pub manifest: bool,
    /// Objects smaller than this are merged before their partition is closed, and before that whenever there are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compact_below: Option<ByteSize>,
    /// What merged objects grow to, about.
    pub compact_to: ByteSize,
    /// How long after its end a partition is closed. Records that are on their way into the log at its end arrive in this
    /// time, and those that are late in their event time may.
    #[serde(with = "humantime_serde")]
    pub close_delay: Duration,
}

impl Default for PartitionOptions {
    fn default() -> Self {
        Self {
            success_marker: false,
            manifest: false,
            compact_below: None,
            compact_to: ByteSize::mib(128),
            close_delay: Duration::from_secs(60),
        }
    }
}

impl PartitionOptions {
    /// Everything that is wrong with the options, each as a key and a sentence's end.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !self.success_marker && !self.manifest && self.compact_below.is_none() {
            problems.push(("", "asks for nothing: set success-marker, manifest or compact-below".to_owned()));
        }
        if let Some(below) = self.compact_below {
            if below.as_u64() == 0 || below > COMPACT_BELOW_MAX {
                problems.push(("compact-below", format!("must be more than 0 and at most {COMPACT_BELOW_MAX}")));
            }
            if self.compact_to < below {
                problems.push(("compact-to", "must not be less than compact-below".to_owned()));
            }
        }
        problems
    }

    pub(super) fn close_delay_ms(&self) -> u64 {
        u64::try_from(self.close_delay.as_millis()).unwrap_or(u64::MAX)
    }
}
