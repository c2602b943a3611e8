//! The table: every operation of the Firehose model of botocore 1.43, present or absent.

use ingest_core::Operations;

use crate::door::Firehose;
use crate::ops::{
    create_delivery_stream, delete_delivery_stream, describe_delivery_stream, list_delivery_streams, put_record,
    put_record_batch,
};

/// The operations that are in the model but not here.
const ABSENT: &[&str] = &[
    "ListTagsForDeliveryStream",
    "StartDeliveryStreamEncryption",
    "StopDeliveryStreamEncryption",
    "TagDeliveryStream",
    "UntagDeliveryStream",
    "UpdateDestination",
];

/// The table of the door.
pub(crate) fn table() -> Operations<Firehose> {
    Operations::new()
        .typed("CreateDeliveryStream", create_delivery_stream::run)
        .typed("DeleteDeliveryStream", delete_delivery_stream::run)
        .typed("DescribeDeliveryStream", describe_delivery_stream::run)
        .typed("ListDeliveryStreams", list_delivery_streams::run)
        .raw("PutRecord", put_record::run)
        .raw("PutRecordBatch", put_record_batch::run)
        .absent(ABSENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_of_every_operation_what_the_table_does() {
        assert_eq!(table().told_wrongly(include_str!("../README.md")), Vec::<String>::new());
        assert_eq!(table().told_wrongly("").len(), 12);
    }
}
