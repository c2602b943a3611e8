//! What the consumer library reads from a server that may be anybody.

use consumers::model::{GetRecordsOutput, GetShardIteratorOutput, ListShardsOutput, PutRecordsOutput};
use ingest_wire::{ReceivedError, json_1_1};

use super::seed;

pub(crate) fn run(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else { return };
    match kind % 5 {
        0 => drop(json_1_1::decode::<PutRecordsOutput>(body)),
        1 => drop(json_1_1::decode::<ListShardsOutput>(body)),
        2 => drop(json_1_1::decode::<GetShardIteratorOutput>(body)),
        3 => {
            if let Ok(output) = json_1_1::decode::<GetRecordsOutput>(body) {
                let data: usize = output.records.iter().map(|record| record.data.len()).sum();
                assert!(data <= body.len(), "data is decoded, and does not grow");
            }
        }
        _ => {
            if let Ok(error) = json_1_1::decode::<ReceivedError>(body) {
                assert!(!error.code().contains('#'));
            }
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![
        seed(
            0,
            r#"{"FailedRecordCount":1,"Records":[{"SequenceNumber":"49","ShardId":"shardId-0"},{"ErrorCode":"E","ErrorMessage":"m"}]}"#,
        ),
        seed(
            1,
            r#"{"NextToken":"t","Shards":[{"ShardId":"s","ParentShardId":"p","AdjacentParentShardId":"a",
            "HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"},
            "SequenceNumberRange":{"StartingSequenceNumber":"1","EndingSequenceNumber":"2"}}]}"#,
        ),
        seed(2, r#"{"ShardIterator":"AAA="}"#),
        seed(
            3,
            r#"{"MillisBehindLatest":0,"NextShardIterator":"AAA=","ChildShards":[],"Records":[{"Data":"aGk=","PartitionKey":"k",
            "SequenceNumber":"49","ApproximateArrivalTimestamp":1700000000.123}]}"#,
        ),
        seed(4, r#"{"__type":"com.amazonaws.kinesis.v20131202#ResourceNotFoundException","Message":"no"}"#),
    ]
}
