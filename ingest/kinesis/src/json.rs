//! The JSON answer of `GetRecords`, and the events of `SubscribeToShard`, written by hand straight into one buffer: serde
//! would need an allocation for the base64 of every record.
//!
//! The CBOR answer, which holds the bytes themselves, is serde's. A test compares this text with what serde would say.

use base64_simd::STANDARD;
use ingest_core::Fault;
use serde::Serialize;
use shard_store::format::frame::RecordView;
use shard_store::stream::Shard;

use crate::model::ENCRYPTED;
use crate::ops::get_records::Answer;

/// What a record takes beside its data and partition key: names, sequence number, time.
const RECORD_OVERHEAD_BYTES: usize = 192;

/// What the answer takes beside its records.
const ANSWER_OVERHEAD_BYTES: usize = 1_024;

/// The JSON text of the answer.
///
/// # Errors
/// `InternalFailure` if a text has no form in JSON, which no text lacks.
pub(crate) fn write_json(answer: &Answer<'_>) -> Result<Vec<u8>, Fault> {
    let batch = &answer.read.batch;
    let base64_bytes = STANDARD.encoded_length(batch.byte_count());
    let capacity = base64_bytes + batch.record_count() * RECORD_OVERHEAD_BYTES + ANSWER_OVERHEAD_BYTES;
    let mut json = Vec::with_capacity(capacity);
    json.extend_from_slice(br#"{"Records":["#);
    for (index, record) in batch.records().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_record(&mut json, answer.shard, &record)?;
    }
    json.push(b']');
    if let Some((name, place)) = &answer.next {
        json.push(b',');
        write_value(&mut json, name)?;
        json.push(b':');
        write_value(&mut json, place)?;
    }
    json.extend_from_slice(br#","MillisBehindLatest":"#);
    write_value(&mut json, &answer.read.millis_behind)?;
    if !answer.child_shards.is_empty() {
        json.extend_from_slice(br#","ChildShards":"#);
        write_value(&mut json, &answer.child_shards)?;
    }
    json.push(b'}');
    Ok(json)
}

fn write_record(json: &mut Vec<u8>, shard: &Shard, record: &RecordView<'_>) -> Result<(), Fault> {
    json.extend_from_slice(br#"{"SequenceNumber":""#);
    json.extend_from_slice(&shard.sequence_number(record.ordinal).to_digits());
    json.extend_from_slice(br#"","ApproximateArrivalTimestamp":"#);
    write_seconds(json, record.arrival_ms);
    json.extend_from_slice(br#","Data":""#);
    STANDARD.encode_append(record.data, json);
    json.push(b'"');
    // A record that was put without one has none.
    if !record.partition_key.is_empty() {
        json.extend_from_slice(br#","PartitionKey":"#);
        write_value(json, record.partition_key)?;
    }
    if record.is_encrypted {
        json.extend_from_slice(br#","EncryptionType":"#);
        write_value(json, ENCRYPTED)?;
    }
    json.push(b'}');
    Ok(())
}

/// Writes milliseconds as seconds with a fraction of three digits.
fn write_seconds(json: &mut Vec<u8>, millis: u64) {
    let fraction = millis % 1_000;
    json.extend_from_slice(itoa::Buffer::new().format(millis / 1_000).as_bytes());
    json.push(b'.');
    for unit in [100, 10, 1] {
        json.push(b'0' + (fraction / unit % 10) as u8);
    }
}

fn write_value<T: Serialize + ?Sized>(json: &mut Vec<u8>, value: &T) -> Result<(), Fault> {
    sonic_rs::to_writer(json, value).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use ingest_wire::Protocol;
    use prometheus_client::registry::Registry;
    use proptest::prelude::*;
    use serde_json::Value;
    use shard_store::clock::ManualClock;
    use shard_store::log::NewRecord;
    use shard_store::stream::{NewStream, Options, Stream, StreamKey, StreamMode, Streams};
    use shard_store::{Durability, Store};

    use super::*;
    use crate::model::ChildShard;

    const NOW_MS: u64 = 1_700_000_000_123;

    #[test]
    fn seconds_have_three_digits_behind_the_point() {
        for (millis, expected) in [(0, "0.000"), (7, "0.007"), (NOW_MS, "1700000000.123"), (1_050, "1.050")] {
            let mut json = Vec::new();
            write_seconds(&mut json, millis);
            assert_eq!(String::from_utf8(json).unwrap(), expected);
        }
    }

    /// A stream, and the streams whose store must stay open for it.
    fn create_stream(directory: &std::path::Path) -> (Arc<Streams>, Arc<Stream>) {
        let options = shard_store::Options { durability: Durability::PageCache, ..Default::default() };
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let store = Store::open(directory, options, clock, &mut Registry::default()).unwrap();
        let streams = Streams::open(store, Options { enforce: false, ..Options::default() }).unwrap();
        let new = NewStream {
            key: StreamKey::new("000000000000", "us-east-1", "clicks"),
            shard_count: NonZeroU32::MIN,
            mode: StreamMode::Provisioned,
            record_bytes_max: 1 << 20,
            warm_mibps: 0,
            distribution: Default::default(),
            tags: BTreeMap::new(),
        };
        let stream = streams.create(new).unwrap();
        (streams, stream)
    }

    #[test]
    fn the_text_by_hand_says_what_serde_says() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (_streams, stream) = create_stream(directory.path());
        let shard = &stream.shards()[0];
        let records = proptest::collection::vec((any::<String>(), any::<Vec<u8>>()), 0..8);
        let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(records in records, iterator: Option<String>, has_child: bool)| {
            let slices: Vec<_> = records.iter().map(|(_, data)| data.as_slice()).collect();
            let keys = records.iter().map(|(key, _)| key);
            let new = keys.zip(&slices).map(|(partition_key, data)| NewRecord { partition_key, explicit_hash_key: None, data });
            let new: Vec<_> = new.collect();
            let from = shard.log().end();
            let results = runtime.block_on(stream.append(&new, NOW_MS).settle());
            prop_assert!(results.iter().all(Result::is_ok));
            let read = stream.get(shard, from, 100, NOW_MS).unwrap();
            let child_shards = has_child.then(|| ChildShard::of(shard)).into_iter().collect();
            let answer = Answer { shard, read: &read, next: iterator.map(|iterator| ("NextShardIterator", iterator)), child_shards };
            let by_hand: Value = serde_json::from_slice(&write_json(&answer).unwrap()).unwrap();
            let by_serde: Value = serde_json::from_slice(&Protocol::Json11.encode(&answer).unwrap()).unwrap();
            prop_assert_eq!(by_hand["Records"].as_array().unwrap().len(), records.len());
            prop_assert_eq!(by_hand, by_serde);
        });
    }
}
