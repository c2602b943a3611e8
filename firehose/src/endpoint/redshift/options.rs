//! The options of connections to databases, as they stand in a configuration file under `[firehose.redshift]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How Redshift clusters and PostgreSQL servers are connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DatabaseOptions {
    /// Whether TLS is asked for.
    pub tls: TlsMode,
    /// Certificates of authorities that are trusted rather than those of the system: a file in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Whether TLS is asked for. Source: PostgreSQL Documentation, "SSL Support", `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// If the server has it, and whoever it says it is.
    #[default]
    Prefer,
    /// Always, and the server's certificate is checked.
    VerifyFull,
}

impl DatabaseOptions {
    /// Everything that is wrong with the options, each as a sentence with its key.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(file) = &self.ca_file {
            if self.tls == TlsMode::Prefer {
                problems.push("firehose.redshift.ca-file is of no use without tls = \"verify-full\"".to_owned());
            }
            if let Err(error) = std::fs::File::open(file) {
                problems.push(format!("firehose.redshift.ca-file {} cannot be read: {error}", file.display()));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_or_of_no_use_is_told() {
        assert_eq!(DatabaseOptions::default().problems(), Vec::<String>::new());
        let options: DatabaseOptions = serde_json::from_str(r#"{"ca-file":"/nowhere/ca.pem"}"#).unwrap();
        assert_eq!(options.problems().len(), 2, "{:?}", options.problems());
        assert!(serde_json::from_str::<DatabaseOptions>(r#"{"tls":"maybe"}"#).is_err());
    }
}
