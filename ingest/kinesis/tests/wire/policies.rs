//! Resource policies, which are kept and not evaluated.

use serde_json::json;

use super::client::{Server, refusal};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow",
    "Principal":{"AWS":"111111111111"},"Action":["kinesis:PutRecord"],"Resource":"*"}]}"#;

#[tokio::test]
async fn a_policy_is_put_read_and_deleted() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let input = json!({"StreamARN": ARN, "ConsumerName": "app"});
    let registered = server.call("RegisterStreamConsumer", input).await;
    let none = refusal("ResourceNotFoundException", "There is no resource policy attached to the resource.");
    for arn in [json!(ARN), registered["Consumer"]["ConsumerARN"].clone()] {
        let resource = json!({"ResourceARN": arn});
        assert_eq!(server.refused("GetResourcePolicy", resource.clone()).await, none);
        server.call("PutResourcePolicy", json!({"ResourceARN": arn, "Policy": POLICY})).await;
        assert_eq!(server.call("GetResourcePolicy", resource.clone()).await, json!({"Policy": POLICY}));
        server.call("DeleteResourcePolicy", resource.clone()).await;
        assert_eq!(server.refused("GetResourcePolicy", resource.clone()).await, none);
        assert_eq!(server.refused("DeleteResourcePolicy", resource).await, none);
    }
}

#[tokio::test]
async fn what_is_no_policy_is_refused() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let long = format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"{}"}}]}}"#, "x".repeat(20_480));
    let deep = format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":{}"#, "[".repeat(10_000));
    for policy in [
        "",
        "[]",
        "{}",
        r#"{"Statement":[]}"#,
        r#"{"Statement":[{"Effect":"Perhaps","Principal":"*","Action":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Principal":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Principal":"*","NotPrincipal":"*","Action":"*"}]}"#,
        &long,
        &deep,
    ] {
        let (code, message) = server.refused("PutResourcePolicy", json!({"ResourceARN": ARN, "Policy": policy})).await;
        assert_eq!(code, "InvalidArgumentException", "{policy}");
        assert!(message.starts_with("Invalid policy document: "), "{message}");
    }
    let (code, message) = server.refused("PutResourcePolicy", json!({})).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("2 validation errors detected: Value null at 'resourceARN'"), "{message}");
}
