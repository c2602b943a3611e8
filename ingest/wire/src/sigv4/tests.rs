//! Signatures that botocore made, and every way in which one may not fit.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Uri};
use proptest::prelude::*;

use super::*;
use crate::header;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2026-11-23T08:30:00Z.
const NOW: i64 = 1_795_422_600;

/// A request that can be changed before it is verified.
#[derive(Clone)]
struct Sample {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sample {
    fn new(method: Method, uri: &'static str, headers: &[(&'static str, &str)], body: &[u8]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        Self { method, uri: Uri::from_static(uri), headers, body: body.to_vec() }
    }

    fn signed(mut self, region: &str, service: &str, session_token: Option<&str>) -> Self {
        let credentials = Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: SECRET, session_token };
        let scope = SigningScope { region, service, unix_seconds: NOW };
        sign(&self.method, &self.uri, &mut self.headers, &self.body, credentials, scope).unwrap();
        self
    }

    fn authorization(&self) -> &str {
        self.headers[AUTHORIZATION].to_str().unwrap()
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }

    fn verify_with(&self, secret: &str, service: &str, now: i64) -> Result<(), SignatureError> {
        let request = SignedRequest { method: &self.method, uri: &self.uri, headers: &self.headers, body: &self.body };
        Authorization::parse(&self.headers)?.verify(request, secret, service, &SigningKeys::default(), now)
    }

    fn verify(&self) -> Result<(), SignatureError> {
        self.verify_with(SECRET, "kinesis", NOW)
    }

    fn refusal(&self) -> String {
        self.verify().unwrap_err().to_string()
    }
}

fn put_record() -> Sample {
    let headers = [("x-amz-target", "Kinesis_20131202.PutRecord"), ("content-type", "application/x-amz-json-1.1")];
    Sample::new(Method::POST, "http://localhost:4566/", &headers, br#"{"StreamName":"clicks"}"#)
}

/// Signatures computed by botocore 1.43.11 for the same requests, time and key.
#[test]
fn signatures_equal_those_of_botocore() {
    let token = Sample::new(
        Method::POST,
        "http://localhost:4566/",
        &[("x-amz-target", "Kinesis_20131202.ListStreams"), ("content-type", "application/x-amz-json-1.1")],
        b"{}",
    );
    let odd = Sample::new(
        Method::GET,
        "https://example.amazonaws.com/a//b/../c%20d/%E1%88%B4?b=2&a=1&a=0&empty=&sp=a%20b&%E1%88%B4=x",
        &[("my-header1", "  value   with  spaces "), ("x-zebra", "\"a   b\"")],
        b"",
    );
    let bare = Sample::new(Method::GET, "https://example.amazonaws.com/", &[], b"");
    let cases = [
        (
            put_record().signed("eu-central-1", "kinesis", None),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-central-1/kinesis/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
             Signature=9c6fe28f5d764327618b2a3fd048a65fe4035c89ccda63c20077dd7fc55c8210",
        ),
        (
            token.signed("eu-central-1", "kinesis", Some("token/with+signs==")),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-central-1/kinesis/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
             Signature=10258378dc16fa30a1736acbf10e2f8b3bbc53fd9d3a835d7034bbe3ccf21655",
        ),
        (
            odd.signed("us-east-1", "service", None),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/service/aws4_request, \
             SignedHeaders=host;my-header1;x-amz-date;x-zebra, \
             Signature=931e0135f696157e527125789f6c98aacdaf3e0bd6f18b69f36d3a125c0ac227",
        ),
        (
            bare.signed("us-east-1", "service", None),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=e830eea7fa0525eacd2a99ab049da91760f675ffbd973c2798b881c109096651",
        ),
    ];
    for (sample, expected) in cases {
        assert_eq!(sample.authorization(), expected);
        assert_eq!(sample.headers[header::DATE], "20261123T083000Z");
    }
}

#[test]
fn signed_requests_verify_and_their_key_is_remembered() {
    let sample = put_record().signed("eu-central-1", "kinesis", None);
    let keys = SigningKeys::default();
    for _ in 0..2 {
        let request =
            SignedRequest { method: &sample.method, uri: &sample.uri, headers: &sample.headers, body: &sample.body };
        Authorization::parse(&sample.headers).unwrap().verify(request, SECRET, "kinesis", &keys, NOW).unwrap();
    }
    assert!(keys.get("AKIDEXAMPLE/20261123/eu-central-1/kinesis/aws4_request").is_some());
}

#[test]
fn host_of_http_2_is_taken_from_the_authority() {
    let mut sample = put_record().signed("eu-central-1", "kinesis", None);
    sample.headers.remove(HOST);
    sample.verify().unwrap();
}

#[test]
fn any_change_to_what_is_signed_is_noticed() {
    let signed = put_record().signed("eu-central-1", "kinesis", None);
    let mut body = signed.clone();
    body.body.push(b' ');
    let mut target = signed.clone();
    target.set(header::TARGET, "Kinesis_20131202.DeleteStream");
    let mut content_type = signed.clone();
    content_type.set(CONTENT_TYPE, "application/x-amz-cbor-1.1");
    let mut host = signed.clone();
    host.set(HOST, "elsewhere:4566");
    let mut method = signed.clone();
    method.method = Method::PUT;
    let mut path = signed.clone();
    path.uri = Uri::from_static("http://localhost:4566/other");
    let mut query = signed.clone();
    query.uri = Uri::from_static("http://localhost:4566/?a=b");
    let mut signature = signed.clone();
    let flipped = signed.authorization().replace("c8210", "c8211");
    signature.set(AUTHORIZATION, &flipped);
    let mut short = signed.clone();
    let shortened = signed.authorization().trim_end_matches('0').to_owned();
    short.set(AUTHORIZATION, &shortened);
    for sample in [body, target, content_type, host, method, path, query, signature, short] {
        let text = sample.refusal();
        assert!(
            text.starts_with("The request signature we calculated does not match the signature you provided. Check")
        );
        assert!(text.contains("The Canonical String for this request should have been\n'"));
        assert!(text.contains("The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20261123T083000Z\n"));
    }
    assert!(signed.verify_with("another secret", "kinesis", NOW).is_err());
    let mut unsigned_header = signed;
    unsigned_header.set(HeaderName::from_static("x-forwarded-for"), "10.0.0.1");
    unsigned_header.verify().unwrap();
}

#[test]
fn time_of_signing_may_be_a_quarter_of_an_hour_off() {
    let sample = put_record().signed("eu-central-1", "kinesis", None);
    for offset in [-900, 0, 900] {
        sample.verify_with(SECRET, "kinesis", NOW + offset).unwrap();
    }
    let error = |now| sample.verify_with(SECRET, "kinesis", now).unwrap_err();
    assert_eq!(
        error(NOW + 901),
        SignatureError::Invalid(
            "Signature expired: 20261123T083000Z is now earlier than 20261123T083001Z (20261123T084501Z - 15 min.)"
                .into()
        )
    );
    assert_eq!(
        error(NOW - 901),
        SignatureError::Invalid(
            "Signature not yet current: 20261123T083000Z is still later than 20261123T082959Z (20261123T081459Z + 15 min.)"
                .into()
        )
    );
}

#[test]
fn scope_must_fit_the_date_the_service_and_the_protocol() {
    let signed = put_record().signed("eu-central-1", "kinesis", None);
    let with = |from: &str, to: &str| {
        let mut sample = signed.clone();
        let changed = signed.authorization().replace(from, to);
        sample.set(AUTHORIZATION, &changed);
        sample.refusal()
    };
    assert_eq!(
        with("/20261123/", "/20261122/"),
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261122' != \
         '20261123', from '20261123T083000Z'."
    );
    assert_eq!(with("/kinesis/", "/firehose/"), "Credential should be scoped to correct service: 'kinesis'.");
    assert_eq!(
        with("/aws4_request", "/aws5_request"),
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."
    );
    assert_eq!(
        with("content-type;host;", "content-type;"),
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    );
    assert_eq!(with(";x-amz-target", ""), "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.");
    assert_eq!(with(";x-amz-date", ""), "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization.");
}

#[test]
fn payload_may_be_left_out_or_declared() {
    let mut unsigned = put_record();
    unsigned.set(header::CONTENT_SHA256, UNSIGNED_PAYLOAD);
    let mut unsigned = unsigned.signed("eu-central-1", "kinesis", None);
    unsigned.body.push(b'x');
    unsigned.verify().unwrap();

    let mut declared = put_record();
    let hash = canonical::sha256_hex(&declared.body);
    declared.set(header::CONTENT_SHA256, &hash);
    let mut declared = declared.signed("eu-central-1", "kinesis", None);
    declared.verify().unwrap();
    declared.body.push(b'x');
    assert!(declared.refusal().contains("'x-amz-content-sha256' header does not match"));
}

#[test]
fn missing_and_incomplete_headers_are_told_apart() {
    let unsigned = put_record();
    assert_eq!(unsigned.verify(), Err(SignatureError::Missing));
    assert_eq!(unsigned.refusal(), "Request is missing Authentication Token");
    let with = |authorization: &str| {
        let mut sample = put_record();
        sample.set(AUTHORIZATION, authorization);
        match sample.verify().unwrap_err() {
            SignatureError::Incomplete(text) => text,
            other => panic!("{authorization}: {other:?}"),
        }
    };
    assert_eq!(with("Bearer abc"), "Unsupported AWS 'algorithm': 'Bearer'.");
    let text = with("AWS4-HMAC-SHA256 Credential=a/b/c/d/e");
    assert!(text.starts_with(
        "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. \
         (Hashed with SHA-256 and encoded with Base64) Authorization="
    ));
    assert_eq!(
        with("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"),
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'"
    );
    assert!(
        with("AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature=0")
            .contains("existence of either a 'X-Amz-Date' or a 'Date' header")
    );
    let mut undated = put_record().signed("eu-central-1", "kinesis", None);
    undated.set(header::DATE, "yesterday");
    assert_eq!(undated.refusal(), "Date must be in ISO-8601 'basic format'. Got 'yesterday'.");
}

#[test]
fn remembered_keys_are_bounded() {
    let keys = SigningKeys::default();
    for index in 0..1000 {
        keys.remember(&format!("{index}"), key::derive(SECRET, "20261123", "eu", "kinesis"));
    }
    assert!(keys.get("999").is_some());
    assert!(keys.get("0").is_none());
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic(authorization: String, date: String, hash: String) {
        let mut sample = put_record();
        for (name, text) in [(AUTHORIZATION, authorization), (header::DATE, date), (header::CONTENT_SHA256, hash)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                sample.headers.insert(name, value);
            }
        }
        prop_assert!(sample.verify().is_err());
    }

    #[test]
    fn arbitrary_targets_and_headers_verify_as_signed(
        path in "(/[ -~&&[^ \"#<>?`{}\\\\^|]]{0,8}){1,4}",
        query in "[ -~&&[^ \"#<>`{}\\\\^|]]{0,24}",
        value in "[ -~]{0,24}",
        body: Vec<u8>,
    ) {
        let Ok(uri) = format!("http://localhost{path}?{query}").parse::<Uri>() else { return Ok(()) };
        let mut sample = put_record();
        sample.uri = uri;
        sample.set(HeaderName::from_static("x-any"), &value);
        sample.body = body;
        let signed = sample.signed("eu-central-1", "kinesis", None);
        prop_assert_eq!(signed.verify(), Ok(()));
    }
}
