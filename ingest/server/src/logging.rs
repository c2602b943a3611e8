//! Logs: `tracing` events on stderr.

use std::io;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One line of text.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// The options of logging: the section `[log]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// Which events are logged: a level, and levels for parts of the program, such as `info,firehose=debug`.
    pub filter: String,
    /// How a line looks: `text` or `json`.
    pub format: Format,
}

/// Retries of the object store are told by the delivery, once.
const FILTER_DEFAULT: &str = "info,object_store=warn";

impl Default for Options {
    fn default() -> Self {
        Self { filter: FILTER_DEFAULT.to_owned(), format: Format::Text }
    }
}

/// Starts logging; the first call in a process counts.
pub(crate) fn start(options: &Options) {
    // The filter was validated with the configuration.
    let filter = EnvFilter::try_new(&options.filter).unwrap_or_default();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match options.format {
        Format::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        Format::Json => builder.json().try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}

/// Checks a filter.
pub(crate) fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(|_| ()).map_err(|error| error.to_string())
}
