//! The options of streams, as they stand in a configuration file under `[kinesis]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::SHARDS_PER_STREAM_MAX;

/// The options of all streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// Whether the throughput limits of shards are enforced, 1 MiB and 1,000 records a second in, 2 MiB and 5 reads a
    /// second out, and the rates of other calls, which are a front door's. Switch it off for benchmarks, or where one machine should give all it has.
    pub enforce: bool,
    /// The most open shards that an account may have in a region.
    pub shards_max: u32,
    /// How often segments past their retention are looked for.
    #[serde(with = "humantime_serde")]
    pub retention_sweep_interval: Duration,
    /// How often the load of on-demand streams is looked at, and their shards are split and merged.
    #[serde(with = "humantime_serde")]
    pub scaling_interval: Duration,
    /// What differs for the streams of a name, in every account and region.
    pub streams: BTreeMap<String, StreamOptions>,
}

/// What differs for one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StreamOptions {
    /// Overrides [`Options::enforce`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce: Option<bool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enforce: true,
            shards_max: SHARDS_PER_STREAM_MAX,
            retention_sweep_interval: Duration::from_secs(60),
            scaling_interval: Duration::from_secs(60),
            streams: BTreeMap::new(),
        }
    }
}

impl Options {
    /// Whether the throughput limits hold for the streams called `name`.
    pub(crate) fn enforces(&self, name: &str) -> bool {
        self.streams.get(name).and_then(|stream| stream.enforce).unwrap_or(self.enforce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_overrides_the_general_setting() {
        let text = r#"{"enforce": true, "streams": {"bench": {"enforce": false}, "other": {}}}"#;
        let options: Options = serde_json::from_str(text).unwrap();
        assert!(!options.enforces("bench"));
        assert!(options.enforces("other"));
        assert!(options.enforces("unnamed"));
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Options>(r#"{"enforced": true}"#).is_err());
    }
}
