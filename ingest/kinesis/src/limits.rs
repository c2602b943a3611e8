//! The limits of the Kinesis operations, each beside the AWS page it comes from. Those of streams themselves are in
//! [`shard_store::stream::limits`].

use std::time::Duration;

/// The longest stream name, in characters. Source: Kinesis Data Streams API Reference, "CreateStream".
pub(crate) const STREAM_NAME_CHARS_MAX: usize = shard_store::stream::limits::STREAM_NAME_CHARS_MAX;

/// The longest stream ARN, in characters. Source: Kinesis Data Streams API Reference, "PutRecords".
pub(crate) const STREAM_ARN_CHARS_MAX: usize = 2_048;

/// The longest stream id, in characters. Source: as [`STREAM_ARN_CHARS_MAX`].
pub(crate) const STREAM_ID_CHARS_MAX: usize = 24;

/// The longest shard id, in characters. Source: Kinesis Data Streams API Reference, "GetShardIterator".
pub(crate) const SHARD_ID_CHARS_MAX: usize = 128;

/// The longest partition key, in characters. Source: Kinesis Data Streams API Reference, "PutRecord".
pub(crate) const PARTITION_KEY_CHARS_MAX: usize = 256;

/// The most bytes of data of one record in any stream. Source: as [`PARTITION_KEY_CHARS_MAX`].
pub(crate) const DATA_BYTES_MAX: usize = 10 * 1024 * 1024;

/// The most records of one call. Source: Kinesis Data Streams API Reference, "PutRecords".
pub(crate) const RECORDS_PER_PUT_MAX: usize = 500;

/// The most bytes of data and partition keys of one call. Source: as [`RECORDS_PER_PUT_MAX`].
pub(crate) const BYTES_PER_PUT_MAX: usize = 10 * 1024 * 1024;

/// The greatest `Limit` of a read. Source: Kinesis Data Streams API Reference, "GetRecords".
pub(crate) const RECORDS_PER_GET_MAX: i64 = 10_000;

/// The smallest and greatest record size a stream can be created for, in KiB. Source: Kinesis Data Streams API
/// Reference, "CreateStream".
pub(crate) const RECORD_SIZE_KIB: (i64, i64) = (1_024, 10_240);

/// The most tags a stream can have. Source: Kinesis Data Streams API Reference, "CreateStream".
pub(crate) const TAGS_MAX: usize = shard_store::stream::limits::TAGS_PER_STREAM_MAX;

/// The most tags that a request may name, whatever becomes of it. Source: as [`TAGS_MAX`].
pub(crate) const TAGS_PER_REQUEST_MAX: usize = 200;

/// The most tags that can be removed by one call. Source: Kinesis Data Streams API Reference, "RemoveTagsFromStream".
pub(crate) const TAG_KEYS_PER_REQUEST_MAX: usize = 50;

/// The greatest `Limit` of a list of tags. Source: Kinesis Data Streams API Reference, "ListTagsForStream".
pub(crate) const TAGS_PER_PAGE_MAX: i64 = 50;

/// The longest tag key and value, in characters. Source: as [`TAGS_MAX`].
pub(crate) const TAG_KEY_CHARS_MAX: usize = 128;
pub(crate) const TAG_VALUE_CHARS_MAX: usize = 256;

/// The longest name of a consumer, in characters. Source: Kinesis Data Streams API Reference, "RegisterStreamConsumer".
pub(crate) const CONSUMER_NAME_CHARS_MAX: usize = 128;

/// The consumers of one page of `ListStreamConsumers`. Source: Kinesis Data Streams API Reference, "ListStreamConsumers".
pub(crate) const CONSUMERS_PER_PAGE_MAX: usize = 100;

/// The greatest page size that a request may ask for. Source: Kinesis Data Streams API Reference, "ListShards",
/// "ListStreams", "DescribeStream".
pub(crate) const PAGE_SIZE_REQUESTED_MAX: i64 = 10_000;

/// The shards of one page of `ListShards`, whatever greater size is asked for. Source: Kinesis Data Streams API
/// Reference, "ListShards".
pub(crate) const SHARDS_PER_LIST_PAGE_MAX: usize = 1_000;

/// The shards of one `DescribeStream` answer, likewise. Source: Kinesis Data Streams API Reference, "DescribeStream".
pub(crate) const SHARDS_PER_DESCRIPTION_MAX: usize = 100;

/// The streams of one page of `ListStreams`, likewise. Source: Kinesis Data Streams API Reference, "ListStreams".
pub(crate) const STREAMS_PER_PAGE_MAX: usize = 100;

/// The longest `NextToken`, in characters. Source: Kinesis Data Streams API Reference, "ListShards".
pub(crate) const NEXT_TOKEN_CHARS_MAX: usize = 1_048_576;

/// How long a `NextToken` can be used. Source: as [`NEXT_TOKEN_CHARS_MAX`].
pub(crate) const NEXT_TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// How long a subscription lasts. Source: Kinesis Data Streams API Reference, "SubscribeToShard".
pub(crate) const SUBSCRIPTION_LIFETIME: Duration = Duration::from_secs(300);

/// How soon after a call another one for the same consumer and shard can take over. Source: as
/// [`SUBSCRIPTION_LIFETIME`].
pub(crate) const SUBSCRIPTION_TAKEOVER: Duration = Duration::from_secs(5);

/// How often a subscription tells that it is alive while there are no records: clients give one up that is silent for
/// half a minute.
pub(crate) const SUBSCRIPTION_HEARTBEAT: Duration = Duration::from_secs(5);

/// The bytes of data and partition keys of one event, unless a single record has more. A subscription whose client does not
/// read holds two of these, beside some 400 KiB that the connection has taken and not sent.
pub(crate) const EVENT_BYTES_MAX: usize = 128 * 1024;

/// The records of one event.
pub(crate) const EVENT_RECORDS_MAX: usize = 1_000;

/// The longest id, alias or ARN of a key. Source: Kinesis Data Streams API Reference,
/// "StartStreamEncryption".
pub(crate) const KEY_ID_CHARS_MAX: usize = 2_048;

/// The longest name of a queue, in characters. Source: Kinesis Data Streams API Reference, "CreateQueue".
pub(crate) const QUEUE_NAME_CHARS_MAX: usize = 128;

/// The most streams that a request about queues may name. Source: Kinesis Data Streams API Reference, "CreateQueue" and
/// "ListQueues".
pub(crate) const STREAM_CONFIGURATIONS_MAX: usize = 10_000;

/// The shortest and longest visibility timeout of a queue and its records, in seconds. Source: as
/// [`QUEUE_NAME_CHARS_MAX`].
pub(crate) const VISIBILITY_TIMEOUT_SECONDS: (i64, i64) = (0, 43_200);

/// How often a record is received at least and at most before it is a dead letter. Source: as [`QUEUE_NAME_CHARS_MAX`].
pub(crate) const MAX_RECEIVE_COUNT: (i64, i64) = (1, 1_000);

/// The records that a call to a queue receives, or does something about. Source: Kinesis Data Streams API Reference,
/// "ReceiveQueueRecords" and "AcknowledgeQueueRecords".
pub(crate) const RECORDS_PER_QUEUE_CALL_MAX: usize = 10;

/// How long a receive waits at least and at most, in seconds. Source: Kinesis Data Streams API Reference,
/// "ReceiveQueueRecords".
pub(crate) const RECEIVE_WAIT_SECONDS: (i64, i64) = (1, 20);

/// How long a receive waits where nothing else is said, in seconds. Source: as [`RECEIVE_WAIT_SECONDS`].
pub(crate) const RECEIVE_WAIT_SECONDS_DEFAULT: u64 = 9;

/// The longest receipt handle, in characters. Source: Kinesis Data Streams API Reference, "AcknowledgeQueueRecords".
pub(crate) const RECEIPT_HANDLE_CHARS_MAX: usize = 1_024;

/// The queues of one page of `ListQueues`, whatever greater size is asked for. AWS names none.
pub(crate) const QUEUES_PER_PAGE_MAX: usize = 100;

/// The most metrics that a request may name. Source: Kinesis Data Streams API Reference, "EnableEnhancedMonitoring".
pub(crate) const SHARD_METRICS_PER_REQUEST_MAX: usize = 7;

/// The most bytes of a resource policy. AWS's page tells of none; this is what most of its services take.
pub(crate) const POLICY_BYTES_MAX: usize = 20 * 1_024;

/// The longest name of a channel, in characters. Source: Kinesis Data Streams API Reference, "CreateChannel".
pub(crate) const CHANNEL_NAME_CHARS_MAX: usize = 128;

/// The channels of one page of `ListChannels`, whatever greater size is asked for. Source: Kinesis Data Streams API Reference,
/// "ListChannels".
pub(crate) const CHANNELS_PER_PAGE_MAX: usize = 100;

/// The longest lists of streams, tables and filters, of which only the last may have more than one member. Source: as
/// [`CHANNEL_NAME_CHARS_MAX`].
pub(crate) const CHANNEL_LIST_MAX: usize = 10_000;

/// How old undelivered data may become, in seconds. Source: Kinesis Data Streams Developer Guide, "Delivery quotas and limits".
pub(crate) const CHANNEL_FRESHNESS_SECONDS: (i64, i64) = (300, 900);

/// The most partition fields of a table, and the longest texts of a channel's configuration, in characters. Source: as
/// [`CHANNEL_NAME_CHARS_MAX`].
pub(crate) const PARTITION_FIELDS_MAX: usize = 10;
pub(crate) const ROLE_ARN_CHARS_MAX: usize = 512;
pub(crate) const SCHEMA_ARN_CHARS_MAX: usize = 512;
pub(crate) const KEY_TEMPLATE_CHARS_MAX: usize = 1_024;
pub(crate) const ERROR_PREFIX_CHARS_MAX: usize = 512;
pub(crate) const TABLE_NAME_CHARS_MAX: usize = 255;
pub(crate) const LOG_NAME_CHARS_MAX: usize = 512;

const _: () = assert!(DATA_BYTES_MAX <= BYTES_PER_PUT_MAX);
