//! The table: every operation of the Kinesis model of botocore 1.43, present or absent.

use ingest_core::Operations;

use crate::door::Kinesis;
use crate::ops::{
    add_tags_to_stream, create_stream, decrease_stream_retention_period, delete_stream, describe_stream,
    describe_stream_summary, get_records, get_shard_iterator, increase_stream_retention_period, list_shards,
    list_streams, list_tags_for_resource, list_tags_for_stream, merge_shards, put_record, put_records,
    remove_tags_from_stream, split_shard, tag_resource, untag_resource, update_shard_count,
};

/// The operations that are in the model but not here.
const ABSENT: &[&str] = &[
    "DeleteResourcePolicy",
    "DeregisterStreamConsumer",
    "DescribeAccountSettings",
    "DescribeLimits",
    "DescribeStreamConsumer",
    "DisableEnhancedMonitoring",
    "EnableEnhancedMonitoring",
    "GetResourcePolicy",
    "ListStreamConsumers",
    "PutResourcePolicy",
    "RegisterStreamConsumer",
    "StartStreamEncryption",
    "StopStreamEncryption",
    "SubscribeToShard",
    "UpdateAccountSettings",
    "UpdateMaxRecordSize",
    "UpdateStreamMode",
    "UpdateStreamWarmThroughput",
];

/// The table of the door.
pub(crate) fn table() -> Operations<Kinesis> {
    Operations::new()
        .typed("AddTagsToStream", add_tags_to_stream::run)
        .typed("CreateStream", create_stream::run)
        .typed("DecreaseStreamRetentionPeriod", decrease_stream_retention_period::run)
        .typed("DeleteStream", delete_stream::run)
        .typed("DescribeStream", describe_stream::run)
        .typed("DescribeStreamSummary", describe_stream_summary::run)
        .typed("GetShardIterator", get_shard_iterator::run)
        .typed("IncreaseStreamRetentionPeriod", increase_stream_retention_period::run)
        .typed("ListShards", list_shards::run)
        .typed("ListStreams", list_streams::run)
        .typed("ListTagsForResource", list_tags_for_resource::run)
        .typed("ListTagsForStream", list_tags_for_stream::run)
        .typed("MergeShards", merge_shards::run)
        .typed("RemoveTagsFromStream", remove_tags_from_stream::run)
        .typed("SplitShard", split_shard::run)
        .typed("TagResource", tag_resource::run)
        .typed("UntagResource", untag_resource::run)
        .typed("UpdateShardCount", update_shard_count::run)
        .raw("GetRecords", get_records::run)
        .raw("PutRecord", put_record::run)
        .raw("PutRecords", put_records::run)
        .absent(ABSENT)
}

#[cfg(test)]
mod tests {
    use ingest_core::Support;

    use super::*;

    #[test]
    fn the_readme_tells_of_every_operation_what_the_table_does() {
        let readme = include_str!("../README.md");
        let mut operation_count = 0;
        for (name, support) in table().support() {
            operation_count += 1;
            let row = readme.lines().find(|line| line.starts_with(&format!("| {name} |")));
            let row = row.unwrap_or_else(|| panic!("README.md has no row for {name}"));
            let status = row.split('|').nth(2).map(str::trim);
            let is_right = match support {
                Support::Present => matches!(status, Some("done" | "partial")),
                Support::Absent => status == Some("absent"),
            };
            assert!(is_right, "README.md tells of {name}: {status:?}, the table {support:?}");
        }
        assert_eq!(operation_count, 39);
    }
}
