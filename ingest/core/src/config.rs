//! The options of the listener and of authentication, as they stand in a configuration file.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::limits::ACCOUNT_DEFAULT;

/// The options of the HTTP listener: the section `[server]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HttpOptions {
    /// The address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Listen beyond loopback although no credentials are configured, so that anybody who reaches the port may do
    /// anything.
    pub allow_remote_without_credentials: bool,
    /// The largest body of a request. PutRecords takes 10 MiB of records, which base64 makes 13.4 MiB.
    pub body_size: ByteSize,
    /// The memory for the bodies of all requests under way. Requests that find none left wait for it.
    pub body_memory: ByteSize,
    /// How long a body may take to arrive, the wait for memory included.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// How many connections are served at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a connection may do nothing, or take to send its headers, before it is closed.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// How long requests under way may go on after the server was told to stop.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4566)),
            allow_remote_without_credentials: false,
            body_size: ByteSize::mib(16),
            body_memory: ByteSize::mib(256),
            body_timeout: Duration::from_secs(60),
            connections: 4096,
            idle_timeout: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// One access key: an element of `[[credentials]]`.
///
/// Once there is one, every call must be signed by one of them. Without any, every call is taken, signed or not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CredentialOptions {
    /// Names the key in requests.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: String,
    /// The account that calls made with the key belong to: twelve digits.
    #[serde(default = "account_default")]
    pub account: String,
    /// The user of the account whom resource policies know the key's calls by; without one they are the account's root's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

fn account_default() -> String {
    ACCOUNT_DEFAULT.to_owned()
}

impl fmt::Debug for CredentialOptions {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialOptions")
            .field("access_key_id", &self.access_key_id)
            .field("account", &self.account)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_words_and_units() {
        let options: HttpOptions = toml::from_str(
            "listen = '0.0.0.0:80'\nallow-remote-without-credentials = true\nbody-size = '1 MiB'\nbody-timeout = '5 s'\n",
        )
        .unwrap();
        assert_eq!(options.listen, SocketAddr::from(([0, 0, 0, 0], 80)));
        assert!(options.allow_remote_without_credentials);
        assert_eq!((options.body_size, options.body_timeout), (ByteSize::mib(1), Duration::from_secs(5)));
        assert_eq!(options.connections, HttpOptions::default().connections);
        assert!(toml::from_str::<HttpOptions>("lisen = '0.0.0.0:80'").is_err());
    }

    #[test]
    fn secret_stays_out_of_logs_and_account_has_a_default() {
        let options: CredentialOptions =
            toml::from_str("access-key-id = 'AKID'\nsecret-access-key = 'hidden'").unwrap();
        assert_eq!(options.account, "000000000000");
        assert!(!format!("{options:?}").contains("hidden"));
    }
}
