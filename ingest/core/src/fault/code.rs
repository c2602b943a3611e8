//! [`Code`], the table.

/// An AWS error code. The row behind each is in [`Code::name`] and [`Code::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    // Common to all services.
    // Source: Kinesis Data Streams API Reference, "Common Errors"; the JSON services append "Exception" to the names.
    /// The caller may not do this.
    AccessDenied,
    /// The request is not signed as it must be: the header or the date is malformed.
    IncompleteSignature,
    /// The server failed.
    InternalFailure,
    /// The signature does not fit the request.
    InvalidSignature,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// The body is larger than the server takes.
    RequestEntityTooLarge,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is not what the operation takes.
    Serialization,
    /// The server cannot take the request now.
    ServiceUnavailable,
    /// There is no such operation.
    UnknownOperation,
    /// The access key is unknown.
    UnrecognizedClient,
    /// The operation exists in AWS, but not here.
    UnsupportedOperation,
    /// A member does not keep to its constraints.
    Validation,

    // Source: Kinesis Data Streams API Reference and Data Firehose API Reference, "Errors" of each operation.
    /// The resource is in a state in which this cannot be done, or exists already.
    ResourceInUse,
    /// There is no such resource.
    ResourceNotFound,
    /// A member's value is not acceptable, or does not fit the others.
    InvalidArgument,
    /// There are too many resources, or the operation is called too often.
    LimitExceeded,

    // Source: Kinesis Data Streams API Reference, "PutRecord", "GetRecords", "ListShards".
    /// A shard iterator is older than five minutes.
    ExpiredIterator,
    /// A `NextToken` is older than five minutes.
    ExpiredNextToken,
    /// A shard, or an operation on it, is over its rate.
    ProvisionedThroughputExceeded,

    // Source: Kinesis Data Streams API Reference, "StartStreamEncryption", "PutRecord", "GetRecords".
    /// There is no such key, or no such version of it.
    KmsNotFound,

    // Source: Data Firehose API Reference, "PutRecord", "PutRecordBatch".
    /// The delivery stream is over its rate.
    DeliveryUnavailable,

    // Source: Data Firehose API Reference, "UpdateDestination", "StartDeliveryStreamEncryption".
    /// Somebody else has changed the resource meanwhile.
    ConcurrentModification,
    /// There is no such key, or it cannot be used.
    InvalidKmsResource,

    // Source: Glue Web API Reference, "Errors" of each operation.
    /// There is one of this name.
    AlreadyExists,
    /// There is no such database, table or version.
    EntityNotFound,
    /// A member's value is not acceptable.
    InvalidInput,
    /// There are as many as there may be.
    ResourceNumberLimitExceeded,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 28] = [
        Self::AccessDenied,
        Self::IncompleteSignature,
        Self::InternalFailure,
        Self::InvalidSignature,
        Self::MissingAuthenticationToken,
        Self::RequestEntityTooLarge,
        Self::RequestTimeout,
        Self::Serialization,
        Self::ServiceUnavailable,
        Self::UnknownOperation,
        Self::UnrecognizedClient,
        Self::UnsupportedOperation,
        Self::Validation,
        Self::ResourceInUse,
        Self::ResourceNotFound,
        Self::InvalidArgument,
        Self::LimitExceeded,
        Self::ExpiredIterator,
        Self::ExpiredNextToken,
        Self::ProvisionedThroughputExceeded,
        Self::KmsNotFound,
        Self::DeliveryUnavailable,
        Self::ConcurrentModification,
        Self::InvalidKmsResource,
        Self::AlreadyExists,
        Self::EntityNotFound,
        Self::InvalidInput,
        Self::ResourceNumberLimitExceeded,
    ];

    /// The code as it stands in `__type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::InternalFailure => "InternalFailure",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::RequestEntityTooLarge => "RequestEntityTooLargeException",
            Self::RequestTimeout => "RequestTimeoutException",
            Self::Serialization => "SerializationException",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::UnknownOperation => "UnknownOperationException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::UnsupportedOperation => "UnsupportedOperationException",
            Self::Validation => "ValidationException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::LimitExceeded => "LimitExceededException",
            Self::ExpiredIterator => "ExpiredIteratorException",
            Self::ExpiredNextToken => "ExpiredNextTokenException",
            Self::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Self::KmsNotFound => "KMSNotFoundException",
            Self::DeliveryUnavailable => "ServiceUnavailableException",
            Self::ConcurrentModification => "ConcurrentModificationException",
            Self::InvalidKmsResource => "InvalidKMSResourceException",
            Self::AlreadyExists => "AlreadyExistsException",
            Self::EntityNotFound => "EntityNotFoundException",
            Self::InvalidInput => "InvalidInputException",
            Self::ResourceNumberLimitExceeded => "ResourceNumberLimitExceededException",
        }
    }

    /// The HTTP status.
    ///
    /// The JSON services answer 400 where the query and REST services answer 403 or 404.
    pub const fn status(self) -> u16 {
        match self {
            Self::AccessDenied
            | Self::IncompleteSignature
            | Self::InvalidSignature
            | Self::MissingAuthenticationToken
            | Self::Serialization
            | Self::UnknownOperation
            | Self::UnrecognizedClient
            | Self::UnsupportedOperation
            | Self::Validation
            | Self::ResourceInUse
            | Self::ResourceNotFound
            | Self::InvalidArgument
            | Self::LimitExceeded
            | Self::ExpiredIterator
            | Self::ExpiredNextToken
            | Self::ProvisionedThroughputExceeded
            | Self::KmsNotFound
            | Self::ConcurrentModification
            | Self::InvalidKmsResource
            | Self::AlreadyExists
            | Self::EntityNotFound
            | Self::InvalidInput
            | Self::ResourceNumberLimitExceeded => 400,
            Self::RequestTimeout => 408,
            Self::RequestEntityTooLarge => 413,
            Self::InternalFailure | Self::DeliveryUnavailable => 500,
            Self::ServiceUnavailable => 503,
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::InternalFailure
                | Self::RequestTimeout
                | Self::ServiceUnavailable
                | Self::LimitExceeded
                | Self::ProvisionedThroughputExceeded
                | Self::DeliveryUnavailable
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_a_status_of_its_family() {
        let mut names = HashSet::new();
        for code in Code::ALL {
            assert!(names.insert(code.name()), "{} is there twice", code.name());
            assert!((400..600).contains(&code.status()), "{}", code.name());
            // A client that is told of a server's failure tries again; one that is told of its own mistake must not,
            // but where the mistake is to ask too often.
            assert!(code.status() < 500 || code.is_retryable(), "{}", code.name());
        }
    }

    #[test]
    fn codes_and_statuses_are_those_that_clients_act_upon() {
        let rows = [
            (Code::ProvisionedThroughputExceeded, "ProvisionedThroughputExceededException", 400),
            (Code::ResourceNotFound, "ResourceNotFoundException", 400),
            (Code::Validation, "ValidationException", 400),
            (Code::Serialization, "SerializationException", 400),
            (Code::UnrecognizedClient, "UnrecognizedClientException", 400),
            (Code::InternalFailure, "InternalFailure", 500),
            (Code::DeliveryUnavailable, "ServiceUnavailableException", 500),
            (Code::RequestEntityTooLarge, "RequestEntityTooLargeException", 413),
        ];
        for (code, name, status) in rows {
            assert_eq!((code.name(), code.status()), (name, status));
        }
    }
}
