//! The body of every operation, through the door to the real store: it is answered or refused as the client's mistake, and
//! never breaks the server.

use std::cell::RefCell;

use ingest_core::{Door, Support};
use ingest_firehose::Firehose;
use ingest_glue::Glue;
use ingest_kinesis::Kinesis;
use ingest_wire::{Protocol, cbor_1_1};
use serde_json::{Value, json};

use crate::server::{STREAM, Server, stream_arn};

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

/// Stands in a body for an iterator, which no fuzzer could guess.
const ITERATOR: &str = "@ITERATOR";

pub(crate) fn kinesis(input: &[u8]) {
    call::<Kinesis>(input);
}

pub(crate) fn firehose(input: &[u8]) {
    call::<Firehose>(input);
}

pub(crate) fn glue(input: &[u8]) {
    call::<Glue>(input);
}

fn operations<D: Door>() -> Vec<&'static str> {
    let operations = D::operations();
    operations.support().filter(|(_, support)| *support == Support::Present).map(|(name, _)| name).collect()
}

/// The first byte chooses the operation, the second the protocol: JSON, CBOR, or CBOR made from JSON.
fn call<D: Door>(input: &[u8]) {
    let [operation, protocol, body @ ..] = input else { return };
    let operations = operations::<D>();
    let operation = operations[usize::from(*operation) % operations.len()];
    let target = format!("{}.{operation}", D::TARGET_PREFIX);
    SERVER.with_borrow_mut(|place| {
        let server = Server::in_place(place);
        let body = with_iterator(server, body);
        let (protocol, body) = match protocol % 3 {
            0 => (Protocol::Json11, body),
            1 => (Protocol::Cbor11, body),
            _ => match serde_json::from_slice::<Value>(&body) {
                Ok(value) => (Protocol::Cbor11, cbor_1_1::encode(&value).expect("JSON has a form in CBOR")),
                Err(_) => return,
            },
        };
        let answered = server.call(&target, protocol, &body);
        assert!(matches!(answered.status, 200 | 400 | 413), "{operation}: {answered:?}");
        if let (Some(body), false) = (&answered.body, answered.status == 200) {
            let error: Value = protocol.decode(body).expect("an error is an object");
            assert!(error["__type"].is_string(), "{error}");
            assert_ne!(error["__type"], "InternalFailure", "{error}");
        }
    });
}

fn with_iterator(server: &mut Server, body: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) if text.contains(ITERATOR) => {
            let exists = server.call(
                "Kinesis_20131202.DescribeStreamSummary",
                Protocol::Json11,
                json!({"StreamName": STREAM}).to_string().as_bytes(),
            );
            if exists.status == 200 {
                text.replace(ITERATOR, &server.iterator(STREAM, "TRIM_HORIZON")).into_bytes()
            } else {
                body.to_vec()
            }
        }
        _ => body.to_vec(),
    }
}

/// A good input of every operation, as JSON and as CBOR.
fn seeds_of<D: Door>(inputs: &[(&str, Value)]) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, operation) in operations::<D>().into_iter().enumerate() {
        let empty = json!({});
        let mut found = inputs.iter().filter(|(name, _)| *name == operation).map(|(_, input)| input).peekable();
        let inputs = if found.peek().is_some() { found.collect() } else { vec![&empty] };
        for input in inputs {
            let cbor = cbor_1_1::encode(input).expect("JSON has a form in CBOR");
            for (protocol, body) in [(0, input.to_string().into_bytes()), (1, cbor)] {
                seeds.push([&[number as u8, protocol], body.as_slice()].concat());
            }
        }
    }
    seeds
}

pub(crate) fn kinesis_seeds() -> Vec<Vec<u8>> {
    let shard = "shardId-000000000000";
    let arn = stream_arn();
    let consumer = format!("{arn}/consumer/reader:1700000000");
    let named = |members: Value| {
        let mut input = json!({"StreamName": STREAM});
        input.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        input
    };
    let record = json!({"Data": "aGk=", "PartitionKey": "k", "ExplicitHashKey": "7"});
    seeds_of::<Kinesis>(&[
        ("AddTagsToStream", named(json!({"Tags": {"team": "web"}}))),
        (
            "CreateStream",
            json!({"StreamName": "more", "ShardCount": 2, "Tags": {"a": "b"}, "StreamModeDetails": {"StreamMode": "PROVISIONED"}}),
        ),
        ("DecreaseStreamRetentionPeriod", named(json!({"RetentionPeriodHours": 24}))),
        ("DeleteStream", json!({"StreamName": "more", "EnforceConsumerDeletion": true})),
        ("DeregisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": "other"})),
        ("DescribeStream", named(json!({"Limit": 10, "ExclusiveStartShardId": shard}))),
        ("DescribeStreamConsumer", json!({"ConsumerARN": consumer})),
        ("DescribeStreamSummary", json!({"StreamARN": arn})),
        ("GetRecords", json!({"ShardIterator": ITERATOR, "Limit": 5})),
        (
            "GetShardIterator",
            named(json!({"ShardId": shard, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1_700_000_000.5})),
        ),
        (
            "GetShardIterator",
            named(
                json!({"ShardId": shard, "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "49"}),
            ),
        ),
        ("IncreaseStreamRetentionPeriod", named(json!({"RetentionPeriodHours": 48}))),
        ("ListShards", named(json!({"MaxResults": 1, "ShardFilter": {"Type": "AFTER_SHARD_ID", "ShardId": shard}}))),
        ("ListShards", json!({"NextToken": "AQIAAA=="})),
        ("ListStreamConsumers", json!({"StreamARN": arn, "MaxResults": 1})),
        ("ListStreams", json!({"Limit": 1, "ExclusiveStartStreamName": "a"})),
        ("ListTagsForResource", json!({"ResourceARN": arn})),
        ("ListTagsForStream", named(json!({"Limit": 1}))),
        ("MergeShards", named(json!({"ShardToMerge": shard, "AdjacentShardToMerge": "shardId-000000000001"}))),
        ("PutRecord", named(record.clone())),
        ("PutRecords", named(json!({"Records": [record, {"Data": "", "PartitionKey": "é"}]}))),
        ("RegisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": "other", "Tags": {"a": "b"}})),
        ("RemoveTagsFromStream", named(json!({"TagKeys": ["team"]}))),
        (
            "SplitShard",
            named(json!({"ShardToSplit": shard, "NewStartingHashKey": "85070591730234615865843651857942052864"})),
        ),
        ("StartStreamEncryption", named(json!({"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}))),
        ("StopStreamEncryption", named(json!({"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}))),
        (
            "SubscribeToShard",
            json!({"ConsumerARN": consumer, "ShardId": shard, "StartingPosition": {"Type": "TRIM_HORIZON"}}),
        ),
        ("TagResource", json!({"ResourceARN": arn, "Tags": {"a": "b"}})),
        ("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["a"]})),
        ("UpdateMaxRecordSize", json!({"StreamARN": arn, "MaxRecordSizeInKiB": 2048})),
        ("UpdateShardCount", named(json!({"TargetShardCount": 3, "ScalingType": "UNIFORM_SCALING"}))),
        ("UpdateStreamMode", json!({"StreamARN": arn, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}})),
    ])
}

pub(crate) fn firehose_seeds() -> Vec<Vec<u8>> {
    let destination = json!({
        "RoleARN": "arn:aws:iam::000000000000:role/firehose", "BucketARN": "arn:aws:s3:::lake",
        "Prefix": "a/!{timestamp:yyyy}/", "ErrorOutputPrefix": "e/!{firehose:error-output-type}/",
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60}, "CompressionFormat": "UNCOMPRESSED",
        "CustomTimeZone": "Europe/Berlin", "FileExtension": ".parquet",
        "DataFormatConversionConfiguration": {
            "Enabled": true,
            "SchemaConfiguration": {"RoleARN": "arn:aws:iam::000000000000:role/firehose", "DatabaseName": "web", "TableName": "hits"},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {"CaseInsensitive": true, "ColumnToJsonKeyMappings": {"a": "b"}}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "ZSTD", "BlockSizeBytes": 67_108_864}}},
        },
    });
    seeds_of::<Firehose>(&[
        (
            "CreateDeliveryStream",
            json!({"DeliveryStreamName": "more", "DeliveryStreamType": "DirectPut", "ExtendedS3DestinationConfiguration": destination}),
        ),
        (
            "CreateDeliveryStream",
            json!({
                "DeliveryStreamName": "other", "DeliveryStreamType": "KinesisStreamAsSource",
                "KinesisStreamSourceConfiguration": {"KinesisStreamARN": stream_arn(), "RoleARN": "arn:aws:iam::000000000000:role/firehose"},
                "S3DestinationConfiguration": {"RoleARN": "arn:aws:iam::000000000000:role/firehose", "BucketARN": "arn:aws:s3:::lake"},
            }),
        ),
        ("DeleteDeliveryStream", json!({"DeliveryStreamName": "more", "AllowForceDelete": true})),
        ("DescribeDeliveryStream", json!({"DeliveryStreamName": "hits", "Limit": 1})),
        (
            "ListDeliveryStreams",
            json!({"Limit": 1, "DeliveryStreamType": "DirectPut", "ExclusiveStartDeliveryStreamName": "a"}),
        ),
        ("PutRecord", json!({"DeliveryStreamName": "hits", "Record": {"Data": "aGk="}})),
        ("PutRecordBatch", json!({"DeliveryStreamName": "hits", "Records": [{"Data": "aGk="}, {"Data": ""}]})),
    ])
}

pub(crate) fn glue_seeds() -> Vec<Vec<u8>> {
    let table = json!({
        "Name": "orders", "Description": "d", "Owner": "o", "LastAccessTime": 1_700_000_000.5, "Retention": 1,
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "struct<a:int>", "Comment": "c", "Parameters": {"k": "v"}}],
            "Location": "s3://lake/", "AdditionalLocations": ["s3://x/"], "InputFormat": "i", "OutputFormat": "o",
            "Compressed": true, "NumberOfBuckets": -1, "SerdeInfo": {"Name": "n", "SerializationLibrary": "l", "Parameters": {}},
            "BucketColumns": ["id"], "SortColumns": [{"Column": "id", "SortOrder": 1}], "Parameters": {"k": "v"},
            "SkewedInfo": {"SkewedColumnNames": ["id"], "SkewedColumnValueLocationMaps": {"1": "s3://x"}},
        },
        "PartitionKeys": [{"Name": "day", "Type": "string"}], "TableType": "EXTERNAL_TABLE", "Parameters": {"EXTERNAL": "TRUE"},
        "ViewDefinition": {}, "TargetTable": [],
    });
    let named = json!({"DatabaseName": "shop", "Name": "orders", "CatalogId": "000000000000"});
    let versioned = json!({"DatabaseName": "shop", "TableName": "orders", "VersionId": "0", "VersionIds": ["0", "1"]});
    seeds_of::<Glue>(&[
        ("BatchDeleteTable", json!({"DatabaseName": "shop", "TablesToDelete": ["a", "b"]})),
        ("BatchDeleteTableVersion", versioned.clone()),
        (
            "CreateDatabase",
            json!({"DatabaseInput": {
                "Name": "More/%2F", "Description": "d", "LocationUri": "s3://lake/", "Parameters": {"k": "v"},
                "CreateTableDefaultPermissions":
                    [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}],
            }}),
        ),
        ("CreateTable", json!({"DatabaseName": "shop", "TableInput": table})),
        ("DeleteDatabase", json!({"Name": "more/%2f"})),
        ("DeleteTable", named.clone()),
        ("DeleteTableVersion", versioned.clone()),
        ("GetDatabase", json!({"Name": "shop"})),
        ("GetDatabases", json!({"MaxResults": 1, "NextToken": "YQ", "AttributesToGet": ["NAME"]})),
        ("GetTable", named),
        ("GetTableVersion", versioned.clone()),
        ("GetTableVersions", versioned),
        ("GetTables", json!({"DatabaseName": "shop", "Expression": "(?i)or.*[a-z]{1,9}|x", "MaxResults": 1})),
        ("UpdateDatabase", json!({"Name": "shop", "DatabaseInput": {"Name": "SHOP"}})),
        ("UpdateTable", json!({"DatabaseName": "shop", "TableInput": table, "SkipArchive": true, "VersionId": "0"})),
    ])
}
