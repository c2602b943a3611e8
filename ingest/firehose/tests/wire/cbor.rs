//! The door speaks CBOR too.

use super::client::{CBOR, Server, destination};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn cbor_is_spoken_too() {
    let mut server = Server::start().await;
    server.create("clicks", destination(json!({}))).await;
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    encoder.map(2).unwrap().str("DeliveryStreamName").unwrap().str("clicks").unwrap();
    encoder.str("Record").unwrap().map(1).unwrap().str("Data").unwrap().bytes(b"raw bytes").unwrap();
    let answer = server.send("PutRecord", CBOR, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    encoder.map(1).unwrap().str("DeliveryStreamName").unwrap().str("clicks").unwrap();
    let answer = server.send("DescribeDeliveryStream", CBOR, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let objects = server.objects().await;
    assert_eq!(objects[0].1, b"raw bytes");
}
