//! The table: every operation of the Kinesis model of botocore 1.43, and the queues of 1.44.5.

use ingest_core::{CallRate, Operations, Scope};

use crate::door::Kinesis;
use crate::ops::{
    acknowledge_dead_letter_queue_records, acknowledge_queue_records, add_tags_to_stream, create_channel, create_queue,
    create_stream, decrease_stream_retention_period, delete_channel, delete_queue, delete_resource_policy,
    delete_stream, deregister_stream_consumer, describe_account_settings, describe_channel, describe_limits,
    describe_queue, describe_stream, describe_stream_consumer, describe_stream_summary, disable_enhanced_monitoring,
    enable_enhanced_monitoring, get_records, get_resource_policy, get_shard_iterator, increase_stream_retention_period,
    list_channels, list_queues, list_shards, list_stream_consumers, list_streams, list_tags_for_resource,
    list_tags_for_stream, merge_shards, put_record, put_records, put_resource_policy,
    receive_dead_letter_queue_records, receive_queue_records, register_stream_consumer, remove_tags_from_stream,
    restore_dead_letter_queue_records, split_shard, start_stream_encryption, stop_stream_encryption,
    subscribe_to_shard, tag_resource, untag_resource, update_account_settings, update_channel,
    update_dead_letter_queue_records_visibility, update_max_record_size, update_queue, update_queue_records_visibility,
    update_shard_count, update_stream_mode, update_stream_record_distribution_strategy, update_stream_warm_throughput,
};

/// How often the operations may be called.
///
/// Source: Kinesis Data Streams Developer Guide, "Quotas and limits", "KDS Control Plane API Limits". Where the operation's
/// own page says otherwise, that holds: the rates of MergeShards, SplitShard, RegisterStreamConsumer, ListTagsForStream
/// and RemoveTagsFromStream are an account's, and UpdateShardCount has one.
const RATES: &[(&str, CallRate)] = &[
    ("AddTagsToStream", per_account(5)),
    ("CreateChannel", per_account(5)),
    ("CreateStream", per_account(5)),
    ("DecreaseStreamRetentionPeriod", per_stream(5)),
    ("DeleteChannel", per_account(5)),
    ("DeleteResourcePolicy", per_account(5)),
    ("DeleteStream", per_account(5)),
    ("DeregisterStreamConsumer", per_stream(5)),
    ("DescribeAccountSettings", per_account(5)),
    ("DescribeChannel", per_account(5)),
    ("DescribeLimits", per_account(1)),
    ("DescribeStream", per_account(10)),
    ("DescribeStreamConsumer", per_stream(20)),
    ("DescribeStreamSummary", per_account(20)),
    ("DisableEnhancedMonitoring", per_stream(5)),
    ("EnableEnhancedMonitoring", per_stream(5)),
    ("GetResourcePolicy", per_account(5)),
    ("GetShardIterator", CallRate { per_second: 5, per: Scope::Part }),
    ("IncreaseStreamRetentionPeriod", per_stream(5)),
    ("ListChannels", per_account(5)),
    ("ListShards", per_stream(1_000)),
    ("ListStreamConsumers", per_stream(5)),
    ("ListStreams", per_account(5)),
    ("ListTagsForStream", per_account(5)),
    ("MergeShards", per_account(5)),
    ("PutResourcePolicy", per_account(5)),
    ("RegisterStreamConsumer", per_account(5)),
    ("RemoveTagsFromStream", per_account(5)),
    ("SplitShard", per_account(5)),
    ("UpdateAccountSettings", per_account(5)),
    ("UpdateChannel", per_account(5)),
    ("UpdateShardCount", per_account(10)),
    ("UpdateStreamWarmThroughput", per_account(5)),
];

const fn per_account(per_second: u32) -> CallRate {
    CallRate { per_second, per: Scope::Account }
}

const fn per_stream(per_second: u32) -> CallRate {
    CallRate { per_second, per: Scope::Resource }
}

/// The table of the door.
pub(crate) fn table() -> Operations<Kinesis> {
    Operations::new()
        .typed("AcknowledgeDeadLetterQueueRecords", acknowledge_dead_letter_queue_records::run)
        .typed("AcknowledgeQueueRecords", acknowledge_queue_records::run)
        .typed("AddTagsToStream", add_tags_to_stream::run)
        .typed("CreateChannel", create_channel::run)
        .typed("CreateQueue", create_queue::run)
        .typed("CreateStream", create_stream::run)
        .typed("DecreaseStreamRetentionPeriod", decrease_stream_retention_period::run)
        .typed("DeleteChannel", delete_channel::run)
        .typed("DeleteQueue", delete_queue::run)
        .typed("DeleteResourcePolicy", delete_resource_policy::run)
        .typed("DeleteStream", delete_stream::run)
        .typed("DeregisterStreamConsumer", deregister_stream_consumer::run)
        .typed("DescribeAccountSettings", describe_account_settings::run)
        .typed("DescribeChannel", describe_channel::run)
        .typed("DescribeLimits", describe_limits::run)
        .typed("DescribeQueue", describe_queue::run)
        .typed("DescribeStream", describe_stream::run)
        .typed("DescribeStreamConsumer", describe_stream_consumer::run)
        .typed("DescribeStreamSummary", describe_stream_summary::run)
        .typed("DisableEnhancedMonitoring", disable_enhanced_monitoring::run)
        .typed("EnableEnhancedMonitoring", enable_enhanced_monitoring::run)
        .typed("GetResourcePolicy", get_resource_policy::run)
        .typed("GetShardIterator", get_shard_iterator::run)
        .typed("IncreaseStreamRetentionPeriod", increase_stream_retention_period::run)
        .typed("ListChannels", list_channels::run)
        .typed("ListQueues", list_queues::run)
        .typed("ListShards", list_shards::run)
        .typed("ListStreamConsumers", list_stream_consumers::run)
        .typed("ListStreams", list_streams::run)
        .typed("ListTagsForResource", list_tags_for_resource::run)
        .typed("ListTagsForStream", list_tags_for_stream::run)
        .typed("MergeShards", merge_shards::run)
        .typed("PutResourcePolicy", put_resource_policy::run)
        .typed("RegisterStreamConsumer", register_stream_consumer::run)
        .typed("RemoveTagsFromStream", remove_tags_from_stream::run)
        .typed("RestoreDeadLetterQueueRecords", restore_dead_letter_queue_records::run)
        .typed("SplitShard", split_shard::run)
        .typed("StartStreamEncryption", start_stream_encryption::run)
        .typed("StopStreamEncryption", stop_stream_encryption::run)
        .typed("TagResource", tag_resource::run)
        .typed("UntagResource", untag_resource::run)
        .typed("UpdateAccountSettings", update_account_settings::run)
        .typed("UpdateChannel", update_channel::run)
        .typed("UpdateDeadLetterQueueRecordsVisibility", update_dead_letter_queue_records_visibility::run)
        .typed("UpdateMaxRecordSize", update_max_record_size::run)
        .typed("UpdateQueue", update_queue::run)
        .typed("UpdateQueueRecordsVisibility", update_queue_records_visibility::run)
        .typed("UpdateShardCount", update_shard_count::run)
        .typed("UpdateStreamMode", update_stream_mode::run)
        .typed("UpdateStreamRecordDistributionStrategy", update_stream_record_distribution_strategy::run)
        .typed("UpdateStreamWarmThroughput", update_stream_warm_throughput::run)
        .raw("GetRecords", get_records::run)
        .raw("PutRecord", put_record::run)
        .raw("PutRecords", put_records::run)
        .raw("ReceiveDeadLetterQueueRecords", receive_dead_letter_queue_records::run)
        .raw("ReceiveQueueRecords", receive_queue_records::run)
        .streaming("SubscribeToShard", subscribe_to_shard::run)
        .rates(RATES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_of_every_operation_what_the_table_does() {
        assert_eq!(table().told_wrongly(include_str!("../README.md")), Vec::<String>::new());
        assert_eq!(table().told_wrongly("").len(), 57);
    }
}
