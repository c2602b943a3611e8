//! One request to a peer, bounded in time and memory whatever the peer does.
//!
//! A [`Client`] belongs to one endpoint. Redirects are not followed; an answer is read up to a bound; connecting has a
//! timeout, and so has the whole of a request with its answer. It does not repeat anything: the endpoints know what a
//! repetition means for their records.

use std::error::Error as _;
use std::net::IpAddr;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use url::{Host, Url};

use super::{EndpointError, Options};

/// Connections that nothing was sent over for this long are closed: servers close theirs, and a request that meets the
/// closing fails.
const IDLE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// A client of one peer.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    options: Options,
}

/// What a peer answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no connection.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// There is no TLS.
    #[error("no TLS: {reason}")]
    Handshake {
        reason: String,
        /// The certificate is good, but for another host.
        is_other_host: bool,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Reset(String),
    /// The request took too long.
    #[error("there was no answer in time")]
    TimedOut,
    /// The answer is longer than any that makes sense.
    #[error("the answer is longer than {byte_count_max} bytes")]
    TooLong { byte_count_max: usize },
}

/// Reads the URL of an endpoint.
///
/// # Errors
/// It is no URL of HTTP, or one without TLS of another machine, and `options` do not allow that.
pub(crate) fn parse_url(url: &str, options: &Options) -> Result<Url, EndpointError> {
    let refused = |shown: &str, reason: String| Err(EndpointError::Url { url: shown.to_owned(), reason });
    let parsed = match Url::parse(url) {
        Ok(parsed) => parsed,
        // The text may hold a password, so it is not shown.
        Err(error) => return refused("(not shown)", error.to_string()),
    };
    let shown = shown(&parsed);
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() {
        return refused(&shown, "it is no http:// or https:// address".to_owned());
    }
    if parsed.scheme() == "http" && !options.allow_http && !is_loopback(&parsed) {
        return refused(&shown, "it has no TLS, and firehose.endpoints.allow-http is false".to_owned());
    }
    Ok(parsed)
}

/// A URL without what may be secret in it: user information and query.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// Whether a URL is one of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

fn read_certificates(file: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let unusable = |reason: String| format!("firehose.endpoints.ca-file {}: {reason}", file.display());
    let text = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&text).map_err(|error| unusable(chain(&error)))?;
    if certificates.is_empty() { Err(unusable("it holds no certificate".to_owned())) } else { Ok(certificates) }
}

impl Client {
    /// A client of the peer at `url`. No connection is made yet.
    ///
    /// # Errors
    /// The certificates of `options` cannot be used, or the system has none and `url` needs them.
    pub(crate) fn new(url: &Url, options: &Options) -> Result<Self, EndpointError> {
        let fail = |reason: String| EndpointError::Client { reason };
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT);
        if url.scheme() == "http" {
            // Without TLS no root certificates are needed, and a bare machine has none.
            builder = builder.tls_certs_only([]);
        } else if let Some(file) = &options.ca_file {
            let certificates = read_certificates(file).map_err(fail)?;
            builder = builder.tls_certs_merge(certificates);
        }
        if is_loopback(url) {
            builder = builder.no_proxy();
        }
        let of_file =
            options.ca_file.as_ref().map(|file| format!(" (with firehose.endpoints.ca-file {})", file.display()));
        let http = builder.build().map_err(|error| fail(chain(&error) + &of_file.unwrap_or_default()))?;
        Ok(Self { http, options: options.clone() })
    }

    /// Posts `body` and reads the answer, of at most `byte_count_max` bytes.
    ///
    /// # Errors
    /// There is no whole answer. The peer may have taken the body all the same.
    pub(crate) async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: reqwest::Body,
        byte_count_max: usize,
    ) -> Result<Answer, Failure> {
        self.exchange(self.http.post(url).headers(headers).body(body), byte_count_max).await
    }

    /// Gets what is at `url`, of at most `byte_count_max` bytes.
    ///
    /// # Errors
    /// There is no whole answer.
    pub(crate) async fn get(&self, url: Url, headers: HeaderMap, byte_count_max: usize) -> Result<Answer, Failure> {
        self.exchange(self.http.get(url).headers(headers), byte_count_max).await
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, byte_count_max: usize) -> Result<Answer, Failure> {
        let exchange = async {
            let mut response = request.send().await.map_err(classify)?;
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(classify)? {
                if body.len() + chunk.len() > byte_count_max {
                    return Err(Failure::TooLong { byte_count_max });
                }
                body.extend_from_slice(&chunk);
            }
            let headers = std::mem::take(response.headers_mut());
            Ok(Answer { status: response.status(), headers, body: body.freeze() })
        };
        match tokio::time::timeout(self.options.request_timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::TimedOut),
        }
    }
}

impl Answer {
    /// The body as text of at most `byte_count_max` bytes, for people.
    pub(crate) fn text(&self, byte_count_max: usize) -> String {
        clip(&String::from_utf8_lossy(self.body.get(..byte_count_max).unwrap_or(&self.body)), byte_count_max).to_owned()
    }
}

/// The beginning of `text`, of at most `byte_count_max` bytes.
pub(crate) fn clip(text: &str, byte_count_max: usize) -> &str {
    let mut end = byte_count_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn classify(error: reqwest::Error) -> Failure {
    // The URL may hold a password.
    let error = error.without_url();
    let reason = chain(&error);
    if let Some(tls) = find::<rustls::Error>(&error) {
        let is_other_host = matches!(
            tls,
            rustls::Error::InvalidCertificate(
                rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. }
            )
        );
        Failure::Handshake { reason, is_other_host }
    } else if error.is_connect() {
        Failure::Unreachable(reason)
    } else if error.is_timeout() {
        Failure::TimedOut
    } else {
        Failure::Reset(reason)
    }
}

/// The error of a kind among an error and its causes. I/O errors hide what they carry from their sources.
fn find<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let carried = || error.downcast_ref::<std::io::Error>()?.get_ref();
    error
        .downcast_ref::<E>()
        .or_else(|| carried().and_then(|carried| find(carried)))
        .or_else(|| error.source().and_then(|cause| find(cause)))
}

/// An error with the errors that caused it, since reqwest's own text says little.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
