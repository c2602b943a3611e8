use std::collections::BTreeMap;

use http::HeaderMap;
use ingest_wire::sigv4::{Authorization, SignedRequest, SigningKeys};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::*;
use crate::definition::Secret;
use crate::endpoint::receiver::{Fault, Protocol, Received, Receiver, Reply, rule};

/// 2026-11-23T08:30:00Z.
const NOW_MS: u64 = 1_795_422_600_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Http,
    Sqs,
    Sns,
}

/// A target that holds requests to the protocol of its service.
struct Listener {
    service: Service,
    events: Vec<Value>,
}

impl Listener {
    fn verify(request: &Received, service: &str, region: &str) -> Result<(), String> {
        let headers: HeaderMap = request.headers.clone();
        let authorization = Authorization::parse(&headers).map_err(|error| error.to_string())?;
        rule((authorization.access_key_id, authorization.region) == ("AKID", region), || "scope".to_owned())?;
        let signed =
            SignedRequest { method: &request.method, uri: &request.uri, headers: &headers, body: &request.body };
        let now = i64::try_from(NOW_MS / 1000).unwrap();
        authorization.verify(signed, "geheim", service, &SigningKeys::default(), now).map_err(|error| error.to_string())
    }

    fn send_message(request: &Received) -> Result<(String, String), String> {
        rule(request.uri == "/", || request.uri.to_string())?;
        rule(request.header("content-type") == Some("application/x-amz-json-1.0"), || "content-type".to_owned())?;
        rule(request.header("x-amz-target") == Some("AmazonSQS.SendMessage"), || "target".to_owned())?;
        Self::verify(request, "sqs", "eu-north-1")?;
        let body: BTreeMap<String, String> =
            serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
        rule(body.len() == 2 && body["QueueUrl"].ends_with("/123456789012/objects"), || format!("{body:?}"))?;
        let message = body["MessageBody"].clone();
        let md5: String = Md5::digest(&message).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((message, json!({ "MessageId": "1", "MD5OfMessageBody": md5 }).to_string()))
    }

    fn publish(request: &Received) -> Result<(String, String), String> {
        let media_type = request.header("content-type").unwrap_or_default();
        rule(media_type.starts_with("application/x-www-form-urlencoded"), || media_type.to_owned())?;
        Self::verify(request, "sns", "eu-west-3")?;
        let mut form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let message = form.remove("Message").ok_or("no message")?;
        let expected = [
            ("Action", "Publish"),
            ("Subject", "Amazon S3 Notification"),
            ("TopicArn", "arn:aws:sns:eu-west-3:123456789012:objects"),
            ("Version", "2010-03-31"),
        ];
        rule(form.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), || format!("{form:?}"))?;
        let answer = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
        Ok((message, answer.to_owned()))
    }
}

impl Protocol for Listener {
    fn take(&mut self, request: &Received, refusal: Option<u16>, is_odd: bool) -> Result<Reply, String> {
        rule(request.method == "POST", || request.method.to_string())?;
        let (message, answer) = match self.service {
            Service::Http => {
                rule(request.header("content-type") == Some("application/json"), || "content-type".to_owned())?;
                rule(request.uri == "/hook?a=b", || request.uri.to_string())?;
                (String::from_utf8(request.body.to_vec()).map_err(|error| error.to_string())?, String::new())
            }
            Service::Sqs => Self::send_message(request)?,
            Service::Sns => Self::publish(request)?,
        };
        let event: Value = serde_json::from_str(&message).map_err(|error| error.to_string())?;
        if let Some(status) = refusal {
            return Ok(Reply { status, json: "{}".to_owned() });
        }
        self.events.push(event);
        Ok(Reply { status: 200, json: if is_odd { json!({ "MD5OfMessageBody": "0" }).to_string() } else { answer } })
    }
}

async fn start(service: Service, faults: &[Fault]) -> (Receiver<Listener>, Options) {
    let receiver = Receiver::start(Listener { service, events: Vec::new() }, faults.iter().copied()).await;
    let base = format!("http://{}", receiver.address);
    let signed = Options {
        access_key_id: Some("AKID".to_owned()),
        secret_access_key: Some(Secret("geheim".to_owned())),
        session_token: Some(Secret("token".to_owned())),
        ..Options::default()
    };
    let options = match service {
        Service::Http => Options { url: Some(format!("{base}/hook?a=b")), ..Options::default() },
        Service::Sqs => Options {
            queue_url: Some(format!("{base}/123456789012/objects")),
            region: Some("eu-north-1".to_owned()),
            ..signed
        },
        Service::Sns => Options {
            topic_arn: Some("arn:aws:sns:eu-west-3:123456789012:objects".to_owned()),
            endpoint: Some(base),
            ..signed
        },
    };
    (receiver, options)
}

fn open(options: &[Options]) -> Result<Notifier, NotifyError> {
    let owner = Owner { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    Notifier::open(options, &EndpointOptions::default(), owner)
}

fn object(key: &str) -> LandedObject {
    LandedObject {
        bucket: "lake".to_owned(),
        key: key.to_owned(),
        byte_count: 17,
        etag: Some("\"d41d8cd98f00b204e9800998ecf8427e\"".to_owned()),
        landed_ms: 1_456_405_200_123,
    }
}

#[tokio::test]
async fn an_event_is_what_s3_tells() {
    let (receiver, options) = start(Service::Http, &[]).await;
    let notifier = open(&[options]).unwrap();
    notifier.notify(&[object("clicks/year=2016/a b+ü.parquet")], NOW_MS).await.unwrap();
    drop(notifier);
    let expected = json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2016-02-25T13:00:00.123Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "123456789012"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "", "x-amz-id-2": ""},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "headwater",
            "bucket": {
                "name": "lake",
                "ownerIdentity": {"principalId": "123456789012"},
                "arn": "arn:aws:s3:::lake",
            },
            "object": {
                "key": "clicks/year%3D2016/a+b%2B%C3%BC.parquet",
                "size": 17,
                "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                "sequencer": "000001531883BCFB",
            },
        },
    }]});
    assert_eq!(receiver.finish().await.events, [expected]);
}

#[tokio::test]
async fn queues_topics_and_urls_are_told_at_least_once_whatever_goes_wrong() {
    for service in [Service::Http, Service::Sqs, Service::Sns] {
        let faults = [Fault::Status(503), Fault::Reset, Fault::LoseAnswer, Fault::Status(403), Fault::Endless];
        let (receiver, options) = start(service, &faults).await;
        let notifier = open(&[options]).unwrap();
        let objects = [object("a"), object("b")];
        let mut failure_count = 0;
        while let Err(error) = notifier.notify(&objects, NOW_MS).await {
            assert!(!error.to_string().contains("geheim"), "{error}");
            failure_count += 1;
            assert!(failure_count <= faults.len(), "{error}");
        }
        drop(notifier);
        assert_eq!(failure_count, faults.len());
        let events = receiver.finish().await.events;
        let has = |key: &str| events.iter().any(|event| event["Records"][0]["s3"]["object"]["key"] == key);
        assert!(has("a") && has("b"));
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_a_failure() {
    for (service, fault) in [(Service::Sqs, Fault::Odd), (Service::Sqs, Fault::Html), (Service::Sns, Fault::Html)] {
        let (receiver, options) = start(service, &[fault]).await;
        let notifier = open(&[options]).unwrap();
        assert!(notifier.notify(&[object("a")], NOW_MS).await.is_err());
        drop(notifier);
        receiver.finish().await;
    }
}

#[tokio::test]
async fn a_target_that_fails_keeps_no_other_from_being_told() {
    let (broken, first) = start(Service::Http, &[Fault::Status(500)]).await;
    let (working, second) = start(Service::Http, &[]).await;
    let notifier = open(&[first, second]).unwrap();
    assert!(notifier.notify(&[object("a")], NOW_MS).await.is_err());
    drop(notifier);
    assert_eq!((broken.finish().await.events.len(), working.finish().await.events.len()), (0, 1));
}

#[test]
fn options_that_make_no_sense_are_told() {
    let read = |text: &str| serde_json::from_str::<Options>(text);
    for (text, problem_count) in [
        (r#"{"url":"https://example.com"}"#, 0),
        (r#"{"topic-arn":"arn:aws:sns:us-east-1:1:t"}"#, 0),
        ("{}", 1),
        (r#"{"url":"https://example.com","queue-url":"https://example.com"}"#, 1),
        (r#"{"url":"https://example.com","endpoint":"https://example.com","region":"x"}"#, 2),
        (r#"{"topic-arn":"arn:aws:sqs:us-east-1:1:t"}"#, 1),
        (r#"{"queue-url":"https://example.com/1/q.fifo"}"#, 1),
        (r#"{"queue-url":"https://example.com/1/q","access-key-id":"a"}"#, 1),
        (r#"{"queue-url":"https://example.com/1/q","session-token":"a"}"#, 1),
    ] {
        assert_eq!(read(text).unwrap().problems().len(), problem_count, "{text}");
    }
    assert!(read(r#"{"uri":""}"#).is_err());
    let error = open(&[Options { url: Some("http://u:geheim@example.com".to_owned()), ..Options::default() }]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("allow-http") && !error.contains("geheim"), "{error}");
}
