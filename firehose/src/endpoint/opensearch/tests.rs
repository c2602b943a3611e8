use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use shard_store::log::LogId;

use super::*;
use crate::definition::IndexRotation;
use crate::endpoint::receiver::{Fault, Protocol, Received, Receiver, Reply, context, deliver, records, rule, send};

/// A cluster in memory that holds requests to the bulk API.
struct Cluster {
    has_ids: bool,
    has_types: bool,
    /// Requests of more documents are refused with 413.
    documents_max: usize,
    /// Every so manieth document meets a full queue.
    rejects_every: usize,
    document_count: usize,
    by_id: BTreeMap<(String, String), Value>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            has_ids: true,
            has_types: false,
            documents_max: usize::MAX,
            rejects_every: usize::MAX,
            document_count: 0,
            by_id: BTreeMap::new(),
        }
    }
}

impl Cluster {
    /// The index and the id of an action.
    fn action(&mut self, line: &str) -> Result<(String, String), String> {
        let action: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        let target = action.get("index").filter(|_| action.len() == 1).ok_or(line)?;
        let mut expected = BTreeSet::from(["_index"]);
        expected.extend(self.has_ids.then_some("_id"));
        expected.extend(self.has_types.then_some("_type"));
        rule(target.keys().map(String::as_str).collect::<BTreeSet<_>>() == expected, || line.to_owned())?;
        self.document_count += 1;
        let id = target.get("_id").cloned().unwrap_or_else(|| format!("made-{}", self.document_count));
        Ok((target["_index"].clone(), id))
    }

    /// The result of one document.
    fn index(&mut self, action: (String, String), line: &str, is_refused: bool) -> Result<Value, String> {
        let document: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        rule(document.is_object(), || line.to_owned())?;
        let (index, id) = action.clone();
        if document.get("bad").is_some() {
            let error = json!({"type": "mapper_parsing_exception", "reason": "failed to parse field [bad]"});
            return Ok(json!({"_index": index, "_id": id, "status": 400, "error": error}));
        }
        if is_refused || self.document_count.is_multiple_of(self.rejects_every) {
            let error = json!({"type": "es_rejected_execution_exception", "reason": "queue capacity"});
            return Ok(json!({"_index": index, "_id": id, "status": 429, "error": error}));
        }
        let status = if self.by_id.insert(action, document).is_some() { 200 } else { 201 };
        Ok(json!({"_index": index, "_id": id, "_version": 1, "status": status}))
    }
}

impl Protocol for Cluster {
    fn take(&mut self, request: &Received, refusal: Option<u16>, is_odd: bool) -> Result<Reply, String> {
        rule(request.method == "POST" && request.uri == "/path/_bulk", || request.uri.to_string())?;
        rule(request.header("content-type") == Some("application/x-ndjson"), || "content-type".to_owned())?;
        let length = request.header("content-length").and_then(|length| length.parse().ok());
        rule(length == Some(request.body.len()), || "content-length".to_owned())?;
        // The user is `us:er` and the password `pass word`, which the URL writes with escapes.
        let user = format!("Basic {}", base64_simd::STANDARD.encode_to_string("us:er:pass word"));
        rule(request.header("authorization") == Some(&user), || "authorization".to_owned())?;
        rule(request.body.len() <= 10 * 1024 * 1024, || "the body is too large".to_owned())?;
        let body = std::str::from_utf8(&request.body).map_err(|error| error.to_string())?;
        let body = body.strip_suffix('\n').ok_or("no newline at the end")?;
        let lines: Vec<&str> = body.split('\n').collect();
        rule(lines.len().is_multiple_of(2), || "an action without a document".to_owned())?;
        if let Some(status) = refusal {
            return Ok(Reply { status, json: r#"{"error":"no"}"#.to_owned() });
        }
        if lines.len() / 2 > self.documents_max {
            return Ok(Reply { status: 413, json: String::new() });
        }
        let mut items = Vec::new();
        for pair in lines.chunks(2) {
            let action = self.action(pair[0])?;
            items.push(json!({ "index": self.index(action, pair[1], is_odd)? }));
        }
        let has_errors = items.iter().any(|item| item["index"].get("error").is_some());
        Ok(Reply { status: 200, json: json!({"took": 1, "errors": has_errors, "items": items}).to_string() })
    }
}

fn settings(address: std::net::SocketAddr) -> definition::OpenSearchEndpoint {
    definition::OpenSearchEndpoint {
        url: format!("http://us%3Aer:pass%20word@{address}/path/"),
        index: "clicks".to_owned(),
        rotation: IndexRotation::OneDay,
        type_name: None,
        has_document_id: true,
        retry_seconds: 0,
    }
}

async fn start(cluster: Cluster, faults: &[Fault]) -> (Receiver<Cluster>, OpenSearchEndpoint) {
    let (has_document_id, type_name) = (cluster.has_ids, cluster.has_types.then(|| "_doc".to_owned()));
    let receiver = Receiver::start(cluster, faults.iter().copied()).await;
    let timeout_ms = if faults.contains(&Fault::Stall) { 1_000 } else { 60_000 };
    let settings = definition::OpenSearchEndpoint { has_document_id, type_name, ..settings(receiver.address) };
    (receiver, OpenSearchEndpoint::open(&settings, &context(timeout_ms)).unwrap())
}

/// The documents that the cluster should have of these data, by index and id.
fn expected(data: &[Value]) -> BTreeMap<(String, String), Value> {
    let document =
        |(place, value): (usize, &Value)| (("clicks-2016-02-25".to_owned(), format!("aaaa.7.{place}")), value.clone());
    data.iter().enumerate().filter(|(_, value)| value.get("bad").is_none()).map(document).collect()
}

#[test]
fn indexes_rotate_as_the_guide_shows() {
    let name = |rotation, arrival_ms| {
        let settings = definition::OpenSearchEndpoint { rotation, ..settings("127.0.0.1:1".parse().unwrap()) };
        Naming::new(&settings, "id").index_name(arrival_ms)
    };
    let arrival_ms = 1_456_405_200_000;
    assert_eq!(name(IndexRotation::NoRotation, arrival_ms), "clicks");
    assert_eq!(name(IndexRotation::OneHour, arrival_ms), "clicks-2016-02-25-13");
    assert_eq!(name(IndexRotation::OneDay, arrival_ms), "clicks-2016-02-25");
    assert_eq!(name(IndexRotation::OneWeek, arrival_ms), "clicks-2016-w08");
    assert_eq!(name(IndexRotation::OneMonth, arrival_ms), "clicks-2016-02");
    // 1 January 2021 belongs to the last week of 2020.
    assert_eq!(name(IndexRotation::OneWeek, 1_609_459_200_000), "clicks-2020-w53");
}

#[test]
fn the_document_of_a_record_is_named_for_its_error_record() {
    let settings =
        definition::OpenSearchEndpoint { type_name: Some("t".to_owned()), ..settings("127.0.0.1:1".parse().unwrap()) };
    let endpoint = OpenSearchEndpoint::open(&settings, &context(1)).unwrap();
    let mut record = records(["{}"]).remove(0);
    record.origin = Origin { log: LogId(3), ordinal: 5, sub: Some(8), arrival_ms: 0 };
    let name = endpoint.document_name(&record).unwrap();
    assert_eq!((name.index.as_str(), name.id.as_deref()), ("clicks-1970-01-01", Some("aaaa.3.5.8")));
    assert_eq!(name.type_name.as_deref(), Some("t"));
}

#[tokio::test]
async fn records_that_are_no_object_are_refused_and_spoil_nothing() {
    let bad: [&[u8]; 9] = [
        b"",
        b"1",
        b"[{}]",
        b"{\"a\":1",
        b"{\"a\":1}{\"a\":2}",
        b"{\"a\":\"\n\"}",
        b"{\"a\":\"\xff\"}",
        b"{a:1}",
        b"\xff",
    ];
    let good = json!({"a": "line\nbreak"});
    let data = bad.iter().map(|data| data.to_vec()).chain([serde_json::to_vec_pretty(&good).unwrap()]);
    let (receiver, endpoint) = start(Cluster::default(), &[]).await;
    let delivery = deliver(&endpoint, &records(data), 1).await;
    drop(endpoint);
    assert_eq!(delivery.refused.iter().map(|(place, ..)| *place).collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
    assert_eq!(receiver.finish().await.by_id.into_values().collect::<Vec<_>>(), [good]);
}

#[tokio::test]
async fn without_ids_the_cluster_makes_them_and_types_stand_where_they_are_asked_for() {
    let (receiver, endpoint) = start(Cluster { has_ids: false, has_types: true, ..Cluster::default() }, &[]).await;
    deliver(&endpoint, &records(["{}", "{ }"]), 1).await;
    drop(endpoint);
    assert_eq!(receiver.finish().await.by_id.len(), 2);
}

#[tokio::test]
async fn documents_that_the_cluster_cannot_take_are_refused_in_its_words() {
    let data = [json!({"n": 1}), json!({"bad": 2}), json!({"n": 3})];
    let (receiver, endpoint) = start(Cluster::default(), &[]).await;
    let delivery = deliver(&endpoint, &records(data.iter().map(Value::to_string)), 1).await;
    drop(endpoint);
    let (place, code, message) = &delivery.refused[0];
    assert_eq!((*place, code.as_str(), delivery.refused.len()), (1, "400", 1));
    assert_eq!(message, r#"{"type":"mapper_parsing_exception","reason":"failed to parse field [bad]"}"#);
    assert_eq!(receiver.finish().await.by_id, expected(&data));
}

#[tokio::test]
async fn requests_that_are_too_large_are_halved() {
    let data: Vec<Value> = (0..100).map(|number| json!({ "n": number })).collect();
    let (receiver, endpoint) = start(Cluster { documents_max: 30, ..Cluster::default() }, &[]).await;
    let delivery = deliver(&endpoint, &records(data.iter().map(Value::to_string)), 1).await;
    drop(endpoint);
    assert!(delivery.refused.is_empty());
    assert_eq!(receiver.request_count(), 7);
    assert_eq!(receiver.finish().await.by_id, expected(&data));
}

#[tokio::test]
async fn a_request_has_at_most_10_mib() {
    let text = "x".repeat(1_000_000);
    let data: Vec<Value> = (0..12).map(|number| json!({ "n": number, "text": text })).collect();
    let (receiver, endpoint) = start(Cluster::default(), &[]).await;
    deliver(&endpoint, &records(data.iter().map(Value::to_string)), 1).await;
    drop(endpoint);
    assert_eq!(receiver.request_count(), 2);
    assert_eq!(receiver.finish().await.by_id, expected(&data));
}

#[tokio::test]
async fn a_cluster_that_is_down_is_asked_once_a_batch() {
    for (fault, code) in [
        (Fault::Status(429), "429"),
        (Fault::Status(503), "503"),
        (Fault::Status(401), "401"),
        (Fault::Status(302), "302"),
        (Fault::Reset, "OS.ServiceException"),
        (Fault::Stall, "OS.ServiceException"),
    ] {
        let (receiver, endpoint) = start(Cluster::default(), &[fault]).await;
        let all = records(std::iter::repeat_n("{}", 2 * reply::ITEMS_MAX));
        let verdicts = send(&endpoint, &all).await;
        assert!(
            verdicts.iter().all(|verdict| matches!(verdict, Verdict::Again(reason) if reason.code == code)),
            "{fault:?}: {:?}",
            verdicts[0]
        );
        assert_eq!(receiver.request_count(), 1);
        drop(endpoint);
        receiver.finish().await;
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_a_refusal() {
    let (receiver, endpoint) = start(Cluster::default(), &[Fault::Endless; 3]).await;
    let delivery = deliver(&endpoint, &records(["{}", "{}", "{}", "{}"]), 2).await;
    drop(endpoint);
    assert_eq!((delivery.refused.len(), delivery.codes.as_slice()), (0, &["OS.ServiceException".to_owned()][..]));
    receiver.finish().await;
}

#[test]
fn answers_are_read_within_bounds() {
    let item = r#"{"index":{"status":201}}"#;
    let items = |count: usize| format!(r#"{{"items":[{}]}}"#, vec![item; count].join(","));
    assert_eq!(read_items(items(reply::ITEMS_MAX).as_bytes()).unwrap().len(), reply::ITEMS_MAX);
    assert!(read_items(items(reply::ITEMS_MAX + 1).as_bytes()).is_err());
    for nonsense in
        ["", "[]", "<html>", r#"{"items":{}}"#, r#"{"items":[{"create":{"status":201}}]}"#, r#"{"items":[{}]}"#]
    {
        assert!(read_items(nonsense.as_bytes()).is_err(), "{nonsense}");
    }
}

#[test]
fn texts_about_documents_are_bounded_altogether() {
    let mut messages = Messages::default();
    let mut reason = |number: usize| {
        let item = format!(r#"{{"items":[{{"index":{{"status":400,"error":"{number:<2000}"}}}}]}}"#);
        messages.reason(&read_items(item.as_bytes()).unwrap()[0])
    };
    let reasons: Vec<Arc<Reason>> = (0..20_000).map(&mut reason).collect();
    let distinct: BTreeMap<_, _> = reasons.iter().map(|reason| (Arc::as_ptr(reason), reason)).collect();
    let byte_count: usize = distinct.values().map(|reason| reason.message.len()).sum();
    assert!(byte_count <= MESSAGES_BYTES_MAX + 1024, "{byte_count}");
    assert!(distinct.len() > 8_000, "texts are told as long as there is room");
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        prop::sample::select(vec![302, 400, 401, 404, 413, 429, 500, 502, 503, 504]).prop_map(Fault::Status),
        Just(Fault::Reset),
        Just(Fault::LoseAnswer),
        Just(Fault::Html),
        Just(Fault::Endless),
        Just(Fault::Odd),
    ]
}

fn any_document() -> impl Strategy<Value = Value> {
    prop_oneof![
        9 => (any::<i32>(), ".{0,20}").prop_map(|(number, text)| json!({ "n": number, "text": text })),
        1 => Just(json!({"bad": true})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_cluster_has_each_document_exactly_once_whatever_goes_wrong(
        faults in prop::collection::vec(any_fault(), 0..8),
        data in prop::collection::vec(any_document(), 2..60),
        documents_max in 2_usize..40,
        rejects_every in 2_usize..10,
    ) {
        // One document alone that is refused as too large or malformed is refused for good; that is not what is told here.
        let cluster = Cluster { documents_max, rejects_every, ..Cluster::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (delivery, cluster) = runtime.block_on(async {
            let (receiver, endpoint) = start(cluster, &faults).await;
            let pretty = data.iter().map(|value| serde_json::to_vec_pretty(value).unwrap());
            let delivery = deliver(&endpoint, &records(pretty), faults.len() + 100).await;
            drop(endpoint);
            (delivery, receiver.finish().await)
        });
        let expected = expected(&data);
        let refused_wrongly: Vec<_> =
            delivery.refused.iter().filter(|(place, ..)| data[*place].get("bad").is_none()).collect();
        for (place, code, _) in &refused_wrongly {
            prop_assert!(matches!(code.as_str(), "400" | "413"), "record {place}: {code}");
        }
        prop_assert_eq!(cluster.by_id.len() + refused_wrongly.len(), expected.len());
        prop_assert!(cluster.by_id.iter().all(|(id, document)| expected.get(id) == Some(document)));
    }
}
