//! [`Authorization`]: reads a signature and verifies it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{constant_time, hmac};
use base64_simd::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method, Uri};

use super::canonical::{self, Canonical};
use super::error::SignatureError;
use super::key::{self, SigningKeys};
use super::{ALGORITHM, TERMINATOR, UNSIGNED_PAYLOAD, time};
use crate::header;

/// How far the time of signing may lie from the server's, in seconds either way.
const SKEW_SECONDS_MAX: i64 = 15 * 60;

/// The request that a signature is to fit.
#[derive(Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target as received.
    pub uri: &'a Uri,
    /// The headers as received.
    pub headers: &'a HeaderMap,
    /// The body as received.
    pub body: &'a [u8],
}

/// What an `Authorization` header says. Nothing of it is to be believed until [`Authorization::verify`] succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    credential: &'a str,
    /// Names the credentials that the signature claims to be made with.
    pub access_key_id: &'a str,
    /// The day of the scope, `YYYYMMDD`.
    pub date: &'a str,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
    terminator: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads the `Authorization` header.
    ///
    /// # Errors
    /// `Missing` if there is none, `Incomplete` if it lacks a part or has another form.
    pub fn parse(headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        let value = headers.get(AUTHORIZATION).ok_or(SignatureError::Missing)?;
        let value = value.to_str().map_err(|_| incomplete("The Authorization header is not ASCII text."))?;
        let (algorithm, parameters) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        if algorithm != ALGORITHM {
            return Err(SignatureError::Incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")));
        }
        let parameter = |wanted: &str| {
            parameters
                .split(',')
                .filter_map(|parameter| parameter.trim().split_once('='))
                .find_map(|(name, value)| (name == wanted && !value.is_empty()).then_some(value))
        };
        let required = ["Credential", "Signature", "SignedHeaders"].map(|name| (name, parameter(name)));
        let [(_, Some(credential)), (_, Some(signature)), (_, Some(signed_headers))] = required else {
            let missing = required.iter().filter(|(_, value)| value.is_none());
            let complaints: String =
                missing.map(|(name, _)| format!("Authorization header requires '{name}' parameter. ")).collect();
            return Err(SignatureError::Incomplete(format!("{complaints}{}", fingerprint(value))));
        };
        let mut elements = credential.split('/');
        let (Some(access_key_id), Some(date), Some(region), Some(service), Some(terminator), None) =
            (elements.next(), elements.next(), elements.next(), elements.next(), elements.next(), elements.next())
        else {
            return Err(SignatureError::Incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{credential}'"
            )));
        };
        Ok(Self { credential, access_key_id, date, region, service, terminator, signed_headers, signature })
    }

    /// Checks that the signature was made with `secret_access_key`, for this request, this `service`, and now.
    ///
    /// # Errors
    /// `Incomplete` if the date is missing or malformed, `Invalid` if anything does not fit.
    pub fn verify(
        &self,
        request: SignedRequest<'_>,
        secret_access_key: &str,
        service: &str,
        keys: &SigningKeys,
        now_unix_seconds: i64,
    ) -> Result<(), SignatureError> {
        let timestamp = self.verify_time(request.headers, now_unix_seconds)?;
        self.verify_scope(&timestamp, service)?;
        self.verify_coverage(request.headers)?;
        let payload_hash = payload_hash(request)?;
        let canonical_request = Canonical {
            method: request.method,
            uri: request.uri,
            headers: request.headers,
            signed_headers: self.signed_headers,
            payload_hash: &payload_hash,
        }
        .request();
        let string_to_sign =
            canonical::string_to_sign(&timestamp, self.date, self.region, self.service, &canonical_request);

        let remembered = keys.get(self.credential);
        let is_new = remembered.is_none();
        let key = remembered.unwrap_or_else(|| key::derive(secret_access_key, self.date, self.region, self.service));
        let expected = canonical::hex(hmac::sign(&key, string_to_sign.as_bytes()).as_ref());
        constant_time::verify_slices_are_equal(expected.as_bytes(), self.signature.as_bytes())
            .map_err(|_| SignatureError::mismatch(&canonical_request, &string_to_sign))?;
        if is_new {
            keys.remember(self.credential, key);
        }
        Ok(())
    }

    /// Checks the time of signing and returns it as `YYYYMMDDTHHMMSSZ`.
    fn verify_time(&self, headers: &HeaderMap, now: i64) -> Result<String, SignatureError> {
        let value = headers.get(header::DATE).or_else(|| headers.get(http::header::DATE)).ok_or_else(|| {
            incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        })?;
        let text = value.to_str().unwrap_or_default();
        let signed_at = time::parse(text).ok_or_else(|| {
            SignatureError::Incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{text}'."))
        })?;
        let timestamp = time::format(signed_at);
        let (earliest, latest) = (now - SKEW_SECONDS_MAX, now + SKEW_SECONDS_MAX);
        if signed_at < earliest {
            let (earliest, now) = (time::format(earliest), time::format(now));
            let text = format!("Signature expired: {timestamp} is now earlier than {earliest} ({now} - 15 min.)");
            return Err(SignatureError::Invalid(text));
        }
        if signed_at > latest {
            let (latest, now) = (time::format(latest), time::format(now));
            let text = format!("Signature not yet current: {timestamp} is still later than {latest} ({now} + 15 min.)");
            return Err(SignatureError::Invalid(text));
        }
        Ok(timestamp)
    }

    fn verify_scope(&self, timestamp: &str, service: &str) -> Result<(), SignatureError> {
        let invalid = |text: String| Err(SignatureError::Invalid(text));
        let day = timestamp.split('T').next().unwrap_or_default();
        if self.date != day {
            return invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{day}', from '{timestamp}'.",
                self.date
            ));
        }
        if self.service != service {
            return invalid(format!("Credential should be scoped to correct service: '{service}'."));
        }
        if self.terminator != TERMINATOR {
            return invalid(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'.",
                self.terminator
            ));
        }
        Ok(())
    }

    /// Checks that the signature covers what decides where the request goes and what it does.
    fn verify_coverage(&self, headers: &HeaderMap) -> Result<(), SignatureError> {
        let is_signed = |wanted: &str| self.signed_headers.split(';').any(|name| name == wanted);
        if !is_signed(HOST.as_str()) {
            let text = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
            return Err(SignatureError::Invalid(text.to_owned()));
        }
        for name in [header::TARGET, header::DATE, header::SECURITY_TOKEN] {
            if headers.contains_key(&name) && !is_signed(name.as_str()) {
                let text = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
                return Err(SignatureError::Invalid(text));
            }
        }
        Ok(())
    }
}

/// What the canonical request says of the body: its hash, unless the client declares that it did not sign it.
fn payload_hash(request: SignedRequest<'_>) -> Result<String, SignatureError> {
    let declared = request.headers.get(header::CONTENT_SHA256).and_then(|value| value.to_str().ok());
    if declared == Some(UNSIGNED_PAYLOAD) {
        return Ok(UNSIGNED_PAYLOAD.to_owned());
    }
    let hash = canonical::sha256_hex(request.body);
    if declared.is_some_and(|declared| declared != hash) {
        let text = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return Err(SignatureError::Invalid(text.to_owned()));
    }
    Ok(hash)
}

fn incomplete(text: &str) -> SignatureError {
    SignatureError::Incomplete(text.to_owned())
}

/// Lets a client recognise its header without the answer repeating what may be secret.
fn fingerprint(value: &str) -> String {
    let hash = STANDARD.encode_to_string(digest(&SHA256, value.as_bytes()));
    format!("(Hashed with SHA-256 and encoded with Base64) Authorization={hash}")
}
