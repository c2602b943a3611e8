//! Signatures: what was signed verifies, what was changed afterwards does not, and no header breaks the reader.

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use ingest_wire::header;
use ingest_wire::sigv4::{Authorization, Credentials, SignedRequest, SigningKeys, SigningScope, sign};
use libfuzzer_sys::arbitrary::{self, Unstructured};

use super::seed;

const NOW: i64 = 1_700_000_000;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const CREDENTIALS: Credentials<'_> =
    Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: SECRET, session_token: None };

pub(crate) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 2 {
        0 => received(bytes),
        _ => drop(signed(bytes)),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/kinesis/aws4_request, \
                         SignedHeaders=host;x-amz-date, Signature=0123";
    vec![
        seed(0, &format!("{authorization}\n20231114T221320Z\n/a/../b%2f?x=%20&y\nexample.org")),
        seed(0, &format!("{authorization}\nTue, 14 Nov 2023 22:13:20 GMT\n/\nexample.org")),
        seed(1, "/path//to/./x?b=2&a=%41 header values and a body"),
    ]
}

/// Four lines: the header, the date, the target, the host. Nobody knows the secret, so nothing verifies.
fn received(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (authorization, date, target, host) = (next(), next(), next(), next());
    let Ok(uri) = Uri::try_from(target) else { return };
    let mut headers = HeaderMap::new();
    for (name, value) in [(AUTHORIZATION, authorization), (header::DATE, date), (HOST, host)] {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.insert(name, value);
    }
    let request = SignedRequest { method: &Method::POST, uri: &uri, headers: &headers, body: b"{}" };
    match Authorization::parse(&headers) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(parsed) => {
            let keys = SigningKeys::default();
            for service in ["kinesis", parsed.service] {
                let error = parsed.verify(request, SECRET, service, &keys, NOW).expect_err("a signature was forged");
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

fn signed(bytes: &[u8]) -> arbitrary::Result<()> {
    let mut choices = Unstructured::new(bytes);
    let target_bytes = choices.int_in_range(0..=60)?.min(choices.len());
    let target = choices.bytes(target_bytes)?;
    let Ok(uri) = Uri::try_from([b"/".as_slice(), target].concat()) else { return Ok(()) };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("kinesis.us-east-1.amazonaws.com"));
    for _ in 0..choices.int_in_range(0..=4)? {
        let name = *choices.choose(&["x-amz-target", "x-one", "content-type", "user-agent", "x-two"])?;
        let value_bytes = choices.int_in_range(0..=12)?.min(choices.len());
        if let Ok(value) = HeaderValue::from_bytes(choices.bytes(value_bytes)?) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let body = choices.take_rest();
    let scope = SigningScope { region: "us-east-1", service: "kinesis", unix_seconds: NOW };
    sign(&Method::POST, &uri, &mut headers, body, CREDENTIALS, scope).expect("the credentials fit a header");
    let verify = |headers: &HeaderMap, uri: &Uri, body: &[u8], now: i64| {
        let parsed = Authorization::parse(headers).expect("what was signed has a whole header");
        parsed.verify(
            SignedRequest { method: &Method::POST, uri, headers, body },
            SECRET,
            "kinesis",
            &SigningKeys::default(),
            now,
        )
    };
    verify(&headers, &uri, body, NOW).expect("what was signed verifies");
    assert!(verify(&headers, &uri, body, NOW + 16 * 60).is_err(), "a signature expires");
    assert!(verify(&headers, &uri, &[body, b"."].concat(), NOW).is_err(), "the body was changed");
    let other = Uri::from_static("/another/target?of=it");
    assert!(uri == other || verify(&headers, &other, body, NOW).is_err(), "the target was changed");
    Ok(())
}
