//! CBOR as the AWS SDKs for Java write it: maps and lists of indefinite length, bytes as bytes, times as tag 1 with
//! milliseconds.

use minicbor::data::{IanaTag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::json;

use super::client::{CBOR, NOW_MS, Server, sequence_number};
use super::queues::{STREAM, create_queue, create_stream};

type CborWriter = Encoder<Vec<u8>>;

/// The body that `write` puts the members into.
fn body(write: impl FnOnce(&mut CborWriter)) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.begin_map().unwrap();
    write(&mut encoder);
    encoder.end().unwrap();
    encoder.into_writer()
}

fn put_records_body(records: &[(&str, &[u8])]) -> Vec<u8> {
    body(|encoder| {
        encoder.str("Records").unwrap().begin_array().unwrap();
        for (key, data) in records {
            encoder.begin_map().unwrap();
            encoder.str("Data").unwrap().bytes(data).unwrap();
            encoder.str("PartitionKey").unwrap().str(key).unwrap();
            encoder.end().unwrap();
        }
        encoder.end().unwrap().str("StreamName").unwrap().str("clicks").unwrap();
    })
}

/// Moves to the value of a member of a map, and panics if it is not there.
fn member<'b>(body: &'b [u8], name: &str) -> Decoder<'b> {
    let mut decoder = Decoder::new(body);
    assert!(matches!(decoder.datatype().unwrap(), Type::Map | Type::MapIndef));
    decoder.map().unwrap();
    loop {
        if decoder.str().unwrap() == name {
            return decoder;
        }
        decoder.skip().unwrap();
    }
}

/// The bytes of the only or first item of a list that `decoder` is at.
fn first_item<'b>(mut decoder: Decoder<'b>) -> &'b [u8] {
    decoder.array().unwrap();
    &decoder.input()[decoder.position()..]
}

#[tokio::test]
async fn records_are_put_and_read_in_cbor() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let answer = server.send("PutRecords", CBOR, &put_records_body(&[("k", b"\x00\xffraw"), ("l", b"")])).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains("content-type: application/x-amz-cbor-1.1"), "{}", answer.headers);
    assert_eq!(member(&answer.body, "FailedRecordCount").u32().unwrap(), 0);
    let sequence = sequence_number(1, 0);
    assert_eq!(member(first_item(member(&answer.body, "Records")), "SequenceNumber").str().unwrap(), sequence);

    let get_iterator = body(|encoder| {
        encoder.str("StreamName").unwrap().str("clicks").unwrap();
        encoder.str("ShardId").unwrap().str("shardId-000000000000").unwrap();
        encoder.str("ShardIteratorType").unwrap().str("AT_TIMESTAMP").unwrap();
        encoder.str("Timestamp").unwrap().tag(IanaTag::Timestamp).unwrap().u64(NOW_MS).unwrap();
    });
    let answer = server.send("GetShardIterator", CBOR, &get_iterator).await;
    assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.body));
    let iterator = member(&answer.body, "ShardIterator").str().unwrap().to_owned();

    let get = body(|encoder| {
        encoder.str("ShardIterator").unwrap().str(&iterator).unwrap();
        encoder.str("Limit").unwrap().u32(10).unwrap();
    });
    let answer = server.send("GetRecords", CBOR, &get).await;
    let record = first_item(member(&answer.body, "Records"));
    assert_eq!(member(record, "Data").bytes().unwrap(), b"\x00\xffraw");
    assert_eq!(member(record, "PartitionKey").str().unwrap(), "k");
    assert_eq!(member(record, "SequenceNumber").str().unwrap(), sequence);
    let mut arrival = member(record, "ApproximateArrivalTimestamp");
    assert_eq!(arrival.tag().unwrap(), IanaTag::Timestamp.tag());
    assert_eq!(arrival.u64().unwrap(), NOW_MS);
    assert_eq!(member(&answer.body, "MillisBehindLatest").u32().unwrap(), 0);
    assert!(member(&answer.body, "NextShardIterator").str().is_ok());
}

#[tokio::test]
async fn records_of_a_queue_are_received_in_cbor() {
    let mut server = Server::start().await;
    create_stream(&mut server).await;
    let queue = create_queue(&mut server, "work", json!({})).await;
    let queue = queue.as_str().unwrap();
    assert_eq!(server.send("PutRecords", CBOR, &put_records_body(&[("k", b"\x00\xffraw")])).await.status, 200);
    let receive = body(|encoder| {
        encoder.str("QueueARN").unwrap().str(queue).unwrap();
        encoder.str("Limit").unwrap().u32(10).unwrap();
    });
    let answer = server.send("ReceiveQueueRecords", CBOR, &receive).await;
    assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.body));
    let record = first_item(member(&answer.body, "QueueRecords"));
    assert_eq!(member(record, "Data").bytes().unwrap(), b"\x00\xffraw");
    assert_eq!(member(record, "PartitionKey").str().unwrap(), "k");
    assert_eq!(member(record, "ReceiveCount").u32().unwrap(), 1);
    let mut received = member(record, "FirstReceiveTimestamp");
    assert_eq!((received.tag().unwrap(), received.u64().unwrap()), (IanaTag::Timestamp.tag(), NOW_MS));
    let handle = member(record, "ReceiptHandle").str().unwrap();
    let acknowledge = body(|encoder| {
        encoder.str("QueueARN").unwrap().str(queue).unwrap();
        encoder.str("Entries").unwrap().array(2).unwrap();
        for handle in [handle, "bm8="] {
            encoder.map(1).unwrap().str("ReceiptHandle").unwrap().str(handle).unwrap();
        }
    });
    let answer = server.send("AcknowledgeQueueRecords", CBOR, &acknowledge).await;
    let acknowledged = first_item(member(&answer.body, "Successful"));
    assert_eq!(member(acknowledged, "ReceiptHandle").str().unwrap(), handle);
    let failed = first_item(member(&answer.body, "Failed"));
    assert_eq!(member(failed, "ErrorCode").str().unwrap(), "InvalidArgumentException");
    let name = body(|encoder| {
        encoder.str("QueueARN").unwrap().str(queue).unwrap();
    });
    let answer = server.send("DescribeQueue", CBOR, &name).await;
    let start = member(&answer.body, "QueueDescription");
    let description = &start.input()[start.position()..];
    assert_eq!(member(description, "QueueStatus").str().unwrap(), "ACTIVE");
    let configuration = first_item(member(description, "StreamConfigurationList"));
    assert_eq!(member(configuration, "StreamARN").str().unwrap(), STREAM);
}

#[tokio::test]
async fn a_description_is_the_same_in_both_protocols() {
    let mut server = Server::start().await;
    server.create("clicks", 1).await;
    let name = body(|encoder| {
        encoder.str("StreamName").unwrap().str("clicks").unwrap();
    });
    let answer = server.send("DescribeStream", CBOR, &name).await;
    let start = member(&answer.body, "StreamDescription");
    let description = &start.input()[start.position()..];
    assert_eq!(member(description, "StreamStatus").str().unwrap(), "ACTIVE");
    assert_eq!(member(description, "RetentionPeriodHours").u32().unwrap(), 24);
    let mut created = member(description, "StreamCreationTimestamp");
    assert_eq!((created.tag().unwrap(), created.u64().unwrap()), (IanaTag::Timestamp.tag(), NOW_MS));
    let shard = first_item(member(description, "Shards"));
    assert_eq!(member(shard, "ShardId").str().unwrap(), "shardId-000000000000");
}

#[tokio::test]
async fn refusals_are_cbor_too() {
    let mut server = Server::start().await;
    let answer = server.send("PutRecords", CBOR, &put_records_body(&[("k", b"")])).await;
    assert_eq!(answer.status, 400);
    assert_eq!(member(&answer.body, "__type").str().unwrap(), "ResourceNotFoundException");
    let message = "Stream clicks under account 000000000000 not found.";
    assert_eq!(member(&answer.body, "message").str().unwrap(), message);
    let text_for_bytes = body(|encoder| {
        encoder.str("Data").unwrap().str("aGk=").unwrap();
    });
    let answer = server.send("PutRecord", CBOR, &text_for_bytes).await;
    assert_eq!(member(&answer.body, "__type").str().unwrap(), "SerializationException");
    server.create("clicks", 1).await;
    let (code, _) = server.refused("PutRecord", json!({"StreamName": "clicks"})).await;
    assert_eq!(code, "ValidationException", "the next call may be JSON again");
}
