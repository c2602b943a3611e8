//! Faults of delivery streams, in the words of Data Firehose.
//!
//! Source: Firehose API Reference, "Errors" of each operation; the texts are observed ones where clients are known to
//! read them.

use ::firehose::error::{ChangeError, CreateError, DeleteError, PutError, RecipeError, ReplayError, UpdateError};
use ::firehose::schema::{TableLookupError, TableSchemaError};
use shard_store::error::{AppendError, KeyError};
use shard_store::stream::StreamKey;

use super::{Code, Fault};

/// There is no such delivery stream.
pub fn not_found(account: &str, name: &str) -> Fault {
    Fault::new(Code::ResourceNotFound, format!("Firehose {name} under account {account} not found."))
}

impl From<CreateError> for Fault {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::AlreadyExists { key: StreamKey { account, name, .. } } => {
                Self::new(Code::ResourceInUse, format!("Firehose {name} under accountId {account} already exists"))
            }
            CreateError::TooMany { account, region, limit } => Self::new(
                Code::LimitExceeded,
                format!(
                    "You have already consumed your firehose quota of {limit} hoses in {region}. Account {account}."
                ),
            ),
            CreateError::SourceNotFound { key: StreamKey { account, region, name } } => Self::new(
                Code::InvalidArgument,
                format!("KinesisStreamARN: stream {name} under account {account} in {region} not found."),
            ),
            CreateError::StartsLater => {
                Self::new(Code::InvalidArgument, "ReadFromTimestamp must not lie in the future.")
            }
            CreateError::ClusterNotFound { cluster } => Self::new(
                Code::InvalidArgument,
                format!(
                    "MSKSourceConfiguration: cluster {cluster} not found. Give its address under \
                     `[kafka.clusters.\"{cluster}\"]` in the server's configuration."
                ),
            ),
            CreateError::Table { name, error } => table_fault(&name, &error),
            CreateError::Recipe(error) => recipe_fault(&error),
            CreateError::Catalog(error) => Self::internal(error),
        }
    }
}

impl From<UpdateError> for Fault {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::NotFound { key } => not_found(&key.account, &key.name),
            UpdateError::Version { key, version } => Self::new(
                Code::ConcurrentModification,
                format!("Firehose {} was changed meanwhile; its current version id is {version}.", key.name),
            ),
            UpdateError::Table { name, error } => table_fault(&name, &error),
            UpdateError::Recipe(error) => recipe_fault(&error),
            UpdateError::Catalog(error) => Self::internal(error),
        }
    }
}

/// An update was meant for another version of a delivery stream.
pub fn wrong_version(name: &str, version: u32, asked: &str) -> Fault {
    Fault::new(
        Code::ConcurrentModification,
        format!(
            "Cannot update firehose: {name} since the current version id: {version} and specified version id: {asked} do \
             not match"
        ),
    )
}

/// The destination cannot be used as it is configured.
fn recipe_fault(error: &RecipeError) -> Fault {
    match error {
        RecipeError::Prefix(_)
        | RecipeError::Processor(_)
        | RecipeError::TimestampFormat(_)
        | RecipeError::Endpoint { .. } => Fault::new(Code::InvalidArgument, format!("{error}.")),
    }
}

/// The table of a SchemaConfiguration cannot be used. AWS passes on what Glue answers.
fn table_fault(name: &str, error: &TableSchemaError) -> Fault {
    match error {
        TableSchemaError::Lookup(TableLookupError::Catalog(error)) => Fault::internal(error),
        TableSchemaError::Lookup(not_found) => Fault::new(
            Code::InvalidArgument,
            format!(
                "SchemaConfiguration: {not_found} Create it with the Glue operation CreateTable, give its columns under \
                 `[firehose.tables.\"{name}\"]` in the server's configuration, or leave SchemaConfiguration out to have \
                 them inferred."
            ),
        ),
        TableSchemaError::Columns(error) => {
            Fault::new(Code::InvalidArgument, format!("SchemaConfiguration: table {name}: {error}."))
        }
    }
}

impl From<ChangeError> for Fault {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound { key } => not_found(&key.account, &key.name),
            ChangeError::NotDirectPut { .. } => not_direct_put(),
            ChangeError::TooManyTags { key, limit } => Self::new(
                Code::LimitExceeded,
                format!("Firehose {} under account {} may have {limit} tags at most.", key.name, key.account),
            ),
            ChangeError::Catalog(error) => Self::internal(error),
        }
    }
}

/// The fault of encryption for a delivery stream that keeps no records of its own.
pub fn not_direct_put() -> Fault {
    Fault::new(
        Code::InvalidArgument,
        "Server side encryption from firehose is only allowed for direct put delivery streams and database as a source \
         delivery streams",
    )
}

/// The fault of a key that cannot be used. The reason of a failure of the server is for the door to log.
pub fn key_fault(error: &KeyError) -> Fault {
    match error {
        KeyError::NotFound { .. } => Fault::new(Code::InvalidKmsResource, error.to_string()),
        KeyError::AliasInUse { .. } | KeyError::Unreadable { .. } | KeyError::NoRandomness | KeyError::Storage(_) => {
            Fault::internal(error)
        }
    }
}

impl From<ReplayError> for Fault {
    /// An operation of ours, so the texts are too.
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::NotFound { key } => not_found(&key.account, &key.name),
            ReplayError::Sequence { number, .. } => Self::new(
                Code::InvalidArgument,
                format!("SequenceNumber {number} is of no record that the source of the Firehose has."),
            ),
            ReplayError::Nothing { .. } => Self::new(
                Code::InvalidArgument,
                "The source of the Firehose keeps no record from there on that was delivered already.",
            ),
            ReplayError::Read { .. } => Self::internal(error),
            ReplayError::Catalog(error) => Self::internal(error),
        }
    }
}

impl From<DeleteError> for Fault {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::NotFound { key } => not_found(&key.account, &key.name),
            DeleteError::Catalog(error) => Self::internal(error),
            DeleteError::Storage(error) => Self::internal(error),
        }
    }
}

/// The fault of records that were not put. The reason of a failure of the server is for the door to log.
pub fn put_fault(error: &PutError) -> Fault {
    match error {
        PutError::NotDirectPut { is_topic, .. } => {
            let kind = if *is_topic { "MSKAsSource" } else { "KinesisStreamAsSource" };
            Fault::new(
                Code::InvalidArgument,
                format!("This operation is not permitted on {kind} delivery stream type."),
            )
        }
        PutError::Throttled { .. } => Fault::new(Code::DeliveryUnavailable, "Slow down."),
        // Nothing but its deletion seals the log of a delivery stream.
        PutError::Append(AppendError::Sealed) => {
            Fault::new(Code::ResourceNotFound, "The Firehose was deleted meanwhile.")
        }
        PutError::Append(AppendError::TooLarge { byte_count_max, .. }) => Fault::new(
            Code::InvalidArgument,
            format!(
                "The records take more than the {byte_count_max} bytes that fit one segment of this server. Send fewer \
                 at once, or raise `segment-size` under `[store]` in its configuration."
            ),
        ),
        PutError::Append(AppendError::Malformed(malformed)) => Fault::new(Code::Serialization, malformed.to_string()),
        PutError::Append(AppendError::Storage(error)) if error.is_full() => {
            Fault::new(Code::InternalFailure, "The server's disk is full. Free some space and send the record again.")
        }
        PutError::Append(AppendError::Key(error)) => key_fault(error),
        PutError::Append(AppendError::Storage(_) | AppendError::Fenced { .. }) => {
            Fault::new(Code::InternalFailure, "The server could not store the record. Its log says why.")
        }
    }
}

#[cfg(test)]
mod tests {
    use shard_store::error::CatalogError;

    use super::*;

    #[test]
    fn each_error_has_its_code() {
        let key = StreamKey::new("123456789012", "us-east-1", "clicks");
        let catalog = CatalogError::Storage { reason: "x".to_owned() };
        let missing = TableLookupError::TableNotFound { table: "b".to_owned() };
        let missing = CreateError::Table { name: "a.b".to_owned(), error: missing.into() };
        let faults = [
            (CreateError::AlreadyExists { key: key.clone() }.into(), Code::ResourceInUse, "clicks"),
            (CreateError::SourceNotFound { key: key.clone() }.into(), Code::InvalidArgument, "KinesisStreamARN"),
            (missing.into(), Code::InvalidArgument, "Table b not found."),
            (CreateError::Catalog(catalog).into(), Code::InternalFailure, "unknown error"),
            (DeleteError::NotFound { key: key.clone() }.into(), Code::ResourceNotFound, "123456789012"),
            (UpdateError::NotFound { key: key.clone() }.into(), Code::ResourceNotFound, "123456789012"),
            (
                UpdateError::Version { key: key.clone(), version: 7 }.into(),
                Code::ConcurrentModification,
                "version id is 7",
            ),
            (wrong_version("clicks", 7, "6"), Code::ConcurrentModification, "specified version id: 6"),
            (ChangeError::NotFound { key: key.clone() }.into(), Code::ResourceNotFound, "123456789012"),
            (ChangeError::NotDirectPut { key: key.clone() }.into(), Code::InvalidArgument, "direct put"),
            (ChangeError::TooManyTags { key: key.clone(), limit: 50 }.into(), Code::LimitExceeded, "50 tags"),
            (key_fault(&KeyError::NotFound { name: "k".to_owned() }), Code::InvalidKmsResource, "no key k"),
            (
                put_fault(&PutError::NotDirectPut { key: key.clone(), is_topic: false }),
                Code::InvalidArgument,
                "KinesisStreamAsSource",
            ),
            (
                put_fault(&PutError::NotDirectPut { key: key.clone(), is_topic: true }),
                Code::InvalidArgument,
                "MSKAsSource",
            ),
            (ReplayError::Nothing { key: key.clone() }.into(), Code::InvalidArgument, "from there on"),
            (ReplayError::NotFound { key: key.clone() }.into(), Code::ResourceNotFound, "123456789012"),
            (put_fault(&PutError::Throttled { key }), Code::DeliveryUnavailable, "Slow down."),
        ];
        for (fault, code, text) in faults {
            let fault: Fault = fault;
            assert_eq!(fault.code(), code);
            assert!(fault.message().contains(text), "{fault}");
        }
    }
}
