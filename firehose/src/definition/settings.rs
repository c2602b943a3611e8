//! What of a delivery stream can be changed while its delivery goes on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shard_store::stream::Encryption;

/// What can be changed without a word to the delivery. It is stored beside the definition, so that neither overwrites
/// what the other changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Tags, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What its own log is encrypted with at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// MiB a second that may be put, if that is more than [`PUT_BYTES_PER_SECOND`](crate::limits::PUT_BYTES_PER_SECOND);
    /// calls and records are in proportion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_mib_per_second: Option<u32>,
}
