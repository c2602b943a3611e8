//! Who is let in.

use http::{HeaderMap, HeaderValue, Method, Uri};
use ingest_core::config::{CredentialOptions, HttpOptions};
use ingest_core::http::Listener;
use ingest_core::{Auth, Router};
use ingest_wire::sigv4::{Credentials, SigningScope, sign};
use prometheus_client::registry::Registry;

use crate::harness::{Answer, Client, JSON, Server};

fn configured() -> CredentialOptions {
    CredentialOptions {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "secret".to_owned(),
        account: "123456789012".to_owned(),
        user: None,
    }
}

/// Makes a call signed now with these credentials, and sends `body` in place of the one that was signed.
async fn call_signed(client: &mut Client, access_key_id: &str, secret: &str, service: &str, body: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.insert("content-type", HeaderValue::from_static(JSON));
    headers.insert("x-amz-target", HeaderValue::from_static("Testing_20261123.Measure"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let credentials = Credentials { access_key_id, secret_access_key: secret, session_token: None };
    let scope = SigningScope { region: "eu-west-3", service, unix_seconds: i64::try_from(now).unwrap() };
    let signed_body = br#"{"Data":"YQ=="}"#;
    sign(&Method::POST, &Uri::from_static("/"), &mut headers, signed_body, credentials, scope).unwrap();
    let mut head = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in &headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    client.send(format!("{head}\r\n{body}")).await;
    client.answer().await
}

#[tokio::test]
async fn with_credentials_only_their_signatures_are_taken() {
    let server = Server::start(HttpOptions::default(), &[configured()]).await;
    let mut client = server.connect().await;
    let body = r#"{"Data":"YQ=="}"#;
    let answer = call_signed(&mut client, "AKIDEXAMPLE", "secret", "testing", body).await;
    let expected = r#"{"ByteCount":1,"Account":"123456789012","Region":"eu-west-3"}"#;
    assert_eq!((answer.status, answer.text()), (200, expected));

    let stranger = call_signed(&mut client, "AKIDOTHER", "secret", "testing", body).await;
    let (code, message) = stranger.error();
    assert_eq!((stranger.status, code.as_str()), (400, "UnrecognizedClientException"));
    assert_eq!(message, "The security token included in the request is invalid.");

    let tampered = r#"{"Data":"Yg=="}"#;
    for (secret, service, body, expected) in [
        ("guess", "testing", body, "does not match the signature you provided"),
        ("secret", "testing", tampered, "does not match the signature you provided"),
        ("secret", "kinesis", body, "scoped to correct service: 'testing'"),
    ] {
        let answer = call_signed(&mut client, "AKIDEXAMPLE", secret, service, body).await;
        let (code, message) = answer.error();
        assert_eq!((answer.status, code.as_str()), (400, "InvalidSignatureException"));
        assert!(message.contains(expected), "{message}");
    }

    let unsigned = client.call("Measure", JSON, body).await;
    let (code, message) = unsigned.error();
    assert_eq!((unsigned.status, code.as_str()), (400, "MissingAuthenticationTokenException"));
    assert_eq!(message, "Request is missing Authentication Token");
}

#[tokio::test]
async fn without_credentials_any_signature_tells_the_region() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let mut client = server.connect().await;
    let answer = call_signed(&mut client, "anybody", "anything", "elsewhere", r#"{"Data":"YQ=="}"#).await;
    assert_eq!(answer.text(), r#"{"ByteCount":1,"Account":"000000000000","Region":"eu-west-3"}"#);
}

#[tokio::test]
async fn beyond_loopback_is_refused_without_credentials_unless_allowed() {
    let everywhere = HttpOptions { listen: "0.0.0.0:0".parse().unwrap(), ..HttpOptions::default() };
    let router =
        |credentials: &[CredentialOptions]| Router::new(Auth::new(credentials).unwrap(), &mut Registry::default());
    let error = Listener::bind(everywhere.clone(), router(&[])).await.err().unwrap().to_string();
    assert!(error.contains("refusing to listen on 0.0.0.0:0") && error.contains("[[credentials]]"), "{error}");
    let allowed = HttpOptions { allow_remote_without_credentials: true, ..everywhere.clone() };
    assert!(Listener::bind(allowed, router(&[])).await.is_ok());
    assert!(Listener::bind(everywhere, router(&[configured()])).await.is_ok());
}

#[tokio::test]
async fn an_address_in_use_is_told_with_what_to_do() {
    let server = Server::start(HttpOptions::default(), &[]).await;
    let options = HttpOptions { listen: server.address, ..HttpOptions::default() };
    let router = Router::new(Auth::new(&[]).unwrap(), &mut Registry::default());
    let error = Listener::bind(options, router).await.err().unwrap().to_string();
    assert!(error.contains(&server.address.to_string()) && error.contains("--listen"), "{error}");
}
