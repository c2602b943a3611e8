//! Dynamic partitioning: what it asks of the other members of an S3 destination.
//!
//! Source: Firehose Developer Guide, "Partition streaming data in Amazon Data Firehose"; the refusals are in the words that
//! AWS was observed to use. AWS asks for an interval of 60 seconds at least; here any but zero will do.

use firehose::definition::{Destination, Endpoint, Processor};
use firehose::limits::CONVERSION_BUFFER_MIB_MIN;
use ingest_core::Fault;

use super::invalid;

const FROM_QUERY: &str = "!{partitionKeyFromQuery:";
const FROM_LAMBDA: &str = "!{partitionKeyFromLambda:";
/// Ours, beyond AWS.
const FROM_COLUMN: &str = "!{partitionKeyFromColumn:";
/// Ours, beyond AWS.
const EVENT_TIME: &str = "!{event-time:";

/// Checks that the prefixes, the buffer and the processors of a destination go with its being partitioned or not.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn check(destination: &Destination) -> Result<(), Fault> {
    let has = |namespace: &str| destination.prefix.contains(namespace);
    let namespaces = [FROM_QUERY, FROM_LAMBDA, FROM_COLUMN, EVENT_TIME];
    if namespaces.iter().any(|namespace| destination.error_prefix.contains(namespace)) {
        return Err(invalid("Dynamic Partitioning Namespaces can't be part of an error prefix expression"));
    }
    let has_query = destination.processors.iter().any(|step| matches!(step, Processor::MetadataExtraction { .. }));
    let has_lambda = destination.processors.iter().any(|step| matches!(step, Processor::Lambda(_)));
    let refusal = if !destination.is_partitioned {
        if namespaces.into_iter().any(has) {
            "Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled."
        } else if has_query && !matches!(destination.endpoint, Some(Endpoint::Iceberg(_))) {
            "class com.amazonaws.services.firehose.internal.model.MetadataExtractionProcessor can only be present when \
             Dynamic Partitioning is enabled."
        } else {
            return Ok(());
        }
    } else if destination.buffer.size_mib < CONVERSION_BUFFER_MIB_MIN {
        "BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled."
    } else if destination.buffer.interval_seconds == 0 {
        "BufferingHints.IntervalInSeconds must not be 0 when Dynamic Partitioning is enabled."
    } else if (has(FROM_QUERY) || has(FROM_LAMBDA)) && destination.processors.is_empty() {
        "Processing Configuration is not enabled when DataPartitioning is enabled"
    } else if !namespaces.into_iter().any(has) {
        "S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled"
    } else if has(FROM_QUERY) && !has_query {
        "MetadataExtraction processor should be present when S3 Prefix has partitionKeyFromQuery namespace"
    } else if has(FROM_LAMBDA) && !has_lambda {
        "Lambda should be present when S3 Prefix contains keys from partitionKeyFromLambda namespace"
    } else {
        return Ok(());
    };
    Err(invalid(refusal))
}
