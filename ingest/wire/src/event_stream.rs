//! `application/vnd.amazon.eventstream`: messages one after the other, each with headers and a payload.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | length of the whole message |
//! | 4 | length of the headers |
//! | 4 | CRC-32 of the 8 bytes before |
//! | n | headers: length of the name (1), name, type 7 (text), length of the value (2), value |
//! | m | payload |
//! | 4 | CRC-32 of all the bytes before |
//!
//! Numbers are big-endian; the CRC is that of IEEE 802.3. Of the ten types of header values only text is written here.
//!
//! Source: Smithy 2.0 specification, "Amazon Event Stream Specification". Reading such a stream is left to the SDKs.

use crate::protocol::Protocol;

/// The value of the `Content-Type` header of an answer that is an event stream.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The type of the event that comes first in the services that speak JSON: it holds the members of the answer beside
/// the stream itself.
pub const INITIAL_RESPONSE: &str = "initial-response";

const PRELUDE_BYTES: usize = 8;
const CRC_BYTES: usize = 4;
const TEXT_TYPE: u8 = 7;

/// A message of a kind and name that fit its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// What the client asked for.
    Data {
        /// The member of the stream's union that the payload is, or [`INITIAL_RESPONSE`].
        event_type: &'a str,
    },
    /// A modelled failure, after which nothing comes.
    Exception {
        /// Its error code, a member of the stream's union.
        code: &'a str,
    },
}

/// Appends the message of one event, whose payload `protocol` has encoded.
pub fn encode_into(buffer: &mut Vec<u8>, event: Event<'_>, protocol: Protocol, payload: &[u8]) {
    let (message_type, type_header, event_type) = match event {
        Event::Data { event_type } => ("event", ":event-type", event_type),
        Event::Exception { code } => ("exception", ":exception-type", code),
    };
    let headers =
        [(type_header, event_type), (":content-type", protocol.content_type()), (":message-type", message_type)];
    let headers_bytes: usize = headers.iter().map(|(name, value)| 1 + name.len() + 1 + 2 + value.len()).sum();
    let message_bytes = PRELUDE_BYTES + CRC_BYTES + headers_bytes + payload.len() + CRC_BYTES;
    let start = buffer.len();
    buffer.reserve(message_bytes);
    buffer.extend_from_slice(&length(message_bytes).to_be_bytes());
    buffer.extend_from_slice(&length(headers_bytes).to_be_bytes());
    append_crc(buffer, start);
    for (name, value) in headers {
        // Both are names of a service's model: far shorter than these fields hold.
        buffer.push(name.len() as u8);
        buffer.extend_from_slice(name.as_bytes());
        buffer.push(TEXT_TYPE);
        buffer.extend_from_slice(&(value.len() as u16).to_be_bytes());
        buffer.extend_from_slice(value.as_bytes());
    }
    buffer.extend_from_slice(payload);
    append_crc(buffer, start);
    debug_assert_eq!(buffer.len() - start, message_bytes);
}

/// A length, which AWS keeps below 24 MiB.
fn length(byte_count: usize) -> u32 {
    debug_assert!(byte_count < 24 << 20, "an event is at most one read of a shard");
    byte_count as u32
}

fn append_crc(buffer: &mut Vec<u8>, start: usize) {
    let crc = crc32fast::hash(buffer.get(start..).unwrap_or_default());
    buffer.extend_from_slice(&crc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(event: Event<'_>, payload: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        encode_into(&mut buffer, event, Protocol::Json11, payload);
        buffer
    }

    fn u32_at(bytes: &[u8], at: usize) -> usize {
        u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    }

    #[test]
    fn the_fields_stand_where_the_table_says() {
        let bytes = message(Event::Data { event_type: "E" }, b"{}");
        assert_eq!((u32_at(&bytes, 0), bytes.len()), (bytes.len(), bytes.len()));
        let headers_bytes = u32_at(&bytes, 4);
        assert_eq!(u32_at(&bytes, 8), crc32fast::hash(&bytes[..8]) as usize);
        let headers = &bytes[12..12 + headers_bytes];
        assert_eq!(&headers[..16], b"\x0b:event-type\x07\0\x01E");
        assert!(headers.ends_with(b"\x0d:message-type\x07\0\x05event"));
        assert_eq!(&bytes[12 + headers_bytes..bytes.len() - 4], b"{}");
        assert_eq!(u32_at(&bytes, bytes.len() - 4), crc32fast::hash(&bytes[..bytes.len() - 4]) as usize);
    }

    #[test]
    fn messages_follow_each_other_each_with_its_own_checksums() {
        let (one, two) = (Event::Data { event_type: INITIAL_RESPONSE }, Event::Exception { code: "Gone" });
        let mut both = Vec::new();
        encode_into(&mut both, one, Protocol::Json11, b"{}");
        encode_into(&mut both, two, Protocol::Json11, b"");
        assert_eq!(both, [message(one, b"{}"), message(two, b"")].concat());
    }
}
