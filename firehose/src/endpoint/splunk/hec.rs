//! What HEC says, and what AWS calls it.
//!
//! Source: Splunk, "Troubleshoot HTTP Event Collector"; Firehose Developer Guide, "Splunk data delivery errors".

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::client::{Answer, Failure};
use super::super::group;
use crate::record::{ErrorOutputType, Reason};

/// The longest part of an answer that an error record tells.
const MESSAGE_BYTES_MAX: usize = 1024;

/// An answer of HEC.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    code: u32,
    #[serde(rename = "ackId")]
    pub(super) ack_id: Option<u64>,
    /// The event to blame, from 0.
    #[serde(rename = "invalid-event-number")]
    pub(super) invalid_event: Option<u64>,
}

/// What the code of an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Success,
    TokenDisabled,
    TokenInvalid,
    Format,
    Index,
    Channel,
    AckDisabled,
    Server,
}

impl Reply {
    /// `None` if the answer is none of HEC.
    pub(super) fn read(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
    }

    pub(super) fn code(&self) -> Code {
        match self.code {
            0 => Code::Success,
            1 | 22 => Code::TokenDisabled,
            2 | 3 | 4 | 16 | 21 => Code::TokenInvalid,
            // No data, invalid format, no event, a blank event, indexed fields.
            5 | 6 | 12 | 13 | 15 => Code::Format,
            7 => Code::Index,
            10 | 11 => Code::Channel,
            14 => Code::AckDisabled,
            _ => Code::Server,
        }
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
}

/// The number of events in a record; 0 if something in it is none.
pub(super) fn count_events(data: &[u8]) -> u32 {
    let mut count = 0;
    for event in serde_json::Deserializer::from_slice(data).into_iter::<Event<'_>>() {
        match event {
            Ok(Event { event }) if !matches!(event.get(), "null" | "\"\"") => count += 1,
            _ => return 0,
        }
    }
    count
}

/// The reason of a failure with AWS's text and what was `told`.
pub(super) fn fault(code: &str, told: &str) -> Arc<Reason> {
    let text = text(code);
    let message = if told.is_empty() { text.to_owned() } else { format!("{text} ({told})") };
    group::reason(ErrorOutputType::SplunkFailed, code, message)
}

/// An answer for people.
pub(super) fn told(answer: &Answer) -> String {
    format!("{}: {}", answer.status.as_u16(), answer.text(MESSAGE_BYTES_MAX))
}

/// The reason that an answer other than an acknowledged success gives.
pub(super) fn explain_answer(answer: &Answer) -> Arc<Reason> {
    let code = match Reply::read(answer).map(|reply| reply.code()) {
        Some(Code::TokenDisabled) => "Splunk.DisabledToken",
        Some(Code::TokenInvalid) => "Splunk.InvalidToken",
        Some(Code::Format) => "Splunk.InvalidDataFormat",
        Some(Code::Index) => "Splunk.InvalidIndex",
        // A success without an id is one of a token whose acknowledgements are off.
        Some(Code::AckDisabled | Code::Success) => "Splunk.DisabledAck",
        None if answer.status == StatusCode::NOT_FOUND => "Splunk.InvalidEndpoint",
        Some(Code::Channel | Code::Server) | None => "Splunk.ServerError",
    };
    fault(code, &told(answer))
}

/// The reason that there is no answer.
pub(super) fn explain_failure(failure: &Failure) -> Arc<Reason> {
    let code = match failure {
        Failure::Unreachable(_) => "Splunk.InvalidEndpoint",
        Failure::Handshake { is_other_host: true, .. } => "Splunk.SSLUnverified",
        Failure::Handshake { .. } => "Splunk.SSLHandshake",
        Failure::Reset(_) => "Splunk.ConnectionClosed",
        Failure::TimedOut => "Splunk.ConnectionTimeout",
        Failure::TooLong { .. } => "Splunk.ServerError",
    };
    fault(code, &failure.to_string())
}

/// AWS's text for a code, less what only holds at AWS.
fn text(code: &str) -> &'static str {
    match code {
        "Splunk.ProxyWithoutStickySessions" => {
            "If you have a proxy (ELB or other) between Firehose and the HEC node, you must enable sticky sessions to \
             support HEC ACKs."
        }
        "Splunk.DisabledToken" => "The HEC token is disabled. Enable the token to allow data delivery to Splunk.",
        "Splunk.InvalidToken" => "The HEC token is invalid. Update Firehose with a valid HEC token.",
        "Splunk.InvalidDataFormat" => "The data is not formatted correctly.",
        "Splunk.InvalidIndex" => {
            "The HEC token or input is configured with an invalid index. Check your index configuration and try again."
        }
        "Splunk.DisabledAck" => {
            "Indexer acknowledgement is disabled for the HEC token. Enable indexer acknowledgement and try again."
        }
        "Splunk.AckTimeout" => {
            "Did not receive an acknowledgement from HEC before the HEC acknowledgement timeout expired. Despite the \
             acknowledgement timeout, it's possible the data was indexed successfully in Splunk. Firehose backs up in \
             Amazon S3 data for which the acknowledgement timeout expired."
        }
        "Splunk.ConnectionTimeout" => {
            "The connection to Splunk timed out. This might be a transient error and the request will be retried. \
             Firehose backs up the data to Amazon S3 if all retries fail."
        }
        "Splunk.InvalidEndpoint" => {
            "Could not connect to the HEC endpoint. Make sure that the HEC endpoint URL is valid and reachable from \
             Firehose."
        }
        "Splunk.ConnectionClosed" => {
            "Unable to send data to Splunk due to a connection failure. This might be a transient error. Increasing the \
             retry duration in your Firehose configuration might guard against such transient failures."
        }
        "Splunk.SSLUnverified" => {
            "Could not connect to the HEC endpoint. The host does not match the certificate provided by the peer. Make \
             sure that the certificate and the host are valid."
        }
        "Splunk.SSLHandshake" => {
            "Could not connect to the HEC endpoint. Make sure that the certificate and the host are valid."
        }
        _ => {
            "Data delivery to Splunk failed due to a server error from the HEC node. Firehose will retry sending the \
             data if the retry duration in your Firehose is greater than 0. If all the retries fail, Firehose backs up \
             the data to Amazon S3."
        }
    }
}
