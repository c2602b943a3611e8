//! Which records share their objects.

use serde::{Deserialize, Serialize};

/// A group of records that share their prefix, all but its time of arrival. It is stored with intents. The default is the one group of a delivery
/// stream that does not divide its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Partition {
    /// Its records came too late, or too early, for their event time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_late: bool,
    /// The values of the keys, in their order in the prefix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) values: Vec<String>,
    /// When the period of their event times began, of the finest unit that the prefix shows; milliseconds since the Unix
    /// epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event_ms: Option<u64>,
}
