//! Receiving, acknowledging, visibility, dead letters, and waiting for all of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{JSON, NOW_MS, Server, base64};
use super::on_demand::press;
use super::queues::{STREAM, create_queue, create_stream, put};

async fn receive_from(server: &mut Server, operation: &str, queue: &Value, more: Value) -> Vec<Value> {
    let mut input = json!({"QueueARN": queue, "WaitTimeSeconds": 1});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.call(operation, input).await["QueueRecords"].as_array().unwrap().clone()
}

async fn receive(server: &mut Server, queue: &Value, more: Value) -> Vec<Value> {
    receive_from(server, "ReceiveQueueRecords", queue, more).await
}

async fn receive_dead(server: &mut Server, queue: &Value, more: Value) -> Vec<Value> {
    receive_from(server, "ReceiveDeadLetterQueueRecords", queue, more).await
}

fn text(record: &Value) -> String {
    let data = base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap()).unwrap();
    String::from_utf8(data).unwrap()
}

fn texts(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(text).collect()
}

fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

fn entries(records: &[Value]) -> Value {
    records.iter().map(|record| json!({"ReceiptHandle": record["ReceiptHandle"]})).collect()
}

/// Does something about records, all of which must succeed.
async fn succeed(server: &mut Server, operation: &str, queue: &Value, entries: Value) {
    let answer = server.call(operation, json!({"QueueARN": queue, "Entries": entries})).await;
    let handles = |list: &Value| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|entry| entry["ReceiptHandle"].clone()).collect()
    };
    assert_eq!(answer["Failed"], json!([]), "{operation}");
    assert_eq!(handles(&answer["Successful"]), handles(&entries), "{operation}");
}

/// The error codes of records that something cannot be done about.
async fn fail(server: &mut Server, operation: &str, queue: &Value, entries: Value) -> Vec<String> {
    let answer = server.call(operation, json!({"QueueARN": queue, "Entries": entries})).await;
    assert_eq!(answer["Successful"], json!([]), "{operation}");
    let failed = answer["Failed"].as_array().unwrap().iter();
    failed.map(|failed| failed["ErrorCode"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn records_are_received_and_acknowledged_once() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let (one, other) =
        (create_queue(&mut server, "a", json!({})).await, create_queue(&mut server, "b", json!({})).await);
    for number in 0..12 {
        put(&mut server, &format!("key-{number}"), &format!("data-{number}")).await;
    }
    server.clock.advance(2_000);
    let mut received = Vec::new();
    while received.len() < 12 {
        received.extend(receive(&mut server, &one, json!({"Limit": 5})).await);
    }
    assert_eq!(texts(&received).len(), 12);
    let record = received.iter().find(|record| text(record) == "data-7").unwrap();
    assert_eq!(record["PartitionKey"], "key-7");
    assert_eq!(record["ApproximateArrivalTimestamp"], (NOW_MS / 1_000) as f64);
    assert_eq!(record["FirstReceiveTimestamp"], (NOW_MS / 1_000 + 2) as f64);
    assert_eq!(record["ReceiveCount"], 1);
    let id = record["RecordId"].as_str().unwrap();
    assert!(id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{id}");
    assert!(receive(&mut server, &one, json!({})).await.is_empty(), "what is in flight is not received");

    for batch in received.chunks(10) {
        succeed(&mut server, "AcknowledgeQueueRecords", &one, entries(batch)).await;
    }
    let again = fail(&mut server, "AcknowledgeQueueRecords", &one, entries(&received[..2])).await;
    assert_eq!(again, ["ResourceNotFoundException"; 2]);
    server.clock.advance(60_000);
    assert!(receive(&mut server, &one, json!({})).await.is_empty(), "what is acknowledged is not received");

    // The other queue has all of them, by the same ids, and its handles are its own.
    let elsewhere = receive(&mut server, &other, json!({})).await;
    let same = received.iter().find(|record| text(record) == text(&elsewhere[0])).unwrap();
    assert_eq!(same["RecordId"], elsewhere[0]["RecordId"]);
    let foreign = fail(&mut server, "AcknowledgeQueueRecords", &one, entries(&elsewhere[..1])).await;
    assert_eq!(foreign, ["InvalidArgumentException"]);
    let mixed = json!([entries(&elsewhere[..1])[0], {"ReceiptHandle": "bm8="}]);
    let answer = server.call("AcknowledgeQueueRecords", json!({"QueueARN": other, "Entries": mixed})).await;
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 1);
    assert_eq!(answer["Failed"][0]["ReceiptHandle"], "bm8=");
    assert_eq!(answer["Failed"][0]["ErrorCode"], "InvalidArgumentException");
}

#[tokio::test]
async fn what_is_not_acknowledged_becomes_visible_again() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let queue = create_queue(&mut server, "work", json!({"VisibilityTimeoutSeconds": 10})).await;
    put(&mut server, "k", "x").await;
    let first = receive(&mut server, &queue, json!({})).await;
    server.clock.advance(9_999);
    assert!(receive(&mut server, &queue, json!({})).await.is_empty());
    server.clock.advance(1);
    let second = receive(&mut server, &queue, json!({"VisibilityTimeoutSeconds": 40})).await;
    assert_eq!((&second[0]["ReceiveCount"], &second[0]["RecordId"]), (&json!(2), &first[0]["RecordId"]));
    assert_eq!(second[0]["FirstReceiveTimestamp"], first[0]["FirstReceiveTimestamp"]);
    assert_ne!(second[0]["ReceiptHandle"], first[0]["ReceiptHandle"]);
    let stale = fail(&mut server, "AcknowledgeQueueRecords", &queue, entries(&first)).await;
    assert_eq!(stale, ["InvalidArgumentException"]);

    // An update holds for what is received after it.
    let update = json!({"QueueARN": queue, "QueueAttributes": {"VisibilityTimeoutSeconds": 1}});
    server.call("UpdateQueue", update).await;
    server.clock.advance(39_999);
    assert!(receive(&mut server, &queue, json!({})).await.is_empty());
    let longer = json!([{"ReceiptHandle": second[0]["ReceiptHandle"], "VisibilityTimeoutSeconds": 100}]);
    succeed(&mut server, "UpdateQueueRecordsVisibility", &queue, longer).await;
    server.clock.advance(99_999);
    assert!(receive(&mut server, &queue, json!({})).await.is_empty());
    let now = json!([{"ReceiptHandle": second[0]["ReceiptHandle"], "VisibilityTimeoutSeconds": 0}]);
    succeed(&mut server, "UpdateQueueRecordsVisibility", &queue, now).await;
    let third = receive(&mut server, &queue, json!({"VisibilityTimeoutSeconds": 0})).await;
    assert_eq!(third[0]["ReceiveCount"], 3);
    let fourth = receive(&mut server, &queue, json!({})).await;
    assert_eq!(fourth[0]["ReceiveCount"], 4, "a timeout of nothing is one");
    server.clock.advance(5_000);
    succeed(&mut server, "AcknowledgeQueueRecords", &queue, entries(&fourth)).await;
    assert!(receive(&mut server, &queue, json!({})).await.is_empty());
}

#[tokio::test]
async fn records_received_too_often_become_dead_letters() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let dead_letters = json!({"TargetType": "BUILT_IN", "MaxReceiveCount": 2});
    let attributes = json!({"VisibilityTimeoutSeconds": 10, "DeadLetterConfiguration": dead_letters});
    let queue = create_queue(&mut server, "work", attributes).await;
    for data in ["bad", "worse", "discarded"] {
        put(&mut server, "k", data).await;
    }
    let mut last = Vec::new();
    for count in 1..=2 {
        last = receive(&mut server, &queue, json!({})).await;
        assert_eq!(last.len(), 3);
        assert!(last.iter().all(|record| record["ReceiveCount"] == count));
        assert!(receive_dead(&mut server, &queue, json!({})).await.is_empty());
        server.clock.advance(10_000);
    }
    assert!(receive(&mut server, &queue, json!({})).await.is_empty());
    let late = fail(&mut server, "AcknowledgeQueueRecords", &queue, entries(&last[..1])).await;
    assert_eq!(late, ["InvalidArgumentException"]);

    let dead = receive_dead(&mut server, &queue, json!({})).await;
    assert_eq!(texts(&dead), set(["bad", "worse", "discarded"]));
    assert_eq!((&dead[0]["ReceiveCount"], &dead[0]["PartitionKey"]), (&json!(3), &json!("k")));
    assert!(receive_dead(&mut server, &queue, json!({})).await.is_empty(), "they are in flight");
    for operation in ["AcknowledgeQueueRecords", "UpdateQueueRecordsVisibility"] {
        let entry = json!([{"ReceiptHandle": dead[0]["ReceiptHandle"], "VisibilityTimeoutSeconds": 1}]);
        assert_eq!(fail(&mut server, operation, &queue, entry).await, ["InvalidArgumentException"]);
    }
    let named = |data: &str| dead.iter().find(|record| text(record) == data).unwrap()["ReceiptHandle"].clone();
    let later = json!([{"ReceiptHandle": named("worse"), "VisibilityTimeoutSeconds": 0}]);
    succeed(&mut server, "UpdateDeadLetterQueueRecordsVisibility", &queue, later).await;
    let worse = receive_dead(&mut server, &queue, json!({"VisibilityTimeoutSeconds": 43200})).await;
    assert_eq!(texts(&worse), set(["worse"]));
    let discarded = json!([{"ReceiptHandle": named("discarded")}]);
    succeed(&mut server, "AcknowledgeDeadLetterQueueRecords", &queue, discarded.clone()).await;
    let again = fail(&mut server, "AcknowledgeDeadLetterQueueRecords", &queue, discarded).await;
    assert_eq!(again, ["ResourceNotFoundException"]);

    let restored = json!([{"ReceiptHandle": named("bad")}]);
    succeed(&mut server, "RestoreDeadLetterQueueRecords", &queue, restored.clone()).await;
    let again = fail(&mut server, "RestoreDeadLetterQueueRecords", &queue, restored).await;
    assert_eq!(again, ["InvalidArgumentException"], "it is no dead letter any more");
    let back = receive(&mut server, &queue, json!({})).await;
    assert_eq!((text(&back[0]), &back[0]["ReceiveCount"]), ("bad".to_owned(), &json!(1)));
    let alive = fail(&mut server, "RestoreDeadLetterQueueRecords", &queue, entries(&back)).await;
    assert_eq!(alive, ["InvalidArgumentException"]);
    succeed(&mut server, "AcknowledgeQueueRecords", &queue, entries(&back)).await;
}

#[tokio::test]
async fn without_dead_letters_a_record_is_delivered_on_and_on() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let attributes = json!({"VisibilityTimeoutSeconds": 0, "DeadLetterConfiguration": {"TargetType": "NONE"}});
    let queue = create_queue(&mut server, "work", attributes).await;
    put(&mut server, "k", "bad").await;
    for count in 1..=20 {
        assert_eq!(receive(&mut server, &queue, json!({})).await[0]["ReceiveCount"], count);
    }
    // It does not keep others back, even from a reader that takes one at a time.
    put(&mut server, "k", "good").await;
    let (first, second) = (
        receive(&mut server, &queue, json!({"Limit": 1})).await,
        receive(&mut server, &queue, json!({"Limit": 1})).await,
    );
    assert_eq!(texts(&[first, second].concat()), set(["bad", "good"]));
    let limited = json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 20}});
    server.call("UpdateQueue", json!({"QueueARN": queue, "QueueAttributes": limited})).await;
    assert_eq!(texts(&receive_dead(&mut server, &queue, json!({})).await), set(["bad"]));
}

#[tokio::test]
async fn a_queue_begins_where_it_was_told_to() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    put(&mut server, "a", "oldest").await;
    server.clock.advance(10_000);
    put(&mut server, "b", "older").await;
    server.clock.advance(10_000);
    let mut queues = Vec::new();
    for (name, position) in [
        ("trim", json!({"Type": "TRIM_HORIZON"})),
        ("time", json!({"Type": "AT_TIMESTAMP", "Timestamp": NOW_MS / 1_000 + 5})),
        ("past", json!({"Type": "AT_TIMESTAMP", "Timestamp": 5})),
        ("latest", json!({"Type": "LATEST"})),
    ] {
        let list = json!([{"StreamARN": STREAM, "StartingPosition": position}]);
        let created = server.call("CreateQueue", json!({"QueueName": name, "StreamConfigurationList": list})).await;
        let position = &created["QueueDescription"]["StreamConfigurationList"][0]["StartingPosition"];
        queues.push((created["QueueDescription"]["QueueARN"].clone(), position["Timestamp"].as_f64().unwrap()));
    }
    put(&mut server, "c", "new").await;
    let all = set(["oldest", "older", "new"]);
    let expected = [(all.clone(), 0), (set(["older", "new"]), 5), (all, 0), (set(["new"]), 20)];
    for ((queue, began), (expected, seconds)) in queues.iter().zip(expected) {
        assert_eq!(*began, (NOW_MS / 1_000 + seconds) as f64);
        assert_eq!(texts(&receive(&mut server, queue, json!({})).await), expected);
    }
}

#[tokio::test]
async fn a_queue_delivers_what_closed_shards_hold() {
    let mut server = Server::start().await;
    server.create("clicks", 2).await;
    let on_demand = json!({"StreamARN": STREAM, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    for number in 0..6 {
        put(&mut server, &format!("key-{number}"), &format!("before-{number}")).await;
    }
    let four = json!({"StreamName": "clicks", "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"});
    server.call("UpdateShardCount", four).await;
    server.call("UpdateStreamMode", on_demand).await;
    let queue = create_queue(&mut server, "work", json!({})).await;
    for number in 0..6 {
        put(&mut server, &format!("key-{number}"), &format!("after-{number}")).await;
    }
    let mut received = Vec::new();
    while received.len() < 12 {
        received.extend(receive(&mut server, &queue, json!({})).await);
    }
    assert_eq!(texts(&received).len(), 12);
    for batch in received.chunks(10) {
        succeed(&mut server, "AcknowledgeQueueRecords", &queue, entries(batch)).await;
    }
}

#[tokio::test]
async fn a_queue_goes_on_over_the_children_of_its_shards() {
    let mut server = Server::start().await;
    let shard_count =
        |server: &Server| server.streams.get("000000000000", "us-east-1", "clicks").unwrap().shards().len();
    create_stream(&mut server).await;
    press(&mut server, 6_000, 4).await;
    let latest = json!({"QueueName": "work", "StreamConfigurationList": [{"StreamARN": STREAM}]});
    let queue = server.call("CreateQueue", latest).await["QueueDescription"]["QueueARN"].clone();
    server.clock.advance(1_000);
    for number in 0..10 {
        put(&mut server, &format!("key-{number}"), &format!("before-{number}")).await;
    }
    let mut received = receive(&mut server, &queue, json!({"Limit": 5})).await;
    assert!(received.len() <= 5, "some are left in shards that are about to be closed");
    server.streams.follow_load();
    assert!(shard_count(&server) > 4);
    while received.len() < 10 {
        received.extend(receive(&mut server, &queue, json!({})).await);
    }
    assert_eq!(texts(&received).len(), 10);

    // One who waits while the shards change is woken by a record of a child.
    press(&mut server, 8_000, 4).await;
    let latest = json!({"QueueName": "late", "StreamConfigurationList": [{"StreamARN": STREAM}]});
    let queue = server.call("CreateQueue", latest).await["QueueDescription"]["QueueARN"].clone();
    let waiting = wait_for(&server, "ReceiveQueueRecords", &queue).await;
    server.clock.advance(1_000);
    let before = shard_count(&server);
    server.streams.follow_load();
    assert!(shard_count(&server) > before);
    put(&mut server, "key", "of a child").await;
    let answer = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(text(&answer["QueueRecords"][0]), "of a child");
}

#[tokio::test]
async fn the_end_of_the_retention_ends_everything() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let attributes = json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 1}});
    let queue = create_queue(&mut server, "work", attributes).await;
    put(&mut server, "k", "dead").await;
    receive(&mut server, &queue, json!({"VisibilityTimeoutSeconds": 0})).await;
    let dead = receive_dead(&mut server, &queue, json!({"VisibilityTimeoutSeconds": 0})).await;
    assert_eq!(texts(&dead), set(["dead"]));
    put(&mut server, "k", "unread").await;
    server.clock.advance(24 * 3_600_000 + 1);
    assert!(receive(&mut server, &queue, json!({})).await.is_empty());
    assert!(receive_dead(&mut server, &queue, json!({})).await.is_empty());
    let restored = fail(&mut server, "RestoreDeadLetterQueueRecords", &queue, entries(&dead)).await;
    assert_eq!(restored, ["ResourceNotFoundException"]);
}

#[tokio::test]
async fn encrypted_records_are_delivered_in_the_clear() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let queue = create_queue(&mut server, "work", json!({})).await;
    let key = json!({"StreamName": "clicks", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"});
    server.call("StartStreamEncryption", key).await;
    put(&mut server, "k", "secret").await;
    assert_eq!(texts(&receive(&mut server, &queue, json!({})).await), set(["secret"]));
}

#[tokio::test]
async fn a_record_that_was_put_without_a_key_is_delivered_without() {
    let mut server = Server::start().await;
    let mode = json!({"StreamMode": "ON_DEMAND"});
    let spread = json!({"StreamName": "clicks", "StreamModeDetails": mode, "RecordDistributionStrategy": "AUTO"});
    server.call("CreateStream", spread).await;
    let queue = create_queue(&mut server, "work", json!({})).await;
    server.call("PutRecord", json!({"StreamName": "clicks", "Data": base64("x")})).await;
    let received = receive(&mut server, &queue, json!({})).await;
    assert_eq!((text(&received[0]), received[0].get("PartitionKey")), ("x".to_owned(), None));
}

/// Sends a receive that waits for up to 20 seconds, over a connection of its own.
async fn wait_for(server: &Server, operation: &str, queue: &Value) -> tokio::task::JoinHandle<Value> {
    let mut other = server.another().await;
    let (operation, input) = (operation.to_owned(), json!({"QueueARN": queue, "WaitTimeSeconds": 20}));
    tokio::spawn(async move {
        let answer = other.send(&operation, JSON, input.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200);
        serde_json::from_slice(&answer.body).unwrap()
    })
}

#[tokio::test]
async fn a_waiting_receive_is_woken_by_a_record() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let queue = create_queue(&mut server, "work", json!({})).await;
    let waiting = wait_for(&server, "ReceiveQueueRecords", &queue).await;
    let also_waiting = wait_for(&server, "ReceiveQueueRecords", &queue).await;
    put(&mut server, "a", "one").await;
    let one = async { waiting.await.unwrap() };
    let two = async { also_waiting.await.unwrap() };
    tokio::pin!(one, two);
    // Whoever waits: one of them gets it, and long before the 20 seconds are over; the other goes on waiting.
    let (got, other) = tokio::time::timeout(Duration::from_secs(10), async {
        tokio::select! {
            got = &mut one => (got, true),
            got = &mut two => (got, false),
        }
    })
    .await
    .unwrap();
    assert_eq!(text(&got["QueueRecords"][0]), "one");
    put(&mut server, "b", "two").await;
    let rest = async { if other { two.await } else { one.await } };
    let got = tokio::time::timeout(Duration::from_secs(10), rest).await.unwrap();
    assert_eq!(text(&got["QueueRecords"][0]), "two");
}

#[tokio::test]
async fn a_waiting_receive_is_woken_by_whatever_makes_a_record_visible() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let attributes = json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 2}});
    let queue = create_queue(&mut server, "work", attributes).await;
    put(&mut server, "k", "x").await;
    let first = receive(&mut server, &queue, json!({"VisibilityTimeoutSeconds": 43200})).await;
    let woken = |waiting: tokio::task::JoinHandle<Value>| async {
        let answer = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
        answer["QueueRecords"].as_array().unwrap().clone()
    };

    let waiting = wait_for(&server, "ReceiveQueueRecords", &queue).await;
    let now = json!([{"ReceiptHandle": first[0]["ReceiptHandle"], "VisibilityTimeoutSeconds": 0}]);
    succeed(&mut server, "UpdateQueueRecordsVisibility", &queue, now).await;
    let second = woken(waiting).await;
    assert_eq!(second[0]["ReceiveCount"], 2);

    // Its last receive ends: it becomes a dead letter, for which somebody waits already.
    let waiting = wait_for(&server, "ReceiveDeadLetterQueueRecords", &queue).await;
    let soon = json!([{"ReceiptHandle": second[0]["ReceiptHandle"], "VisibilityTimeoutSeconds": 1}]);
    succeed(&mut server, "UpdateQueueRecordsVisibility", &queue, soon).await;
    server.clock.advance(1_000);
    let dead = woken(waiting).await;
    assert_eq!(dead[0]["ReceiveCount"], 3);

    let waiting = wait_for(&server, "ReceiveQueueRecords", &queue).await;
    succeed(&mut server, "RestoreDeadLetterQueueRecords", &queue, entries(&dead)).await;
    assert_eq!(woken(waiting).await[0]["ReceiveCount"], 1);
}

#[tokio::test]
async fn an_empty_receive_waits_as_long_as_it_was_told() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let queue = create_queue(&mut server, "work", json!({})).await;
    let began = std::time::Instant::now();
    assert!(receive(&mut server, &queue, json!({"WaitTimeSeconds": 1})).await.is_empty());
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_large_record_is_received_alone() {
    let mut server = Server::start().await;
    let on_demand = json!({
        "StreamName": "clicks",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
        "MaxRecordSizeInKiB": 10240,
    });
    server.call("CreateStream", on_demand).await;
    let queue = create_queue(&mut server, "work", json!({})).await;
    let large = base64(vec![b'x'; 6 << 20]);
    for number in 0..3 {
        let key = format!("key {number}");
        server.call("PutRecord", json!({"StreamName": "clicks", "PartitionKey": key, "Data": large})).await;
        server.clock.advance(60_000);
    }
    let mut counts = Vec::new();
    while counts.iter().sum::<usize>() < 3 {
        counts.push(receive(&mut server, &queue, json!({})).await.len());
    }
    assert_eq!(counts, [1, 1, 1], "an answer has ten mebibytes or one record");
}
