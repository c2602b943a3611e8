//! The options of connections to endpoints, as they stand in a configuration file under `[firehose.endpoints]`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How endpoints are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// Certificates of authorities that are trusted beside those of the system: a file in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Whether endpoints elsewhere may be called without TLS; those on this machine always may.
    pub allow_http: bool,
    /// How long a connection is waited for, the TLS handshake included.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long one request may take, from its first byte to the last of its answer.
    ///
    /// Source: Firehose Developer Guide, "Understand HTTP endpoint delivery request and response specifications" (3 minutes).
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ca_file: None,
            allow_http: false,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(3 * 60),
        }
    }
}

impl Options {
    /// Everything that is wrong with the options, each as a sentence with its key.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let timeouts = [("connect-timeout", self.connect_timeout), ("request-timeout", self.request_timeout)];
        for (key, timeout) in timeouts {
            if timeout.is_zero() || timeout > Duration::from_secs(60 * 60) {
                let text = humantime_serde::re::humantime::format_duration(timeout);
                problems.push(format!("firehose.endpoints.{key} is {text}; it must be more than 0 and at most 1h"));
            }
        }
        if let Some(file) = &self.ca_file
            && let Err(error) = std::fs::File::open(file)
        {
            problems.push(format!("firehose.endpoints.ca-file {} cannot be read: {error}", file.display()));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_of_nothing_and_files_that_are_not_there_are_told() {
        assert_eq!(Options::default().problems(), Vec::<String>::new());
        let text = r#"{"ca-file":"/nowhere/ca.pem","connect-timeout":"0s","request-timeout":"2h"}"#;
        let problems = serde_json::from_str::<Options>(text).unwrap().problems();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems.iter().all(|problem| problem.starts_with("firehose.endpoints.")), "{problems:?}");
    }
}
