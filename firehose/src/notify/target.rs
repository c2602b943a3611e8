//! One target of notifications.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use ingest_wire::sigv4;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::json;
use url::{Url, form_urlencoded};

use super::{NotifyError, Options};
use crate::config::EndpointOptions;
use crate::definition::Secret;
use crate::endpoint::client::{self, Answer, Client};

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The longest part of an answer that an error tells.
const MESSAGE_BYTES_MAX: usize = 512;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// A target that can be told.
#[derive(Debug)]
pub(super) struct Target {
    client: Client,
    /// Where requests go.
    url: Url,
    /// The target for people.
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Http,
    Queue { queue_url: String, signer: Signer },
    Topic { topic_arn: String, signer: Signer },
}

/// Signs the calls of one service.
#[derive(Debug)]
struct Signer {
    service: &'static str,
    region: String,
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
}

impl Target {
    pub(super) fn open(options: &Options, connections: &EndpointOptions, region: &str) -> Result<Self, NotifyError> {
        let fail = |reason: String| NotifyError { target: "a target".to_owned(), reason };
        if let Some(problem) = options.problems().first() {
            return Err(fail(format!("it {problem}")));
        }
        let parse = |url: &str| client::parse_url(url, connections).map_err(|error| fail(error.to_string()));
        let (url, name, kind) = match options {
            Options { queue_url: Some(queue_url), .. } => {
                let mut url = parse(queue_url)?;
                let name = client::shown(&url);
                url.set_path("/");
                url.set_query(None);
                let signer = Signer::open(options, "sqs", options.region.as_deref().unwrap_or(region), &url);
                (url, name, Kind::Queue { queue_url: queue_url.clone(), signer: signer.map_err(&fail)? })
            }
            Options { topic_arn: Some(topic_arn), .. } => {
                let region = options.topic_region().unwrap_or(region);
                let aws = format!("https://sns.{region}.amazonaws.com/");
                let url = parse(options.endpoint.as_deref().unwrap_or(&aws))?;
                let signer = Signer::open(options, "sns", region, &url).map_err(&fail)?;
                (url, topic_arn.clone(), Kind::Topic { topic_arn: topic_arn.clone(), signer })
            }
            options => {
                let url = parse(options.url.as_deref().unwrap_or_default())?;
                let name = client::shown(&url);
                (url, name, Kind::Http)
            }
        };
        let client = Client::new(&url, connections).map_err(|error| fail(error.to_string()))?;
        Ok(Self { client, url, name, kind })
    }

    /// Sends one message.
    pub(super) async fn tell(&self, message: String, now_ms: u64) -> Result<(), NotifyError> {
        let fail = |reason: String| NotifyError { target: self.name.clone(), reason };
        let mut headers = HeaderMap::new();
        let body = match &self.kind {
            Kind::Http => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                message.clone()
            }
            Kind::Queue { queue_url, signer } => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
                headers.insert(TARGET, HeaderValue::from_static("AmazonSQS.SendMessage"));
                let body = json!({ "QueueUrl": queue_url, "MessageBody": message }).to_string();
                signer.sign(&self.url, &mut headers, &body, now_ms).map_err(fail)?;
                body
            }
            Kind::Topic { topic_arn, signer } => {
                let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
                headers.insert(CONTENT_TYPE, form);
                let body = form_urlencoded::Serializer::new(String::new())
                    .append_pair("Action", "Publish")
                    .append_pair("Version", "2010-03-31")
                    .append_pair("TopicArn", topic_arn)
                    .append_pair("Subject", "Amazon S3 Notification")
                    .append_pair("Message", &message)
                    .finish();
                signer.sign(&self.url, &mut headers, &body, now_ms).map_err(fail)?;
                body
            }
        };
        let answer = self.client.post(self.url.clone(), headers, Bytes::from(body).into(), ANSWER_BYTES_MAX).await;
        let answer = answer.map_err(|failure| fail(failure.to_string()))?;
        self.check(&answer, &message).map_err(|problem| {
            fail(format!("{problem}; it answered {} {}", answer.status.as_u16(), answer.text(MESSAGE_BYTES_MAX)))
        })
    }

    /// Whether the target has the message.
    fn check(&self, answer: &Answer, message: &str) -> Result<(), &'static str> {
        #[derive(Deserialize)]
        struct Sent {
            #[serde(rename = "MD5OfMessageBody")]
            md5: String,
        }
        if !answer.status.is_success() {
            return Err("it refused");
        }
        match &self.kind {
            Kind::Http => Ok(()),
            Kind::Queue { .. } => {
                let sent: Sent = serde_json::from_slice(&answer.body).map_err(|_| "the answer is none of SQS")?;
                let digest = Md5::digest(message);
                let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                if sent.md5 == expected { Ok(()) } else { Err("it has another message") }
            }
            Kind::Topic { .. } if memchr::memmem::find(&answer.body, b"<MessageId>").is_some() => Ok(()),
            Kind::Topic { .. } => Err("the answer is none of SNS"),
        }
    }
}

impl Signer {
    /// The credentials of the options, or of the environment; a server on this machine may take any.
    fn open(options: &Options, service: &'static str, region: &str, url: &Url) -> Result<Self, String> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let configured = options.access_key_id.clone().zip(options.secret_access_key.clone());
        let (access_key_id, secret_access_key, session_token) = if let Some((id, secret)) = configured {
            (id, secret, options.session_token.clone())
        } else if let Some((id, secret)) = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY")) {
            (id, Secret(secret), variable("AWS_SESSION_TOKEN").map(Secret))
        } else if client::is_loopback(url) {
            ("headwater".to_owned(), Secret("headwater".to_owned()), None)
        } else {
            return Err("there are no credentials, in its options or in the environment".to_owned());
        };
        Ok(Self { service, region: region.to_owned(), access_key_id, secret_access_key, session_token })
    }

    fn sign(&self, url: &Url, headers: &mut HeaderMap, body: &str, now_ms: u64) -> Result<(), String> {
        let uri: Uri = url.as_str().parse().map_err(|_| "its URL cannot be signed".to_owned())?;
        let credentials = sigv4::Credentials {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key.0,
            session_token: self.session_token.as_ref().map(|token| token.0.as_str()),
        };
        let unix_seconds = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let scope = sigv4::SigningScope { region: &self.region, service: self.service, unix_seconds };
        sigv4::sign(&Method::POST, &uri, headers, body.as_bytes(), credentials, scope)
            .map_err(|_| "its credentials cannot be sent".to_owned())
    }
}
