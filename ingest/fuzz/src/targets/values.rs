//! Blobs, timestamps, and the writer of event streams.

use ingest_wire::event_stream::{self, Event};
use ingest_wire::{Blob, Protocol, Timestamp};
use libfuzzer_sys::arbitrary::{self, Unstructured};

use super::seed;

/// Beyond this, a double has no place for milliseconds.
const EXACT_MILLIS_MAX: u64 = 1 << 52;

pub(crate) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 4 {
        0 => blob_of_text(bytes),
        1 => blob_of_bytes(bytes),
        2 => timestamp(bytes),
        _ => drop(events(bytes)),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts =
        [(0, "aGVsbG8="), (0, "===="), (1, "hello"), (2, "1700000000.123"), (2, "-1e-3"), (3, "12345678abcdefgh")];
    texts.map(|(kind, text)| seed(kind, text)).to_vec()
}

/// A text in JSON is base64 or is not, and every method says the same.
fn blob_of_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let body = serde_json::to_vec(text).expect("a text has a form in JSON");
    let blob: Blob<'_> = Protocol::Json11.decode(&body).expect("a blob is any text until it is decoded");
    let decoded = blob.decode();
    assert_eq!(blob.check().is_ok(), decoded.is_ok());
    let mut destination = vec![0; blob.byte_count()];
    assert_eq!(blob.decode_into(&mut destination).is_ok(), decoded.is_ok());
    if let Ok(decoded) = decoded {
        assert_eq!(decoded, destination);
        assert_eq!(base64_simd::STANDARD.encode_to_string(&decoded), text, "each blob has one text");
    }
    let mut too_short = vec![0; blob.byte_count().saturating_sub(1)];
    assert!(blob.byte_count() == 0 || blob.decode_into(&mut too_short).is_err());
}

fn blob_of_bytes(bytes: &[u8]) {
    for protocol in [Protocol::Json11, Protocol::Cbor11] {
        let body = protocol.encode(&Blob::raw(bytes)).expect("a blob has a form in every protocol");
        let blob: Blob<'_> = protocol.decode(&body).expect("what was written is read");
        assert_eq!(blob.decode().as_deref(), Ok(bytes));
        assert_eq!(blob.byte_count(), bytes.len());
    }
}

fn timestamp(bytes: &[u8]) {
    for protocol in [Protocol::Json11, Protocol::Cbor11] {
        let Ok(time) = protocol.decode::<Timestamp>(bytes) else { continue };
        for again in [Protocol::Json11, Protocol::Cbor11] {
            let body = again.encode(&time).expect("a time has a form in every protocol");
            let read = again.decode::<Timestamp>(&body);
            if again == Protocol::Cbor11 || time.unix_millis().unsigned_abs() < EXACT_MILLIS_MAX {
                assert_eq!(read.as_ref().ok(), Some(&time));
            }
        }
    }
}

/// A stream of messages is what a reader made from the specification takes.
fn events(bytes: &[u8]) -> arbitrary::Result<()> {
    let mut choices = Unstructured::new(bytes);
    let mut stream = Vec::new();
    let mut expected = Vec::new();
    while !choices.is_empty() && expected.len() < 8 {
        let name = *choices.choose(&["initial-response", "SubscribeToShardEvent", "ResourceInUseException", ""])?;
        let is_event = choices.arbitrary()?;
        let protocol = if choices.arbitrary()? { Protocol::Json11 } else { Protocol::Cbor11 };
        let length = choices.int_in_range(0..=40)?;
        let payload = choices.bytes(length.min(choices.len()))?;
        let event = if is_event { Event::Data { event_type: name } } else { Event::Exception { code: name } };
        event_stream::encode_into(&mut stream, event, protocol, payload);
        expected.push((is_event, name, protocol.content_type(), payload));
    }
    let mut rest = stream.as_slice();
    for (is_event, name, content_type, payload) in expected {
        let (message, after) = read_message(rest);
        rest = after;
        let (type_header, message_type) =
            if is_event { (":event-type", "event") } else { (":exception-type", "exception") };
        let headers = [(type_header, name), (":content-type", content_type), (":message-type", message_type)];
        assert_eq!(message.headers, headers);
        assert_eq!(message.payload, payload);
    }
    assert!(rest.is_empty());
    Ok(())
}

struct Message<'a> {
    headers: Vec<(&'a str, &'a str)>,
    payload: &'a [u8],
}

fn read_message(bytes: &[u8]) -> (Message<'_>, &[u8]) {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let (total, headers_bytes) = (number(0) as usize, number(4) as usize);
    assert_eq!(number(8), crc32fast::hash(&bytes[..8]));
    assert_eq!(number(total - 4), crc32fast::hash(&bytes[..total - 4]));
    let (mut rest, payload) = bytes[12..total - 4].split_at(headers_bytes);
    let mut headers = Vec::new();
    let text = |bytes| std::str::from_utf8(bytes).expect("a header is text");
    while let Some((name_bytes, after)) = rest.split_first() {
        let (name, after) = after.split_at(usize::from(*name_bytes));
        assert_eq!(after[0], 7, "the type of a text");
        let value_bytes = usize::from(u16::from_be_bytes([after[1], after[2]]));
        let (value, after) = after[3..].split_at(value_bytes);
        headers.push((text(name), text(value)));
        rest = after;
    }
    (Message { headers, payload }, &bytes[total..])
}
