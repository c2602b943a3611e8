//! Sinks against servers of S3, of Azure Blob Storage and of Google Cloud Storage, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod common;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use common::{Fault, blob_server, s3_server};
use firehose::sink::{ObjectSinks, Options, Sink, Sinks};

/// Beyond what is sent whole: three parts.
const LARGE_BYTES: usize = 17 * 1024 * 1024;

fn open(options: &Options, bucket: &str) -> Arc<dyn Sink> {
    ObjectSinks::new(options, Path::new("/nowhere")).unwrap().open(bucket).unwrap()
}

/// Bytes that tell where they belong.
fn large() -> Bytes {
    (0..LARGE_BYTES as u32 / 4).flat_map(u32::to_le_bytes).collect()
}

/// What every store must do alike.
async fn check_store(sink: &dyn Sink) {
    assert_eq!(sink.size_of("a=1/b c/d+é").await.unwrap(), None);
    assert_eq!(sink.get("a=1/b c/d+é", 100).await.unwrap(), None);
    for text in ["first", "second one"] {
        sink.put("a=1/b c/d+é", Bytes::from(text)).await.unwrap();
        assert_eq!(sink.size_of("a=1/b c/d+é").await.unwrap(), Some(text.len() as u64));
        assert_eq!(sink.get("a=1/b c/d+é", 10).await.unwrap().unwrap(), text);
    }
    let error = sink.get("a=1/b c/d+é", 9).await.unwrap_err().to_string();
    assert!(error.contains("it has 10 bytes, and at most 9 are taken"), "{error}");
    for _ in 0..2 {
        sink.delete("a=1/b c/d+é").await.unwrap();
        assert_eq!(sink.size_of("a=1/b c/d+é").await.unwrap(), None);
    }
    let object = large();
    sink.put("large", object.clone()).await.unwrap();
    assert_eq!(sink.size_of("large").await.unwrap(), Some(object.len() as u64));
    assert!(sink.get("large", u64::MAX).await.unwrap().unwrap() == object, "the parts are in order");
}

#[tokio::test]
async fn s3_stores_reads_and_deletes_whole_and_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let server = s3_server::start(dir.path(), &["lake"]).await;
    check_store(open(&s3_server::options(&server), "lake").as_ref()).await;
    assert_eq!((server.count("?uploads"), server.count("partNumber=")), (1, 3));
    assert!(std::fs::read(dir.path().join("lake/large")).unwrap() == large());
}

#[tokio::test]
async fn azure_stores_reads_and_deletes_whole_and_in_blocks() {
    let server = blob_server::start().await;
    check_store(open(&blob_server::azure_options(&server), "container").as_ref()).await;
    assert_eq!((server.count("comp=blocklist"), server.count("blockid=")), (1, 3));
    let received = server.received();
    assert!(received.iter().all(|received| received.line.contains(" /container")), "{received:?}");
    assert!(received.iter().all(|received| received.authorization.starts_with("SharedKey lake:")), "{received:?}");
}

#[tokio::test]
async fn azure_takes_a_shared_access_signature() {
    let server = blob_server::start().await;
    let options = Options {
        account_key: None,
        sas_token: Some("?sv=2024-11-04&sig=abc%3D".to_owned()),
        ..blob_server::azure_options(&server)
    };
    open(&options, "container").put("x", Bytes::from_static(b"y")).await.unwrap();
    let received = server.received();
    assert!(received[0].line.contains("sig=abc%3D") && received[0].authorization.is_empty(), "{received:?}");
}

#[tokio::test]
async fn google_stores_reads_and_deletes_whole_and_in_parts() {
    let server = blob_server::start().await;
    check_store(open(&blob_server::google_options(&server), "bucket").as_ref()).await;
    assert_eq!((server.count("?uploads"), server.count("partNumber=")), (1, 3));
    assert!(server.received().iter().all(|received| received.line.contains(" /bucket/")));
}

#[tokio::test]
async fn a_part_that_keeps_failing_ends_the_upload_and_drops_its_parts() {
    let dir = tempfile::tempdir().unwrap();
    let server = s3_server::start(dir.path(), &["lake"]).await;
    let sink = open(&s3_server::options(&server), "lake");
    server.fail_next("partNumber=2", 100, Fault::Refuse(403));
    let error = sink.put("large", large()).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot store large in bucket lake: "), "{error}");
    assert_eq!(server.count("DELETE /lake/large?uploadId="), 1);
    assert_eq!(sink.size_of("large").await.unwrap(), None);
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lake"], "no part is left");
}

#[tokio::test]
async fn a_hiccup_is_retried_and_a_lost_answer_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let server = s3_server::start(dir.path(), &["lake"]).await;
    let sink = open(&s3_server::options(&server), "lake");
    server.fail_next("PUT /lake/small", 1, Fault::Refuse(503));
    server.fail_next("partNumber=3", 1, Fault::LoseAnswer);
    sink.put("small", Bytes::from_static(b"here")).await.unwrap();
    sink.put("large", large()).await.unwrap();
    assert_eq!(sink.get("small", 4).await.unwrap().unwrap(), "here");
    assert!(sink.get("large", u64::MAX).await.unwrap().unwrap() == large());
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let server = s3_server::start(dir.path(), &["lake"]).await;
    let options = Options { request_timeout: std::time::Duration::from_millis(50), ..s3_server::options(&server) };
    server.fail_next("/lake/x", 100, Fault::Hang);
    let error = open(&options, "lake").put("x", Bytes::from_static(b"y")).await.unwrap_err().to_string();
    assert!(error.contains("timed out"), "{error}");
}

#[tokio::test]
async fn a_wrong_secret_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let server = s3_server::start(dir.path(), &["lake"]).await;
    let options = Options { secret_access_key: Some("guessed".to_owned()), ..s3_server::options(&server) };
    let error = open(&options, "lake").put("x", Bytes::new()).await.unwrap_err().to_string();
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
}
