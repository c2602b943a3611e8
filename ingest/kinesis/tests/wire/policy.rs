//! Resource policies: who may do what with whose streams.

use ingest_core::config::CredentialOptions;
use ingest_kinesis::Options;
use serde_json::{Value, json};

use super::client::{Server, base64, refusal};

const ARN: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/clicks";
const SHARD: &str = "shardId-000000000000";

/// The access keys: the owner of the streams, one of its users, and a guest of another account.
const OWNER: &str = "OWNER";
const ANN: &str = "ANN";
const GUEST: &str = "GUEST";

const GUEST_ARN: &str = "arn:aws:iam::222222222222:root";

async fn start() -> Server {
    let key = |name: &str, account: &str, user: Option<&str>| CredentialOptions {
        access_key_id: name.to_owned(),
        secret_access_key: name.to_owned(),
        account: account.to_owned(),
        user: user.map(str::to_owned),
    };
    let keys =
        [key(OWNER, "111111111111", None), key(ANN, "111111111111", Some("ann")), key(GUEST, "222222222222", None)];
    let mut server = Server::start_for(Options { enforce: false, ..Options::default() }, &keys).await;
    server.call_as(OWNER, "CreateStream", json!({"StreamName": "clicks", "ShardCount": 1})).await;
    server
}

fn statement(effect: &str, principal: &str, actions: Value) -> Value {
    json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": actions, "Resource": "*"})
}

async fn put_policy(server: &mut Server, resource: &str, statements: Value) {
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    server.call_as(OWNER, "PutResourcePolicy", json!({"ResourceARN": resource, "Policy": policy})).await;
}

/// What is told of an operation that nobody allows.
fn not_allowed(who: &str, operation: &str, resource: &str) -> (String, String) {
    let message = format!(
        "User: {who} is not authorized to perform: kinesis:{operation} on resource: {resource} because no resource-based \
         policy allows the kinesis:{operation} action"
    );
    refusal("AccessDeniedException", message)
}

fn denied(who: &str, operation: &str) -> (String, String) {
    let message = format!(
        "User: {who} is not authorized to perform: kinesis:{operation} on resource: {ARN} with an explicit deny in a \
         resource-based policy"
    );
    refusal("AccessDeniedException", message)
}

/// The operations that can be shared, each with an input that succeeds.
fn shared(iterator: &str) -> [(&'static str, Value); 7] {
    let record = json!({"PartitionKey": "k", "Data": base64("hi")});
    [
        ("DescribeStream", json!({"StreamARN": ARN})),
        ("DescribeStreamSummary", json!({"StreamARN": ARN})),
        ("ListShards", json!({"StreamARN": ARN})),
        ("PutRecord", json!({"StreamARN": ARN, "PartitionKey": "k", "Data": base64("hi")})),
        ("PutRecords", json!({"StreamARN": ARN, "Records": [record]})),
        ("GetShardIterator", json!({"StreamARN": ARN, "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"})),
        ("GetRecords", json!({"StreamARN": ARN, "ShardIterator": iterator})),
    ]
}

async fn iterator(server: &mut Server) -> String {
    let input = json!({"StreamName": "clicks", "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"});
    server.call_as(OWNER, "GetShardIterator", input).await["ShardIterator"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_policy_is_put_got_replaced_and_deleted() {
    let mut server = start().await;
    let none = refusal("ResourceNotFoundException", format!("No resource policy found for resource ARN {ARN}"));
    for operation in ["GetResourcePolicy", "DeleteResourcePolicy"] {
        assert_eq!(server.refused_as(OWNER, operation, json!({"ResourceARN": ARN})).await, none, "{operation}");
    }
    for action in ["kinesis:PutRecord", "kinesis:Get*"] {
        let policy = json!({"Statement": [statement("Allow", "222222222222", json!(action))]}).to_string() + " ";
        server.call_as(OWNER, "PutResourcePolicy", json!({"ResourceARN": ARN, "Policy": policy})).await;
        let got = server.call_as(OWNER, "GetResourcePolicy", json!({"ResourceARN": ARN})).await;
        assert_eq!(got, json!({"Policy": policy}));
    }
    server.call_as(OWNER, "DeleteResourcePolicy", json!({"ResourceARN": ARN})).await;
    assert_eq!(server.refused_as(OWNER, "GetResourcePolicy", json!({"ResourceARN": ARN})).await, none);
}

#[tokio::test]
async fn a_queue_is_shared_by_a_policy_of_its_own() {
    let mut server = start().await;
    let work = json!({"StreamName": "work", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    server.call_as(OWNER, "CreateStream", work).await;
    let list = json!([{"StreamARN": ARN.replace("clicks", "work")}]);
    let input = json!({"QueueName": "work", "StreamConfigurationList": list});
    let theirs = not_allowed(GUEST_ARN, "CreateQueue", &ARN.replace("clicks", "work"));
    assert_eq!(server.refused_as(GUEST, "CreateQueue", input.clone()).await, theirs);
    let created = server.call_as(OWNER, "CreateQueue", input).await;
    let queue = created["QueueDescription"]["QueueARN"].as_str().unwrap().to_owned();
    let put = json!({"StreamName": "work", "PartitionKey": "k", "Data": base64("hi")});
    server.call_as(OWNER, "PutRecord", put).await;
    let receive = json!({"QueueARN": queue, "WaitTimeSeconds": 1});
    let refused = server.refused_as(GUEST, "ReceiveQueueRecords", receive.clone()).await;
    assert_eq!(refused, not_allowed(GUEST_ARN, "ReceiveQueueRecords", &queue));

    put_policy(&mut server, &queue, json!([statement("Allow", "222222222222", json!("kinesis:*"))])).await;
    let got = server.call_as(OWNER, "GetResourcePolicy", json!({"ResourceARN": queue})).await;
    assert!(got["Policy"].as_str().unwrap().contains("222222222222"));
    let received = server.call_as(GUEST, "ReceiveQueueRecords", receive.clone()).await;
    let entries = json!([{"ReceiptHandle": received["QueueRecords"][0]["ReceiptHandle"]}]);
    let acknowledge = json!({"QueueARN": queue, "Entries": entries});
    let acknowledged = server.call_as(GUEST, "AcknowledgeQueueRecords", acknowledge).await;
    assert_eq!(acknowledged["Failed"], json!([]));
    for (operation, input) in [
        ("DeleteQueue", json!({"QueueARN": queue})),
        ("UpdateQueue", json!({"QueueARN": queue, "QueueAttributes": {}})),
        ("TagResource", json!({"ResourceARN": queue, "Tags": {"a": "b"}})),
        ("GetResourcePolicy", json!({"ResourceARN": queue})),
    ] {
        let refused = server.refused_as(GUEST, operation, input).await;
        assert_eq!(refused, not_allowed(GUEST_ARN, operation, &queue), "{operation}");
    }
    // The owner's user can be kept from it, and the owner takes the policy away.
    put_policy(&mut server, &queue, json!([statement("Deny", "*", json!("kinesis:DescribeQueue"))])).await;
    let denied = server.refused_as(ANN, "DescribeQueue", json!({"QueueARN": queue})).await;
    assert_eq!(denied.0, "AccessDeniedException");
    server.call_as(OWNER, "DeleteResourcePolicy", json!({"ResourceARN": queue})).await;
    server.call_as(ANN, "DescribeQueue", json!({"QueueARN": queue})).await;
    let none = server.refused_as(OWNER, "GetResourcePolicy", json!({"ResourceARN": queue})).await;
    assert_eq!(none.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_text_that_is_no_policy_is_refused() {
    let mut server = start().await;
    let good = json!({"Statement": statement("Allow", "222222222222", json!("kinesis:*"))}).to_string();
    for (policy, told) in [
        (String::new(), "The policy is not valid: "),
        ("{}".to_owned(), "The policy is not valid: missing field `Statement`"),
        (good.replace("Allow", "Permit"), "The policy is not valid: unknown variant `Permit`"),
        (good.clone() + &" ".repeat(20 * 1_024), "bytes, and may have 20480."),
    ] {
        let input = json!({"ResourceARN": ARN, "Policy": policy});
        let (code, message) = server.refused_as(OWNER, "PutResourcePolicy", input).await;
        assert_eq!(code, "InvalidArgumentException");
        assert!(message.contains(told), "{message}");
    }
    let absent = server.refused_as(OWNER, "PutResourcePolicy", json!({"ResourceARN": ARN})).await;
    assert_eq!(absent.0, "ValidationException");
    for (resource, code) in [
        (ARN.replace("clicks", "gone"), "ResourceNotFoundException"),
        (format!("{ARN}/consumer/gone:1700000000"), "ResourceNotFoundException"),
        (ARN.replace("us-east-1", "eu-west-1"), "ResourceNotFoundException"),
        (format!("{ARN}/other"), "InvalidArgumentException"),
    ] {
        let input = json!({"ResourceARN": resource, "Policy": good});
        assert_eq!(server.refused_as(OWNER, "PutResourcePolicy", input).await.0, code, "{resource}");
    }
}

#[tokio::test]
async fn another_account_does_what_a_policy_allows_and_nothing_else() {
    let mut server = start().await;
    let iterator = iterator(&mut server).await;
    for (operation, input) in shared(&iterator) {
        let refused = server.refused_as(GUEST, operation, input.clone()).await;
        assert_eq!(refused, not_allowed(GUEST_ARN, operation, ARN));
        put_policy(&mut server, ARN, statement("Allow", GUEST_ARN, json!(format!("kinesis:{operation}")))).await;
        server.call_as(GUEST, operation, input).await;
        for (other, input) in shared(&iterator).into_iter().filter(|(other, _)| *other != operation) {
            assert_eq!(server.refused_as(GUEST, other, input).await, not_allowed(GUEST_ARN, other, ARN));
        }
        server.call_as(OWNER, "DeleteResourcePolicy", json!({"ResourceARN": ARN})).await;
    }
    // What is not there looks like what is not shared.
    let gone = ARN.replace("clicks", "gone");
    let refused = server.refused_as(GUEST, "DescribeStream", json!({"StreamARN": gone})).await;
    assert_eq!(refused, not_allowed(GUEST_ARN, "DescribeStream", &gone));
}

#[tokio::test]
async fn records_go_from_account_to_account_in_the_owner_s_stream() {
    let mut server = start().await;
    put_policy(&mut server, ARN, statement("Allow", "222222222222", json!("kinesis:*"))).await;
    let put = json!({"StreamARN": ARN, "PartitionKey": "k", "Data": base64("from the guest")});
    server.call_as(GUEST, "PutRecord", put).await;
    // A name without an ARN is one of the caller's own.
    let own = server.refused_as(GUEST, "DescribeStream", json!({"StreamName": "clicks"})).await;
    assert_eq!(own.1, "Stream clicks under account 222222222222 not found.");
    let begin = json!({"StreamARN": ARN, "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = server.call_as(GUEST, "GetShardIterator", begin).await["ShardIterator"].clone();
    let read = server.call_as(GUEST, "GetRecords", json!({"StreamARN": ARN, "ShardIterator": iterator})).await;
    assert_eq!(read["Records"][0]["Data"], base64("from the guest"));
    let without_arn = server.refused_as(GUEST, "GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(without_arn.0, "ResourceNotFoundException");
    let page = server.call_as(GUEST, "ListShards", json!({"StreamARN": ARN, "MaxResults": 1})).await;
    assert_eq!(page["Shards"][0]["ShardId"], SHARD);
}

#[tokio::test]
async fn a_list_of_another_account_s_shards_goes_on_by_its_arn() {
    let mut server = start().await;
    let twice = json!({"StreamName": "clicks", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"});
    server.call_as(OWNER, "UpdateShardCount", twice).await;
    put_policy(&mut server, ARN, statement("Allow", GUEST_ARN, json!("kinesis:ListShards"))).await;
    let first = server.call_as(GUEST, "ListShards", json!({"StreamARN": ARN, "MaxResults": 1})).await;
    let next = json!({"StreamARN": ARN, "NextToken": first["NextToken"]});
    assert_eq!(server.call_as(GUEST, "ListShards", next.clone()).await["Shards"].as_array().unwrap().len(), 2);
    let without_arn = server.refused_as(GUEST, "ListShards", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!(without_arn.0, "ResourceNotFoundException");
    server.call_as(OWNER, "DeleteResourcePolicy", json!({"ResourceARN": ARN})).await;
    assert_eq!(server.refused_as(GUEST, "ListShards", next).await, not_allowed(GUEST_ARN, "ListShards", ARN));
}

#[tokio::test]
async fn what_cannot_be_shared_stays_with_the_owner_whatever_a_policy_allows() {
    let mut server = start().await;
    put_policy(&mut server, ARN, json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})).await;
    for (operation, input) in [
        ("DeleteStream", json!({"StreamARN": ARN})),
        ("AddTagsToStream", json!({"StreamARN": ARN, "Tags": {"a": "b"}})),
        ("ListTagsForResource", json!({"ResourceARN": ARN})),
        ("RegisterStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "app"})),
        ("SplitShard", json!({"StreamARN": ARN, "ShardToSplit": SHARD, "NewStartingHashKey": "9"})),
        ("PutResourcePolicy", json!({"ResourceARN": ARN, "Policy": "{}"})),
        ("GetResourcePolicy", json!({"ResourceARN": ARN})),
        ("DeleteResourcePolicy", json!({"ResourceARN": ARN})),
    ] {
        let refused = server.refused_as(GUEST, operation, input).await;
        assert_eq!(refused, not_allowed(GUEST_ARN, operation, ARN));
    }
}

#[tokio::test]
async fn a_consumer_is_shared_by_a_policy_of_its_own() {
    let mut server = start().await;
    let registered = server.call_as(OWNER, "RegisterStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "app"}));
    let consumer = registered.await["Consumer"]["ConsumerARN"].as_str().unwrap().to_owned();
    put_policy(&mut server, ARN, statement("Allow", GUEST_ARN, json!("*"))).await;
    let start = json!({"Type": "TRIM_HORIZON"});
    let subscribe = json!({"ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": start});
    let describe = json!({"ConsumerARN": consumer});
    for (operation, input) in [("DescribeStreamConsumer", &describe), ("SubscribeToShard", &subscribe)] {
        let refused = server.refused_as(GUEST, operation, input.clone()).await;
        assert_eq!(refused, not_allowed(GUEST_ARN, operation, &consumer));
    }
    let actions =
        json!(["kinesis:SubscribeToShard", "kinesis:DescribeStreamConsumer", "kinesis:DeregisterStreamConsumer"]);
    put_policy(&mut server, &consumer, statement("Allow", GUEST_ARN, actions)).await;
    let described = server.call_as(GUEST, "DescribeStreamConsumer", describe.clone()).await;
    assert_eq!(described["ConsumerDescription"]["ConsumerName"], "app");
    let put = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64("pushed")});
    server.call_as(OWNER, "PutRecord", put).await;
    let mut subscription = server.subscribe_as(GUEST, &subscribe).await;
    assert_eq!(subscription.next().await.0, "initial-response");
    let (_, event) = subscription.next().await;
    assert!(String::from_utf8(event).unwrap().contains(&base64("pushed")));
    let refused = server.refused_as(GUEST, "DeregisterStreamConsumer", describe.clone()).await;
    assert_eq!(refused, not_allowed(GUEST_ARN, "DeregisterStreamConsumer", &consumer));

    // A consumer of the same name later is another one.
    server.call_as(OWNER, "DeregisterStreamConsumer", describe.clone()).await;
    server.call_as(OWNER, "RegisterStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "app"})).await;
    assert_eq!(server.refused_as(GUEST, "DescribeStreamConsumer", describe).await.0, "AccessDeniedException");
}

#[tokio::test]
async fn a_deny_holds_in_the_owner_s_account_too_but_not_for_the_policy_itself() {
    let mut server = start().await;
    let put = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": base64("hi")});
    let (root, ann) = ("arn:aws:iam::111111111111:root", "arn:aws:iam::111111111111:user/ann");
    put_policy(&mut server, ARN, statement("Deny", ann, json!(["kinesis:PutRecord", "kinesis:DeleteStream"]))).await;
    server.call_as(OWNER, "PutRecord", put.clone()).await;
    assert_eq!(server.refused_as(ANN, "PutRecord", put.clone()).await, denied(ann, "PutRecord"));
    let delete = json!({"StreamName": "clicks"});
    assert_eq!(server.refused_as(ANN, "DeleteStream", delete).await, denied(ann, "DeleteStream"));
    server.call_as(ANN, "DescribeStream", json!({"StreamName": "clicks"})).await;

    let everything = json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
    let allowed = statement("Allow", GUEST_ARN, json!("*"));
    put_policy(&mut server, ARN, json!([allowed, everything])).await;
    assert_eq!(server.refused_as(OWNER, "PutRecord", put.clone()).await, denied(root, "PutRecord"));
    let by_guest = json!({"StreamARN": ARN, "PartitionKey": "k", "Data": base64("hi")});
    assert_eq!(server.refused_as(GUEST, "PutRecord", by_guest).await, denied(GUEST_ARN, "PutRecord"));
    server.call_as(ANN, "DeleteResourcePolicy", json!({"ResourceARN": ARN})).await;
    server.call_as(ANN, "PutRecord", put).await;
}

#[tokio::test]
async fn conditions_are_asked_of_the_request() {
    let mut server = start().await;
    let describe = json!({"StreamARN": ARN});
    for (condition, is_allowed) in [
        (json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), true),
        (json!({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), false),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), false),
        // The server's clock stands still in November 2023.
        (json!({"DateLessThan": {"aws:CurrentTime": "2023-11-15"}}), true),
        (json!({"StringEquals": {"aws:PrincipalAccount": "222222222222"}}), true),
        (json!({"Null": {"aws:PrincipalOrgID": "true"}}), true),
        (json!({"Null": {"aws:UserAgent": "true"}}), true),
    ] {
        let mut allow = statement("Allow", "*", json!("kinesis:DescribeStream"));
        allow["Condition"] = condition.clone();
        put_policy(&mut server, ARN, allow).await;
        let answer = server.ask(GUEST, "DescribeStream", describe.clone()).await;
        assert_eq!(answer.status == 200, is_allowed, "{condition}");
    }
}

#[tokio::test]
async fn a_policy_goes_away_with_its_stream() {
    let mut server = start().await;
    put_policy(&mut server, ARN, statement("Allow", GUEST_ARN, json!("*"))).await;
    server.call_as(OWNER, "DeleteStream", json!({"StreamName": "clicks"})).await;
    server.call_as(OWNER, "CreateStream", json!({"StreamName": "clicks", "ShardCount": 1})).await;
    let refused = server.refused_as(GUEST, "DescribeStream", json!({"StreamARN": ARN})).await;
    assert_eq!(refused, not_allowed(GUEST_ARN, "DescribeStream", ARN));
}
