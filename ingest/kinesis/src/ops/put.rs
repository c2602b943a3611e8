//! What `PutRecord` and `PutRecords` share: the shape of a record, and the checks of one.

use std::fmt::Display;

use ingest_core::fault::kinesis;
use ingest_core::records::Data;
use ingest_core::{Code, Fault, Validator};
use serde::Deserialize;
use shard_store::log::{NewRecord, Payload};
use shard_store::stream::error::PutError;
use shard_store::stream::{HashKey, RecordDistribution, Stream};

use crate::limits::{DATA_BYTES_MAX, PARTITION_KEY_CHARS_MAX};
use crate::text::Text;
use crate::validate::HASH_KEY;

/// The members of a request that make a record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entry<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
}

impl<'a> Entry<'a> {
    /// The record that `PutRecord`'s own members make.
    pub(crate) fn new(
        data: Option<Data<'a>>,
        partition_key: Option<Text<'a>>,
        explicit_hash_key: Option<Text<'a>>,
    ) -> Self {
        Self { data, partition_key, explicit_hash_key }
    }

    /// Checks that the data can be decoded.
    ///
    /// # Errors
    /// `SerializationException`, naming `path`.
    pub(crate) fn check_base64(&self, path: impl Display) -> Result<(), Fault> {
        self.data.as_ref().map_or(Ok(()), |data| data.check(format_args!("{path}Data")))
    }

    /// Whether it has a partition key.
    pub(crate) fn has_key(&self) -> bool {
        self.partition_key.is_some()
    }

    /// Puts the model's constraints upon the members; `path` stands before their names.
    pub(crate) fn validate(&self, validator: &mut Validator, path: impl Display, is_key_required: bool) {
        let key = self.partition_key.as_deref();
        if is_key_required {
            validator.member(format_args!("{path}partitionKey"), key).required();
        }
        validator.member(format_args!("{path}partitionKey"), key).length(1, PARTITION_KEY_CHARS_MAX);
        let data = self.data.as_ref().map(Data::blob);
        validator.member(format_args!("{path}data"), data).required().length(0, DATA_BYTES_MAX);
        validator.member(format_args!("{path}explicitHashKey"), self.explicit_hash_key.as_deref()).pattern(HASH_KEY);
    }

    /// The record of a valid entry, if it fits `stream`.
    ///
    /// # Errors
    /// `InvalidArgumentException` for a hash key beyond the key space, `ValidationException` for a record larger than
    /// the stream takes; `path` stands before the names of members.
    pub(crate) fn record(&self, stream: &Stream, path: impl Display) -> Result<NewRecord<'_>, Fault> {
        // Where the service distributes the records, it ignores the keys, and whether they are there.
        let is_auto = stream.distribution() == RecordDistribution::Auto;
        let key = self.partition_key.as_deref().or(is_auto.then_some(""));
        // The validator has seen both, unless the stream was changed in this very moment.
        let (Some(data), Some(key)) = (&self.data, key) else {
            return Err(Fault::new(Code::Validation, format!("{path}data and {path}partitionKey must not be null")));
        };
        let record_bytes_max = stream.record_bytes_max();
        if (data.byte_count() + key.len()) as u64 > record_bytes_max {
            return Err(too_large(path, data.byte_count() as u64, record_bytes_max));
        }
        let explicit_hash_key = self.explicit_hash_key.as_deref().filter(|_| !is_auto).map(hash_key).transpose()?;
        Ok(NewRecord { partition_key: key, explicit_hash_key, data })
    }
}

#[cold]
fn too_large(path: impl Display, data_bytes: u64, record_bytes_max: u64) -> Fault {
    let message = if data_bytes > record_bytes_max {
        format!(
            "1 validation error detected: Value at '{path}data' failed to satisfy constraint: Member must have length \
             less than or equal to {record_bytes_max}"
        )
    } else {
        format!("{path}data and {path}partitionKey together take more than the {record_bytes_max} bytes of a record")
    };
    Fault::new(Code::Validation, message)
}

fn hash_key(text: &str) -> Result<u128, Fault> {
    text.parse().map(|HashKey(key)| key).map_err(|_| {
        let message = format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        );
        Fault::new(Code::InvalidArgument, message)
    })
}

/// The bytes of a record that count against limits.
pub(crate) fn counted_bytes(record: &NewRecord<'_>) -> usize {
    record.data.byte_count() + record.partition_key.len()
}

/// The fault of a record that was not stored. What the server failed at is logged.
pub(crate) fn put_fault(stream: &Stream, error: &PutError) -> Fault {
    let fault = kinesis::put(stream.key(), error);
    if fault.code() == Code::InternalFailure {
        tracing::error!(stream = %stream.key(), %error, "records could not be stored");
    }
    fault
}
