//! The configuration: what each source says, merged, then validated as a whole.
//!
//! ```text
//! defaults < file < environment (HEADWATER_*) < flags  ──merge──>  RawConfig  ──validate──>  Config
//! ```
//!
//! The options of each part stand beside its code; this module puts them together. Every problem is reported at once, with
//! the key, its value, where the value came from, and what is allowed. Only a [`Config`] travels further.

mod layers;
mod print;
mod problem;
mod validate;

use std::ops::Deref;
use std::path::PathBuf;

use ingest_core::config::{CredentialOptions, HttpOptions};
use serde::{Deserialize, Serialize};

use crate::logging;
pub(crate) use layers::environment;
pub use layers::{Flags, Layers};
pub use problem::{ConfigError, Origin, Problem};

/// The configuration as written, typed but not yet checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawConfig {
    /// The directory of the store.
    pub data_dir: PathBuf,
    /// Logging.
    pub log: logging::Options,
    /// The HTTP listener.
    pub server: HttpOptions,
    /// The access keys; without any, every call is taken.
    pub credentials: Vec<CredentialOptions>,
    /// The storage engine.
    pub store: shard_store::Options,
    /// Streams.
    pub kinesis: shard_store::stream::Options,
    /// Delivery streams.
    pub firehose: firehose::Options,
    /// Kafka clusters whose topics delivery streams read.
    pub kafka: ingest_kafka::Options,
    /// Where objects are delivered to.
    pub object_store: firehose::sink::Options,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("headwater-data"),
            log: logging::Options::default(),
            server: HttpOptions::default(),
            credentials: Vec::new(),
            store: shard_store::Options::default(),
            kinesis: shard_store::stream::Options::default(),
            firehose: firehose::Options::default(),
            kafka: ingest_kafka::Options::default(),
            object_store: firehose::sink::Options::default(),
        }
    }
}

/// A configuration that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config(RawConfig);

impl Config {
    /// Checks a configuration that was put together in code.
    ///
    /// # Errors
    /// Every value that is out of its range.
    pub fn new(raw: RawConfig) -> Result<Self, ConfigError> {
        let problems = validate::check(&raw, &|_| Origin::Default);
        if problems.is_empty() { Ok(Self(raw)) } else { Err(ConfigError::Problems(problems)) }
    }

    /// The checked values, to be taken apart.
    pub fn into_inner(self) -> RawConfig {
        self.0
    }
}

impl Deref for Config {
    type Target = RawConfig;

    fn deref(&self) -> &RawConfig {
        &self.0
    }
}
