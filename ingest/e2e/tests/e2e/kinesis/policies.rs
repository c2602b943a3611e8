//! Resource policies, which share streams between accounts and survive a restart.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;

use crate::support::clients::{ClientOptions, assert_error, kinesis_with, service_error};
use crate::support::records::create_stream;
use crate::support::server::Server;

const CREDENTIALS: &str = "
[[credentials]]
access-key-id = 'OWNER'
secret-access-key = 'first secret'
account = '111122223333'

[[credentials]]
access-key-id = 'GUEST'
secret-access-key = 'second secret'
account = '444455556666'
user = 'guest'
";

const POLICY: &str = r#"{
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444455556666:user/guest"},
        "Action": ["kinesis:PutRecord", "kinesis:DescribeStreamSummary"],
        "Resource": "*"
    }
}"#;

fn clients(server: &Server) -> (Client, Client) {
    let client = |access_key_id, secret_access_key| {
        let options = ClientOptions { access_key_id, secret_access_key, ..ClientOptions::default() };
        kinesis_with(&server.url, &options)
    };
    (client("OWNER", "first secret"), client("GUEST", "second secret"))
}

#[tokio::test]
async fn a_policy_shares_a_stream_with_another_account() {
    let server = Server::new(CREDENTIALS).await;
    let (owner, _) = clients(&server);
    let arn = create_stream(&owner, "s", 1).await;
    let none = owner.get_resource_policy().resource_arn(&arn).send().await;
    assert!(service_error(none).is_resource_not_found_exception());
    owner.put_resource_policy().resource_arn(&arn).policy(POLICY).send().await.unwrap();
    let got = owner.get_resource_policy().resource_arn(&arn).send().await.unwrap();
    assert_eq!(got.policy(), POLICY);

    // What was put is kept.
    let server = server.restart().await;
    let (owner, guest) = clients(&server);
    let put = || guest.put_record().stream_arn(&arn).partition_key("k").data(Blob::new("x")).send();
    put().await.unwrap();
    let foreign = guest.describe_stream().stream_arn(&arn).send().await;
    assert_error(
        foreign,
        "AccessDeniedException",
        "because no resource-based policy allows the kinesis:DescribeStream",
    );
    owner.delete_resource_policy().resource_arn(&arn).send().await.unwrap();
    let refused = service_error(put().await);
    assert!(refused.is_access_denied_exception(), "{refused:?}");

    let broken = owner.put_resource_policy().resource_arn(&arn).policy("{}").send().await;
    assert!(service_error(broken).is_invalid_argument_exception());
}
