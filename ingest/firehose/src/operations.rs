//! The table: every operation of the Firehose model of botocore 1.44, all present, and one of ours.

use ingest_core::Operations;

use crate::door::Firehose;
use crate::ops::{
    create_delivery_stream, delete_delivery_stream, describe_delivery_stream, list_delivery_streams,
    list_tags_for_delivery_stream, put_record, put_record_batch, replay_delivery_stream,
    start_delivery_stream_encryption, stop_delivery_stream_encryption, tag_delivery_stream, untag_delivery_stream,
    update_destination,
};

/// The table of the door.
pub(crate) fn table() -> Operations<Firehose> {
    Operations::new()
        .typed("CreateDeliveryStream", create_delivery_stream::run)
        .typed("DeleteDeliveryStream", delete_delivery_stream::run)
        .typed("DescribeDeliveryStream", describe_delivery_stream::run)
        .typed("ListDeliveryStreams", list_delivery_streams::run)
        .typed("ListTagsForDeliveryStream", list_tags_for_delivery_stream::run)
        .raw("PutRecord", put_record::run)
        .raw("PutRecordBatch", put_record_batch::run)
        .typed("ReplayDeliveryStream", replay_delivery_stream::run)
        .typed("StartDeliveryStreamEncryption", start_delivery_stream_encryption::run)
        .typed("StopDeliveryStreamEncryption", stop_delivery_stream_encryption::run)
        .typed("TagDeliveryStream", tag_delivery_stream::run)
        .typed("UntagDeliveryStream", untag_delivery_stream::run)
        .typed("UpdateDestination", update_destination::run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_of_every_operation_what_the_table_does() {
        assert_eq!(table().told_wrongly(include_str!("../README.md")), Vec::<String>::new());
        assert_eq!(table().told_wrongly("").len(), 13);
    }
}
