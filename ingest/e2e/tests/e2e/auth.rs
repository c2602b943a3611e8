//! Who is let in, and where the program listens.

use crate::support::clients::{ClientOptions, assert_error, kinesis_with};
use crate::support::raw::{Connection, JSON};
use crate::support::server::{Home, Server};

const CREDENTIALS: &str = "
[[credentials]]
access-key-id = 'AKIDONE'
secret-access-key = 'first secret'
account = '111122223333'

[[credentials]]
access-key-id = 'AKIDTWO'
secret-access-key = 'second secret'
";

fn client(server: &Server, access_key_id: &'static str, secret_access_key: &'static str) -> aws_sdk_kinesis::Client {
    let options = ClientOptions { access_key_id, secret_access_key, ..ClientOptions::default() };
    kinesis_with(&server.url, &options)
}

#[tokio::test]
async fn each_access_key_acts_in_its_own_account() {
    let server = Server::new(CREDENTIALS).await;
    let one = client(&server, "AKIDONE", "first secret");
    let two = client(&server, "AKIDTWO", "second secret");
    one.create_stream().stream_name("s").shard_count(1).send().await.unwrap();
    let summary = one.describe_stream_summary().stream_name("s").send().await.unwrap();
    let arn = summary.stream_description_summary.unwrap().stream_arn;
    assert_eq!(arn, "arn:aws:kinesis:eu-central-1:111122223333:stream/s");
    assert!(two.list_streams().send().await.unwrap().stream_names().is_empty());
    let foreign = two.describe_stream_summary().stream_arn(arn).send().await;
    let text = "because no resource-based policy allows the kinesis:DescribeStreamSummary action";
    assert_error(foreign, "AccessDeniedException", text);
}

#[tokio::test]
async fn wrong_key_wrong_secret_and_no_signature_are_told_apart() {
    let server = Server::new(CREDENTIALS).await;
    let stranger = client(&server, "AKIDTHREE", "first secret").list_streams().send().await;
    let text = "The security token included in the request is invalid.";
    assert_error(stranger, "UnrecognizedClientException", text);
    let guess = client(&server, "AKIDONE", "second secret").list_streams().send().await;
    let text = "The request signature we calculated does not match the signature you provided.";
    assert_error(guess, "InvalidSignatureException", text);
    let mut connection = Connection::open(&server).await;
    let unsigned = connection.call("Kinesis_20131202.ListStreams", JSON, "{}").await;
    assert_eq!((unsigned.status, unsigned.code()), (400, "MissingAuthenticationTokenException"));
    assert_eq!(connection.get("/healthz").await.status, 200, "pages are not signed");
}

#[tokio::test]
async fn without_credentials_the_program_does_not_listen_beyond_loopback_unless_told_to() {
    let everywhere = ["--listen", "0.0.0.0:0"];
    let open = Home::new("");
    let (status, stderr) = open.run(&everywhere).await;
    assert!(!status.success());
    assert!(stderr.contains("0.0.0.0:0") && stderr.contains("[[credentials]]"), "{stderr}");
    let told = [&everywhere[..], &["--allow-remote-without-credentials"]].concat();
    drop(open.spawn(&told).ready().await);
    drop(Home::new(CREDENTIALS).spawn(&everywhere).ready().await);
}
