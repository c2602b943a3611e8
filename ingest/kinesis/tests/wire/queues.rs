//! Queues: creating, describing, listing, updating and deleting them; their tags; what is refused.

use serde_json::{Value, json};

use super::client::{NOW_MS, Server, base64, refusal};

pub(crate) const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";

/// Creates an on-demand stream.
pub(crate) async fn create_stream(server: &mut Server) {
    let on_demand = json!({"StreamName": "clicks", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    server.call("CreateStream", on_demand).await;
}

/// Creates a queue that begins with the oldest record. Returns its ARN.
pub(crate) async fn create_queue(server: &mut Server, name: &str, attributes: Value) -> Value {
    let position = json!([{"StreamARN": STREAM, "StartingPosition": {"Type": "TRIM_HORIZON"}}]);
    let input = json!({"QueueName": name, "StreamConfigurationList": position, "QueueAttributes": attributes});
    server.call("CreateQueue", input).await["QueueDescription"]["QueueARN"].clone()
}

pub(crate) async fn put(server: &mut Server, key: &str, data: &str) {
    server.call("PutRecord", json!({"StreamName": "clicks", "PartitionKey": key, "Data": base64(data)})).await;
}

#[tokio::test]
async fn a_queue_is_created_described_updated_and_deleted() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let list = json!([{"StreamARN": STREAM}]);
    let input = json!({"QueueName": "work", "StreamConfigurationList": list, "Tags": {"team": "web"}});
    let created = server.call("CreateQueue", input).await;
    let arn = created["QueueDescription"]["QueueARN"].clone();
    let expected = |timeout: u32, dead_letters: Value| {
        json!({"QueueDescription": {
            "QueueName": "work",
            "QueueARN": arn,
            "QueueStatus": "ACTIVE",
            "QueueCreationTimestamp": 1_700_000_000.0,
            "StreamConfigurationList": [
                {"StreamARN": STREAM, "StartingPosition": {"Type": "LATEST", "Timestamp": 1_700_000_000.0}},
            ],
            "QueueAttributes": {"VisibilityTimeoutSeconds": timeout, "DeadLetterConfiguration": dead_letters},
        }})
    };
    let built_in = |count: u32| json!({"TargetType": "BUILT_IN", "MaxReceiveCount": count});
    assert_eq!(created, expected(30, built_in(6)));
    let prefix = "arn:aws:kinesis:us-east-1:000000000000:queue/";
    assert!(arn.as_str().unwrap().starts_with(prefix) && !arn.as_str().unwrap().contains("work"), "{arn}");

    let update = json!({"QueueARN": arn, "QueueAttributes": {"VisibilityTimeoutSeconds": 0}});
    assert_eq!(server.call("UpdateQueue", update).await, expected(0, built_in(6)));
    let none = json!({"QueueARN": arn, "QueueAttributes": {"DeadLetterConfiguration": {"TargetType": "NONE"}}});
    assert_eq!(server.call("UpdateQueue", none).await, expected(0, json!({"TargetType": "NONE"})));
    let again = json!({"QueueARN": arn, "QueueAttributes": {"DeadLetterConfiguration": built_in(1000)}});
    server.call("UpdateQueue", again).await;
    assert_eq!(server.call("DescribeQueue", json!({"QueueARN": arn})).await, expected(0, built_in(1000)));

    server.call("TagResource", json!({"ResourceARN": arn, "Tags": {"more": "x"}})).await;
    server.call("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["team"]})).await;
    let tags = server.call("ListTagsForResource", json!({"ResourceARN": arn})).await;
    assert_eq!(tags, json!({"Tags": [{"Key": "more", "Value": "x"}]}));

    server.call("DeleteQueue", json!({"QueueARN": arn})).await;
    for (operation, input) in [
        ("DescribeQueue", json!({"QueueARN": arn})),
        ("DeleteQueue", json!({"QueueARN": arn})),
        ("UpdateQueue", json!({"QueueARN": arn, "QueueAttributes": {}})),
        ("ReceiveQueueRecords", json!({"QueueARN": arn})),
        ("ReceiveDeadLetterQueueRecords", json!({"QueueARN": arn})),
        ("AcknowledgeQueueRecords", json!({"QueueARN": arn, "Entries": [{"ReceiptHandle": "x"}]})),
        ("RestoreDeadLetterQueueRecords", json!({"QueueARN": arn, "Entries": [{"ReceiptHandle": "x"}]})),
        ("TagResource", json!({"ResourceARN": arn, "Tags": {"a": "b"}})),
        ("ListTagsForResource", json!({"ResourceARN": arn})),
    ] {
        let refused = server.refused(operation, input).await;
        let message = format!("Queue {} not found.", arn.as_str().unwrap().strip_prefix(prefix).unwrap());
        assert_eq!(refused, refusal("ResourceNotFoundException", message), "{operation}");
    }
}

#[tokio::test]
async fn a_stream_with_queues_is_neither_deleted_nor_provisioned() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let arn = create_queue(&mut server, "work", json!({})).await;
    let has_queues = "Stream clicks under account 000000000000 has queues. Delete them with DeleteQueue first.";
    let in_use = refusal("ResourceInUseException", has_queues);
    let provisioned = json!({"StreamARN": STREAM, "StreamModeDetails": {"StreamMode": "PROVISIONED"}});
    let enforced = json!({"StreamName": "clicks", "EnforceConsumerDeletion": true});
    assert_eq!(server.refused("DeleteStream", enforced).await, in_use);
    assert_eq!(server.refused("UpdateStreamMode", provisioned.clone()).await, in_use);
    server.call("DeleteQueue", json!({"QueueARN": arn})).await;
    server.call("UpdateStreamMode", provisioned).await;
    let input = json!({"QueueName": "late", "StreamConfigurationList": [{"StreamARN": STREAM}]});
    let (code, message) = server.refused("CreateQueue", input).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("Queues are only supported for data streams with the on-demand"), "{message}");
    server.call("DeleteStream", json!({"StreamName": "clicks"})).await;
}

#[tokio::test]
async fn queues_share_the_limit_of_consumers() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    for number in 0..19 {
        create_queue(&mut server, &format!("queue-{number}"), json!({})).await;
    }
    server.call("RegisterStreamConsumer", json!({"StreamARN": STREAM, "ConsumerName": "app"})).await;
    let input = json!({"QueueName": "one-more", "StreamConfigurationList": [{"StreamARN": STREAM}]});
    let (code, message) = server.refused("CreateQueue", input.clone()).await;
    assert_eq!(code, "LimitExceededException");
    assert!(message.starts_with("No more than 20 consumers"), "{message}");
    let consumer = json!({"StreamARN": STREAM, "ConsumerName": "one-more"});
    assert_eq!(server.refused("RegisterStreamConsumer", consumer).await.0, "LimitExceededException");
    let committed = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    server.call("UpdateAccountSettings", committed).await;
    server.call("CreateQueue", input.clone()).await;
    let again = server.refused("CreateQueue", input).await;
    let message = "Queue one-more under account 000000000000 already exists.";
    assert_eq!(again, refusal("ResourceInUseException", message));
}

#[tokio::test]
async fn queues_are_listed_in_pages_and_by_stream() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let other = json!({"StreamName": "views", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    server.call("CreateStream", other).await;
    for name in ["c", "a", "b"] {
        create_queue(&mut server, name, json!({})).await;
    }
    let views = STREAM.replace("clicks", "views");
    let input = json!({"QueueName": "d", "StreamConfigurationList": [{"StreamARN": views}]});
    server.call("CreateQueue", input).await;
    let names = |answer: &Value| {
        let summaries = answer["QueueSummaries"].as_array().unwrap().iter();
        summaries.map(|summary| summary["QueueName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = server.call("ListQueues", json!({})).await;
    assert_eq!((names(&all), all.get("NextToken")), (["a", "b", "c", "d"].map(str::to_owned).to_vec(), None));
    let streams = json!([{"StreamARN": STREAM, "StreamCreationTimestamp": 1_700_000_000.0}]);
    assert_eq!(all["QueueSummaries"][0]["Streams"], streams);
    assert_eq!(all["QueueSummaries"][0]["QueueStatus"], "ACTIVE");

    let first = server.call("ListQueues", json!({"MaxResults": 3})).await;
    let rest = server.call("ListQueues", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!((names(&first).len(), names(&rest)), (3, vec!["d".to_owned()]));
    let filtered = server.call("ListQueues", json!({"StreamFilter": [{"StreamARN": views}]})).await;
    assert_eq!(names(&filtered), ["d"]);
    let both = json!([{"StreamARN": views}, {"StreamARN": STREAM, "StreamCreationTimestamp": 1_700_000_000}]);
    assert_eq!(names(&server.call("ListQueues", json!({"StreamFilter": both})).await).len(), 4);
    let former = json!([{"StreamARN": STREAM, "StreamCreationTimestamp": 1_600_000_000}]);
    assert!(names(&server.call("ListQueues", json!({"StreamFilter": former})).await).is_empty());

    assert_eq!(server.refused("ListQueues", json!({"NextToken": "bm8="})).await.0, "InvalidArgumentException");
    server.clock.advance(300_001);
    let expired = server.refused("ListQueues", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!(expired.0, "ExpiredNextTokenException");
}

#[tokio::test]
async fn every_constraint_is_reported_at_once() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let dead_letters = json!({"TargetType": "ELSEWHERE", "MaxReceiveCount": 1001});
    let (code, message) = server
        .refused(
            "CreateQueue",
            json!({
                "QueueName": "a b",
                "StreamConfigurationList": [{"StreamARN": "clicks", "StartingPosition": {"Type": "SOMEWHERE"}}],
                "QueueAttributes": {"VisibilityTimeoutSeconds": 43201, "DeadLetterConfiguration": dead_letters},
                "Tags": {},
            }),
        )
        .await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("7 validation errors detected: "), "{message}");
    for path in [
        "'queueName'",
        "'streamConfigurationList.1.member.streamARN'",
        "'streamConfigurationList.1.member.startingPosition.type'",
        "'queueAttributes.visibilityTimeoutSeconds'",
        "'queueAttributes.deadLetterConfiguration.targetType'",
        "'queueAttributes.deadLetterConfiguration.maxReceiveCount'",
        "'tags'",
    ] {
        assert!(message.contains(path), "{path}: {message}");
    }
    let (_, message) = server.refused("CreateQueue", json!({})).await;
    assert!(message.starts_with("2 validation errors") && message.contains("must not be null"), "{message}");
    let arn = create_queue(&mut server, "work", json!({})).await;
    for (operation, input, paths) in [
        ("DescribeQueue", json!({"QueueARN": STREAM}), vec!["'queueARN'"]),
        ("UpdateQueue", json!({}), vec!["'queueARN'", "'queueAttributes'"]),
        ("ListQueues", json!({"MaxResults": 0, "StreamFilter": [{}]}), vec!["'maxResults'", "streamFilter.1.member"]),
        (
            "ReceiveQueueRecords",
            json!({"QueueARN": arn, "Limit": 11, "WaitTimeSeconds": 21, "VisibilityTimeoutSeconds": -1}),
            vec!["'limit'", "'waitTimeSeconds'", "'visibilityTimeoutSeconds'"],
        ),
        ("ReceiveDeadLetterQueueRecords", json!({"Limit": 0}), vec!["'queueARN'", "'limit'"]),
        (
            "AcknowledgeQueueRecords",
            json!({"QueueARN": arn, "Entries": [{}, {"ReceiptHandle": "x".repeat(1025)}]}),
            vec!["'entries.1.member.receiptHandle'", "'entries.2.member.receiptHandle'"],
        ),
        ("AcknowledgeDeadLetterQueueRecords", json!({"QueueARN": arn, "Entries": []}), vec!["'entries'"]),
        ("RestoreDeadLetterQueueRecords", json!({}), vec!["'queueARN'", "'entries'"]),
        (
            "UpdateQueueRecordsVisibility",
            json!({"QueueARN": arn, "Entries": [{"VisibilityTimeoutSeconds": 43201}, {"ReceiptHandle": "x"}]}),
            vec!["'entries.1.member.receiptHandle'", "1.member.visibilityTimeout", "2.member.visibilityTimeout"],
        ),
        (
            "UpdateDeadLetterQueueRecordsVisibility",
            json!({"QueueARN": arn, "Entries": vec![json!({"ReceiptHandle": "x", "VisibilityTimeoutSeconds": 0}); 11]}),
            vec!["'entries'"],
        ),
    ] {
        let (code, message) = server.refused(operation, input).await;
        assert_eq!(code, "ValidationException", "{operation}: {message}");
        let plural = if paths.len() == 1 { "" } else { "s" };
        assert!(message.starts_with(&format!("{} validation error{plural} ", paths.len())), "{operation}: {message}");
        paths.iter().for_each(|path| assert!(message.contains(path), "{operation}: {path} in {message}"));
    }
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let with = |list: Value, attributes: Value| json!({"QueueName": "work", "StreamConfigurationList": list, "QueueAttributes": attributes});
    let at = |position: Value| json!([{"StreamARN": STREAM, "StartingPosition": position}]);
    let one = json!([{"StreamARN": STREAM}]);
    let absent = json!([{"StreamARN": STREAM.replace("clicks", "views")}]);
    let elsewhere = json!([{"StreamARN": STREAM.replace("us-east-1", "us-west-2")}]);
    let seconds = NOW_MS / 1_000;
    for (input, code) in [
        (with(json!([{"StreamARN": STREAM}, {"StreamARN": STREAM}]), json!({})), "ValidationException"),
        (with(at(json!({"Type": "LATEST", "Timestamp": seconds})), json!({})), "ValidationException"),
        (with(at(json!({"Type": "AT_TIMESTAMP"})), json!({})), "ValidationException"),
        (with(at(json!({"Type": "AT_TIMESTAMP", "Timestamp": seconds + 1})), json!({})), "InvalidArgumentException"),
        (with(one, json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN"}})), "ValidationException"),
        (with(absent, json!({})), "ResourceNotFoundException"),
        (with(elsewhere, json!({})), "ResourceNotFoundException"),
    ] {
        let refused = server.refused("CreateQueue", input.clone()).await;
        assert_eq!(refused.0, code, "{input}: {}", refused.1);
    }
    let tags: serde_json::Map<_, _> = (0..51).map(|number| (number.to_string(), json!("x"))).collect();
    let input = json!({"QueueName": "work", "StreamConfigurationList": [{"StreamARN": STREAM}], "Tags": tags});
    assert_eq!(server.refused("CreateQueue", input).await.0, "InvalidArgumentException");
    assert_eq!(server.call("ListQueues", json!({})).await["QueueSummaries"], json!([]));
}
