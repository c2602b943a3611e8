//! The URLs of endpoints. AWS takes `https` alone; a server of one's own may stand in one's own network, so `http` is taken
//! too.

use http::Uri;
use ingest_core::{Fault, Pattern};

use super::invalid;

/// The URL of an HTTP endpoint.
pub(crate) const HTTP_URL: Pattern =
    Pattern { text: "https?://.*", matches: |text| text.starts_with("https://") || text.starts_with("http://") };

/// The URL of a cluster.
pub(crate) const CLUSTER_URL: Pattern =
    Pattern { text: "https?:.*", matches: |text| text.starts_with("https:") || text.starts_with("http:") };

/// Whether this is a URL with a host.
pub(crate) fn is_url(text: &str) -> bool {
    let uri = text.parse::<Uri>();
    uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    })
}

/// Checks a URL with a host.
///
/// # Errors
/// `InvalidArgumentException` that names the member.
pub(crate) fn check(member: &str, text: &str) -> Result<(), Fault> {
    match is_url(text) {
        true => Ok(()),
        false => {
            Err(invalid(format!("{member} {text} is neither an ARN nor a URL that begins with https:// or http://.")))
        }
    }
}
