//! Faults of queues, in the words of Kinesis Data Streams.
//!
//! Source: Kinesis Data Streams API Reference, "Errors" of each operation, and "AcknowledgeQueueRecordsErrorEntry".

use shard_store::error::AppendError;
use shard_store::queue::error::{DeliveryError, QueueError, ReceiptError};
use shard_store::queue::state::Refusal;
use shard_store::stream::error::{GetError, PositionError};
use shard_store::stream::{ShardNumber, StreamKey};

use super::{Code, Fault, kinesis};

/// There is no such queue.
pub fn not_found(id: &str) -> Fault {
    Fault::new(Code::ResourceNotFound, format!("Queue {id} not found."))
}

/// The fault of a queue of `stream` that was not created, changed or deleted.
pub fn change(stream: &StreamKey, error: QueueError) -> Fault {
    match error {
        QueueError::NotFound { id } => not_found(&id),
        QueueError::AlreadyExists { name } => {
            Fault::new(Code::ResourceInUse, format!("Queue {name} under account {} already exists.", stream.account))
        }
        QueueError::NotOnDemand { key } => Fault::new(
            Code::Validation,
            format!(
                "Queues are only supported for data streams with the on-demand capacity mode. Stream {} under \
                     account {} is provisioned.",
                key.name, key.account
            ),
        ),
        QueueError::TooManyTags { name, tags_max } => Fault::new(
            Code::InvalidArgument,
            format!("Queue {name} cannot have more than {tags_max} tags associated with it."),
        ),
        QueueError::Position(error @ PositionError::InFuture { .. }) => {
            kinesis::position(stream, ShardNumber(0), "", error)
        }
        QueueError::Position(error) => Fault::internal(error),
        QueueError::Stream(error) => error.into(),
    }
}

/// The fault of a call to a queue of `stream` that received or changed nothing.
pub fn delivery(stream: &StreamKey, error: DeliveryError) -> Fault {
    match error {
        DeliveryError::NotFound { id } => not_found(&id),
        DeliveryError::Read(error) => kinesis::get(stream, GetError::Read(error)),
        DeliveryError::Append(AppendError::Storage(error)) if error.is_full() => {
            Fault::new(Code::InternalFailure, "The server's disk is full. Free some space and try again.")
        }
        DeliveryError::Append(error) => Fault::internal(error),
    }
}

/// What an entry of a batch is told of a receipt handle that was refused: a code and a sentence.
///
/// AWS documents the codes of entries, and not which of them an old handle gets: one whose record is no longer there gets
/// `ResourceNotFoundException`, any other `InvalidArgumentException`.
pub fn receipt(error: &ReceiptError) -> Fault {
    let invalid = |message: &'static str| Fault::new(Code::InvalidArgument, message);
    match error {
        ReceiptError::Foreign => invalid("The receipt handle is not one of this queue."),
        ReceiptError::Refused(Refusal::Gone) => {
            Fault::new(Code::ResourceNotFound, "The record was acknowledged before, or its retention period has ended.")
        }
        ReceiptError::Refused(Refusal::Stale) => {
            invalid("The receipt handle is no longer valid: the record was made visible or received again since.")
        }
        ReceiptError::Refused(Refusal::Dead) => {
            invalid("The record has become a dead-letter record. Use the operations for dead-letter records.")
        }
        ReceiptError::Refused(Refusal::Alive) => invalid("The record is not a dead-letter record."),
    }
}

#[cfg(test)]
mod tests {
    use shard_store::stream::error::ChangeError;

    use super::*;

    #[test]
    fn each_error_has_its_code() {
        let clicks = || StreamKey::new("000000000000", "us-east-1", "clicks");
        let changes = [
            (QueueError::NotFound { id: "1".to_owned() }, Code::ResourceNotFound),
            (QueueError::AlreadyExists { name: "work".to_owned() }, Code::ResourceInUse),
            (QueueError::NotOnDemand { key: clicks() }, Code::Validation),
            (QueueError::TooManyTags { name: "work".to_owned(), tags_max: 50 }, Code::InvalidArgument),
            (QueueError::Position(PositionError::InFuture { timestamp_ms: 2, now_ms: 1 }), Code::InvalidArgument),
            (QueueError::Stream(ChangeError::NotFound { key: clicks() }), Code::ResourceNotFound),
        ];
        for (error, code) in changes {
            assert_eq!(change(&clicks(), error).code(), code);
        }
        assert_eq!(delivery(&clicks(), DeliveryError::NotFound { id: "1".to_owned() }).code(), Code::ResourceNotFound);
        let sealed = DeliveryError::Append(AppendError::Sealed);
        assert_eq!(delivery(&clicks(), sealed).code(), Code::InternalFailure);
        let entries = [
            (ReceiptError::Foreign, Code::InvalidArgument),
            (ReceiptError::Refused(Refusal::Gone), Code::ResourceNotFound),
            (ReceiptError::Refused(Refusal::Stale), Code::InvalidArgument),
            (ReceiptError::Refused(Refusal::Dead), Code::InvalidArgument),
            (ReceiptError::Refused(Refusal::Alive), Code::InvalidArgument),
        ];
        for (error, code) in entries {
            assert_eq!(receipt(&error).code(), code);
        }
    }
}
