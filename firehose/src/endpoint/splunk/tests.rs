use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::definition::Secret;
use crate::endpoint::receiver::{Fault, Protocol, Received, Receiver, Reply, context, deliver, records, rule, send};

const TOKEN: &str = "0f5e4b6a-4a3c-4f53-9a5d-0b1f8f4c2d11";

/// A collector that holds requests to HEC's protocol.
struct Collector {
    is_event: bool,
    /// A poll acknowledges what was polled this often before.
    polls_before_ack: u32,
    /// Answers have no id: acknowledgements are off.
    is_ack_disabled: bool,
    channel: Option<String>,
    ack_count: u64,
    polls: BTreeMap<u64, u32>,
    events: Vec<String>,
}

impl Collector {
    fn new(is_event: bool) -> Self {
        Self {
            is_event,
            polls_before_ack: 0,
            is_ack_disabled: false,
            channel: None,
            ack_count: 0,
            polls: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    fn check_head(&mut self, request: &Received) -> Result<(), String> {
        rule(request.method == "POST", || request.method.to_string())?;
        let authorization = request.header("authorization");
        rule(authorization == Some(&format!("Splunk {TOKEN}")), || format!("{authorization:?}"))?;
        let channel = request.header("x-splunk-request-channel").ok_or("no channel")?;
        rule(Uuid::try_parse(channel).is_ok(), || channel.to_owned())?;
        rule(request.uri.query() == Some(&format!("channel={channel}")), || request.uri.to_string())?;
        let known = self.channel.get_or_insert_with(|| channel.to_owned());
        rule(known == channel, || "another channel".to_owned())
    }

    fn acknowledge(&mut self, body: &[u8]) -> Result<Reply, String> {
        let body: BTreeMap<String, Vec<u64>> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let ids = body.get("acks").filter(|ids| body.len() == 1 && !ids.is_empty()).ok_or("no acks")?;
        rule(ids.iter().all(|id| *id < self.ack_count), || format!("acks that were never given: {ids:?}"))?;
        let acks: BTreeMap<String, bool> = ids
            .iter()
            .map(|id| {
                let polls = self.polls.entry(*id).or_default();
                *polls += 1;
                // What was acknowledged is forgotten.
                (id.to_string(), *polls == self.polls_before_ack + 1)
            })
            .collect();
        Ok(Reply { status: 200, json: serde_json::json!({ "acks": acks }).to_string() })
    }

    /// The events of a body, or the number of the first that HEC refuses.
    fn events(&self, body: &[u8]) -> Result<Result<Vec<String>, usize>, String> {
        let body = std::str::from_utf8(body).map_err(|error| error.to_string())?;
        if !self.is_event {
            let lines = body.strip_suffix('\n').ok_or("no newline at the end")?;
            return Ok(Ok(lines.split('\n').map(str::to_owned).collect()));
        }
        let mut events = Vec::new();
        for (number, value) in serde_json::Deserializer::from_str(body).into_iter::<Value>().enumerate() {
            let value = value.map_err(|error| error.to_string())?;
            if value["event"] == "invalid" {
                return Ok(Err(number));
            }
            rule(value.get("event").is_some_and(|event| !event.is_null() && event != ""), || value.to_string())?;
            events.push(value.to_string());
        }
        Ok(Ok(events))
    }
}

impl Protocol for Collector {
    fn take(&mut self, request: &Received, refusal: Option<u16>, is_odd: bool) -> Result<Reply, String> {
        self.check_head(request)?;
        if let Some(status) = refusal {
            return Ok(Reply { status, json: r#"{"text":"Server is busy","code":9}"#.to_owned() });
        }
        if request.uri.path() == "/services/collector/ack" {
            return self.acknowledge(&request.body);
        }
        let (path, media_type) = if self.is_event { ("event", "application/json") } else { ("raw", "text/plain") };
        rule(request.uri.path() == format!("/services/collector/{path}"), || request.uri.to_string())?;
        rule(request.header("content-type") == Some(media_type), || "content-type".to_owned())?;
        rule(request.body.len() <= 1_024_001 && !request.body.is_empty(), || "length".to_owned())?;
        let events = match self.events(&request.body)? {
            Ok(events) => events,
            Err(number) => {
                let json = format!(r#"{{"text":"Invalid data format","code":6,"invalid-event-number":{number}}}"#);
                return Ok(Reply { status: 400, json });
            }
        };
        if is_odd {
            return Ok(Reply { status: 403, json: r#"{"text":"Invalid token","code":4}"#.to_owned() });
        }
        self.events.extend(events);
        if self.is_ack_disabled {
            return Ok(Reply { status: 200, json: r#"{"text":"Success","code":0}"#.to_owned() });
        }
        self.ack_count += 1;
        Ok(Reply { status: 200, json: format!(r#"{{"text":"Success","code":0,"ackId":{}}}"#, self.ack_count - 1) })
    }
}

async fn start(
    collector: Collector,
    acknowledgment_seconds: u64,
    faults: &[Fault],
) -> (Receiver<Collector>, SplunkEndpoint) {
    let is_event = collector.is_event;
    let receiver = Receiver::start(collector, faults.iter().copied()).await;
    let settings = definition::SplunkEndpoint {
        url: format!("http://{}", receiver.address),
        is_event,
        token: Secret(TOKEN.to_owned()),
        acknowledgment_seconds,
        retry_seconds: 0,
    };
    let timeout_ms = if faults.contains(&Fault::Stall) { 1_000 } else { 60_000 };
    (receiver, SplunkEndpoint::open(&settings, &context(timeout_ms)).unwrap())
}

#[tokio::test]
async fn events_are_sent_over_one_channel_and_acknowledged() {
    let collector = Collector { polls_before_ack: 2, ..Collector::new(true) };
    let (receiver, endpoint) = start(collector, 600, &[]).await;
    let data = [r#"{"event":1}"#, "{\"event\":{\"a\":2}}\n{\"event\":\"3\"}"];
    let delivery = deliver(&endpoint, &records(data), 1).await;
    drop(endpoint);
    assert!(delivery.refused.is_empty());
    assert_eq!(receiver.request_count(), 4, "one request and three polls");
    assert_eq!(receiver.finish().await.events, [r#"{"event":1}"#, r#"{"event":{"a":2}}"#, r#"{"event":"3"}"#]);
}

#[tokio::test]
async fn raw_records_are_lines_and_those_without_data_are_nothing() {
    let (receiver, endpoint) = start(Collector::new(false), 600, &[]).await;
    let large = "x".repeat(600_000);
    let data = ["a", "", "b\n", "two\nlines", &large, &large, ""];
    deliver(&endpoint, &records(data), 1).await;
    drop(endpoint);
    assert_eq!(receiver.request_count(), 3, "two requests of 1 MB and a poll");
    assert_eq!(receiver.finish().await.events, ["a", "b", "two", "lines", &large, &large]);
}

#[tokio::test]
async fn what_is_no_event_is_refused_and_the_others_are_indexed() {
    let (receiver, endpoint) = start(Collector::new(true), 600, &[]).await;
    let data = [
        r#"{"event":1}"#,
        "no json",
        "",
        r#"{"event":null}"#,
        r#"{"event":""}"#,
        r#"{"no":"event"}"#,
        r#"{"event":2}{"event":"invalid"}"#,
        r#"{"event":3}{"#,
        r#"{"event":"invalid"}"#,
        r#"{"event":4}"#,
    ];
    let delivery = deliver(&endpoint, &records(data), 1).await;
    drop(endpoint);
    assert_eq!(delivery.refused.iter().map(|(place, ..)| *place).collect::<Vec<_>>(), (1..9).collect::<Vec<_>>());
    assert!(delivery.refused.iter().all(|(_, code, _)| code == "Splunk.InvalidDataFormat"));
    assert_eq!(receiver.request_count(), 4, "two events are named, two go through, one poll");
    assert_eq!(receiver.finish().await.events, [r#"{"event":1}"#, r#"{"event":4}"#]);
}

#[tokio::test]
async fn each_failure_has_the_code_of_aws() {
    for (fault, code) in [
        (Fault::Status(503), "Splunk.ServerError"),
        (Fault::Odd, "Splunk.InvalidToken"),
        (Fault::Reset, "Splunk.ConnectionClosed"),
        (Fault::Stall, "Splunk.ConnectionTimeout"),
        (Fault::Endless, "Splunk.ServerError"),
        (Fault::Html, "Splunk.ServerError"),
    ] {
        let (receiver, endpoint) = start(Collector::new(false), 600, &[fault]).await;
        let delivery = deliver(&endpoint, &records(["a"]), 2).await;
        drop(endpoint);
        assert_eq!(delivery.codes, [code], "{fault:?}");
        receiver.finish().await;
    }
}

#[tokio::test]
async fn without_acknowledgements_nothing_is_delivered() {
    let never = Collector { polls_before_ack: u32::MAX - 1, ..Collector::new(false) };
    let disabled = Collector { is_ack_disabled: true, ..Collector::new(false) };
    for (collector, code) in [(never, "Splunk.AckTimeout"), (disabled, "Splunk.DisabledAck")] {
        let (receiver, endpoint) = start(collector, 1, &[]).await;
        let verdicts = send(&endpoint, &records(["a"])).await;
        assert!(matches!(&verdicts[0], Verdict::Again(reason) if reason.code == code), "{verdicts:?}");
        drop(endpoint);
        receiver.finish().await;
    }
}

#[tokio::test]
async fn polls_that_fail_are_repeated() {
    let (receiver, endpoint) = start(Collector::new(false), 600, &[]).await;
    receiver.fail_after(1, [Fault::Status(503), Fault::Reset, Fault::Status(429)]);
    deliver(&endpoint, &records(["a"]), 1).await;
    drop(endpoint);
    assert_eq!(receiver.request_count(), 5);
    receiver.finish().await;
}

#[test]
fn codes_of_hec_have_those_of_aws() {
    let answer = |status, json: &'static str| Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(json.as_bytes()),
    };
    for (status, json, code) in [
        (403, r#"{"text":"Token disabled","code":1}"#, "Splunk.DisabledToken"),
        (401, r#"{"text":"Token is required","code":2}"#, "Splunk.InvalidToken"),
        (400, r#"{"text":"Incorrect index","code":7,"invalid-event-number":1}"#, "Splunk.InvalidIndex"),
        (400, r#"{"text":"ACK is disabled","code":14}"#, "Splunk.DisabledAck"),
        (404, "", "Splunk.InvalidEndpoint"),
        (500, r#"{"text":"Internal server error","code":8}"#, "Splunk.ServerError"),
    ] {
        assert_eq!(hec::explain_answer(&answer(status, json)).code, code);
    }
    assert_eq!(hec::Reply::read(&answer(400, r#"{"code":10}"#)).unwrap().code(), Code::Channel);
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        prop::sample::select(vec![400, 401, 404, 429, 500, 503]).prop_map(Fault::Status),
        Just(Fault::Reset),
        Just(Fault::LoseAnswer),
        Just(Fault::Html),
        Just(Fault::Endless),
        Just(Fault::Odd),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_event_is_indexed_at_least_once_whatever_goes_wrong(
        faults in prop::collection::vec(any_fault(), 0..4),
        data in prop::collection::vec("[a-z]{1,20}", 1..30),
        is_event in any::<bool>(),
    ) {
        let data: Vec<String> = data.into_iter().enumerate().map(|(place, text)| {
            if is_event { format!("{{\"event\":\"{text}{place}\"}}") } else { format!("{text}{place}") }
        }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (delivery, collector) = runtime.block_on(async {
            let (receiver, endpoint) = start(Collector::new(is_event), 1, &faults).await;
            let delivery = deliver(&endpoint, &records(&data), faults.len() + 1).await;
            drop(endpoint);
            (delivery, receiver.finish().await)
        });
        prop_assert!(delivery.refused.is_empty());
        let indexed: BTreeSet<&String> = collector.events.iter().collect();
        prop_assert_eq!(indexed, data.iter().collect::<BTreeSet<_>>());
    }
}
