//! What `PutRecord` and `PutRecordBatch` share: the shape of a record, and its checks.

use std::fmt::Display;

use firehose::DeliveryStream;
use firehose::error::PutError;
use firehose::limits::RECORD_BYTES_MAX;
use ingest_core::fault::firehose::put_fault;
use ingest_core::records::Data;
use ingest_core::{Code, Fault, Validator};
use serde::Deserialize;
use shard_store::log::{NewRecord, Payload};

/// `Record`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

impl Record<'_> {
    /// Checks that the data can be decoded.
    ///
    /// # Errors
    /// `SerializationException`, naming `path`.
    pub(crate) fn check_base64(&self, path: impl Display) -> Result<(), Fault> {
        self.data.as_ref().map_or(Ok(()), |data| data.check(format_args!("{path}.Data")))
    }

    /// Puts the model's constraints upon the members; `path` stands before their names.
    pub(crate) fn validate(&self, validator: &mut Validator, path: impl Display) {
        let data = self.data.as_ref().map(Data::blob);
        validator.member(format_args!("{path}.data"), data).required().length(0, RECORD_BYTES_MAX);
    }

    /// The record of a valid shape.
    pub(crate) fn new_record(&self) -> NewRecord<'_> {
        // The validator has refused a record without data.
        let data: &dyn Payload = match &self.data {
            Some(data) => data,
            None => &NO_DATA,
        };
        NewRecord { partition_key: "", explicit_hash_key: None, data }
    }
}

const NO_DATA: &[u8] = &[];

/// The fault of records that were not put. What the server failed at is logged.
pub(crate) fn fault(stream: &DeliveryStream, error: &PutError) -> Fault {
    let fault = put_fault(error);
    if fault.code() == Code::InternalFailure {
        tracing::error!(delivery_stream = %stream.definition().key, %error, "records could not be stored");
    }
    fault
}
