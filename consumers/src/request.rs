//! The body of a PutRecords call, encoded as records arrive.
//!
//! A record is written once, as the JSON of its entry, with base64 straight from the caller's bytes. Where each entry stands
//! is remembered, so that a retry copies the bytes of the failed entries and encodes nothing again.

use std::ops::Range;

use bytes::Bytes;

use crate::limits::{BYTES_PER_REQUEST_MAX, RECORDS_PER_REQUEST_MAX};

/// A request under construction.
#[derive(Debug)]
pub(crate) struct Batch {
    body: Vec<u8>,
    entries: Vec<Entry>,
    head_bytes: usize,
    record_bytes: usize,
}

/// Where an entry stands in the body, and what it counts for.
#[derive(Clone, Debug)]
struct Entry {
    range: Range<usize>,
    record_bytes: usize,
}

impl Batch {
    /// An empty request to `stream`.
    pub(crate) fn new(stream: &str) -> Self {
        let mut body = b"{\"StreamName\":".to_vec();
        append_json_string(&mut body, stream);
        body.extend_from_slice(b",\"Records\":[");
        let head_bytes = body.len();
        Self { body, entries: Vec::new(), head_bytes, record_bytes: 0 }
    }

    /// Whether a record of `record_bytes` (data and key) may still join; any record may join an empty request.
    pub(crate) fn has_room_for(&self, record_bytes: usize) -> bool {
        self.entries.is_empty()
            || (self.entries.len() < RECORDS_PER_REQUEST_MAX
                && self.record_bytes + record_bytes <= BYTES_PER_REQUEST_MAX)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn push(&mut self, partition_key: &str, data: &[u8]) {
        self.separate();
        let start = self.body.len();
        self.body.extend_from_slice(b"{\"Data\":\"");
        base64_simd::STANDARD.encode_append(data, &mut self.body);
        self.body.extend_from_slice(b"\",\"PartitionKey\":");
        append_json_string(&mut self.body, partition_key);
        self.body.push(b'}');
        self.note_entry(start, data.len() + partition_key.len());
    }

    /// Ends the request.
    pub(crate) fn finish(mut self) -> PutRecordsRequest {
        self.body.extend_from_slice(b"]}");
        PutRecordsRequest {
            body: Bytes::from(self.body),
            entries: self.entries,
            head_bytes: self.head_bytes,
            record_bytes: self.record_bytes,
        }
    }

    fn separate(&mut self) {
        if !self.entries.is_empty() {
            self.body.push(b',');
        }
    }

    fn note_entry(&mut self, start: usize, record_bytes: usize) {
        self.entries.push(Entry { range: start..self.body.len(), record_bytes });
        self.record_bytes += record_bytes;
    }
}

/// One complete PutRecords request. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct PutRecordsRequest {
    body: Bytes,
    entries: Vec<Entry>,
    head_bytes: usize,
    record_bytes: usize,
}

impl PutRecordsRequest {
    /// The body of the call in JSON.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The number of records, 1 to 500.
    pub fn record_count(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of data and partition keys.
    pub fn record_bytes(&self) -> usize {
        self.record_bytes
    }

    /// The same request with only those entries for which `is_kept` holds, in the same order.
    pub(crate) fn retain(&self, mut is_kept: impl FnMut(usize) -> bool) -> Self {
        let head = self.body.get(..self.head_bytes).unwrap_or_default();
        let mut kept = Batch { body: head.to_vec(), entries: Vec::new(), head_bytes: self.head_bytes, record_bytes: 0 };
        for (_, entry) in self.entries.iter().enumerate().filter(|(index, _)| is_kept(*index)) {
            kept.separate();
            let start = kept.body.len();
            kept.body.extend_from_slice(self.body.get(entry.range.clone()).unwrap_or_default());
            kept.note_entry(start, entry.record_bytes);
        }
        kept.finish()
    }
}

/// Appends `text` as a JSON string.
fn append_json_string(body: &mut Vec<u8>, text: &str) {
    let is_plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if is_plain {
        body.push(b'"');
        body.extend_from_slice(text.as_bytes());
        body.push(b'"');
    } else {
        body.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(request: &PutRecordsRequest) -> serde_json::Value {
        serde_json::from_slice(request.body()).unwrap()
    }

    #[test]
    fn body_is_the_json_of_the_call() {
        let mut batch = Batch::new("clicks");
        batch.push("a", b"one");
        batch.push("quote \" and \u{1} ü", b"");
        let request = batch.finish();
        let expected = serde_json::json!({"StreamName": "clicks", "Records": [
            {"Data": "b25l", "PartitionKey": "a"},
            {"Data": "", "PartitionKey": "quote \" and \u{1} ü"},
        ]});
        assert_eq!(json(&request), expected);
        assert_eq!((request.record_count(), request.record_bytes()), (2, 4 + "quote \" and \u{1} ü".len()));
    }

    #[test]
    fn retained_entries_keep_their_bytes_and_order() {
        let mut batch = Batch::new("s");
        for (key, data) in [("a", b"0"), ("b", b"1"), ("c", b"2"), ("d", b"3")] {
            batch.push(key, data);
        }
        let request = batch.finish().retain(|index| index % 2 == 1);
        let keys: Vec<_> = json(&request)["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["PartitionKey"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!((keys, request.record_count(), request.record_bytes()), (vec!["b".into(), "d".into()], 2, 4));
        assert_eq!(json(&request.retain(|index| index == 1))["Records"][0]["PartitionKey"], "d");
    }

    #[test]
    fn room_ends_at_either_limit_and_an_empty_request_takes_any_record() {
        let mut batch = Batch::new("s");
        assert!(batch.has_room_for(BYTES_PER_REQUEST_MAX + 1));
        batch.push("k", &vec![0; BYTES_PER_REQUEST_MAX - 2]);
        assert!(batch.has_room_for(1));
        assert!(!batch.has_room_for(2));
        let mut many = Batch::new("s");
        for _ in 0..RECORDS_PER_REQUEST_MAX {
            assert!(many.has_room_for(1));
            many.push("k", b"");
        }
        assert!(!many.has_room_for(0));
    }
}
