use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// An authority.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server whose certificate is for `localhost`, by `authority`, and that answers everything with `hello`.
async fn start_tls(authority: &CertifiedIssuer<'static, KeyPair>) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

async fn call(url: &str, options: &Options) -> Result<Answer, Failure> {
    let url = parse_url(url, options).unwrap();
    Client::new(&url, options).unwrap().post(url, HeaderMap::new(), "hello".into(), 5).await
}

fn trusting(ca_file: &Path) -> Options {
    Options { ca_file: Some(ca_file.to_owned()), ..Options::default() }
}

#[tokio::test]
async fn tls_is_of_the_trusted_authority_and_for_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (authority(), authority());
    let (trusted, untrusted) = (dir.path().join("ca.pem"), dir.path().join("other.pem"));
    std::fs::write(&trusted, ours.pem()).unwrap();
    std::fs::write(&untrusted, other.pem()).unwrap();
    let port = start_tls(&ours).await.port();

    let answer = call(&format!("https://localhost:{port}/"), &trusting(&trusted)).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"hello"[..]));

    let failure = call(&format!("https://localhost:{port}/"), &trusting(&untrusted)).await.unwrap_err();
    assert!(matches!(failure, Failure::Handshake { is_other_host: false, .. }), "{failure}");

    let failure = call(&format!("https://127.0.0.1:{port}/"), &trusting(&trusted)).await.unwrap_err();
    assert!(matches!(failure, Failure::Handshake { is_other_host: true, .. }), "{failure}");
}

#[tokio::test]
async fn a_peer_that_does_not_speak_ends_the_handshake() {
    let dir = tempfile::tempdir().unwrap();
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, authority().pem()).unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let options = Options { connect_timeout: Duration::from_millis(200), ..trusting(&ca_file) };
    let failure = call(&url, &options).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
}

#[test]
fn certificates_that_are_none_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, "no certificate").unwrap();
    let options = trusting(&ca_file);
    let url = parse_url("https://localhost/", &options).unwrap();
    let error = Client::new(&url, &options).unwrap_err().to_string();
    assert!(error.contains("firehose.endpoints.ca-file"), "{error}");
}

#[test]
fn texts_are_cut_between_characters() {
    assert_eq!(["", "a", "aü", "aüx"].map(|text| clip(text, 2)), ["", "a", "a", "a"]);
    assert_eq!(clip("aü", 3), "aü");
}
