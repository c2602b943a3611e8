//! Accounts and regions: streams of the same name have nothing to do with each other.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;

use super::texts;
use crate::support::clients::{ClientOptions, assert_error, kinesis_with};
use crate::support::records::{create_stream, read_stream};
use crate::support::server::Server;

const CONFIG: &str = "
[kinesis]
enforce = false

[[credentials]]
access-key-id = 'AKIDONE'
secret-access-key = 'first secret'
account = '111122223333'

[[credentials]]
access-key-id = 'AKIDTWO'
secret-access-key = 'second secret'
account = '444455556666'
";

fn client(
    server: &Server,
    access_key_id: &'static str,
    secret_access_key: &'static str,
    region: &'static str,
) -> Client {
    kinesis_with(&server.url, &ClientOptions { access_key_id, secret_access_key, region, ..ClientOptions::default() })
}

#[tokio::test]
async fn every_account_has_its_own_streams_in_every_region() {
    let server = Server::new(CONFIG).await;
    let spaces = [
        ("111122223333", "AKIDONE", "first secret", "eu-west-1"),
        ("111122223333", "AKIDONE", "first secret", "us-east-1"),
        ("444455556666", "AKIDTWO", "second secret", "eu-west-1"),
    ];
    let mut arns = Vec::new();
    for (account, key, secret, region) in spaces {
        let client = client(&server, key, secret, region);
        let arn = create_stream(&client, "same", 1).await;
        assert_eq!(arn, format!("arn:aws:kinesis:{region}:{account}:stream/same"));
        let put =
            client.put_record().stream_name("same").partition_key("k").data(Blob::new(format!("{account} {region}")));
        put.send().await.unwrap();
        arns.push(arn);
    }
    for (number, (account, key, secret, region)) in spaces.into_iter().enumerate() {
        let client = client(&server, key, secret, region);
        assert_eq!(client.list_streams().send().await.unwrap().stream_names(), ["same"]);
        let records: Vec<_> = read_stream(&client, "same").await.into_iter().flatten().collect();
        assert_eq!(texts(&records), [format!("{account} {region}")]);
        assert_eq!(client.describe_limits().send().await.unwrap().open_shard_count(), 1);
        for (other, arn) in arns.iter().enumerate() {
            let described = client.describe_stream_summary().stream_arn(arn).send().await;
            if other == number {
                assert_eq!(described.unwrap().stream_description_summary().unwrap().stream_arn(), arn);
            } else {
                // Who may not ask is not told what is there; of another region's streams nobody is told here.
                let is_denied = !arn.contains(account) && arn.contains(region);
                let code = if is_denied { "AccessDeniedException" } else { "ResourceNotFoundException" };
                assert_error(described, code, "");
            }
        }
    }
    let (_, key, secret, region) = spaces[0];
    client(&server, key, secret, region).delete_stream().stream_name("same").send().await.unwrap();
    let (_, key, secret, region) = spaces[1];
    assert_eq!(client(&server, key, secret, region).list_streams().send().await.unwrap().stream_names(), ["same"]);
}
