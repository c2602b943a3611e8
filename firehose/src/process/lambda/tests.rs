//! Functions over HTTP: a server that holds the event to the contract, and answers as it is told.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use shard_store::log::LogId;
use shard_store::stream::{StreamId, StreamKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::definition::Source;
use crate::process::tests::{definition, record};

/// How a call is answered.
#[derive(Clone)]
enum Reply {
    /// Each record is given to this.
    Each(fn(&Value) -> Value),
    /// With this body and status.
    Body(u16, String),
    /// With a header that says that the function failed.
    FunctionError,
    /// Never.
    Stall,
    /// The connection is closed.
    Close,
    /// Without end.
    Endless,
}

fn ok(record: &Value) -> Value {
    json!({"recordId": record["recordId"], "result": "Ok", "data": record["data"]})
}

struct Server {
    url: String,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    /// A server that gives these replies, and then transforms as [`ok`] does.
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/function", listener.local_addr().unwrap());
        let events = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(VecDeque::from(replies)));
        let seen = Arc::clone(&events);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&replies)));
            }
        });
        Self { url, events }
    }

    fn function(&self, retry_count: u32, options: Options) -> Function {
        let transform = Transform { function: self.url.clone(), retry_count, buffer_bytes: 1_000_000 };
        Function::new(&transform, &definition(Vec::new()), &options).unwrap()
    }

    async fn transform(&self, records: Vec<Record>, retry_count: u32, options: Options) -> Processed {
        let mut processed = Processed { records, ..Processed::default() };
        self.function(retry_count, options).transform(&mut processed, &HashMap::new()).await;
        processed
    }

    fn call_count(&self) -> usize {
        self.events.lock().len()
    }
}

/// Reads one request, checks it, and replies.
async fn serve(mut stream: TcpStream, events: Arc<Mutex<Vec<Value>>>, replies: Arc<Mutex<VecDeque<Reply>>>) {
    let mut request = Vec::new();
    let (head, body_bytes) = loop {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(request[..end].to_vec()).unwrap().to_lowercase();
        assert!(
            head.starts_with("post /function http/1.1") && head.contains("content-type: application/json"),
            "{head}"
        );
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        break (end + 4, length.parse::<usize>().unwrap());
    };
    assert!(body_bytes <= PAYLOAD_BYTES_MAX, "{body_bytes}");
    while request.len() < head + body_bytes {
        stream.read_buf(&mut request).await.unwrap();
    }
    let event: Value = serde_json::from_slice(&request[head..]).unwrap();
    let members: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["invocationId", "deliveryStreamArn", "region", "records"]);
    assert_eq!(event["deliveryStreamArn"], "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks");
    let reply = replies.lock().pop_front().unwrap_or(Reply::Each(ok));
    let records = event["records"].as_array().unwrap().clone();
    events.lock().push(event);
    let (status, headers, body) = match reply {
        Reply::Each(transform) => {
            (200, "", json!({"records": records.iter().map(transform).collect::<Vec<_>>()}).to_string())
        }
        Reply::Body(status, body) => (status, "", body),
        Reply::FunctionError => (200, "X-Amz-Function-Error: Unhandled\r\n", r#"{"errorMessage":"boom"}"#.to_owned()),
        Reply::Stall => return std::future::pending().await,
        Reply::Close => return,
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
            let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
            while stream.write_all(&chunk).await.is_ok() {}
            return;
        }
    };
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    // The client may have hung up on a long answer.
    let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await;
}

fn records(texts: &[&'static str]) -> Vec<Record> {
    (0..).zip(texts).map(|(ordinal, text)| record(ordinal, *text)).collect()
}

fn codes(processed: &Processed) -> Vec<(u64, &str, u32)> {
    let told = |refused: &Refused| (refused.origin.ordinal, refused.attempt_count);
    let refused = processed.refused.iter();
    refused.map(|it| (told(it).0, it.reason.code.as_str(), told(it).1)).collect()
}

#[tokio::test]
async fn records_become_what_the_function_makes_of_them() {
    let transform = |record: &Value| {
        let data = base64_simd::STANDARD.decode_to_vec(record["data"].as_str().unwrap()).unwrap();
        let upper = base64_simd::STANDARD.encode_to_string(data.to_ascii_uppercase());
        assert_eq!(record["approximateArrivalTimestamp"], 1_700_000_000_000_u64);
        let metadata = json!({"partitionKeys": {"c": "de", "n": 7, "b": true, "none": null},
            "otfMetadata": {"destinationTableName": "t"}});
        match &data[..] {
            b"drop" => json!({"recordId": record["recordId"], "result": "Dropped"}),
            b"fail" => json!({"recordId": record["recordId"], "result": "ProcessingFailed", "data": upper}),
            _ => {
                json!({"recordId": record["recordId"], "result": "Ok", "data": upper, "metadata": metadata, "more": [1]})
            }
        }
    };
    let server = Server::start(vec![Reply::Each(transform)]).await;
    let done = server.transform(records(&["one", "drop", "fail", "two"]), 3, Options::default()).await;
    let texts: Vec<&[u8]> = done.records.iter().map(|record| &record.data[..]).collect();
    assert_eq!(texts, [b"ONE", b"TWO"]);
    assert_eq!((done.records[1].origin.ordinal, done.dropped), (3, 1));
    assert_eq!(codes(&done), [(2, "Lambda.ProcessingFailedStatus", 1)]);
    assert_eq!(done.refused[0].data, "fail");
    let keys: Vec<_> =
        done.records[0].keys.lambda.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(keys, [("b", "true"), ("c", "de"), ("destinationTableName", "t"), ("n", "7")]);
}

#[tokio::test]
async fn records_that_are_answered_wrongly_fail_alone() {
    let transform = |record: &Value| {
        let mut answer = ok(record);
        match base64_simd::STANDARD.decode_to_vec(record["data"].as_str().unwrap()).unwrap()[0] {
            b'i' => answer["recordId"] = json!("unknown"),
            b'd' => answer["data"] = json!("not base64!"),
            b'n' => answer["data"] = Value::Null,
            b'r' => answer["result"] = json!("Fine"),
            b'e' => drop(answer.as_object_mut().unwrap().remove("result")),
            _ => {}
        }
        answer
    };
    let server = Server::start(vec![Reply::Each(transform)]).await;
    let done =
        server.transform(records(&["good", "id", "data", "null", "result", "empty"]), 3, Options::default()).await;
    assert_eq!(done.records.len(), 1);
    let unreadable = "Lambda.JsonProcessingException";
    let expected = [(1, "Lambda.MissingRecordId"), (2, unreadable), (3, unreadable), (4, unreadable), (5, unreadable)];
    assert_eq!(codes(&done), expected.map(|(ordinal, code)| (ordinal, code, 1)));

    let id = payload::record_id(&record(0, "x"));
    let twice = json!({"recordId": id, "result": "Ok", "data": ""});
    let body = json!({"records": [twice.clone(), twice]}).to_string();
    let server = Server::start(vec![Reply::Body(200, body)]).await;
    let done = server.transform(records(&["x", "y"]), 3, Options::default()).await;
    assert_eq!(codes(&done), [(0, "Lambda.DuplicatedRecordId", 1), (1, "Lambda.MissingRecordId", 1)]);
}

#[tokio::test]
async fn what_may_be_different_is_tried_again() {
    let failing = vec![Reply::Body(500, "broken".to_owned()), Reply::Body(429, String::new()), Reply::Close];
    let server = Server::start(failing.clone()).await;
    let done = server.transform(records(&["x"]), 3, Options::default()).await;
    assert_eq!((done.records.len(), server.call_count()), (1, 4));
    let server = Server::start(failing).await;
    let done = server.transform(records(&["x", "y"]), 1, Options::default()).await;
    assert_eq!(codes(&done), [(0, "Lambda.InvokeLimitExceeded", 2), (1, "Lambda.InvokeLimitExceeded", 2)]);
}

#[tokio::test]
async fn what_will_not_be_different_is_not_tried_again() {
    let endless_objects = format!(r#"{{"records":[{}]}}"#, vec![r#"{"recordId":""}"#; 150_000].join(","));
    assert!(endless_objects.len() < PAYLOAD_BYTES_MAX);
    for (reply, code) in [
        (Reply::Body(403, String::new()), "Lambda.InvokeAccessDenied"),
        (Reply::Body(404, String::new()), "Lambda.ResourceNotFound"),
        (Reply::Body(302, String::new()), "Lambda.FunctionError"),
        (Reply::FunctionError, "Lambda.FunctionError"),
        (Reply::Endless, "Lambda.FunctionError"),
        (Reply::Body(200, "x".repeat(PAYLOAD_BYTES_MAX + 1)), "Lambda.FunctionError"),
        (Reply::Body(200, "<html>".to_owned()), "Lambda.JsonProcessingException"),
        (Reply::Body(200, "{}".to_owned()), "Lambda.JsonProcessingException"),
        (Reply::Body(200, r#"{"records":[1]}"#.to_owned()), "Lambda.JsonProcessingException"),
        (Reply::Body(200, "[".repeat(1_000_000)), "Lambda.JsonProcessingException"),
        (
            Reply::Body(200, format!(r#"{{"records":[{{"recordId":"","x":{}"#, "[".repeat(1_000_000))),
            "Lambda.JsonProcessingException",
        ),
        (Reply::Body(200, endless_objects), "Lambda.JsonProcessingException"),
    ] {
        let server = Server::start(vec![reply]).await;
        let done = server.transform(records(&["x"]), 3, Options::default()).await;
        assert_eq!(codes(&done), [(0, code, 1)]);
        assert_eq!(server.call_count(), 1);
    }
}

#[tokio::test]
async fn a_function_that_does_not_answer_is_given_up() {
    let server = Server::start(vec![Reply::Stall, Reply::Stall]).await;
    let options = Options { function_timeout: Duration::from_millis(50), ..Options::default() };
    let done = server.transform(records(&["x"]), 1, options).await;
    assert_eq!(codes(&done), [(0, "Lambda.FunctionRequestTimedOut", 2)]);
}

#[tokio::test]
async fn batches_keep_to_the_buffer_and_to_the_payload_and_come_back_in_order() {
    let server = Server::start(Vec::new()).await;
    let many: Vec<Record> = (0..40).map(|ordinal| record(ordinal, vec![b'x'; 300_000])).collect();
    let done = server.transform(many, 0, Options::default()).await;
    let ordinals: Vec<u64> = done.records.iter().map(|record| record.origin.ordinal).collect();
    assert_eq!(ordinals, (0..40).collect::<Vec<u64>>());
    assert_eq!(server.call_count(), 14, "three of 300,000 bytes each");
    let small: Vec<Record> = (0..30_000).map(|ordinal| record(ordinal, "")).collect();
    assert_eq!(server.transform(small, 0, Options::default()).await.records.len(), 30_000);
    let huge = vec![record(0, vec![b'x'; PAYLOAD_BYTES_MAX]), record(1, "small")];
    let done = server.transform(huge, 0, Options::default()).await;
    assert_eq!(codes(&done), [(0, "Lambda.RequestTooLarge", 0)]);
    assert_eq!(done.records.len(), 1);
}

#[test]
fn functions_are_found_by_arn_or_name() {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:clean";
    let url = "http://10.0.0.1/clean";
    for key in [arn, "clean", "arn:aws:lambda:us-east-1:000000000000:function:clean:$LATEST"] {
        let options = Options { functions: [(key.to_owned(), url.to_owned())].into(), ..Options::default() };
        assert_eq!(find_url(&format!("{arn}:$LATEST"), &options), Some(url));
    }
    let definition = definition(Vec::new());
    let error = |function: &str| {
        let transform = Transform { function: function.to_owned(), retry_count: 0, buffer_bytes: 1 };
        Function::new(&transform, &definition, &Options::default()).unwrap_err().to_string()
    };
    assert!(error(arn).contains("[firehose.functions]"));
    assert!(error("http://10.0.0.1/x").contains("allow-http"), "not of whoever calls the server");
    assert!(error("https://").contains("cannot be called"));
}

#[test]
fn records_have_ids_of_their_own() {
    let mut sub = record(1, "x");
    sub.origin.sub = Some(2);
    let mut other = record(1, "x");
    other.origin.log = LogId(8);
    let ids = [payload::record_id(&record(1, "x")), payload::record_id(&sub), payload::record_id(&other)];
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
}

#[test]
fn events_say_where_their_records_come_from() {
    let mut definition = definition(Vec::new());
    let event = |definition: &crate::definition::Definition| -> Value {
        let event = Event::new(definition).encode("id", &[record(4, "x")], &HashMap::new());
        serde_json::from_slice(&event).unwrap()
    };
    let key = StreamKey::new("000000000000", "us-east-1", "source");
    definition.source = Source::Stream { key, id: StreamId(1), started_ms: 0 };
    let of_stream = event(&definition);
    assert_eq!(of_stream["sourceKinesisStreamArn"], "arn:aws:kinesis:us-east-1:000000000000:stream/source");
    let metadata = of_stream["records"][0]["kinesisRecordMetadata"].as_object().unwrap();
    let members: Vec<&str> = metadata.keys().map(String::as_str).collect();
    let expected = ["sequenceNumber", "subsequenceNumber", "partitionKey", "shardId", "approximateArrivalTimestamp"];
    assert_eq!(members, expected);
    let topic = crate::topic::Topic { cluster: "main".to_owned(), name: "clicks".to_owned() };
    definition.source = Source::Topic { topic, started_ms: 0 };
    let of_topic = event(&definition);
    assert_eq!(of_topic["sourceMSKArn"], "arn:aws:kafka:us-east-1:000000000000:cluster/main");
    assert_eq!(of_topic["records"][0]["kafkaRecordValue"], "eA==");
    assert!(of_topic["records"][0]["mskRecordMetadata"]["offset"].is_string());
    assert_eq!(of_topic["records"][0]["data"], Value::Null);
}
