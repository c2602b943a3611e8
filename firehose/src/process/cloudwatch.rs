//! The messages of CloudWatch Logs subscriptions.
//!
//! Source: CloudWatch Logs User Guide, "Log group-level subscription filters" (`messageType`, `logEvents`); Firehose Developer
//! Guide, "Send CloudWatch Logs to Firehose". That a line ends after each extracted message is how AWS's output looks; no page
//! says so.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;

use crate::limits::SUB_RECORDS_MAX;
use crate::record::Reason;

/// What is made of a subscription's message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extraction {
    /// Each event's message becomes a record, rather than the message with all its events.
    pub(super) is_by_message: bool,
    /// A newline is appended to each event's message.
    pub(super) ends_lines: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow)]
    message_type: Cow<'a, str>,
    #[serde(borrow, default)]
    log_events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl Extraction {
    /// The records of a subscription's message; none of a control message.
    pub(super) fn records(self, data: &Bytes) -> Result<Vec<Bytes>, Reason> {
        let failed = |message: &str| Reason::processing_failed("CloudWatchLogProcessing.InvalidData", message);
        let message: Message<'_> = serde_json::from_slice(data)
            .map_err(|error| failed(&format!("The record is no message of CloudWatch Logs: {error}.")))?;
        match &*message.message_type {
            "CONTROL_MESSAGE" => Ok(Vec::new()),
            "DATA_MESSAGE" if !self.is_by_message => Ok(vec![data.clone()]),
            "DATA_MESSAGE" if message.log_events.len() > SUB_RECORDS_MAX => Err(super::split::too_many()),
            "DATA_MESSAGE" => Ok(message.log_events.iter().map(|event| self.record(&event.message)).collect()),
            other => Err(failed(&format!("The message type {other} is not known."))),
        }
    }

    fn record(self, message: &str) -> Bytes {
        let end = if self.ends_lines { "\n" } else { "" };
        [message, end].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_MESSAGE: Extraction = Extraction { is_by_message: true, ends_lines: true };

    #[test]
    fn messages_are_extracted_and_control_messages_left_out() {
        let data = Bytes::from_static(
            br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],
               "logEvents":[{"id":"1","timestamp":1,"message":"{\"a\":1}"},{"id":"2","timestamp":2,"message":"plain"}]}"#,
        );
        assert_eq!(EVERY_MESSAGE.records(&data).unwrap(), ["{\"a\":1}\n", "plain\n"]);
        let bare = Extraction { ends_lines: false, ..EVERY_MESSAGE };
        assert_eq!(bare.records(&data).unwrap(), ["{\"a\":1}", "plain"]);
        let whole = Extraction { is_by_message: false, ..EVERY_MESSAGE };
        assert_eq!(whole.records(&data).unwrap(), [&data]);
        let control = Bytes::from_static(br#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"checking"}]}"#);
        assert!(EVERY_MESSAGE.records(&control).unwrap().is_empty());
        assert!(whole.records(&control).unwrap().is_empty());
    }

    #[test]
    fn other_records_are_refused() {
        for data in
            ["", "plain", "{}", "[1]", r#"{"messageType":"NEW"}"#, r#"{"messageType":"DATA_MESSAGE","logEvents":[{}]}"#]
        {
            let reason = EVERY_MESSAGE.records(&Bytes::from(data)).unwrap_err();
            assert_eq!(reason.code, "CloudWatchLogProcessing.InvalidData", "{data}");
        }
    }
}
