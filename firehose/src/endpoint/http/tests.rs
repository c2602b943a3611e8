use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::net::SocketAddr;

use proptest::prelude::*;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::definition::Secret;
use crate::endpoint::receiver::{Fault, Protocol, Received, Receiver, Reply, context, deliver, records, rule, send};

/// Holds requests to the specification, and remembers the ids of what it has taken.
#[derive(Default)]
struct Specification {
    is_gzip: bool,
    by_id: HashMap<String, Vec<Vec<u8>>>,
    ids_taken: HashSet<String>,
    /// What an endpoint has that does not remember ids.
    taken: Vec<Vec<u8>>,
    /// What an endpoint has that does.
    taken_once: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestBody {
    request_id: String,
    timestamp: u64,
    records: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    data: String,
}

impl Specification {
    fn gunzip(&self, request: &Received) -> Result<Vec<u8>, String> {
        let encoding = request.header("content-encoding");
        if !self.is_gzip {
            rule(encoding.is_none(), || format!("content-encoding {encoding:?}"))?;
            let length = request.header("content-length").and_then(|length| length.parse().ok());
            rule(length == Some(request.body.len()), || "content-length".to_owned())?;
            return Ok(request.body.to_vec());
        }
        rule(encoding == Some("gzip"), || format!("content-encoding {encoding:?}"))?;
        let mut body = Vec::new();
        flate2::read::MultiGzDecoder::new(&*request.body).read_to_end(&mut body).map_err(|error| error.to_string())?;
        Ok(body)
    }
}

impl Protocol for Specification {
    fn take(&mut self, request: &Received, refusal: Option<u16>, is_odd: bool) -> Result<Reply, String> {
        rule(request.method == "POST" && request.uri == "/in?a=b%20c", || {
            format!("{} {}", request.method, request.uri)
        })?;
        for (name, value) in [
            ("content-type", "application/json"),
            ("x-amz-firehose-protocol-version", "1.0"),
            ("x-amz-firehose-source-arn", "arn:aws:firehose:eu-west-1:123456789012:deliverystream/clicks"),
            ("x-amz-firehose-access-key", "{\"key\": \"geheim\"}"),
            (
                "x-amz-firehose-common-attributes",
                r#"{"commonAttributes":{"stage":"pr\u00fcf \ud83d\ude00","empty":""}}"#,
            ),
        ] {
            rule(request.header(name) == Some(value), || format!("{name}: {:?}", request.headers.get(name)))?;
        }
        let body = self.gunzip(request)?;
        rule(body.len() <= 64 * 1024 * 1024, || "the body is too large".to_owned())?;
        let body: RequestBody = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        rule(request.header("x-amz-firehose-request-id") == Some(&body.request_id), || "two ids".to_owned())?;
        rule(Uuid::try_parse(&body.request_id).is_ok(), || body.request_id.clone())?;
        rule(body.timestamp == 1_456_405_260_000, || "timestamp".to_owned())?;
        rule((1..=10_000).contains(&body.records.len()), || "number of records".to_owned())?;
        let decode =
            |entry: &Entry| base64_simd::STANDARD.decode_to_vec(&entry.data).map_err(|error| error.to_string());
        let data = body.records.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
        let known = self.by_id.entry(body.request_id.clone()).or_insert_with(|| data.clone());
        rule(*known == data, || "other records under an id that was seen".to_owned())?;
        let id = if is_odd { Uuid::nil().to_string() } else { body.request_id.clone() };
        if let Some(status) = refusal {
            let json = format!(r#"{{"requestId":"{id}","timestamp":1,"errorMessage":"no"}}"#);
            return Ok(Reply { status, json });
        }
        if self.ids_taken.insert(body.request_id) {
            self.taken_once.extend(data.clone());
        }
        self.taken.extend(data);
        Ok(Reply { status: 200, json: format!(r#"{{"requestId":"{id}","timestamp":1}}"#) })
    }
}

fn settings(address: SocketAddr, is_gzip: bool) -> definition::HttpEndpoint {
    definition::HttpEndpoint {
        url: format!("http://{address}/in?a=b%20c"),
        name: None,
        access_key: Some(Secret("{\"key\": \"geheim\"}".to_owned())),
        is_gzip,
        common_attributes: vec![("stage".to_owned(), "prüf 😀".to_owned()), ("empty".to_owned(), String::new())],
        retry_seconds: 0,
    }
}

async fn start(is_gzip: bool, faults: &[Fault]) -> (Receiver<Specification>, HttpEndpoint) {
    let protocol = Specification { is_gzip, ..Specification::default() };
    let receiver = Receiver::start(protocol, faults.iter().copied()).await;
    // A stall is told from a slow machine by a timeout that only stalls meet.
    let timeout_ms = if faults.contains(&Fault::Stall) { 1_000 } else { 60_000 };
    let endpoint = HttpEndpoint::open(&settings(receiver.address, is_gzip), &context(timeout_ms)).unwrap();
    (receiver, endpoint)
}

/// What differs in length around the bounds of base64 groups and of pieces.
fn awkward() -> Vec<Vec<u8>> {
    let lengths = [0, 1, 2, 3, 4, 49_150, 49_151, 49_152, 49_153, 0, 200_000, 1_024_000, 0];
    lengths.iter().enumerate().map(|(seed, length)| (0..*length).map(|i| (i * 7 + seed) as u8).collect()).collect()
}

#[tokio::test]
async fn requests_are_what_the_specification_says_compressed_or_not() {
    for is_gzip in [false, true] {
        let (receiver, endpoint) = start(is_gzip, &[]).await;
        let delivery = deliver(&endpoint, &records(awkward()), 1).await;
        drop(endpoint);
        assert!(delivery.refused.is_empty());
        assert_eq!(receiver.finish().await.taken, awkward());
    }
}

#[tokio::test]
async fn more_records_than_a_request_may_hold_make_several() {
    let data: Vec<String> = (0..20_001).map(|number| number.to_string()).collect();
    let (receiver, endpoint) = start(true, &[Fault::LoseAnswer, Fault::Status(400)]).await;
    deliver(&endpoint, &records(&data), 9).await;
    drop(endpoint);
    let specification = receiver.finish().await;
    assert_eq!(specification.by_id.len(), 3, "ids are the same in each attempt");
    let unique: usize = specification.by_id.values().map(Vec::len).sum();
    assert_eq!(unique, data.len());
}

#[test]
fn a_body_of_64_mib_is_divided_by_its_length_in_base64() {
    let sizes = std::iter::repeat_n(entry_bytes(&[0; 1_024_000]), 60);
    let groups = group::plan(sizes.enumerate(), LIMITS);
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [49, 11]);
}

#[tokio::test]
async fn each_answer_has_the_code_of_aws() {
    for (fault, code) in [
        (Fault::Status(400), "HttpEndpoint.DestinationException"),
        (Fault::Status(201), "HttpEndpoint.DestinationException"),
        (Fault::Status(429), "HttpEndpoint.DestinationException"),
        (Fault::Status(500), "HttpEndpoint.DestinationException"),
        (Fault::Status(302), "HttpEndpoint.InvalidResponseFromDestination"),
        (Fault::Html, "HttpEndpoint.InvalidResponseFromDestination"),
        (Fault::Odd, "HttpEndpoint.InvalidResponseFromDestination"),
        (Fault::Reset, "HttpEndpoint.ConnectionReset"),
        (Fault::LoseAnswer, "HttpEndpoint.ConnectionReset"),
        (Fault::Endless, "HttpEndpoint.ResponseTooLarge"),
        (Fault::Stall, "HttpEndpoint.RequestTimeout"),
    ] {
        let (receiver, endpoint) = start(false, &[fault]).await;
        let delivery = deliver(&endpoint, &records(["a", "b"]), 2).await;
        drop(endpoint);
        assert_eq!(delivery.codes, [code], "{fault:?}");
        assert_eq!(receiver.finish().await.by_id.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_the_answer_in_the_reason() {
    let (receiver, endpoint) = start(false, &[Fault::Status(413)]).await;
    let verdicts = send(&endpoint, &records(["a"])).await;
    let Verdict::Refused(reason) = &verdicts[0] else { panic!("{verdicts:?}") };
    assert_eq!(reason.output_type, ErrorOutputType::HttpEndpointFailed);
    let start = "The following response was received from the endpoint destination. 413: {\"requestId\":";
    assert!(reason.message.starts_with(start), "{}", reason.message);
    drop(endpoint);
    receiver.finish().await;
}

#[tokio::test]
async fn nobody_there_is_a_failed_connection() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = HttpEndpoint::open(&settings(address, false), &context(60_000)).unwrap();
    let verdicts = send(&endpoint, &records(["a"])).await;
    let Verdict::Again(reason) = &verdicts[0] else { panic!("{verdicts:?}") };
    assert_eq!(reason.code, "HttpEndpoint.ConnectionFailed");
    assert!(!reason.message.contains("b%20c"), "the query may be secret: {}", reason.message);
}

#[tokio::test]
async fn headers_without_end_end_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-more: and more of it, for ever and ever\r\n").await.is_ok() {}
    });
    let endpoint = HttpEndpoint::open(&settings(address, false), &context(60_000)).unwrap();
    let verdicts = send(&endpoint, &records(["a"])).await;
    assert!(
        matches!(&verdicts[0], Verdict::Again(reason) if reason.code == "HttpEndpoint.ConnectionReset"),
        "{verdicts:?}"
    );
    peer.await.unwrap();
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect(),
        body: Bytes::copy_from_slice(body),
    }
}

#[test]
fn an_answer_of_200_is_checked() {
    let id = Uuid::nil();
    let json = [("content-type", "application/json")];
    let good = br#"{"requestId":"00000000-0000-0000-0000-000000000000","timestamp":1578090903599}"#;
    assert_eq!(check(id, &answer(200, &json, good)), Ok(()));
    let with_charset = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(check(id, &answer(200, &with_charset, good)), Ok(()));
    let encoded = [("content-type", "application/json"), ("content-encoding", "gzip")];
    for (headers, body) in [
        (&[][..], &good[..]),
        (&[("content-type", "text/json")], good),
        (&encoded, good),
        (&json, b""),
        (&json, b"\xff"),
        (&json, br#"{"requestId":null,"timestamp":1}"#),
        (&json, br#"{"requestId":"00000000-0000-0000-0000-000000000001","timestamp":1}"#),
        (&json, br#"{"requestId":"00000000-0000-0000-0000-000000000000","timestamp":"1"}"#),
        (&json, br#"{"requestId":"00000000-0000-0000-0000-000000000000"}"#),
    ] {
        assert!(check(id, &answer(200, headers, body)).is_err(), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn an_answer_that_is_no_text_is_told_within_bounds() {
    let reason = exception(&answer(500, &[], &[0xff; 100_000]));
    assert!(reason.message.len() <= MESSAGE_BYTES_MAX + 100, "{}", reason.message.len());
}

#[test]
fn what_cannot_be_sent_is_told_when_it_is_opened() {
    let open = |change: &dyn Fn(&mut definition::HttpEndpoint)| {
        let mut settings = settings("127.0.0.1:1".parse().unwrap(), false);
        change(&mut settings);
        HttpEndpoint::open(&settings, &context(1)).err()
    };
    assert_eq!(open(&|_| {}), None);
    let key = open(&|settings| settings.access_key = Some(Secret("a\nb".to_owned())));
    assert!(matches!(key, Some(EndpointError::Setting { setting: "the access key", .. })), "{key:?}");
    for url in ["", "ftp://host", "http://user:geheim@example.com/?geheim"] {
        let error = open(&|settings| settings.url = url.to_owned()).expect(url).to_string();
        assert!(!error.contains("geheim"), "{error}");
    }
    assert_eq!(open(&|settings| settings.url = "http://localhost:1".to_owned()), None);
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        prop::sample::select(vec![200, 204, 302, 400, 401, 404, 429, 500, 503]).prop_map(Fault::Status),
        Just(Fault::Reset),
        Just(Fault::LoseAnswer),
        Just(Fault::Html),
        Just(Fault::Endless),
        Just(Fault::Odd),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_record_arrives_once_at_whoever_remembers_ids(
        faults in prop::collection::vec(any_fault(), 0..7),
        data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..30),
        is_gzip in any::<bool>(),
    ) {
        // A refusal with 200 is a success that the receiver takes back; it is no fault of the sender.
        let faults: Vec<Fault> = faults.into_iter().filter(|fault| *fault != Fault::Status(200)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let specification = runtime.block_on(async {
            let (receiver, endpoint) = start(is_gzip, &faults).await;
            deliver(&endpoint, &records(&data), faults.len() + 1).await;
            drop(endpoint);
            receiver.finish().await
        });
        prop_assert_eq!(&specification.taken_once, &data);
        prop_assert_eq!(specification.by_id.len(), 1);
    }
}
