//! What `PutRecord` and `PutRecordBatch` share: the shape of a record, and its checks.

use std::fmt::Display;

use firehose::DeliveryStream;
use firehose::error::PutError;
use firehose::limits::RECORD_BYTES_MAX;
use ingest_core::fault::firehose::put_fault;
use ingest_core::{Code, Fault, Validator};
use ingest_wire::{Blob, InvalidBase64};
use serde::Deserialize;
use shard_store::log::{Malformed, NewRecord, Payload};

/// Data that is decoded straight into the log.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Data<'a>(#[serde(borrow)] Blob<'a>);

impl Payload for Data<'_> {
    fn byte_count(&self) -> usize {
        self.0.byte_count()
    }

    fn copy_into(&self, destination: &mut [u8]) -> Result<(), Malformed> {
        self.0.decode_into(destination).map_err(|InvalidBase64| Malformed)
    }
}

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
        let Some(Data(blob)) = &self.data else { return Ok(()) };
        blob.check().map_err(|error| Fault::new(Code::Serialization, format!("{path}.Data: {error}")))
    }

    /// Puts the model's constraints upon the members; `path` stands before their names.
    pub(crate) fn validate(&self, validator: &mut Validator, path: impl Display) {
        let data = self.data.as_ref().map(|Data(blob)| blob);
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
