//! The canonical request and the string to sign.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use http::header::HOST;
use http::{HeaderMap, Method, Uri};

use super::{ALGORITHM, TERMINATOR};

/// The parts of a request that its canonical form is made of.
pub(super) struct Canonical<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    /// Lowercase names, sorted, separated by semicolons.
    pub(super) signed_headers: &'a str,
    /// The SHA-256 of the body in lowercase hexadecimal, or what stands for it.
    pub(super) payload_hash: &'a str,
}

impl Canonical<'_> {
    /// The canonical request.
    pub(super) fn request(&self) -> String {
        let mut text = String::with_capacity(512);
        text.push_str(self.method.as_str());
        text.push('\n');
        push_path(&mut text, self.uri.path());
        text.push('\n');
        push_query(&mut text, self.uri.query().unwrap_or_default());
        text.push('\n');
        for name in self.signed_headers.split(';') {
            text.push_str(name);
            text.push(':');
            self.push_header(&mut text, name);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(self.signed_headers);
        text.push('\n');
        text.push_str(self.payload_hash);
        text
    }

    /// Appends a header's values, each trimmed and with its runs of spaces made one, separated by commas.
    fn push_header(&self, text: &mut String, name: &str) {
        let mut is_first = true;
        for value in self.headers.get_all(name) {
            if !is_first {
                text.push(',');
            }
            is_first = false;
            let value = String::from_utf8_lossy(value.as_bytes());
            for (index, word) in value.split([' ', '\t']).filter(|word| !word.is_empty()).enumerate() {
                if index > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        // HTTP/2 carries the host in the `:authority` of the request line, which clients sign under the old name.
        if is_first && name == HOST.as_str() {
            text.push_str(self.uri.authority().map_or("", |authority| authority.as_str()));
        }
    }
}

/// The string to sign.
pub(super) fn string_to_sign(timestamp: &str, date: &str, region: &str, service: &str, request: &str) -> String {
    let hash = sha256_hex(request.as_bytes());
    format!("{ALGORITHM}\n{timestamp}\n{date}/{region}/{service}/{TERMINATOR}\n{hash}")
}

/// The SHA-256 of some bytes in lowercase hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Lowercase hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Appends the path with dot segments resolved, repeated slashes joined, and what is encoded encoded once more, as all
/// services but S3 want it.
fn push_path(text: &mut String, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    for segment in &segments {
        text.push('/');
        push_encoded(text, segment.as_bytes());
    }
    if segments.is_empty() || path.ends_with('/') {
        text.push('/');
    }
}

/// Appends the query's parameters, encoded in one way and sorted by name, then value.
fn push_query(text: &mut String, query: &str) {
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (reencoded(name), reencoded(value))
        })
        .collect();
    parameters.sort_unstable();
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
}

/// Decodes `%XX` and encodes again, so that every spelling of a text comes out the same.
fn reencoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let decoded = match (first, after) {
            (b'%', [high, low, after @ ..]) => hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| {
                rest = after;
                high << 4 | low
            }),
            _ => None,
        };
        bytes.push(decoded.unwrap_or(first));
    }
    let mut encoded = String::with_capacity(bytes.len());
    push_encoded(&mut encoded, &bytes);
    encoded
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends bytes, all but RFC 3986's unreserved characters as `%XX`.
fn push_encoded(text: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}
