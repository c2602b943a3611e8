//! Where to call, and as whom.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::error::EndpointError;

/// The region that a local endpoint is called in when the environment names none.
const REGION_DEFAULT: &str = "us-east-1";

/// Access key and secret, as AWS issues them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Credentials for a server that accepts any signature.
    pub fn local() -> Self {
        Self { access_key_id: "headwater".into(), secret_access_key: "headwater".into(), session_token: None }
    }

    fn from_variables(variable: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self {
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
            session_token: variable("AWS_SESSION_TOKEN"),
        })
    }
}

/// A service endpoint with region and credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    region: String,
    credentials: Credentials,
}

impl Endpoint {
    /// The endpoint at `url`, an `http://` or `https://` address.
    ///
    /// # Errors
    /// [`EndpointError::Url`].
    pub fn new(url: &str, region: &str, credentials: Credentials) -> Result<Self, EndpointError> {
        let refused = |reason: &str| EndpointError::Url { url: url.to_owned(), reason: reason.to_owned() };
        let parsed = Url::parse(url).map_err(|source| refused(&source.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(refused("the scheme is neither http nor https"));
        }
        if parsed.host().is_none() {
            return Err(refused("there is no host"));
        }
        Ok(Self { url: parsed, region: region.to_owned(), credentials })
    }

    /// The endpoint at `url`, with region and credentials from the environment: `AWS_REGION` or `AWS_DEFAULT_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`. On a loopback address, which may be a server that
    /// accepts any signature, the credentials may be missing. The region defaults to `us-east-1`.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub fn from_environment(url: &str) -> Result<Self, EndpointError> {
        Self::from_variables(url, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(url: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<Self, EndpointError> {
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let endpoint = Self::new(url, region.as_deref().unwrap_or(REGION_DEFAULT), Credentials::local())?;
        match Credentials::from_variables(variable) {
            Some(credentials) => Ok(Self { credentials, ..endpoint }),
            None if endpoint.is_loopback() => Ok(endpoint),
            None => Err(EndpointError::NoCredentials { url: url.to_owned() }),
        }
    }

    /// The URL that is called.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The region that calls are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The credentials that calls are signed with.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether the endpoint is on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(url: &str, variables: &[(&str, &str)]) -> Result<Endpoint, EndpointError> {
        Endpoint::from_variables(url, &|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn loopback_needs_no_credentials_and_elsewhere_does() {
        for url in ["http://127.0.0.1:4566", "http://localhost:1", "http://[::1]:4566"] {
            assert_eq!(from(url, &[]).unwrap().credentials(), &Credentials::local());
        }
        assert!(matches!(from("http://10.0.0.1", &[]), Err(EndpointError::NoCredentials { .. })));
    }

    #[test]
    fn environment_gives_region_and_credentials() {
        let variables =
            [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_DEFAULT_REGION", "eu-west-1")];
        let endpoint = from("https://kinesis.eu-west-1.amazonaws.com", &variables).unwrap();
        assert_eq!((endpoint.region(), endpoint.credentials().access_key_id.as_str()), ("eu-west-1", "a"));
        assert!(!endpoint.is_loopback());
    }

    #[test]
    fn what_is_not_an_http_url_is_refused() {
        for url in ["", "127.0.0.1:4566", "ftp://host", "http://"] {
            assert!(matches!(from(url, &[]), Err(EndpointError::Url { .. })), "{url}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let credentials =
            Credentials { access_key_id: "id".into(), secret_access_key: "hush".into(), session_token: None };
        assert!(!format!("{credentials:?}").contains("hush"));
    }
}
