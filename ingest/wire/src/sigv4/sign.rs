//! [`sign`]: adds a signature to a request.

use aws_lc_rs::hmac;
use http::header::{AUTHORIZATION, HOST, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::canonical::{self, Canonical};
use super::{ALGORITHM, TERMINATOR, key, time};
use crate::header;

/// What a client signs with.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Names the key; travels with the request.
    pub access_key_id: &'a str,
    /// The secret; does not travel.
    pub secret_access_key: &'a str,
    /// The token of temporary credentials.
    pub session_token: Option<&'a str>,
}

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub struct SigningScope<'a> {
    /// The AWS region, such as `us-east-1`.
    pub region: &'a str,
    /// The service's signing name, such as `kinesis`.
    pub service: &'a str,
    /// The time, in seconds since the Unix epoch.
    pub unix_seconds: i64,
}

/// Headers that proxies and HTTP libraries add, change or drop on the way, and which are therefore not signed.
const UNSIGNED: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "te",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];

/// Adds `x-amz-date`, `x-amz-security-token` and `authorization` to `headers`, and `host` if it is not there.
///
/// Every header present is signed, but those that change on the way. `uri` needs an authority or `headers` a `host`.
///
/// # Errors
/// If the credentials hold characters that a header cannot.
pub fn sign(
    method: &Method,
    uri: &Uri,
    headers: &mut HeaderMap,
    body: &[u8],
    credentials: Credentials<'_>,
    scope: SigningScope<'_>,
) -> Result<(), InvalidHeaderValue> {
    let timestamp = time::format(scope.unix_seconds);
    let date = timestamp.split('T').next().unwrap_or_default();
    if let (None, Some(authority)) = (headers.get(HOST), uri.authority()) {
        headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    }
    headers.insert(header::DATE, HeaderValue::from_str(&timestamp)?);
    if let Some(token) = credentials.session_token {
        headers.insert(header::SECURITY_TOKEN, HeaderValue::from_str(token)?);
    }

    let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    names.retain(|name| !UNSIGNED.contains(name));
    names.sort_unstable();
    let signed_headers = names.join(";");
    let payload_hash = match headers.get(header::CONTENT_SHA256).and_then(|value| value.to_str().ok()) {
        Some(hash) => hash.to_owned(),
        None => canonical::sha256_hex(body),
    };
    let request =
        Canonical { method, uri, headers, signed_headers: &signed_headers, payload_hash: &payload_hash }.request();
    let string_to_sign = canonical::string_to_sign(&timestamp, date, scope.region, scope.service, &request);
    let key = key::derive(credentials.secret_access_key, date, scope.region, scope.service);
    let signature = canonical::hex(hmac::sign(&key, string_to_sign.as_bytes()).as_ref());
    let authorization = format!(
        "{ALGORITHM} Credential={}/{date}/{}/{}/{TERMINATOR}, SignedHeaders={signed_headers}, Signature={signature}",
        credentials.access_key_id, scope.region, scope.service,
    );
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&authorization)?);
    Ok(())
}
